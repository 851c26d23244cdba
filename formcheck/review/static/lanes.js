// The time lines under the picture: phases shaded, faults as bands, gaps as gaps; click to go there.

import { amount, button, called, clock, css, h, replace, surface } from "./dom.js";
import { fetchLine } from "./lines.js";
import { pointed, say } from "./words.js";

const PHASES = ["rise", "hold", "lower"];

export class Lanes {
  constructor(player, info, { openFault, reps }) {
    this.player = player; this.info = info; this.openFault = openFault; this.reps = reps;
    this.a = 0; this.b = Math.max(player.duration, info.duration_s, 1);
    this.whole = [0, this.b];
    this.lines = new Map(); this.lanes = []; this.open = null; this.notes = () => [];
    this.shown = this.defaults();
    this.scroll = h("div.lanes-scroll", { tabindex: 0, role: "group", "aria-label": say("lanes.lines_long") });
    this.head = h("div.playhead");
    this.menu = null;
    this.tools = h("div.lane-tools", {},
      button("", () => this.zoom(1 / 1.6), { icon: "plus", title: say("lanes.zoom_in"), key: "+", small: true }),
      button("", () => this.zoom(1.6), { icon: "minus", title: say("lanes.zoom_out"), key: "−", small: true }),
      button("", () => this.fit(), { icon: "fit", title: say("lanes.whole"), key: "0", small: true }),
      button(say("lanes.measures"), () => this.toggleMenu(), { small: true }),
      button(say("lanes.table"), () => this.toggleTable(), { small: true, title: say("lanes.table_long"), key: "T" }), h("span.visually-hidden", { id: "lanes-hint" }, say("lanes.hint")));
    this.element = h("section.lanes", { "aria-label": say("lanes.lines") }, this.tools, this.scroll);
    this.colors = {};
    this.readColors();
    this.onTheme = () => { this.readColors(); this.redrawAll(); };
    window.addEventListener("themechange", this.onTheme);
    player.addEventListener("frame", () => this.follow());
    this.build();
  }

  defaults() {
    const { info } = this;
    const shown = new Set([info.primary]);
    for (const rep of this.reps()) for (const f of rep.faults) shown.add(f.measure);
    for (const m of info.measures) if (shown.size < 4 && m.status === "ok" && !m.aside) shown.add(m.name);
    return new Set(info.measures.map((m) => m.name).filter((n) => shown.has(n)));
  }

  readColors() {
    for (const name of ["ink", "soft", "line", "grid", "card", "curve", "low", "threshold", "fault", "fault-fill", "rise", "hold", "lower", "hatch", "g1", "g2", "g3", "good", "accent"]) this.colors[name] = css(`--${name}`);
    this.hatch = null;
  }

  build() {
    this.lanes.forEach((lane) => lane.surface.close());
    this.lanes = [];
    const { info } = this;
    // The counting measure first, then those in which something was found.
    const found = new Map();
    for (const rep of this.reps()) for (const f of rep.faults) found.set(f.measure, (found.get(f.measure) ?? 0) + f.grade);
    const weight = (n) => (n === info.primary ? 1e9 : found.get(n) ?? 0);
    const order = info.measures.map((m) => m.name).filter((n) => this.shown.has(n)).sort((a, b) => weight(b) - weight(a));
    this.fillTable();
    replace(this.scroll, this.head,
      this.lane(say("lanes.whole"), h("span.soft", {}, say("lanes.whole")), (c, w, hh) => this.drawOverview(c, w, hh), "overview"),
      this.lane(say("lanes.faults"), h("b", {}, say("lanes.faults")), (c, w, hh) => this.drawFaults(c, w, hh), "faultlane"),
      order.map((name) => this.measureLane(info.measures.find((m) => m.name === name))));
    this.follow();
  }

