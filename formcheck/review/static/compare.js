// Two repetitions side by side, each from 0 to 100 % of its time, before the mean and spread of the set.

import { bytes, get } from "./api.js";
import { amount, button, called, css, day, h, replace, surface } from "./dom.js";
import { Player } from "./player.js";
import { count, pointed, say } from "./words.js";

export class Compare {
  constructor(info, rep) {
    this.info = info;
    this.share = 0; this.playing = false; this.measure = info.primary; this.curves = new Map(); this.sides = [];
    const second = info.reps.find((r) => r !== rep && r.class === "full" && !r.faults.length) ?? info.reps.find((r) => r !== rep) ?? rep;
    this.scrub = h("input", { type: "range", min: 0, max: 100, step: 0.5, value: 0, "aria-label": say("compare.share"), oninput: () => { this.pause(); this.go(Number(this.scrub.value) / 100); } });
    this.playButton = button(say("compare.play"), () => this.toggle(), { title: say("compare.play"), key: say("keys.space") });
    this.percent = h("span.n", {}, "0 %");
    this.select = h("select", { "aria-label": say("compare.measure"), onchange: () => { this.measure = this.select.value; this.load(); } },
      info.measures.filter((m) => m.status !== "not_measurable").map((m) => h("option", { value: m.name, selected: m.name === info.primary }, m.title)));
    this.canvas = h("canvas.curves", { role: "img", "aria-label": say("compare.curves"), onpointerdown: (e) => this.point(e), onpointermove: (e) => { if (e.buttons) this.point(e); } });
    this.note = h("p.soft", {});
    this.pair = h("div.pair", {});
    this.element = h("section.compare", { "aria-label": say("compare.title") }, this.pair,
      h("div.scrub", {}, this.playButton, this.scrub, this.percent, this.select), this.canvas, this.note);
    this.surface = surface(this.canvas, (c, w, hh) => this.draw(c, w, hh));
    this.redraw = () => this.surface.redraw();
    window.addEventListener("themechange", this.redraw);
    this.begin(rep, second);
  }

  async begin(first, second) {
    const [times, library] = await Promise.all([bytes(`/api/session/${this.info.key}/times`), get("/api/library")]);
    this.times = new Map([[this.info.key, new Float64Array(times)]]);
    // Only like is compared with like: the same exercise from the same view.
    this.others = library.sessions.filter((s) => !s.problem && s.exercise === this.info.exercise && s.view === this.info.view_title && s.counts.full + s.counts.partial > 0);
    this.sides = [this.side(this.info, first, false), this.side(this.info, second, true)];
    this.show();
    await this.load();
  }

  side(info, rep, other) { return { info, rep, other, player: null, box: h("div", {}) }; }

  show() {
    for (const side of this.sides) {
      side.player?.close();
      side.player = new Player(side.info, this.times.get(side.info.key));
      side.player.element.onclick = null;
      side.player.toggle = () => this.toggle();
      const session = h("select", { "aria-label": say("one_session"), onchange: () => this.choose(side, session.value) }, this.others.map((s) => h("option", { value: s.key, selected: s.key === side.info.key }, s.key === this.info.key ? say("compare.this_session") : [day(s.date), s.patient, s.side && say(`side.${s.side}`)].filter(Boolean).join(", "))));
      const rep = h("select", { "aria-label": say("repetition"), onchange: () => { side.rep = side.info.reps.find((r) => r.index === Number(rep.value)); this.go(this.share); this.surface.redraw(); this.explain(); } },
        side.info.reps.map((r) => h("option", { value: r.index, selected: r === side.rep }, repWords(r))));
      replace(side.box, h(`div.side-head${side.other ? ".other" : ""}`, {}, h("b", {}, side.other ? "B" : "A"), session, rep), side.player.element);
    }
    replace(this.pair, this.sides.map((s) => s.box));
    this.go(this.share);
  }

  async choose(side, key) {
    const [info, times] = await Promise.all([get(`/api/session/${key}`), this.times.get(key) ?? bytes(`/api/session/${key}/times`)]);
    this.times.set(key, times instanceof Float64Array ? times : new Float64Array(times));
    side.info = info; side.rep = info.reps[0];
    this.show();
    await this.load();
  }

  async load() {
    for (const side of this.sides) {
      const id = `${side.info.key}/${this.measure}`;
      if (!this.curves.has(id)) this.curves.set(id, await get(`/api/session/${side.info.key}/curves/${this.measure}`));
    }
    this.surface.redraw();
    this.explain();
  }

