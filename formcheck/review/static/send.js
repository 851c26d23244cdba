// What leaves the page: the report, a note for the records, a file for the patient.

import { file, get } from "./api.js";
import { ask, h, save, toast } from "./dom.js";

const named = ({ info }, word, ending) => `${[info.patient, info.title, info.date.slice(0, 10), word].filter(Boolean).join(" ")}.${ending}`;

async function made(what, work) {
  const waiting = toast(what, { stay: true });
  try { return await work(); } catch (error) { toast(error.message, { kind: "bad" }); return null; } finally { waiting.remove(); }
}

export async function saveReport(page) {
  const to = await ask("Report", h("p", {}, "One page with the result that stands by your decisions, and an appendix."), [["Cancel", null, "quiet"], ["For a browser (HTML)", "html"], ["To print or file (PDF)", "pdf", "primary"]]);
  if (!to) return;
  const blob = await made("Writing the report …", () => file(`/api/session/${page.info.key}/report`, { format: to }));
  if (blob) save(blob, named(page, "report", to));
}

export async function copyNote(page) {
  const told = await made("Writing the note …", () => get(`/api/session/${page.info.key}/note`));
  if (!told) return;
  try {
    await navigator.clipboard.writeText(told.text);
    toast("Copied. Paste it into your records.");
  } catch { // not allowed here: to be copied by hand
    const text = h("textarea", { rows: 8, readonly: true, "aria-label": "Note" }, told.text);
    await ask("Copy this note", text, [["Done", true, "primary"]]);
  }
}

export async function sendBack(page) {
  const { info, notes } = page;
  const comments = notes.all("comment").length + (notes.get("rating")?.note ? 1 : 0);
  const language = h("select", { "aria-label": "Language" }, info.languages.map((l) => h("option", { value: l, selected: l === (info.practice?.language ?? "en") }, { en: "English", de: "Deutsch" }[l] ?? l)));
  const text = h("textarea", { rows: 4, maxlength: 4000, "aria-label": "To the patient", placeholder: "A few words to the patient" });
  const check = (label, checked) => { const box = h("input", { type: "checkbox", checked }); return [box, h("label.inline", {}, box, ` ${label}`)]; };
  const faults = info.seen.map((s) => [s.fault, ...check(`${s.title} (${info.grade_words[s.grade]})`, s.grade > 1 || info.seen.length < 3)]);
  const [pictures, picturesLabel] = check("a picture of each", info.video);
  const [remarks, remarksLabel] = check(`your ${comments} ${comments === 1 ? "comment" : "comments"}`, comments > 0);
  const sure = await ask("Send back to the patient", h("div.send", {},
    h("p", {}, "One file that opens by a double click, without a network. What is in it:"),
    h("label", {}, "Language ", language), text,
    h("ul.plain", {}, h("li", {}, "How many repetitions were done"), faults.map(([, , label]) => h("li", {}, label)), faults.length ? h("li", {}, picturesLabel) : null, comments ? h("li", {}, remarksLabel) : null),
    h("p.soft", {}, "What you rejected is never in it, nor any name.")), [["Cancel", null, "quiet"], ["Save the file", true, "primary"]]);
  if (!sure) return;
  const asked = { language: language.value, text: text.value.trim(), faults: faults.filter(([, box]) => box.checked).map(([id]) => id), pictures: pictures.checked, remarks: remarks.checked };
  const blob = await made("Writing the file …", () => file(`/api/session/${info.key}/feedback`, asked));
  if (blob) save(blob, `${[info.title, info.date.slice(0, 10)].join(" ")}.html`);
}