  lane(name, label, draw, kind = "") {
    const canvas = h("canvas", { role: "img", "aria-label": say("lanes.over_time", { what: name }), "aria-describedby": "lanes-hint" });
    const element = h(`div.lane${kind ? `.${kind}` : ""}`, {}, h("div.name", {}, label), h("div.plot", {}, canvas));
    const lane = { name, canvas, element, kind, surface: surface(canvas, draw) };
    this.lanes.push(lane);
    this.touch(canvas, kind === "overview");
    return element;
  }

  measureLane(measure) {
    const value = h("span.value");
    const shownUnit = measure.unit_word;
    const label = [h("b", {}, measure.short), value, h("span.soft", {}, measure.status === "low" ? say("lanes.uncertain_here") : shownUnit)];
    const element = this.lane(measure.title, label, (c, w, hh) => this.drawMeasure(c, w, hh, measure), measure.name === this.info.primary ? "first" : "");
    this.lanes.at(-1).measure = measure;
    this.lanes.at(-1).valueText = value;
    this.need(measure.name);
    return element;
  }

  async need(name) {
    if (this.lines.has(name)) return;
    this.lines.set(name, null);
    try {
      this.lines.set(name, await fetchLine(this.info.key, name, this.player.times.length));
    } catch (error) {
      this.lines.set(name, { failed: error.message });
    }
    this.redraw();
    this.follow();
  }

  // -- where things are ---------------------------------------------------------------------------------

  X(time, w) { return ((time - this.a) / (this.b - this.a)) * w; }
  T(x, w) { return this.a + (x / w) * (this.b - this.a); }

  setView(a, b) {
    const [first, last] = this.whole;
    const least = Math.min(0.6, last - first);
    let size = Math.min(Math.max(b - a, least), last - first);
    a = Math.min(Math.max(a, first), last - size);
    this.a = a; this.b = a + size;
    this.redraw();
    this.moveHead();
  }

  zoom(factor, at = this.player.time) {
    if (at < this.a || at > this.b) at = (this.a + this.b) / 2;
    const size = (this.b - this.a) * factor;
    const share = (at - this.a) / (this.b - this.a);
    this.setView(at - share * size, at - share * size + size);
  }

  fit() { this.setView(...this.whole); }

  /** Shows a stretch with some room around it, if it is not well in sight. */
  showStretch(a, b) {
    if (a >= this.a && b <= this.b && (this.b - this.a) < 40 * Math.max(b - a, 0.5)) return;
    const room = Math.max(b - a, 3);
    if (this.whole[1] - this.whole[0] > 90) this.setView(a - room, b + room);
  }

  /** After faults or colours changed. */
  redrawAll() { this.overview = null; this.redraw(); this.fillTable(); }

  redraw() { for (const lane of this.lanes) lane.surface.redraw(); }

  follow() {
    const t = this.player.time;
    if (this.b - this.a < this.whole[1] - this.whole[0] - 1e-6 && (t < this.a || t > this.b) && !this.dragging) {
      const size = this.b - this.a;
      this.setView(t - size * 0.15, t + size * 0.85);
    }
    this.moveHead();
    const overview = this.lanes[0];
    if (overview) overview.surface.redraw();
    for (const lane of this.lanes) {
      if (!lane.measure) continue;
      const line = this.lines.get(lane.measure.name);
      const v = line?.value?.[this.player.frame], s = line?.status?.[this.player.frame];
      lane.valueText.textContent = line?.failed ?? (!line ? "…" : Number.isFinite(v) ? amount(v, lane.measure.unit) + (s === 1 ? " ?" : "") : "–");
    }
  }

  moveHead() {
    const plot = this.lanes[0]?.canvas;
    if (!plot) return;
    const w = plot.clientWidth, x = this.X(this.player.time, w);
    this.head.hidden = x < 0 || x > w || !w;
    const first = this.lanes[1];
    if (first) {
      this.head.style.top = `${first.element.offsetTop}px`;
      this.head.style.height = `${this.scroll.scrollHeight - first.element.offsetTop}px`;
    }
    this.head.style.transform = `translateX(${plot.parentElement.offsetLeft + x - 1}px)`;
  }

