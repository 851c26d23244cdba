// What if: other thresholds and targets on the stored landmarks, to be taken into a programme.

import { get, post } from "./api.js";
import { button, day, h, replace } from "./dom.js";
import { OFFER, keep } from "./drafts.js";
import { grades, number, shownLevel, tempo } from "./fields.js";
import { go } from "./navigation.js";
import { say } from "./words.js";

export class WhatIf {
  constructor(page) {
    this.page = page;
    this.element = h("div.whatif", {}, h("p.loading", {}, say("reading_thresholds")));
    this.result = null; this.timer = null; this.turn = 0; this.abort = null;
    this.load();
  }

  async load() {
    try {
      this.start = await get(`/api/session/${this.page.info.key}/whatif`);
    } catch (error) { replace(this.element, h("p.bad", {}, error.message)); return; }
    this.reset();
    this.build();
    this.ask(0);
  }

  reset() {
    const { start } = this;
    this.grades = Object.fromEntries(start.recorded.filter((f) => f.rules.length).map((f) => [f.id, [...f.rules[0].grades]]));
    this.tempo = { ...start.tempo };
    this.target = start.target_range;
  }

  changed(id) {
    const f = this.start.recorded.find((x) => x.id === id);
    return this.grades[id].some((g, i) => g !== f.rules[0].grades[i]);
  }

  /** What differs from the recording or from what is shipped, as a prescription. */
  request() {
    const faults = {};
    for (const [id, grades] of Object.entries(this.grades)) {
      const shipped = this.start.shipped[id];
      if (this.changed(id) || (shipped && grades.some((g, i) => g !== shipped[i]))) faults[id] = { grades };
    }
    const tempo = Object.fromEntries(Object.entries(this.tempo).filter(([, v]) => v !== null));
    const target = {};
    if (this.target) target.range = this.target;
    return { exercise: this.page.info.exercise, tempo, target, faults };
  }

  build() {
    const { start } = this;
    this.rows = new Map();
    const seen = start.recorded.filter((f) => f.rules.length);
    const affected = (f) => f.reps_affected;
    seen.sort((a, b) => Number(b.checked) - Number(a.checked) || affected(b) - affected(a));
    const checked = seen.filter((f) => f.checked), rest = seen.filter((f) => !f.checked);
    this.diff = h("div.diff-list", { "aria-live": "polite" }, "…");
    replace(this.element,
      h("p.soft", {}, say("whatif.about")), this.diff,
      h("h2.small", {}, say("whatif.tempo")),
      h("div.targets", {},
        tempo(this.tempo, start.usual_tempo, (key, v) => { this.tempo[key] = v; this.ask(); }).map(([, label]) => label),
        number(say("whatif.range", { unit: start.unit_word || "°" }), this.target, (v) => { this.target = v; this.ask(); }, { min: 0, placeholder: say("whatif.own_range") })),
      h("h2.small", {}, say("whatif.thresholds")), checked.map((f) => this.row(f)),
      rest.length ? h("details", {}, h("summary", {}, say("whatif.not_checked", { n: rest.length })), rest.map((f) => this.row(f))) : null,
      h("div.save.row", {}, button(say("whatif.take"), () => this.take(), { kind: "primary", small: true }), button(say("panel.as_recorded"), () => this.back(), { small: true })));
  }

  row(f) {
    const rule = f.rules[0], base = rule.grades[0];
    const { share } = f;
    const levels = grades(Object.values(this.page.info.grade_words), f.title, { falls: rule.falls, share }, this.grades[f.id], (i, v) => { if (v !== null) { this.grades[f.id][i] = v; if (i === 0) slider.value = v; this.ask(); } });
    const top = rule.falls ? Math.max(1, base * 1.6) : base * 3 || 1;
    const slider = h("input", { type: "range", min: 0, max: top, step: top / 200, value: base, "aria-label": say("whatif.first_threshold", { title: f.title }), oninput: () => {
      // The three grades keep their distances, so that one slider is enough.
      const v = Number(slider.value), places = f.unit === "deg" || f.unit === "%" ? 0 : 2;
      this.grades[f.id] = rule.grades.map((g) => Number((base ? (g / base) * v : g).toFixed(places)));
      levels.querySelectorAll("input").forEach((input, i) => { input.value = shownLevel(this.grades[f.id][i], share); });
      this.ask();
    } });
    slider.value = this.grades[f.id][0];
    const count = h("span.count", {});
    const element = h("div.one", {}, h("div.row", {}, h("b", {}, f.title), count),
      h("div.row", {}, slider, h("span.soft", {}, f.unit === "deg" ? "°" : `${share ? "% " : ""}${f.unit_word}`)),
      levels);
    this.rows.set(f.id, { element, count });
    return element;
  }

