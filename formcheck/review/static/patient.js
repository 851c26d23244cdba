// One patient over time. Only like is compared with like: the same exercise from the same view.

import { get } from "./api.js";
import { amount, day, h, replace, stateSign, wideTable } from "./dom.js";
import { KINDS, box, figure, lines, mark, patterns, stacked } from "./charts.js";
import { count, pointed, say } from "./words.js";

const SIDES = { left: [say("side.left"), "var(--curve)", undefined, "circle"], right: [say("side.right"), "var(--other)", "7 4", "square"], both: ["", "var(--curve)", undefined, "circle"] };

export async function render(main, key) {
  const data = await get(`/api/patient/${key}`);
  document.title = say("title", { what: data.patient });
  const all = data.groups.flatMap((g) => g.points).map((p) => p.date).sort();
  replace(main, h("div.page", {}, patterns(),
    h("div.row.head", {}, h("h1", {}, data.patient), h("span.soft", {}, say("trend.from_to", { sessions: count("count.session", data.sessions), first: day(all[0].slice(0, 10)), last: day(all.at(-1).slice(0, 10)) })), h("a", { href: `/programme?patient=${encodeURIComponent(data.patient)}` }, say("programme.one"))),
    data.feeling.length ? feeling(data.feeling) : null,
    data.groups.sort((a, b) => b.points.length - a.points.length).map((g) => group(g, data.mdc)),
    h("p.notice", {}, say("trend.notice"))));
}

function group(g, mdc) {
  const points = g.points;
  const practised = points.some((p) => p.asked);
  return h("section.card", {}, h("h2", {}, `${g.title}, ${g.view}`),
    h("div.charts", {},
      figure(say("panel.repetitions"), [say(practised ? "trend.against_plan" : "trend.no_plan"), say("trend.below")].join("; "), stacked(points),
        [...KINDS.map(([, text, fill]) => [text, box(fill)]), ...(practised ? [[say("trend.prescribed"), bar()]] : [])]),
      practised ? figure(say("trend.adherence"), say("trend.adherence_about"), lines(points, [{ name: say("trend.adherence"), value: (p) => p.adherence, color: "var(--good)", mark: "diamond" }], { low: 0, high: 100, format: (v) => `${Math.round(v)} %`, label: say("trend.over_sessions", { what: say("trend.adherence") }) })) : null,
      range(g, mdc),
      g.faults.map((f) => faultTrend(f, mdc)),
      points.some((p) => p.rating) ? figure(say("session.quality"), say("trend.by_you"), lines(points, [{ name: say("session.quality"), value: (p) => p.rating, color: "var(--curve)", mark: "diamond" }], { low: 0, high: 1, format: (v) => pointed(v.toFixed(1)), label: say("trend.over_sessions", { what: say("session.quality") }) })) : null),
    table(g));
}

function bar() { return mark(null, "var(--ink)"); }

/** The sides that have values, and a line for each of them. */
function bySide(points, title, value) {
  const side = (p) => p.side ?? "both";
  const sides = [...new Set(points.filter((p) => value(p) !== null).map(side))].sort();
  return [sides, sides.map((one) => {
    const [word, color, dash, sign] = SIDES[one];
    return { name: [title, word].filter(Boolean).join(" "), value: (p) => (side(p) === one ? value(p) : null), color, dash, mark: sign };
  })];
}

/** What may be nothing but measurement error: the smallest change that is more, in the value's unit and in words. */
const smallest = (first, unit, mdc) => (unit === "deg" ? [mdc.deg, `${mdc.deg}°`] : [Math.abs(first) * mdc.share, `${Math.round(100 * mdc.share)} %`]);
const signs = (series) => series.map((s) => [s.name, mark(s.mark, s.color, s.dash)]);
const bandSign = (band, amount) => (band ? [[say("trend.may_be_error", { amount }), box("var(--band)")]] : []);

function range(g, mdc) {
  const first = g.points.find((p) => p.range !== null)?.range;
  if (first === undefined) return null;
  const [sides, series] = bySide(g.points, g.measure, (p) => p.range);
  const [least, words] = smallest(first, g.unit, mdc);
  const band = sides.length === 1 ? [first - least, first + least] : null;
  const about = [say("trend.median_top"), g.unit_word].filter(Boolean).join(", ");
  return figure(say("trend.range", { measure: g.measure }), g.sure ? about : `${about}; ${say("trend.rough")}`,
    lines(g.points, series, { band, least: 2 * least, format: (v) => amount(v, g.unit), label: say("trend.over_sessions", { what: say("trend.column.range") }) }),
    [...signs(series), ...bandSign(band, words), ...(symmetry(g, sides, mdc) ?? [])]);
}