  // -- drawing ------------------------------------------------------------------------------------------

  hatched(c) {
    if (this.hatch) return this.hatch;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const t = tile.getContext("2d");
    t.strokeStyle = this.colors.hatch; t.lineWidth = 1;
    t.beginPath(); t.moveTo(-2, 10); t.lineTo(10, -2); t.moveTo(-2, 2); t.lineTo(2, -2); t.moveTo(6, 10); t.lineTo(10, 6); t.stroke();
    this.hatch = c.createPattern(tile, "repeat");
    return this.hatch;
  }

  visibleReps() {
    return this.reps().filter((rep) => rep.end_s >= this.a && rep.start_s <= this.b);
  }

  shade(c, w, hh, numbers) {
    const reps = this.visibleReps();
    if (reps.length > w / 6) { // too dense to tell phases apart
      c.fillStyle = this.colors.rise;
      if (reps.length) c.fillRect(this.X(reps[0].start_s, w), 0, this.X(reps.at(-1).end_s, w) - this.X(reps[0].start_s, w), hh);
      return;
    }
    for (const rep of reps) {
      const parts = limits(rep);
      if (!parts) {
        c.fillStyle = this.hatched(c);
        c.fillRect(this.X(rep.start_s, w), 0, this.X(rep.end_s, w) - this.X(rep.start_s, w), hh);
      } else {
        for (const [i, phase] of PHASES.entries()) {
          const x1 = this.X(parts[i], w), x2 = this.X(parts[i + 1], w);
          c.fillStyle = this.colors[phase];
          c.fillRect(x1, 0, x2 - x1, hh);
        }
      }
      if (numbers && this.X(rep.end_s, w) - this.X(rep.start_s, w) > 14) {
        c.fillStyle = this.colors.soft; c.font = "600 11px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "top";
        c.fillText(rep.name, (this.X(rep.start_s, w) + this.X(rep.end_s, w)) / 2, 2);
      }
    }
  }

  ticks(c, w, hh, label) {
    const span = this.b - this.a;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((s) => (s / span) * w >= 74) ?? 1200;
    c.font = "11px system-ui, sans-serif"; c.textAlign = "left"; c.textBaseline = "bottom";
    for (let t = Math.ceil(this.a / step) * step; t <= this.b; t += step) {
      const x = Math.round(this.X(t, w)) + 0.5;
      c.strokeStyle = this.colors.grid; c.lineWidth = 1;
      c.beginPath(); c.moveTo(x, 0); c.lineTo(x, hh); c.stroke();
      const told = clock(t, step < 1 ? 1 : 0);
      if (label && x + 3 + c.measureText(told).width <= w) { c.fillStyle = this.colors.soft; c.fillText(told, x + 3, hh - 1); }
    }
  }

