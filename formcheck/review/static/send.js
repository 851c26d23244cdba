// What leaves the page: the report, a note for the records, a file for the patient.

import { file, get } from "./api.js";
import { ask, clock, h, save, toast } from "./dom.js";
import { language, languages, say } from "./words.js";

const named = ({ info }, word, ending) => `${[info.patient, info.title, info.date.slice(0, 10), word].filter(Boolean).join(" ")}.${ending}`;

async function made(what, work) {
  const waiting = toast(what, { stay: true });
  try { return await work(); } catch (error) { toast(error.message, { kind: "bad" }); return null; } finally { waiting.remove(); }
}

export async function saveReport(page) {
  const to = await ask(say("send.report"), h("p", {}, say("send.report_about")), [[say("cancel"), null, "quiet"], [say("send.html"), "html"], [say("send.pdf"), "pdf", "primary"]]);
  if (!to) return;
  const blob = await made(say("send.writing_report"), () => file(`/api/session/${page.info.key}/report`, { format: to }));
  if (blob) save(blob, named(page, say("send.report_name"), to));
}

export async function saveFilm(page) {
  if (!page.info.video) { toast(say("send.no_video"), { kind: "bad" }); return; }
  const blur = h("input", { type: "checkbox", checked: true });
  const sure = await ask(say("send.film"), h("div.send", {}, h("p", {}, say("send.film_about")), h("label.inline", {}, blur, ` ${say("send.blur")}`)),
    [[say("cancel"), null, "quiet"], [say("send.save"), true, "primary"]]);
  if (!sure) return;
  const blob = await made(say("send.writing_film"), () => file(`/api/session/${page.info.key}/film`, { blur_face: blur.checked }));
  if (blob) save(blob, named(page, say("send.film_name"), "mp4"));
}

export async function copyNote(page) {
  const told = await made(say("send.writing_note"), () => get(`/api/session/${page.info.key}/note`));
  if (!told) return;
  try {
    await navigator.clipboard.writeText(told.text);
    toast(say("send.copied"));
  } catch { // not allowed here: to be copied by hand
    const text = h("textarea", { rows: 8, readonly: true, "aria-label": say("send.note") }, told.text);
    await ask(say("send.copy_note"), text, [[say("done"), true, "primary"]]);
  }
}

export async function sendBack(page) {
  const { info, notes } = page;
  const told = (m) => (m.seconds === undefined ? [m.text.length > 60 ? `${m.text.slice(0, 57)}…` : m.text, m.drawing?.length ? say("send.drawing") : ""].filter(Boolean).join(", ") : say("send.voice", { s: Math.round(m.seconds) }));
  const theirs = h("select", { "aria-label": say("language") }, Object.entries(languages).map(([l, name]) => h("option", { value: l, selected: l === (info.practice?.language ?? language) }, name)));
  const text = h("textarea", { rows: 4, maxlength: 4000, "aria-label": say("send.to_patient"), placeholder: say("send.few_words") });
  const check = (label, checked) => { const box = h("input", { type: "checkbox", checked }); return [box, h("label.inline", {}, box, ` ${label}`)]; };
  const faults = info.seen.map((s) => [s.fault, ...check(say("send.finding", s), s.grade > 1 || info.seen.length < 3)]);
  const [pictures, picturesLabel] = check(say("send.pictures"), info.video);
  const moments = [...notes.all("comment"), ...notes.all("voice")].sort((a, b) => a.time_s - b.time_s)
    .map((m) => [m.id, ...check(say("send.moment", { time: clock(m.time_s), what: told(m) }), true)]);
  const remark = notes.get("rating")?.note, [whole, wholeLabel] = check(say("send.whole"), Boolean(remark));
  const sure = await ask(say("send.title"), h("div.send", {},
    h("p", {}, say("send.about")),
    h("label", {}, `${say("language")} `, theirs), text,
    h("ul.plain", {}, h("li", {}, say("send.how_many")), faults.map(([, , label]) => h("li", {}, label)), moments.map(([, , label]) => h("li", {}, label)), remark ? h("li", {}, wholeLabel) : null, faults.length || moments.length ? h("li", {}, picturesLabel) : null),
    h("p.soft", {}, say("send.never"))), [[say("cancel"), null, "quiet"], [say("send.save"), true, "primary"]]);
  if (!sure) return;
  const asked = { language: theirs.value, text: text.value.trim(), faults: faults.filter(([, box]) => box.checked).map(([id]) => id), pictures: pictures.checked,
    moments: moments.filter(([, box]) => box.checked).map(([id]) => id), remark: whole.checked && Boolean(remark) };
  const blob = await made(say("send.writing_file"), () => file(`/api/session/${info.key}/feedback`, asked));
  if (blob) save(blob, `${[info.title, info.date.slice(0, 10)].join(" ")}.html`);
}
