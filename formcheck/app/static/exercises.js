// Just one exercise: each as a big card; a click opens its window.

import { get } from "/static/shared/api.js";
import { h, replace } from "/static/shared/dom.js";
import { drawing, words } from "./page.js";

const SETS = [1, 2, 3, 4, 5], REPS = [5, 8, 10, 12, 15, 20];

export async function render(main, { begin, title }, current) {
  const { exercises } = await get("/api/exercises");
  if (!current()) return;
  const select = (name, values, usual) => h("select", { id: name }, values.map((n) => h("option", { value: n, selected: n === usual }, String(n))));
  const sets = select("sets", SETS, 3), reps = select("reps", REPS, 10);
  const card = ({ name, title: called, note }) => h("li", {}, h("button.exercise", { type: "button",
    onclick: () => begin({ exercise: name, sets: Number(sets.value), reps: Number(reps.value) }) },
  drawing(name, null), h("span.label", {}, called), note ? h("span.note", {}, note) : null));
  replace(main, h("h1", {}, title), h("p", {}, words("exercises.text")),
    h("div.fields", {}, h("label", {}, words("exercises.sets"), sets), h("label", {}, words("exercises.reps"), reps)),
    h("ul.cards", {}, exercises.map(card)));
}
