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

/** The three thresholds of a fault, from mild to marked; set(i, value). */
export function grades(words, title, falls, values, set) {
  return h("div.grades", {}, words.map((word, i) => number(`${word} ${falls ? "<" : "≥"}`, values[i], (v) => set(i, v), { "aria-label": say("whatif.grade_from", { title, n: i + 1 }) })));
}