  ask(wait = 60) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.judge(), wait);
  }

  async judge() {
    const mine = ++this.turn;
    this.abort?.abort();
    this.abort = new AbortController();
    const slow = setTimeout(() => { if (mine === this.turn) this.diff.textContent = say("whatif.slow"); }, 700);
    try {
      const result = await post(`/api/session/${this.page.info.key}/whatif`, this.request(), { signal: this.abort.signal });
      if (mine !== this.turn) return;
      this.result = result;
      this.apply();
    } catch (error) {
      if (error.name !== "AbortError" && mine === this.turn) replace(this.diff, h("span.bad", {}, error.message));
    } finally { clearTimeout(slow); }
  }

  /** Back to the thresholds that the session was recorded with. */
  back() { this.reset(); this.build(); this.ask(0); }

  anything() {
    const { start } = this;
    return Object.keys(this.grades).some((id) => this.changed(id)) || this.target !== start.target_range
      || ["rise_s", "hold_s", "lower_s"].some((k) => this.tempo[k] !== start.tempo[k]);
  }

  apply() {
    const { page, result } = this;
    const changed = this.anything();
    if (changed) {
      const was = new Set(result.diff.filter((d) => !d.was).map((d) => `${d.rep}:${d.id}`));
      for (const rep of result.reps) for (const f of rep.faults) f.fresh = was.has(`${f.rep}:${f.id}`);
      for (const d of result.diff.filter((x) => !x.now)) {
        const old = page.info.reps.flatMap((r) => r.faults).find((f) => f.rep === d.rep && f.id === d.id);
        const rep = result.reps.find((r) => r.index === d.rep);
        if (old && rep) rep.faults.push({ ...old, gone: true, verdict: null, rejected: false });
      }
      page.whatIf = result;
    } else page.whatIf = null;
    page.open = null;
    if (page.lanes) page.lanes.open = null;
    page.lanes?.redrawAll();
    page.player?.surface.redraw();
    page.panel.drawResult();
    this.draw();
  }

  draw() {
    const { result } = this;
    if (!result) return;
    for (const f of result.faults) {
      const row = this.rows.get(f.id);
      if (!row) continue;
      const before = result.before[f.id] ?? 0, by = f.reps_affected - before;
      row.element.classList.toggle("changed", this.changed(f.id));
      replace(row.count, f.checked ? say("whatif.in_reps", { n: f.reps_affected, of: f.reps_checked }) : h("span.soft", { title: f.why }, say("not_checked")), by ? h("span.diff", {}, ` (${by > 0 ? "+" : "−"}${Math.abs(by)})`) : null);
    }
    const changed = this.anything();
    const grade = (g) => (g ? say("whatif.grade_n", { n: g }) : say("whatif.not_there"));
    replace(this.diff,
      !changed ? say("whatif.nothing") : result.diff.length ? [h("b", {}, say("whatif.changed", { n: result.diff.length })),
        h("ul", {}, result.diff.slice(0, 100).map((d) => h("li", {}, button(`${say("rep_n", { n: d.rep_name })}: ${d.title}`, () => { this.page.seek(d.start_s); }), ` ${d.value_text}, ${grade(d.was)} → ${grade(d.now)}`)))] : say("whatif.no_change"),
      result.as_recorded ? null : h("p.soft", {}, say("whatif.looking_back")));
  }

  /** What was found goes into the patient's programme, where it is looked at and saved. */
  take() {
    const { info } = this.page, { exercise, ...tables } = this.request();
    const asked = Object.fromEntries(Object.entries(tables).filter(([, table]) => Object.keys(table).length));
    const about = Object.keys(asked).map((name) => say(`whatif.asked.${name}`)).join(", ") || say("whatif.as_usual");
    keep(OFFER, { exercise, side: info.side, asked, title: [info.title, day(info.date)].join(", "), about });
    go(`/programme${info.patient ? `?patient=${encodeURIComponent(info.patient)}` : ""}`);
  }
}