/** One fault over the sessions: the value it is judged by, left against right, with the error band and where grades begin. */
function faultTrend(f, mdc) {
  const told = (v) => (f.unit === "s" ? `${pointed(v.toFixed(1))} s` : amount(v, f.unit));
  const first = f.points.find((p) => p.value !== null)?.value, valued = first !== undefined;
  const [sides, series] = bySide(f.points, valued ? f.measure : say("trend.with_it"), (p) => (valued ? p.value : p.share));
  const [least, words] = smallest(first ?? 0, f.unit, mdc);
  const levels = valued ? f.levels : []; // of a share no grade begins anywhere
  const band = valued && sides.length === 1 ? [first - least, first + least] : null;
  const changes = f.changes.map((c) => say(c.side ? "trend.change_side" : "trend.change", { side: c.side && say(`side.${c.side}`), by: `${c.by > 0 ? "+" : "−"}${told(Math.abs(c.by))}`, day: day(c.date) }));
  const states = f.points.map((p) => [p, p.checked ? (p.affected ? "faulty" : "good") : "unseen"]);
  return figure(f.title, valued ? [say("trend.median_of", { measure: f.measure }), f.unit_word].filter(Boolean).join(", ") : say("trend.share_of"),
    [lines(f.points, series, { band, levels, least: valued ? 2 * least : 0, ...(valued ? {} : { low: 0, high: 100 }), format: valued ? told : (v) => `${Math.round(v)} %`, label: say("trend.over_sessions", { what: f.title }) }),
      h("ul.states", { "aria-label": say("trend.in_sessions", { what: f.title }) }, states.map(([p, state]) => h("li", {}, h("a", { href: `/session/${p.key}` }, stateSign(state), `${day(p.date.slice(0, 10)).replace(/ \d{4}$/, "")}: ${p.checked ? say("trend.of_checked", { n: p.affected, of: p.checked }) : say("not_checked")}`))))],
    [...signs(series), ...(levels.length ? [[say("trend.grade_begins"), mark(null, "var(--threshold)", "6 4")]] : []), ...bandSign(band, words),
      ...(valued ? [[changes.length ? say("trend.first_change", { changes: changes.join("; ") }) : say("trend.no_change")]] : [])]);
}

/** Left against right, from the latest session of each. */
function symmetry(g, sides, mdc) {
  if (!sides.includes("left") || !sides.includes("right")) return null;
  const last = (side) => g.points.filter((p) => p.side === side && p.range !== null).at(-1).range;
  const left = last("left"), right = last("right");
  const mean = (left + right) / 2;
  // Of angles the difference is told, never a ratio (spec 4.3).
  const [text, big] = g.unit === "deg" ? [say("trend.right_left", { amount: amount(right - left, "deg") }), Math.abs(right - left) >= mdc.deg] : [say("trend.symmetry", { amount: `${((100 * (right - left)) / mean).toFixed(0).replace("-", "−")} %` }), Math.abs(right - left) / mean >= mdc.share];
  return [[big ? text : say("trend.maybe_error", { what: text })]];
}

function feeling(points) {
  const series = [
    { name: say("trend.pain_before"), value: (p) => p.pain_before, color: "var(--curve)", mark: "circle" },
    { name: say("trend.worst_pain"), value: (p) => p.pain_worst, color: "var(--fault)", dash: "7 4", mark: "square" },
    { name: say("trend.effort"), value: (p) => p.effort, color: "var(--other)", dash: "2 4", mark: "diamond" },
  ];
  const odd = points.filter((p) => p.stopped || p.settled === false || (p.pain_worst ?? 0) >= 6);
  return h("section.card", {}, h("h2", {}, say("trend.feeling")), h("div.charts", {},
    figure(say("trend.answered"), say("trend.real_change"), lines(points, series, { low: 0, high: 10, format: (v) => String(Math.round(v * 10) / 10), label: say("trend.over_sessions", { what: say("trend.feeling") }) }), signs(series)),
    odd.length ? h("div", {}, h("h3", {}, say("trend.to_look_at")), h("ul", {}, odd.map((p) => h("li", {}, h("a", { href: `/session/${p.key}` }, day(p.date)), ": ", [p.stopped ? say("trend.stopped", { why: say(`stopped.${p.stopped}`) }) : null, (p.pain_worst ?? 0) >= 6 ? say("trend.pain_up_to", { n: p.pain_worst }) : null, p.settled === false ? say("trend.unsettled") : null].filter(Boolean).join(", "))))) : null));
}

function table(g) {
  return h("details", {}, h("summary", {}, say("trend.table")), wideTable(say("trend.table"),
    h("thead", {}, h("tr", {}, ["session", "side", "checked", "good", "fault", "partial", "unseen", "not_counted", "prescribed", "adherence", "range", "hold"].map((t, i) => h(i < 2 ? "th" : "th.n", { scope: "col" }, say(`trend.column.${t}`))))),
    h("tbody", {}, g.points.map((p) => h("tr", {}, h("td", {}, h("a", { href: `/session/${p.key}` }, day(p.date))), h("td", {}, p.side ? say(`side.${p.side}`) : ""), [say("trend.of_checked", { n: p.checked, of: p.total }), p.correct, p.compensated, p.incomplete, p.unseen, p.not_counted, p.asked ?? "–", p.adherence === null ? "–" : `${p.adherence} %`, amount(p.range, g.unit), p.hold_s === null ? "–" : `${pointed(p.hold_s.toFixed(1))} s`].map((v) => h("td.n", {}, String(v))))))));
}