  drawMeasure(c, w, hh, measure) {
    this.ticks(c, w, hh, false);
    const line = this.lines.get(measure.name);
    if (!line || line.failed) { this.shade(c, w, hh); return; }
    const { times } = this.player;
    const fa = this.player.frameAt(this.a), fb = Math.min(this.player.frameAt(this.b) + 1, this.player.last);
    const perPixel = (2 * (fb - fa)) / Math.max(w, 1) / 2;
    c.fillStyle = this.hatched(c);
    for (const [from, to] of line.gaps(fa, fb, perPixel, 3)) {
      const x1 = this.X(times[from], w), x2 = this.X(times[to], w);
      c.fillRect(x1, 0, x2 - x1, hh);
      if (x2 - x1 > 110) {
        c.save(); c.fillStyle = this.colors.soft; c.font = "11px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle";
        c.fillText(say("lanes.not_measurable"), (Math.max(x1, 0) + Math.min(x2, w)) / 2, hh / 2); c.restore();
      }
    }
    this.shade(c, w, hh);
    if (!line.known) return;
    const levels = measure.levels.map((l) => l.level);
    let low = Math.min(line.low, ...levels), high = Math.max(line.high, ...levels);
    const room = (high - low || 1) * 0.08;
    low -= room; high += room;
    const Y = (v) => hh - ((v - low) / (high - low)) * hh;
    this.bands(c, w, hh, measure.name);
    c.setLineDash([6, 4]); c.lineWidth = 1.2; c.strokeStyle = this.colors.threshold;
    for (const level of levels) { c.beginPath(); c.moveTo(0, Y(level)); c.lineTo(w, Y(level)); c.stroke(); }
    line.draw(c, fa, fb, (f) => this.X(this.timeOf(f), w), Y, perPixel, (kind) => {
      c.lineJoin = "round";
      c.strokeStyle = kind === "ok" ? this.colors.curve : this.colors.low;
      c.lineWidth = kind === "ok" ? 1.9 : 1.4;
      c.setLineDash(kind === "ok" ? [] : [2, 3]);
    });
    c.setLineDash([]);
    c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right";
    for (const { level, title } of measure.levels) {
      const text = `${amount(level, measure.unit)} ${title}`;
      const y = Math.min(Math.max(Y(level), 7), hh - 7), tw = c.measureText(text).width;
      c.globalAlpha = 0.85; c.fillStyle = this.colors.card; c.fillRect(w - tw - 8, y - 7, tw + 6, 14); c.globalAlpha = 1;
      c.fillStyle = this.colors.threshold; c.fillText(text, w - 5, y);
    }
  }

  timeOf(frame) {
    const { times } = this.player, i = Math.floor(frame);
    return i >= times.length - 1 ? times[times.length - 1] : times[i] + (frame - i) * (times[i + 1] - times[i]);
  }

  bands(c, w, hh, measure) {
    const reps = this.visibleReps(), dense = reps.length > w / 6;
    for (const rep of reps) for (const f of rep.faults) {
      if (f.measure !== measure || f.gone || f.rejected) continue;
      const x1 = this.X(f.start_s, w), x2 = Math.max(this.X(f.end_s, w), x1 + 3);
      if (!dense) { c.fillStyle = this.colors["fault-fill"]; c.fillRect(x1, 0, x2 - x1, hh); }
      c.fillStyle = this.colors.fault; c.fillRect(x1, 0, x2 - x1, 3);
      if (this.open === f) { c.strokeStyle = this.colors.fault; c.lineWidth = 2; c.strokeRect(x1 + 1, 1, x2 - x1 - 2, hh - 2); }
    }
  }

  drawFaults(c, w, hh) {
    this.ticks(c, w, hh, true);
    this.shade(c, w, hh, true);
    this.hits = [];
    const ends = [], rows = 2, top = 15, row = (hh - top - 13) / rows;
    const few = this.visibleReps().length <= 60;
    for (const rep of this.visibleReps()) for (const f of [...rep.faults].sort((p, q) => p.start_s - q.start_s)) {
      const x1 = this.X(f.start_s, w), x2 = Math.max(this.X(f.end_s, w), x1 + (few ? 14 : 3));
      let lane = ends.findIndex((end) => end <= x1);
      if (lane < 0) lane = ends.length < rows ? ends.length : ends.indexOf(Math.min(...ends));
      ends[lane] = x2 + 1;
      const y = top + lane * row;
      c.globalAlpha = f.rejected || f.gone ? 0.35 : 1;
      c.fillStyle = this.colors[`g${f.grade}`];
      if (few) { c.beginPath(); c.roundRect(x1, y, x2 - x1, row - 2, 3); c.fill(); } else c.fillRect(x1, y, x2 - x1, row - 2);
      if (few && x2 - x1 >= 12) {
        c.fillStyle = "#fff"; c.font = "700 10px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle";
        const text = c.measureText(`${f.grade} ${f.title}`).width < x2 - x1 - 6 ? `${f.grade} ${f.title}` : `${f.grade}`;
        c.fillText(text, (x1 + x2) / 2, y + row / 2 - 0.5);
      }
      c.globalAlpha = 1;
      if (this.open === f) { c.strokeStyle = this.colors.ink; c.lineWidth = 2; c.strokeRect(x1 - 1, y - 1, x2 - x1 + 2, row); }
      this.hits.push([x1 - 2, y - 2, x2 + 2, y + row, f]);
    }
    for (const note of this.notes()) {
      const x = this.X(note.time_s, w);
      c.fillStyle = this.colors.accent; c.beginPath(); c.moveTo(x - 5, 0); c.lineTo(x + 5, 0); c.lineTo(x, 8); c.fill();
    }
  }

