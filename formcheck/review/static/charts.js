// Small charts over sessions, as SVG: readable without colour, linked to their sessions.

import { day, h, svg } from "./dom.js";
import { say } from "./words.js";

const W = 520, H = 210, LEFT = 44, RIGHT = 14, TOP = 12, BOTTOM = 34;

function frame(children, low, high, points, format, label, under = () => "") {
  const Y = scaleY(low, high);
  const lines = [];
  const steps = high - low === 10 ? 5 : 4; // a scale of 0 to 10 has whole numbers
  for (let i = 0; i <= steps; i += 1) {
    const v = low + ((high - low) * i) / steps;
    lines.push(svg("line", { x1: LEFT, x2: W - RIGHT, y1: Y(v), y2: Y(v), stroke: "var(--grid)" }), svg("text", { x: LEFT - 6, y: Y(v) + 4, "text-anchor": "end" }, format(v)));
  }
  const every = Math.ceil(points.length / 6);
  points.forEach((p, i) => {
    if (i % every === 0) lines.push([day(p.date.slice(0, 10)).replace(/ \d{4}$/, ""), under(p)].map((text, row) => svg("text", { x: place(points)(i), y: H - 17 + 14 * row, "text-anchor": "middle" }, text)));
  });
  return svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "group", "aria-label": label }, lines, children(Y, place(points)));
}

const scaleY = (low, high) => (v) => TOP + (1 - (v - low) / (high - low || 1)) * (H - TOP - BOTTOM);
const place = (points) => (i) => LEFT + 18 + (points.length < 2 ? (W - LEFT - RIGHT - 36) / 2 : (i / (points.length - 1)) * (W - LEFT - RIGHT - 36));

const linked = (p, title, ...children) => svg("a", { href: `/session/${p.key}`, "aria-label": title }, svg("title", {}, title), children);

export function figure(title, sub, chart, legend) {
  return h("figure.chart", {}, h("figcaption", {}, title, sub ? h("span", {}, sub) : null), chart,
    legend ? h("ul.legend", {}, legend.map(([text, sign = null]) => h("li", {}, sign, text))) : null);
}

const HATCH = "M0 8 8 0M-2 2 2 -2M6 10 10 6";

