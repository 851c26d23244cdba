// What the physio says to the patient at a moment: recorded here after it is said what becomes of it, heard before it is kept.

import { bytes, upload } from "./api.js";
import { button, clock, h, replace, toast } from "./dom.js";
import { reviewer } from "./notes.js";
import { say } from "./words.js";

const LONGEST_S = 120, BITS_S = 24_000;
const KINDS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/** Asks for the microphone and records; resolves true once a note is kept. */
export function speak(page) {
  const t = page.player.time;
  let recorder = null, sound = null, timer = 0, began = 0;
  const state = h("p", { role: "status" }, ""), heard = h("div", {}), words = h("textarea", { rows: 2, maxlength: 4000, "aria-label": say("voice.words"), placeholder: say("voice.words") });
  return new Promise((done) => {
    const finish = (value) => { clearInterval(timer); if (recorder?.state === "recording") recorder.stop(); recorder?.stream.getTracks().forEach((track) => track.stop()); dialog.close(); dialog.remove(); done(value); };
    const record = button(say("voice.start"), () => (recorder?.state === "recording" ? recorder.stop() : start()), { kind: "primary" });
    const keep = button(say("voice.keep"), () => save(), {});
    keep.disabled = true;
    const dialog = h("dialog", { "aria-label": say("voice.title"), oncancel: (e) => { e.preventDefault(); finish(false); } },
      h("h2", {}, say("voice.at", { time: clock(t, 2) })), h("div.send", {}, h("p", {}, say("voice.consent")), h("div.row", {}, record, state), heard, words),
      h("div.row.end", {}, button(say("cancel"), () => finish(false), { kind: "quiet" }), keep));
    document.body.append(dialog);
    dialog.showModal();

    async function start() {
      const kind = KINDS.find((k) => window.MediaRecorder?.isTypeSupported(k));
      if (!kind || !navigator.mediaDevices) { state.textContent = say("voice.impossible"); return; }
      let stream;
      try { stream = await navigator.mediaDevices.getUserMedia({ audio: true }); } catch { state.textContent = say("voice.refused"); return; }
      const pieces = [];
      recorder = new MediaRecorder(stream, { mimeType: kind, audioBitsPerSecond: BITS_S });
      recorder.ondataavailable = (e) => pieces.push(e.data);
      recorder.onstop = () => {
        clearInterval(timer);
        stream.getTracks().forEach((track) => track.stop());
        sound = new Blob(pieces, { type: kind });
        record.textContent = say("voice.again"); keep.disabled = false;
        state.textContent = say("voice.recorded", { time: clock((performance.now() - began) / 1000, 0) });
        replace(heard, h("audio", { controls: true, src: URL.createObjectURL(sound), "aria-label": say("voice.title") }));
        keep.focus();
      };
      recorder.start(1000);
      began = performance.now(); record.textContent = say("voice.stop"); keep.disabled = true; replace(heard);
      const tick = () => { const s = (performance.now() - began) / 1000; state.textContent = say("voice.recording", { time: clock(s, 0) }); if (s >= LONGEST_S - 1) recorder.stop(); };
      tick();
      timer = setInterval(tick, 500);
    }

    async function save() {
      keep.disabled = true;
      const about = new URLSearchParams({ time_s: t, text: words.value.trim(), by: reviewer.name, consent: "yes" });
      try {
        page.notes.take(await upload(`/api/session/${page.info.key}/voice?${about}`, sound, () => {}, sound.type));
        finish(true);
      } catch (error) { toast(error.message, { kind: "bad" }); keep.disabled = false; }
    }
  });
}

/** A player for a note; what was said is fetched when it is asked for. */
export function player(key, note) {
  const audio = h("audio", { controls: true, preload: "none", "aria-label": say("voice.at", { time: clock(note.time_s) }) });
  const listen = button(say("voice.listen", { time: clock(note.seconds, 0) }), async () => {
    try {
      audio.src = URL.createObjectURL(new Blob([await bytes(`/api/session/${key}/voice/${note.id}`)], { type: "audio/mpeg" }));
      listen.replaceWith(audio);
      audio.play().catch(() => {});
    } catch (error) { toast(error.message, { kind: "bad" }); }
  }, { icon: "play", small: true });
  return listen;
}
