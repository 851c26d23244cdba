// Feels how the phone is turned and sends it to the computer that showed the code. Nothing else is asked or kept.

import { allowed, keepAwake, post, say, whenTouched } from "./link.js";

const EVERY_MS = 100;
const KEPT_MS = 2000;    // what could not be sent
const FELT_MS = 3000;    // until the first sample
const MOST_ROWS = 600;
const AGAIN_MS = 15;     // a second row so soon after another one says nothing new

let rows = [];
let rate = [null, null, null];
let held = null;         // beta and gamma
let last = 0;
let trip = null;
let felt = 0;

const round = (x, n) => (typeof x === "number" && Number.isFinite(x) ? Number(x.toFixed(n)) : null);

function note() {
  last = performance.now();
  felt += 1;
  rows.push([round(last, 2), ...held, ...rate]);
  if (rows.length > MOST_ROWS) rows = rows.slice(-MOST_ROWS);
}

function turned(event) {
  if (typeof event.beta !== "number" || typeof event.gamma !== "number") return;
  held = [round(event.beta, 3), round(event.gamma, 3)];
  note();
}

// Some browsers tell nothing of how a phone is turned while that stays the same to a tenth of a degree. As long as
// they tell of its motion they have not gone to sleep, and it is still turned so.
function moved(event) {
  const r = event.rotationRate;
  if (r) rate = [round(r.alpha, 2), round(r.beta, 2), round(r.gamma, 2)];
  if (held && performance.now() - last > AGAIN_MS) note();
}

async function sendOnce(key) {
  const sending = rows;
  rows = [];
  const sent = performance.now();
  try {
    const answer = await post("/api/samples", { rows: sending, trip }, key);
    trip = [sent, answer.answered, performance.now()];
    return true;
  } catch (error) {
    trip = null;
    const now = performance.now();
    rows = [...sending, ...rows].filter((row) => now - row[0] < KEPT_MS);
    if (error.refused) throw error;
    return false;
  }
}

async function send(key) {
  const began = performance.now();
  let missed = 0;
  for (;;) {
    const next = performance.now() + EVERY_MS;
    missed = (await sendOnce(key)) ? 0 : missed + 1;
    if (missed > 5) say("lost");
    else if (felt) say("sending");
    else if (performance.now() - began > FELT_MS) say("no_sensor");
    await new Promise((done) => setTimeout(done, Math.max(0, next - performance.now())));
  }
}

whenTouched(async (entered) => {
  // Both at once: each has to be asked for by the touch itself.
  const granted = await Promise.all([
    allowed(window.DeviceOrientationEvent), allowed(window.DeviceMotionEvent),
  ]);
  if (granted.includes(false)) return "not_allowed";
  window.addEventListener("deviceorientation", turned);
  window.addEventListener("devicemotion", moved);
  document.body.classList.add("sending");
  say("connecting");
  const key = await entered;
  keepAwake();
  return send(key);
});