  data(side) { return this.curves.get(`${side.info.key}/${this.measure}`); }

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
    this.note.textContent = [say("compare.lasts", { a, b }), behind, say("compare.gaps")].join(" ");
  }

  go(share) {
    this.share = Math.min(Math.max(share, 0), 1);
    for (const side of this.sides) side.player?.seek(side.rep.start_s + this.share * (side.rep.end_s - side.rep.start_s));
    this.shown();
  }

  shown() {
    this.scrub.value = 100 * this.share;
    this.percent.textContent = `${Math.round(100 * this.share)} %`;
    this.surface.redraw();
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (!this.sides.length) return;
    if (this.share >= 0.995) this.go(0);
    this.playing = true; this.playButton.textContent = say("compare.pause");
    // Both take the longer one's time: the shorter plays slower.
    const longest = Math.max(...this.sides.map((s) => s.rep.end_s - s.rep.start_s));
    for (const side of this.sides) { side.player.setRate(Math.max((side.rep.end_s - side.rep.start_s) / longest, 0.07)); side.player.play(); }
    const a = this.sides[0];
    const each = () => {
      if (!this.playing) return;
      this.share = Math.min(Math.max((a.player.time - a.rep.start_s) / (a.rep.end_s - a.rep.start_s), 0), 1);
      this.shown();
      for (const side of this.sides) if (side.player.playing && side.player.time >= side.rep.end_s - 1e-3) side.player.pause();
      if (this.sides.every((s) => !s.player.playing)) this.pause(); else requestAnimationFrame(each);
    };
    requestAnimationFrame(each);
  }

  pause() { this.playing = false; this.playButton.textContent = say("compare.play"); for (const s of this.sides) s.player?.pause(); }

  point(e) {
    const box = this.canvas.getBoundingClientRect();
    this.pause();
    this.go((e.clientX - box.left - 52) / (box.width - 64));
  }

  onKey(e) {
    const step = { ",": -0.01, ".": 0.01, ArrowLeft: -0.05, ArrowRight: 0.05 }[e.key];
    if (e.target.tagName === "INPUT") return;
    if (step) { e.preventDefault(); this.pause(); this.go(this.share + step); }
    if (e.key === " " && e.target.tagName !== "BUTTON") { e.preventDefault(); this.toggle(); }
  }

  draw(c, w, hh) {
    const found = this.sides.map((s) => [s, this.data(s)?.reps.find((r) => r.rep === s.rep.index)?.values]).filter(([, v]) => v);
    const spread = this.spread();
    const every = [...found.flatMap(([, v]) => v.filter((x) => x !== null)), ...(spread?.points ?? []).filter(Boolean).flatMap(([m, s]) => [m - s, m + s])];
    if (!every.length) { c.fillStyle = css("--soft"); c.font = "14px system-ui, sans-serif"; c.fillText(this.sides.length ? say("compare.not_measurable") : say("reading"), 60, 40); return; }
    const unit = this.info.measures.find((m) => m.name === this.measure)?.unit ?? "";
    let low = Math.min(...every), high = Math.max(...every);
    const room = (high - low || 1) * 0.08; low -= room; high += room;
    const X = (i) => 52 + (i / 100) * (w - 64), Y = (v) => 8 + (1 - (v - low) / (high - low)) * (hh - 34);
    c.font = "12px system-ui, sans-serif"; c.fillStyle = css("--soft"); c.strokeStyle = css("--grid"); c.lineWidth = 1;
    c.textAlign = "right"; c.textBaseline = "middle";
    for (let i = 0; i <= 4; i += 1) {
      const v = low + ((high - low) * i) / 4;
      c.beginPath(); c.moveTo(52, Y(v)); c.lineTo(w - 12, Y(v)); c.stroke();
      c.fillText(amount(v, unit === "deg" ? "deg" : "ratio"), 46, Y(v));
    }
    c.textAlign = "center"; c.textBaseline = "bottom";
    for (let i = 0; i <= 100; i += 25) { c.textAlign = i === 100 ? "right" : "center"; c.fillText(`${i} %`, X(i), hh); }
    c.textAlign = "center";
    if (spread) {
      for (const run of runs(spread.points)) {
        c.fillStyle = css("--band"); c.beginPath();
        run.forEach(([i, [m, s]], k) => (k ? c.lineTo(X(i), Y(m + s)) : c.moveTo(X(i), Y(m + s))));
        [...run].reverse().forEach(([i, [m, s]]) => c.lineTo(X(i), Y(m - s)));
        c.fill();
        c.strokeStyle = css("--soft"); c.lineWidth = 1.2; c.setLineDash([1, 3]); c.beginPath();
        run.forEach(([i, [m]], k) => (k ? c.lineTo(X(i), Y(m)) : c.moveTo(X(i), Y(m))));
        c.stroke(); c.setLineDash([]);
      }
    }
    for (const [side, values] of found) {
      c.strokeStyle = css(side.other ? "--other" : "--curve"); c.lineWidth = 2.4; c.setLineDash(side.other ? [8, 5] : []);
      for (const run of runs(values)) { c.beginPath(); run.forEach(([i, v], k) => (k ? c.lineTo(X(i), Y(v)) : c.moveTo(X(i), Y(v)))); c.stroke(); }
      c.setLineDash([]);
      const end = values.map((v, i) => [i, v]).filter(([, v]) => v !== null);
      const top = end.reduce((p, q) => (q[1] > p[1] ? q : p), end[0] ?? [0, low]);
      if (end.length) { c.fillStyle = c.strokeStyle; c.font = "700 13px system-ui, sans-serif"; c.fillText(side.other ? "B" : "A", X(top[0]) + (side.other ? 12 : -12), Y(top[1])); }
    }
    c.fillStyle = css("--ink"); c.fillRect(X(100 * this.share) - 1, 4, 2, hh - 26);
  }

  close() {
    this.playing = false; window.removeEventListener("themechange", this.redraw);
    this.sides.forEach((s) => s.player?.close()); this.surface.close();
  }
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
