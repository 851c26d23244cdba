// One patient over time. Only like is compared with like: the same exercise from the same view.

import { get } from "./api.js";
import { amount, day, h, replace, stateSign, times } from "./dom.js";
import { KINDS, box, figure, lines, mark, patterns, stacked } from "./charts.js";

const SIDES = { left: ["left", "var(--curve)", undefined, "circle"], right: ["right", "var(--other)", "7 4", "square"], both: ["", "var(--curve)", undefined, "circle"] };

export async function render(main, key) {
  const data = await get(`/api/patient/${key}`);
  document.title = `${data.patient} – formcheck review`;
  const all = data.groups.flatMap((g) => g.points).map((p) => p.date).sort();
  replace(main, h("div.page", {}, patterns(),
    h("div.row.head", {}, h("h1", {}, data.patient), h("span.soft", {}, `${times(data.sessions, "session")}, ${day(all[0].slice(0, 10))} to ${day(all.at(-1).slice(0, 10))}`)),
    data.feeling.length ? feeling(data.feeling) : null,
    data.groups.sort((a, b) => b.points.length - a.points.length).map((g) => group(g, data.mdc)),
    h("p.notice", {}, "Practice record from a camera; it can be wrong. Faults are those found, after your review. Lines between sessions from different camera places are never drawn.")));
}

function group(g, mdc) {
  const points = g.points;
  const practised = points.some((p) => p.asked);
  return h("section.card", {}, h("h2", {}, `${g.title}, ${g.view}`),
    h("div.charts", {},
      figure("Repetitions", practised ? "against what was prescribed" : "no prescription was recorded", stacked(points),
        [...KINDS.map(([, text, fill]) => [text, box(fill)]), ...(practised ? [["prescribed", mark("circle", "var(--ink)")]] : []).map(([t]) => [t, bar()])]),
      practised ? figure("Adherence", "done of prescribed, at most 100 %", lines(points, [{ name: "adherence", value: (p) => p.adherence, color: "var(--good)", mark: "diamond" }], { low: 0, high: 100, format: (v) => `${Math.round(v)} %`, label: "Adherence over sessions" })) : null,
      range(g, mdc),
      g.faults.map((f) => faultTrend(f, mdc)),
      points.some((p) => p.rating) ? figure("Quality", "as rated by you", lines(points, [{ name: "quality", value: (p) => p.rating, color: "var(--curve)", mark: "diamond" }], { low: 0, high: 1, format: (v) => v.toFixed(1), label: "Quality over sessions" })) : null),
    table(g));
}

function bar() { return mark(null, "var(--ink)"); }

function range(g, mdc) {
  const first = g.points.find((p) => p.range !== null);
  if (!first) return null;
  const sides = [...new Set(g.points.filter((p) => p.range !== null).map((p) => p.side ?? "both"))].sort();
  const least = g.unit === "deg" ? mdc.deg : Math.abs(first.range) * mdc.share;
  const series = sides.map((side) => {
    const [name, color, dash, sign] = SIDES[side];
    return { name: `${g.measure} ${name}`.trim(), value: (p) => ((p.side ?? "both") === side ? p.range : null), color, dash, mark: sign };
  });
  const base = sides.length === 1 ? [first.range - least, first.range + least] : null;
  const words = g.unit === "deg" ? `${mdc.deg}°` : `${Math.round(100 * mdc.share)} %`;
  return figure(`Range: ${g.measure.toLowerCase()}`, `median at the top${g.unit && g.unit !== "deg" ? `, ${g.unit}` : ""}${g.sure ? "" : "; only rough from this view"}`,
    lines(g.points, series, { band: base, format: (v) => amount(v, g.unit === "deg" ? "deg" : "ratio"), label: "Range over sessions" }),
    [...series.map((s) => [s.name, mark(s.mark, s.color, s.dash)]), ...(base ? [[`may be measurement error: less than ${words} from the first session`, box("var(--band)")]] : []), ...(symmetry(g, sides, mdc) ?? [])]);
}

