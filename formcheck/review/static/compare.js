// Two repetitions side by side, by share of their time, by phase or by seconds, before the mean and spread of the set; B as a ghost over A.

import { bytes, get } from "./api.js";
import { amount, button, called, css, day, h, measured, replace, surface } from "./dom.js";
import { limits } from "./lanes.js";
import { Player } from "./player.js";
import { count, pointed, say } from "./words.js";

const LEFT = 52, RIGHT = 12;
const HIPS = [23, 24], SHOULDERS = [11, 12];
/** B's picture may lag behind A's by so much before it is put right, seconds. */
const LAG_S = 0.12;

export class Compare {
  constructor(info, rep) {
    this.info = info;
    this.at = 0; this.playing = false; this.measure = info.primary; this.curves = new Map(); this.sides = []; this.by = "share"; this.ghost = false; this.hover = null;
    const second = info.reps.find((r) => r !== rep && r.class === "full" && !r.faults.length) ?? info.reps.find((r) => r !== rep) ?? rep;
    this.scrub = h("input", { type: "range", min: 0, max: 100, step: 0.5, value: 0, "aria-label": say("compare.place"), oninput: () => { this.pause(); this.go(Number(this.scrub.value) / 100); } });
    this.playButton = button(say("compare.play"), () => this.toggle(), { title: say("compare.play"), key: say("keys.space") });
    this.ghostButton = button(say("compare.ghost"), () => this.toggleGhost(), { title: say("compare.ghost_long"), key: "O", pressed: false });
    this.where = h("span.n", {}, "");
    this.values = h("p.values", { role: "status" }, "");
    this.bySelect = h("select", { "aria-label": say("compare.by"), onchange: () => { this.pause(); this.by = this.bySelect.value; this.go(this.at); this.explain(); } },
      ["share", "phase", "time"].map((by) => h("option", { value: by }, say(`compare.by_${by}`))));
    this.select = h("select", { "aria-label": say("compare.measure"), onchange: () => { this.measure = this.select.value; this.load(); } },
      info.measures.filter((m) => m.status !== "not_measurable").map((m) => h("option", { value: m.name, selected: m.name === info.primary }, m.title)));
    const at = (e) => { const box = this.canvas.getBoundingClientRect(); return Math.min(Math.max((e.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0), 1); };
    this.canvas = h("canvas.curves", { role: "img", "aria-label": say("compare.curves"), onpointerdown: (e) => { this.pause(); this.go(at(e)); },
      onpointermove: (e) => { if (e.buttons) this.go(at(e)); else { this.hover = at(e); this.tell(); this.surface.redraw(); } }, onpointerleave: () => { this.hover = null; this.tell(); this.surface.redraw(); } });
    this.note = h("p.soft", {});
    this.pair = h("div.pair", {});
    this.element = h("section.compare", { "aria-label": say("compare.title") }, this.pair,
      h("div.scrub", {}, this.playButton, this.scrub, this.where, this.bySelect, this.ghostButton, this.select), this.values, this.canvas, this.note);
    this.surface = surface(this.canvas, (c, w, hh) => this.draw(c, w, hh));
    this.redraw = () => this.surface.redraw();
    window.addEventListener("themechange", this.redraw);
    this.begin(rep, second);
  }

  async begin(first, second) {
    const [times, library] = await Promise.all([bytes(`/api/session/${this.info.key}/times`), get("/api/library")]);
    this.times = new Map([[this.info.key, new Float64Array(times)]]);
    // Only like is compared with like: the same exercise from the same view; the same patient's first.
    const mine = (s) => Number(s.patient === this.info.patient);
    this.others = library.sessions.filter((s) => !s.problem && s.exercise === this.info.exercise && s.view === this.info.view_title && s.counts.full + s.counts.partial > 0)
      .sort((a, b) => mine(b) - mine(a) || (a.date < b.date ? 1 : -1));
    this.sides = [this.side(this.info, first, false), this.side(this.info, second, true)];
    this.show();
    await this.load();
  }

  side(info, rep, other) { return { info, rep, other, player: null, box: h("div", {}) }; }

  show() {
    const names = sessionNames(this.others);
    for (const side of this.sides) {
      side.player?.close();
      side.player = new Player(side.info, this.times.get(side.info.key));
      side.player.element.onclick = null;
      side.player.zoomed = true;
      side.player.toggle = () => this.toggle();
      const session = h("select", { "aria-label": say("one_session"), onchange: () => this.choose(side, session.value) }, this.others.map((s) => h("option", { value: s.key, selected: s.key === side.info.key }, s.key === this.info.key ? say("compare.this_session") : names.get(s.key))));
      const rep = h("select", { "aria-label": say("repetition"), onchange: () => { side.rep = side.info.reps.find((r) => r.index === Number(rep.value)); this.go(this.at); this.explain(); } },
        side.info.reps.map((r) => h("option", { value: r.index, selected: r === side.rep }, repWords(r))));
      replace(side.box, h(`div.side-head${side.other ? ".other" : ""}`, {}, h("b", {}, side.other ? "B" : "A"), session, rep), side.player.element);
    }
    this.sides[0].player.ghost = () => (this.ghost ? this.overlay() : null);
    this.sides[1].player.landmarks.arrived = () => this.sides.forEach((s) => s.player.surface.redraw());
    replace(this.pair, this.sides.map((s) => s.box));
    this.go(this.at);
  }

  async choose(side, key) {
    const [info, times] = await Promise.all([get(`/api/session/${key}`), this.times.get(key) ?? bytes(`/api/session/${key}/times`)]);
    this.times.set(key, times instanceof Float64Array ? times : new Float64Array(times));
    side.info = info; side.rep = info.reps[0];
    this.pause();
    this.show();
    await this.load();
  }

  async load() {
    for (const side of this.sides) {
      const id = `${side.info.key}/${this.measure}`;
      if (!this.curves.has(id)) this.curves.set(id, await get(`/api/session/${side.info.key}/curves/${this.measure}`));
    }
    this.surface.redraw();
    this.tell();
    this.explain();
  }

  data(side) { return this.curves.get(`${side.info.key}/${this.measure}`); }
  curve(side) { return this.data(side)?.reps.find((r) => r.rep === side.rep.index)?.values ?? null; }

  // -- how the two are laid over each other -------------------------------------------------------------

  /** Where the ends of a repetition and of its phases lie, as shares of its own time and of the axis. */
  knots(side) {
    const [a, b] = this.sides.map((s) => s.rep), rep = side.rep, whole = rep.end_s - rep.start_s;
    if (this.by === "time") return { own: [0, 1], axis: [0, whole / Math.max(...this.sides.map((s) => s.rep.end_s - s.rep.start_s))] };
    const shares = (r) => limits(r)?.map((t) => (t - r.start_s) / (r.end_s - r.start_s));
    const own = shares(rep), first = shares(a);
    return this.by === "phase" && first && shares(b) ? { own, axis: first } : { own: [0, 1], axis: [0, 1] };
  }

  /** A time of a repetition at a place on the axis. */
  timeAt(side, at) {
    const { own, axis } = this.knots(side);
    return side.rep.start_s + across(at, axis, own) * (side.rep.end_s - side.rep.start_s);
  }

  /** B's points in A's picture: pelvis on pelvis, trunk as long, turned to the same side. */
  overlay() {
    const [a, b] = this.sides;
    const mine = a.player.landmarks.at(a.player.frame), theirs = b.player.landmarks.at(b.player.frameAt(this.timeAt(b, this.at)));
    if (!mine || !theirs) return null;
    const size = trunkOf(a) / trunkOf(b), [from, to] = [middle(theirs.xy, HIPS), middle(mine.xy, HIPS)];
    if (!Number.isFinite(size) || !Number.isFinite(from[0] + to[0])) return null;
    const lies = (xy) => Math.sign(middle(xy, SHOULDERS)[0] - middle(xy, HIPS)[0]) || 1, turn = lies(mine.xy) * lies(theirs.xy);
    const xy = theirs.xy.map((v, i) => (i % 2 ? to[1] + (v - from[1]) * size : to[0] + (v - from[0]) * size * turn));
    return { xy, visible: theirs.visible };
  }

  toggleGhost() {
    this.ghost = !this.ghost;
    this.ghostButton.setAttribute("aria-pressed", String(this.ghost));
    this.sides[0]?.player.surface.redraw();
  }

  /** Mean and SD behind: the counted repetitions of A's set, each point where at least three are known. */
  spread() {
    const a = this.sides[0], data = a && this.data(a);
    if (!data) return null;
    const counted = data.reps.filter((r) => r.class === "full" || r.class === "partial");
    const mine = counted.filter((r) => r.set === a.rep.set);
    const set = mine.length >= 3 ? mine : counted; // a set too short for a spread: the whole session
    const points = [];
    for (let i = 0; i <= 100; i += 1) {
      const v = set.map((r) => r.values[i]).filter((x) => x !== null);
      if (v.length < 3) { points.push(null); continue; }
      const mean = v.reduce((p, q) => p + q, 0) / v.length;
      points.push([mean, Math.sqrt(v.reduce((p, q) => p + (q - mean) ** 2, 0) / (v.length - 1))]);
    }
    return { points, count: set.length, set: set === mine && a.rep.set };
  }

  explain() {
    const spread = this.spread();
    const [a, b] = this.sides.map((s) => pointed((s.rep.end_s - s.rep.start_s).toFixed(1)));
    const behind = spread && spread.points.some(Boolean) ? say(spread.set ? "compare.spread_set" : "compare.spread_session", { n: spread.count }) : say("compare.too_few");
    const phases = this.by !== "phase" || this.sides.every((s) => limits(s.rep));
    this.note.textContent = [say("compare.lasts", { a, b }), phases ? say(`compare.laid_by_${this.by}`) : say("compare.no_phases"), behind, say("compare.gaps")].join(" ");
  }

  get about() { return this.info.measures.find((m) => m.name === this.measure); }

  /** The values where the pointer is, or else where the pictures are. */
  tell() {
    const at = this.hover ?? this.at, told = (v) => amount(v, this.about?.unit), last = (v) => measured(v, this.about); // the unit once, at the end
    const [a, b] = this.sides.map((side) => {
      const values = this.curve(side), { own, axis } = this.knots(side);
      return values && at <= axis.at(-1) + 1e-9 ? values[Math.round(100 * across(at, axis, own))] : null;
    });
    const known = [a, b].every((v) => v !== null && v !== undefined);
    this.values.textContent = say(known ? "compare.values" : "compare.values_of", { at: this.placed(at), a: told(a), b: known ? told(b) : last(b), by: known ? last(b - a) : "" });
  }

  placed(at) {
    const longest = Math.max(...this.sides.map((s) => s.rep.end_s - s.rep.start_s));
    return this.by === "time" ? `${pointed((at * longest).toFixed(1))} s` : `${Math.round(100 * at)} %`;
  }

  go(at) {
    this.at = Math.min(Math.max(at, 0), 1);
    if (!this.sides.length) return;
    for (const side of this.sides) side.player?.seek(this.timeAt(side, this.at));
    this.shown();
  }

  shown() {
    this.scrub.value = 100 * this.at;
    this.where.textContent = this.placed(this.at);
    this.scrub.setAttribute("aria-valuetext", this.where.textContent);
    if (!this.playing) this.tell();
    this.surface.redraw();
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (!this.sides.length) return;
    if (this.at >= 0.995) this.go(0);
    this.playing = true; this.playButton.textContent = say("compare.pause");
    const longest = Math.max(...this.sides.map((s) => s.rep.end_s - s.rep.start_s));
    let before = null;
    for (const side of this.sides) side.player.play();
    const each = (now) => {
      if (!this.playing) return;
      // A computer that cannot keep up shows all of it, slower.
      this.at = Math.min(this.at + Math.min(now - (before ?? now), 120) / 1000 / longest, 1);
      before = now;
      for (const side of this.sides) {
        // Each plays as fast as its phase asks, and is put right where it lags.
        const wanted = this.timeAt(side, this.at), soon = this.timeAt(side, Math.min(this.at + 0.02, 1));
        const rate = Math.min(Math.max((soon - wanted) / (0.02 * longest), 0.07), 4);
        if (Math.abs(side.player.rate - rate) > 0.02) side.player.setRate(rate);
        if (Math.abs(side.player.time - wanted) > Math.max(LAG_S, 0.1 * rate)) side.player.seek(wanted);
        if (!side.player.playing && wanted < side.rep.end_s - 0.05) side.player.play();
        if (wanted >= side.rep.end_s - 1e-3) side.player.pause();
      }
      this.shown();
      if (this.at >= 1) this.pause(); else requestAnimationFrame(each);
    };
    requestAnimationFrame(each);
  }

  pause() {
    this.playing = false; this.playButton.textContent = say("compare.play");
    for (const s of this.sides) s.player?.pause();
    if (this.sides.length) this.tell();
  }

  onKey(e) {
    const step = { ",": -0.01, ".": 0.01, ArrowLeft: -0.05, ArrowRight: 0.05 }[e.key];
    if (e.key === "o") { this.toggleGhost(); return; }
    if (e.target.tagName === "INPUT") return;
    if (step) { e.preventDefault(); this.pause(); this.go(this.at + step); }
    if (e.key === " " && e.target.tagName !== "BUTTON") { e.preventDefault(); this.toggle(); }
  }

  draw(c, w, hh) {
    const found = this.sides.map((s) => [s, this.curve(s)]).filter(([, v]) => v);
    const spread = this.spread();
    const every = [...found.flatMap(([, v]) => v.filter((x) => x !== null)), ...(spread?.points ?? []).filter(Boolean).flatMap(([m, s]) => [m - s, m + s])];
    if (!every.length) { c.fillStyle = css("--soft"); c.font = "14px system-ui, sans-serif"; c.fillText(this.sides.length ? say("compare.not_measurable") : say("reading"), 60, 40); return; }
    let low = Math.min(...every), high = Math.max(...every);
    const room = (high - low || 1) * 0.08; low -= room; high += room;
    const X = (at) => LEFT + at * (w - LEFT - RIGHT), Y = (v) => 8 + (1 - (v - low) / (high - low)) * (hh - 34);
    const placed = (side) => { const { own, axis } = this.knots(side); return (i) => X(across(i / 100, own, axis)); };
    c.font = "12px system-ui, sans-serif"; c.fillStyle = css("--soft"); c.strokeStyle = css("--grid"); c.lineWidth = 1;
    c.textAlign = "right"; c.textBaseline = "middle";
    for (let i = 0; i <= 4; i += 1) {
      const v = low + ((high - low) * i) / 4;
      c.beginPath(); c.moveTo(LEFT, Y(v)); c.lineTo(w - RIGHT, Y(v)); c.stroke();
      c.fillText(amount(v, this.about?.unit), LEFT - 6, Y(v));
    }
    c.textBaseline = "bottom";
    for (let i = 0; i <= 4; i += 1) { c.textAlign = i === 4 ? "right" : "center"; c.fillText(this.placed(i / 4), X(i / 4), hh); }
    c.textAlign = "center";
    if (spread) {
      const x = placed(this.sides[0]);
      for (const run of runs(spread.points)) {
        c.fillStyle = css("--band"); c.beginPath();
        run.forEach(([i, [m, s]], k) => (k ? c.lineTo(x(i), Y(m + s)) : c.moveTo(x(i), Y(m + s))));
        [...run].reverse().forEach(([i, [m, s]]) => c.lineTo(x(i), Y(m - s)));
        c.fill();
        c.strokeStyle = css("--soft"); c.lineWidth = 1.2; c.setLineDash([1, 3]); c.beginPath();
        run.forEach(([i, [m]], k) => (k ? c.lineTo(x(i), Y(m)) : c.moveTo(x(i), Y(m))));
        c.stroke(); c.setLineDash([]);
      }
    }
    for (const [side, values] of found) {
      const x = placed(side);
      c.strokeStyle = css(side.other ? "--other" : "--curve"); c.lineWidth = 2.4; c.setLineDash(side.other ? [8, 5] : []);
      for (const run of runs(values)) { c.beginPath(); run.forEach(([i, v], k) => (k ? c.lineTo(x(i), Y(v)) : c.moveTo(x(i), Y(v)))); c.stroke(); }
      c.setLineDash([]);
      const end = values.map((v, i) => [i, v]).filter(([, v]) => v !== null);
      const top = end.reduce((p, q) => (q[1] > p[1] ? q : p), end[0] ?? [0, low]);
      if (end.length) { c.fillStyle = c.strokeStyle; c.font = "700 13px system-ui, sans-serif"; c.fillText(side.other ? "B" : "A", x(top[0]) + (side.other ? 12 : -12), Y(top[1])); }
    }
    c.fillStyle = css("--ink"); c.fillRect(X(this.at) - 1, 4, 2, hh - 26);
    if (this.hover !== null) { c.globalAlpha = 0.5; c.fillRect(X(this.hover), 4, 1, hh - 26); c.globalAlpha = 1; }
  }

  close() {
    this.playing = false; window.removeEventListener("themechange", this.redraw);
    this.sides.forEach((s) => s.player?.close()); this.surface.close();
  }
}

/** What a session is called among others, so that no two read the same. */
function sessionNames(sessions) {
  const plain = (s) => [day(s.date), s.patient || say("no_name"), s.side && say(`side.${s.side}`), s.live ? say("session.live") : s.source].filter(Boolean).join(", ");
  const often = new Map();
  for (const s of sessions) often.set(plain(s), (often.get(plain(s)) ?? 0) + 1);
  return new Map(sessions.map((s) => [s.key, often.get(plain(s)) > 1 ? `${plain(s)}, ${s.name}` : plain(s)]));
}

/** A place between knots, from the one row of them to the other; beyond the last it stays there. */
export function across(at, from, to) {
  for (let i = 1; i < from.length; i += 1) {
    if (at <= from[i] || i === from.length - 1) {
      const share = from[i] > from[i - 1] ? (at - from[i - 1]) / (from[i] - from[i - 1]) : 1;
      return to[i - 1] + Math.min(Math.max(share, 0), 1) * (to[i] - to[i - 1]);
    }
  }
  return at;
}

const middle = (xy, [a, b]) => [(xy[2 * a] + xy[2 * b]) / 2, (xy[2 * a + 1] + xy[2 * b + 1]) / 2];

/** Length of a trunk where its repetition begins, pixels: at the top it may be foreshortened. */
function trunkOf({ player, rep }) {
  const points = player.landmarks.at(player.frameAt(rep.start_s)) ?? player.landmarks.at(player.frame);
  if (!points) return NaN;
  const [hips, shoulders] = [middle(points.xy, HIPS), middle(points.xy, SHOULDERS)];
  return Math.hypot(hips[0] - shoulders[0], hips[1] - shoulders[1]);
}

function repWords(r) {
  const name = called(r, "compare.rep"), rep = r.class === "full" ? name : say("compare.rep_class", { name, class: say(`class.${r.class}`) });
  return r.faults.length ? count("compare.with_faults", r.faults.length, { rep }) : rep;
}

/** Stretches without gaps, as [index, value]. */
function runs(values) {
  const out = [];
  let run = [];
  values.forEach((v, i) => { if (v === null) { if (run.length) out.push(run); run = []; } else run.push([i, v]); });
  if (run.length) out.push(run);
  return out;
}
