// My progress: what the kept days amount to, drawn, and every day in a table.

import { get } from "/static/shared/api.js";
import { h, replace, svg } from "/static/shared/dom.js";
import { day, whatWentWrong, words } from "./page.js";

const MOST_DRAWN = 16;
const WIDTH = 720, HEIGHT = 220, LEFT = 44, BOTTOM = 34, TOP = 14;

export async function render(main, { title }, current) {
  let page;
  try {
    page = await get("/api/progress");
  } catch (error) {
    if (error.status !== 422) throw error;
    replace(main, h("h1", {}, title), h("p.line", {}, words("progress.file_problem")), whatWentWrong(error));
    return;
  }
  if (!current()) return;
  if (!page.days.length) {
    replace(main, h("h1", {}, title), h("p.line", {}, words("progress.none")));
    return;
  }
  const drawn = page.days.slice(-MOST_DRAWN);
  replace(main, h("h1", {}, title),
    page.lines.map((line) => h("p.line", {}, line)),
    page.next.length ? h("section", {}, h("h2", {}, words("progress.next")), h("ul.plain", {}, page.next.map((line) => h("li", {}, line)))) : null,
    h("figure", {}, h("figcaption", {}, words("progress.reps_title")), bars(drawn)),
    felt(drawn),
    h("section", {}, h("h2", { id: "all-days" }, words("progress.table")), table([...page.days].reverse())));
}

/** The drawings repeat what the table says: only the table is read out. */
function frame(days, most, steps, marks) {
  const step = (WIDTH - LEFT) / days.length;
  const x = (i) => LEFT + step * (i + 0.5);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const every = Math.ceil(days.length / 8);
  return svg("svg.chart", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    steps.map((value) => [svg("line.grid", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 6, "text-anchor": "end" }, String(value))]),
    days.map((one, i) => (days.length - 1 - i) % every ? null
      : svg("text", { x: x(i), y: HEIGHT - 8, "text-anchor": "middle" }, day(one.date, { day: "numeric", month: "numeric" }))),
    marks(x, y, step));
}

function bars(days) {
  const most = Math.max(10, ...days.map((one) => Math.max(one.done, one.asked)));
  const top = Math.ceil(most / 10) * 10;
  return frame(days, top, [0, top / 2, top], (x, y, step) => days.map((one, i) => {
    const width = Math.min(step * 0.6, 60), left = x(i) - width / 2;
    return [svg("rect.asked", { x: left, y: y(one.asked), width, height: y(0) - y(one.asked) }),
      svg("rect.bar", { x: left, y: y(one.done), width, height: y(0) - y(one.done) })];
  }));
}

function felt(days) {
  if (!days.some((one) => one.pain_before !== null || one.pain_after !== null || one.effort !== null)) return null;
  const marks = (x, y) => days.map((one, i) => [
    one.pain_before !== null && one.pain_after !== null
      ? svg("line.change", { x1: x(i) - 9, x2: x(i) + 9, y1: y(one.pain_before), y2: y(one.pain_after) }) : null,
    one.pain_before !== null ? svg("circle.before", { cx: x(i) - 9, cy: y(one.pain_before), r: 6 }) : null,
    one.pain_after !== null ? svg("circle.after", { cx: x(i) + 9, cy: y(one.pain_after), r: 6 }) : null,
    one.effort !== null ? svg("rect.effort", { x: x(i) - 6, y: y(one.effort) - 6, width: 12, height: 12 }) : null,
  ]);
  const sign = (...shapes) => svg("svg.sign", { viewBox: "0 0 30 16", "aria-hidden": "true" }, shapes);
  return h("figure", {}, h("figcaption", {}, words("progress.felt_title")), frame(days, 10, [0, 5, 10], marks),
    h("ul.legend", {},
      h("li", {}, sign(svg("line.change", { x1: 7, x2: 23, y1: 8, y2: 8 }), svg("circle.before", { cx: 7, cy: 8, r: 6 }), svg("circle.after", { cx: 23, cy: 8, r: 6 })), words("progress.felt_pain")),
      h("li", {}, sign(svg("rect.effort", { x: 9, y: 2, width: 12, height: 12 })), words("progress.felt_effort"))));
}

function table(days) {
  const known = (value) => value === null ? words("progress.unknown") : String(value);
  const heads = ["day", "done", "pain", "effort"].map((key) => h("th", { scope: "col" }, words(`progress.${key}`)));
  return h("table", { "aria-labelledby": "all-days" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, days.map((one) => h("tr", {},
    h("th", { scope: "row" }, day(one.date, { weekday: "short", day: "numeric", month: "long", year: "numeric" })),
    h("td", {}, words("progress.of", { done: one.done, of: one.asked })),
    h("td", {}, one.pain_before === null && one.pain_after === null ? known(null) : `${known(one.pain_before)} → ${known(one.pain_after)}`,
      one.stopped_for_pain ? `, ${words("progress.stopped_pain")}` : ""),
    h("td", {}, known(one.effort))))));
}
