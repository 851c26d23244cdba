// Shows what the back camera sees, and sends it to the computer that showed the code while that asks for it.
// No sound is taken and nothing is kept.

import { allowed, keepAwake, post, say, whenTouched } from "./link.js";

const WANTED = { facingMode: { ideal: "environment" }, width: { ideal: 960 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SIDE_PX = 640;        // of what is sent, at most
const QUALITY = 0.8;        // of JPEG, 0 to 1
const MOST_ON_THE_WAY = 2;  // more, and the network is slower than the camera: then pictures are left out
const BEAT_MS = 300;
const SEES_MS = 2000;       // without a picture of its own for so long the camera sees nothing
const LATE_MS = 1000;       // no camera's picture is older when the browser hands it out
const UPRIGHT = 0.6;        // of gravity lies in the screen: else the phone lies flat, and no side of it is up

const video = document.querySelector("video");
const canvas = document.createElement("canvas");
const paper = canvas.getContext("2d");
const light = document.getElementById("light");

let key = null;
let wanted = false;
let onTheWay = 0;
let skipped = 0;
let saw = -Infinity;
let trip = null;
let looking = 0;            // handle of the wait for the next picture
let upSide = null;          // which side of the phone is up: 0 its top, 90 its right edge, 180, 270

function turned(event) {
  if (typeof event.beta !== "number" || typeof event.gamma !== "number") return;
  const beta = (event.beta * Math.PI) / 180;
  const gamma = (event.gamma * Math.PI) / 180;
  const [x, y] = [-Math.cos(beta) * Math.sin(gamma), Math.sin(beta)];
  if (Math.hypot(x, y) < UPRIGHT) return;
  const up = (Math.atan2(x, y) * 180) / Math.PI;
  const side = ((Math.round(up / 90) * 90) + 360) % 360;
  if (upSide === null || Math.abs(((up - side + 540) % 360) - 180) < 35) upSide = side;
}

/** By how much a picture is still to be turned, degrees clockwise. Browsers turn it with the screen; where the
 *  screen is locked, a phone on its side gives a picture on its side, and that has the wrong shape. */
function turn(width, height) {
  const off = upSide === null ? 0 : (upSide - (screen.orientation?.angle ?? 0) + 360) % 360;
  const onItsSide = upSide === 90 || upSide === 270;
  return off % 180 !== 0 && onItsSide !== width > height ? 360 - off : 0;
}

async function picture(now, about) {
  looking = video.requestVideoFrameCallback(picture);
  saw = performance.now();
  if (!wanted) return;
  if (onTheWay >= MOST_ON_THE_WAY) { skipped += 1; return; }
  const taken = about.captureTime > now - LATE_MS && about.captureTime <= saw ? about.captureTime : now;
  const share = Math.min(1, SIDE_PX / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * share);
  canvas.height = Math.round(video.videoHeight * share);
  paper.drawImage(video, 0, 0, canvas.width, canvas.height);
  const told = [Number(taken.toFixed(2)), turn(canvas.width, canvas.height), Math.min(skipped, 1000)];
  skipped = 0;
  onTheWay += 1;
  try {
    const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    if (jpeg) wanted = (await post("/api/picture", jpeg, { ...key, "x-picture": JSON.stringify(told) })).wanted;
  } catch { /* the beat notices */ } finally {
    onTheWay -= 1;
  }
}

async function beat() {
  const sent = performance.now();
  try {
    const answer = await post("/api/beat", { sees: sent - saw < SEES_MS, trip }, key);
    trip = [sent, answer.answered, performance.now()];
    wanted = answer.wanted;
    return true;
  } catch (error) {
    trip = null;
    if (error.refused) throw error;
    return false;
  }
}

async function send() {
  let missed = 0;
  for (;;) {
    missed = (await beat()) ? 0 : missed + 1;
    if (missed > 3) say("lost");
    else if (performance.now() - saw > SEES_MS) say("blind");
    else say(wanted ? "sending" : "ready");
    await new Promise((done) => setTimeout(done, BEAT_MS));
  }
}

function offerLight(track) {
  light.hidden = !track.getCapabilities?.().torch;
  let on = false;
  light.onclick = async () => {
    try {
      await track.applyConstraints({ advanced: [{ torch: !on }] });
      on = !on;
    } catch {
      light.hidden = true;
    }
  };
}

whenTouched(async (entered) => {
  if (!navigator.mediaDevices?.getUserMedia || !video.requestVideoFrameCallback) return "no_camera";
  let stream;
  try {
    // Both at once: each has to be asked for by the touch itself. Without gravity the picture is sent as it is.
    const felt = allowed(window.DeviceOrientationEvent).catch(() => false);
    stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
    if (await felt) window.addEventListener("deviceorientation", turned);
  } catch (error) {
    return error.name === "NotAllowedError" ? "not_allowed" : "no_camera";
  }
  try {
    video.srcObject = stream;
    document.body.classList.add("sending");
    say("connecting");
    await video.play();
    offerLight(stream.getVideoTracks()[0]);
    looking = video.requestVideoFrameCallback(picture);
    key = await entered;
    keepAwake();
    return await send();
  } finally {
    video.cancelVideoFrameCallback(looking);
    for (const track of stream.getTracks()) track.stop();
    wanted = false;
  }
});