export function patterns() {
  return svg("svg", { width: 0, height: 0, style: { position: "absolute" }, "aria-hidden": "true" }, svg("defs", {},
    svg("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, svg("rect", { width: 8, height: 8, fill: "var(--fault-fill)" }), svg("path", { d: HATCH, stroke: "var(--fault)", "stroke-width": 2 })),
    svg("pattern", { id: "dots", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, svg("rect", { width: 6, height: 6, fill: "var(--quiet)" }), svg("circle", { cx: 3, cy: 3, r: 1.3, fill: "var(--soft)" }))));
}

export const KINDS = [["correct", say("trend.correct"), "var(--good)"], ["compensated", say("trend.compensated"), "url(#hatch)"], ["incomplete", say("trend.incomplete"), "url(#dots)"], ["unseen", say("not_checked"), "var(--card)"]];

export function box(fill) { return svg("svg", { viewBox: "0 0 26 12" }, svg("rect", { width: 26, height: 12, fill, stroke: "var(--soft)", "stroke-width": 0.6 })); }

export function stacked(points) {
  const top = Math.max(1, ...points.map((p) => Math.max(p.asked ?? 0, p.done)));
  const high = Math.ceil(top / 4) * 4;
  return frame((Y, X) => points.map((p, i) => {
    let base = 0;
    const parts = KINDS.map(([name, , fill]) => {
      const n = p[name]; base += n;
      if (!n) return null;
      const part = (width, inside) => svg("rect", { x: X(i) - 12, width, y: Y(base), height: Y(base - n) - Y(base), fill: inside, stroke: "var(--soft)", "stroke-width": 0.6 });
      return name === "correct" ? [part(24, "var(--card)"), part((24 * p.checked) / p.total, fill)] : part(24, fill); // green only as wide as faults were checked
    });
    const asked = p.asked ? svg("line", { x1: X(i) - 16, x2: X(i) + 16, y1: Y(p.asked), y2: Y(p.asked), stroke: "var(--ink)", "stroke-width": 2.5 }) : null;
    return linked(p, `${day(p.date)}: ${KINDS.map(([name, text]) => `${p[name]} ${text}`).join(", ")}; ${p.coverage}${p.asked ? say("trend.asked", { n: p.asked }) : ""}`, svg("rect", { x: X(i) - 16, width: 32, y: TOP, height: H - TOP - BOTTOM, fill: "transparent" }), parts, asked);
  }), 0, high, points, (v) => String(Math.round(v)), say("trend.in_sessions", { what: say("panel.repetitions") }), (p) => say("trend.of_checked", { n: p.checked, of: p.total }));
}

/** Lines of values; series: [{name, value(p), dash, color, mark}]; band: [low, high] or null; levels: [{level, grade}] where grades begin; least: what the scale spans at least. */
export function lines(points, series, { band, low, high, levels = [], least = 0, format, label }) {
  const values = series.flatMap((s) => points.map(s.value)).filter((v) => v !== null && v !== undefined);
  if (!values.length) return h("p.soft", {}, say("trend.nothing"));
  const near = levels.filter((l) => l.grade === 1).map((l) => l.level);
  const all = [...values, ...(band ?? []), ...near];
  let bottom = low ?? Math.min(...all), top = high ?? Math.max(...all);
  const room = Math.max((top - bottom || Math.abs(top) || 1) * 0.1, (least - (top - bottom)) / 2);
  if (low === undefined) bottom -= room;
  if (high === undefined) top += room;
  return frame((Y, X) => [
    band ? svg("rect", { x: LEFT, width: W - LEFT - RIGHT, y: Y(Math.min(band[1], top)), height: Math.max(0, Y(Math.max(band[0], bottom)) - Y(Math.min(band[1], top))), fill: "var(--band)" }) : null,
    levels.filter((l) => l.level >= bottom && l.level <= top).map((l) => svg("line", { x1: LEFT, x2: W - RIGHT, y1: Y(l.level), y2: Y(l.level), stroke: "var(--threshold)", "stroke-width": 1.4, "stroke-dasharray": l.grade === 1 ? "6 4" : "2 4" })),
    series.map((s) => {
      const known = points.map((p, i) => [i, s.value(p), p]).filter(([, v]) => v !== null && v !== undefined);
      const d = known.map(([i, v], k) => `${k ? "L" : "M"}${X(i).toFixed(1)} ${Y(v).toFixed(1)}`).join("");
      return [svg("path", { d, fill: "none", stroke: s.color, "stroke-width": 2, "stroke-dasharray": s.dash ?? "none" }),
        known.map(([i, v, p]) => linked(p, `${day(p.date)}: ${s.name} ${format(v)}`, svg("circle", { cx: X(i), cy: Y(v), r: 14, fill: "transparent" }), sign(s.mark, X(i), Y(v), s.color)))];
    }),
  ], bottom, top, points, format, label);
}

export function sign(mark, x, y, color) {
  if (mark === null) return null;
  if (mark === "square") return svg("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9, fill: "var(--card)", stroke: color, "stroke-width": 2.2 });
  if (mark === "diamond") return svg("path", { d: `M${x} ${y - 6}l6 6-6 6-6-6z`, fill: "var(--card)", stroke: color, "stroke-width": 2.2 });
  return svg("circle", { cx: x, cy: y, r: 4.8, fill: color });
}

export function mark(kind, color, dash) {
  return svg("svg", { viewBox: "0 0 26 12" }, svg("path", { d: "M0 6h26", stroke: color, "stroke-width": 2, "stroke-dasharray": dash ?? "none" }), sign(kind, 13, 6, color));
}