  drawOverview(c, w, hh) {
    const [first, last] = this.whole, X = (t) => ((t - first) / (last - first)) * w;
    // Drawn once and copied: the playhead moves over it with every frame.
    const scale = window.devicePixelRatio || 1, wide = Math.round(w * scale), tall = Math.round(hh * scale);
    const ink = `${wide}x${tall}`;
    if (this.overviewDone !== ink || !this.overview) {
      this.overview = document.createElement("canvas");
      this.overview.width = wide; this.overview.height = tall;
      const o = this.overview.getContext("2d");
      o.scale(scale, scale);
      this.drawWhole(o, w, hh, X);
      this.overviewDone = ink;
    }
    c.drawImage(this.overview, 0, 0, w, hh);
    c.strokeStyle = this.colors.accent; c.lineWidth = 2;
    const x1 = X(this.a), x2 = X(this.b);
    c.strokeRect(x1 + 1, 1, Math.max(x2 - x1 - 2, 4), hh - 3);
    c.fillStyle = this.colors.ink; c.fillRect(X(this.player.time) - 1, 0, 2, hh);
  }

  drawWhole(c, w, hh, X) {
    c.fillStyle = this.colors.grid; c.fillRect(0, hh - 10, w, 4);
    for (const rep of this.reps()) {
      const worst = Math.max(0, ...rep.faults.filter((f) => !f.rejected && !f.gone).map((f) => f.grade));
      const unseen = this.info.state === "unseen"; // an outline: nothing is known, neither good nor bad
      c.fillStyle = c.strokeStyle = worst ? this.colors[`g${worst}`] : rep.class === "full" && !unseen ? this.colors.good : this.colors.low;
      const x1 = X(rep.start_s), tall = worst ? 8 + 4 * worst : 8, wide = Math.max(X(rep.end_s) - x1 - 1, 1.5);
      if (unseen && !worst && wide > 3) { c.lineWidth = 1; c.setLineDash([3, 2]); c.strokeRect(x1 + 0.5, hh - 5.5 - tall, wide - 1, tall - 1); c.setLineDash([]); } else c.fillRect(x1, hh - 6 - tall, wide, tall);
    }
  }

  // -- pointing -----------------------------------------------------------------------------------------