/** One fault over the sessions: the value it is judged by, left against right, with the error band and where grades begin. */
function faultTrend(f, mdc) {
  const deg = f.unit === "deg", told = (v) => (f.unit === "s" ? `${v.toFixed(1)} s` : amount(v, deg ? "deg" : "ratio"));
  const sides = [...new Set(f.points.map((p) => p.side ?? "both"))].sort();
  const valued = f.points.some((p) => p.value !== null);
  const value = (p) => (valued ? p.value : p.share);
  const series = sides.map((side) => {
    const [name, color, dash, sign] = SIDES[side];
    return { name: [valued ? f.measure : "repetitions with it", name].filter(Boolean).join(" "), value: (p) => ((p.side ?? "both") === side ? value(p) : null), color, dash, mark: sign };
  });
  const first = f.points.find((p) => p.value !== null)?.value;
  const least = deg ? mdc.deg : Math.abs(first ?? 0) * mdc.share;
  const band = valued && sides.length === 1 ? [first - least, first + least] : null;
  const changes = f.changes.map((c) => `${c.side ? `${c.side}: ` : ""}${c.by > 0 ? "+" : "−"}${told(Math.abs(c.by))} on ${day(c.date)}`);
  const states = f.points.map((p) => [p, p.checked ? (p.affected ? "faulty" : "good") : "unseen"]);
  return figure(f.title, valued ? `${f.measure.toLowerCase()}, median of the repetitions${f.unit && !["deg", "s", "ratio"].includes(f.unit) ? `, ${f.unit}` : ""}` : "share of the repetitions checked",
    [lines(f.points, series, { band, levels: f.levels, ...(valued ? {} : { low: 0, high: 100 }), format: valued ? told : (v) => `${Math.round(v)} %`, label: `${f.title} over sessions` }),
      h("ul.states", { "aria-label": `${f.title} in each session` }, states.map(([p, state]) => h("li", {}, h("a", { href: `/session/${p.key}` }, stateSign(state), `${day(p.date.slice(0, 10)).replace(/ \d{4}$/, "")}: ${p.checked ? `${p.affected} of ${p.checked}` : "not checked"}`))))],
    [...series.map((s) => [s.name, mark(s.mark, s.color, s.dash)]), ...(f.levels.length ? [["where a grade begins", mark(null, "var(--threshold)", "6 4")]] : []),
      ...(band ? [[`may be measurement error: less than ${deg ? `${mdc.deg}°` : `${Math.round(100 * mdc.share)} %`} from the first session`, box("var(--band)")]] : []),
      ...(valued ? [[changes.length ? `first change larger than the error: ${changes.join("; ")}` : "no change larger than the error yet", box("transparent")]] : [])]);
}

/** Left against right, from the latest session of each. */
function symmetry(g, sides, mdc) {
  if (!sides.includes("left") || !sides.includes("right")) return null;
  const last = (side) => g.points.filter((p) => p.side === side && p.range !== null).at(-1).range;
  const left = last("left"), right = last("right");
  const mean = (left + right) / 2;
  // Of angles the difference is told, never a ratio (spec 4.3).
  const [text, big] = g.unit === "deg" ? [`right − left: ${amount(right - left, "deg")}`, Math.abs(right - left) >= mdc.deg] : [`symmetry index (right − left): ${((100 * (right - left)) / mean).toFixed(0).replace("-", "−")} %`, Math.abs(right - left) / mean >= mdc.share];
  return [[`${text}${big ? "" : ", which may be measurement error"}`, box("transparent")]];
}

function feeling(points) {
  const series = [
    { name: "pain before", value: (p) => p.pain_before, color: "var(--curve)", mark: "circle" },
    { name: "worst pain", value: (p) => p.pain_worst, color: "var(--fault)", dash: "7 4", mark: "square" },
    { name: "effort", value: (p) => p.effort, color: "var(--other)", dash: "2 4", mark: "diamond" },
  ];
  const odd = points.filter((p) => p.stopped || p.settled === false || (p.pain_worst ?? 0) >= 6);
  return h("section.card", {}, h("h2", {}, "Pain and effort"), h("div.charts", {},
    figure("As answered, 0 to 10", "A change of 2 points or 30 % is usually counted as a real one.", lines(points, series, { low: 0, high: 10, format: (v) => String(Math.round(v * 10) / 10), label: "Pain and effort over sessions" }), series.map((s) => [s.name, mark(s.mark, s.color, s.dash)])),
    odd.length ? h("div", {}, h("h3", {}, "To look at"), h("ul", {}, odd.map((p) => h("li", {}, h("a", { href: `/session/${p.key}` }, day(p.date)), ": ", [p.stopped ? `stopped early (${p.stopped})` : null, (p.pain_worst ?? 0) >= 6 ? `pain up to ${p.pain_worst}` : null, p.settled === false ? "pain of the time before had not settled" : null].filter(Boolean).join(", "))))) : null));
}

function table(g) {
  return h("details", {}, h("summary", {}, "As a table"), h("div.scroll", {}, h("table", {},
    h("thead", {}, h("tr", {}, ["Session", "Side", "Checked", "Good", "With a fault", "Not full", "Nothing checked", "Not counted", "Prescribed", "Adherence", "Range", "Hold"].map((t, i) => h(i < 2 ? "th" : "th.n", { scope: "col" }, t)))),
    h("tbody", {}, g.points.map((p) => h("tr", {}, h("td", {}, h("a", { href: `/session/${p.key}` }, day(p.date))), h("td", {}, p.side ?? ""), [p.coverage.replace(" checked", ""), p.correct, p.compensated, p.incomplete, p.unseen, p.not_counted, p.asked ?? "–", p.adherence === null ? "–" : `${p.adherence} %`, amount(p.range, g.unit), p.hold_s === null ? "–" : `${p.hold_s.toFixed(1)} s`].map((v) => h("td.n", {}, String(v)))))))));
}
