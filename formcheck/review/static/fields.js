// Fields that What if and the programme have in common.

import { h } from "./dom.js";
import { pointed, say } from "./words.js";

/** A number to be typed; set(value) is told each one, null for none. */
export function number(label, value, set, options = {}) {
  return h("label", {}, label, h("input", { type: "number", value: value ?? "", step: "any", ...options, oninput: (e) => { const v = e.target.value === "" ? null : Number(e.target.value); if (v === null || Number.isFinite(v)) set(v); } }));
}

/** The tempo's three numbers; usual: what the exercise asks for by itself. */
export const tempo = (values, usual, set) => ["rise_s", "hold_s", "lower_s"].map((key) => [key, number(say(`whatif.${key.slice(0, -2)}`), values[key], (v) => set(key, v),
  { min: 0, max: key === "hold_s" ? 60 : 30, placeholder: usual[key] === null ? say("whatif.not_prescribed") : say("whatif.usually", { s: pointed(String(usual[key])) }) })]);

/** A threshold as it is shown: of what is a share, in percent. */
export const shownLevel = (value, share) => (share && Number.isFinite(value) ? Number((100 * value).toPrecision(12)) : value);

/** The three thresholds of a fault, from mild to marked; set(i, value). share: they are shares, shown in percent. */
export function grades(words, title, { falls, share }, values, set) {
  return h("div.grades", {}, words.map((word, i) => number(`${word} ${falls ? "<" : "≥"}`, shownLevel(values[i], share), (v) => set(i, share && v !== null ? v / 100 : v), { "aria-label": say("whatif.grade_from", { title, n: i + 1 }) })));
}