  touch(canvas, overview) {
    const down = new Map();
    let pinch = null;
    const time = (e) => {
      const box = canvas.getBoundingClientRect(), x = e.clientX - box.left;
      return overview ? this.whole[0] + (x / box.width) * (this.whole[1] - this.whole[0]) : this.T(x, box.width);
    };
    const go = (e) => {
      this.dragging = true;
      const t = Math.min(Math.max(time(e), this.whole[0]), this.whole[1]);
      if (overview && this.b - this.a < this.whole[1] - this.whole[0]) {
        const half = (this.b - this.a) / 2;
        this.setView(t - half, t + half);
      }
      this.player.seek(t);
    };
    canvas.addEventListener("pointerdown", (e) => {
      if (e.button !== 0) return;
      const box = canvas.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
      const hit = canvas === this.lanes[1]?.canvas ? this.hits?.find(([x1, y1, x2, y2]) => x >= x1 && x <= x2 && y >= y1 && y <= y2) : null;
      if (hit) { this.openFault(hit[4]); return; }
      down.set(e.pointerId, e);
      canvas.setPointerCapture(e.pointerId);
      if (down.size === 2) {
        const [p, q] = [...down.values()];
        pinch = { apart: Math.abs(p.clientX - q.clientX) || 1, size: this.b - this.a, at: (time(p) + time(q)) / 2 };
      } else go(e);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!down.has(e.pointerId)) return;
      down.set(e.pointerId, e);
      if (pinch && down.size === 2) {
        const [p, q] = [...down.values()];
        this.zoom((pinch.size * pinch.apart) / (Math.abs(p.clientX - q.clientX) || 1) / (this.b - this.a), pinch.at);
      } else go(e);
    });
    const up = (e) => { down.delete(e.pointerId); if (down.size < 2) pinch = null; if (!down.size) this.dragging = false; };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("wheel", (e) => {
      if (e.ctrlKey || e.metaKey || overview) { e.preventDefault(); this.zoom(1.0016 ** (e.deltaY * (e.ctrlKey ? 3 : 1)), time(e)); }
      else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
        e.preventDefault();
        const move = ((e.deltaX || e.deltaY) / canvas.clientWidth) * (this.b - this.a);
        this.setView(this.a + move, this.b + move);
      }
    }, { passive: false });
  }

  toggleMenu() {
    if (this.menu) { this.menu.remove(); this.menu = null; return; }
    this.menu = h("div.measures-menu", { role: "group", "aria-label": say("lanes.measures_shown") }, this.info.measures.map((m) => h("label", {},
      h("input", { type: "checkbox", checked: this.shown.has(m.name), onchange: (e) => { if (e.target.checked) this.shown.add(m.name); else this.shown.delete(m.name); this.build(); } }),
      h("span", {}, m.short, " ", h("small", {}, m.word + (m.status === "ok" ? "" : m.why ? `: ${m.why}` : ""))))));
    this.element.append(this.menu);
  }

  /** The same in words and numbers: a row for each repetition, a column for each measure shown, at its top. */
  toggleTable() {
    if (this.table) { this.table.remove(); this.table = null; this.scroll.hidden = false; return; }
    this.table = h("div.lanes-table", { tabindex: 0, role: "group", "aria-label": say("lanes.table_long") });
    this.scroll.hidden = true;
    this.fillTable();
    this.element.append(this.table);
    this.table.focus();
  }

  fillTable() {
    if (!this.table) return;
    const shown = this.info.measures.filter((m) => this.shown.has(m.name)), seconds = (v) => (v === null ? "–" : `${pointed(v.toFixed(1))} s`);
    const told = (rep) => rep.faults.filter((f) => !f.gone && !f.rejected).map((f) => `${f.title} ${f.value_text} (${f.grade_word})`).join("; ") || "–";
    replace(this.table, h("table", {}, h("caption", {}, say("lanes.table_long")),
      h("thead", {}, h("tr", {}, [say("repetition"), say("panel.when"), ...PHASES.map((p) => say(`lanes.${p}`)), ...shown.map((m) => [m.short, m.unit_word].filter(Boolean).join(", ")), say("lanes.faults")].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, this.reps().map((rep) => h("tr", {}, h("th", { scope: "row" }, h("button.link", { type: "button", onclick: () => this.player.seekStart(rep.start_s) }, called(rep))),
        [`${clock(rep.start_s, 1)}–${clock(rep.end_s, 1)}`, seconds(rep.rise_s), seconds(rep.hold_s), seconds(rep.lower_s), ...shown.map((m) => amount(rep.peak[m.name], m.unit)), told(rep)].map((text) => h("td", {}, text)))))));
  }

  close() { window.removeEventListener("themechange", this.onTheme); this.lanes.forEach((lane) => lane.surface.close()); }
}

/** Limits of rise, hold and lowering, or null where they are not known. */
export function limits(rep) {
  if (rep.rise_s === null || rep.hold_s === null) return null;
  return [rep.start_s, rep.start_s + rep.rise_s, rep.start_s + rep.rise_s + rep.hold_s, rep.end_s];
}
