// One session: picture, time lines, findings, and the physio's decisions.

import { bytes, get, post } from "./api.js";
import { amount, ask, button, called, clock, day, h, replace, toast } from "./dom.js";
import { DrawPad } from "./draw.js";
import { keep, kept } from "./kept.js";
import { Lanes } from "./lanes.js";
import { go, goNext, typing } from "./navigation.js";
import { Notes, decisionId, lookId } from "./notes.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { count, pointed, say } from "./words.js";

const RATES = [0.1, 0.25, 0.5, 1, 1.5, 2];

export async function render(main, key, query) {
  const notes = new Notes(key);
  const [info] = await Promise.all([get(`/api/session/${key}`), notes.load()]);
  document.title = say("title", { what: `${info.title}, ${day(info.date)}` });
  main.className = "wide";
  const page = new SessionPage(main, info, notes);
  page.shell();
  try {
    page.begin(new Float64Array(await bytes(`/api/session/${key}/times`)));
  } catch (error) {
    replace(page.stageBox, h("div.warnings", {}, h("p", {}, error.message)));
    page.begin(new Float64Array(0));
  }
  const start = Number(query.get("t"));
  if (Number.isFinite(start) && start > 0) page.player.seek(start);
  return () => page.close();
}

class SessionPage {
  constructor(main, info, notes) {
    this.main = main; this.info = info; this.notes = notes;
    this.whatIf = null; // repetitions by other thresholds, while they are tried out
    this.open = null;
    this.closers = [];
    this.worst = new Map(); // when each fault is at its worst, once it is known
    for (const rep of info.reps) for (const f of rep.faults) { f.found = f.grade; f.found_word = f.grade_word; }
    this.mark();
    notes.addEventListener("change", () => { this.mark(); this.refresh(); this.standAnew(); });
  }

  /** What stands by the decisions there are now, as the server works it out for every output. */
  standAnew() {
    clearTimeout(this.asking);
    this.asking = setTimeout(async () => {
      try { Object.assign(this.info, await get(`/api/session/${this.info.key}/standing`)); } catch (error) { toast(error.message, { kind: "bad" }); return; }
      this.panel.draw();
      this.lanes?.redrawAll();
    }, 60);
  }

  /** The repetitions as they are looked at now. */
  reps() { return this.whatIf?.reps ?? this.info.reps; }

  /** Decisions written onto the faults, so that everything that draws them knows. */
  mark() {
    for (const rep of this.info.reps) {
      rep.watched = this.notes.get(`reviewed:${rep.index}`)?.done ?? false;
      for (const f of rep.faults) {
        const said = this.notes.get(decisionId(f)), look = this.notes.get(lookId(f.rep, f.id))?.answer;
        f.verdict = said?.verdict ?? (look === "no" ? "rejected" : look === "yes" ? "accepted" : null);
        f.rejected = f.verdict === "rejected";
        f.grade = said?.grade ?? f.found;
        f.grade_word = this.info.grade_words[f.grade];
      }
    }
  }

  async remove() {
    const { info } = this;
    const text = say("session.delete_what", { what: [info.title, day(info.date), info.patient].filter(Boolean).join(", ") });
    if (await ask(say("session.delete_ask"), h("p", {}, text), [[say("session.keep"), null, "quiet"], [say("delete"), "delete", "bad"]]) !== "delete") return;
    try {
      const { left } = await post(`/api/session/${info.key}/delete`, { delete: true });
      go("/");
      toast(left.length ? say("session.deleted_but", { left: left.join(", ") }) : say("session.deleted"));
    } catch (error) {
      toast(error.message, { kind: "bad" });
    }
  }

  shell() {
    const { info } = this;
    const facts = [info.view_title, day(info.date), clock(info.duration_s, 0), info.live ? say("session.live") : info.source].filter(Boolean).join(" · ");
    this.rating = h("select", { "aria-label": say("session.quality_long"), onchange: () => this.rate() }, h("option", { value: "" }, say("session.not_rated")),
      Object.entries(info.quality).sort((a, b) => b[0] - a[0]).map(([level, word]) => h("option", { value: level }, say("session.rating", { word, level: pointed(level) }))));
    this.who = h("input.who", { maxlength: 80, value: info.patient, placeholder: say("pseudonym"), autocomplete: "off", list: "patients", "aria-label": say("session.patient_long"), onchange: () => this.rename() });
    this.progressLink = h("span", {});
    const known = h("datalist", { id: "patients" }); // so that nobody becomes two by another spelling
    get("/api/library").then(({ sessions }) => replace(known, [...new Set(sessions.map((s) => s.patient).filter(Boolean))].sort().map((name) => h("option", { value: name })))).catch(() => {});
    this.compareButton = button(say("session.compare"), () => this.toggleCompare(), { title: say("session.compare_long"), key: "V" });
    this.stageBox = h("div.stage-box", {}, h("p.loading", {}, say("opening")));
    this.lanesBox = h("section.lanes", {}, h("p.loading", {}, say("reading_lines")));
    this.panelBox = h("aside.panel", { "aria-label": say("session.findings"), tabindex: -1 });
    this.desk = h("div.desk", {}, this.stageBox, this.lanesBox, this.panelBox);
    const skip = h("a.skip", { href: "#findings", onclick: (e) => { e.preventDefault(); this.panelBox.focus(); } }, say("session.skip"));
    replace(this.main, skip, h("div.bar-top", {}, h("div", {}, h("h1", {}, info.title + (info.side ? `, ${say(`side.${info.side}`)}` : "")), h("span.facts", {}, facts)),
      h("div.row.end", {}, h("label", {}, say("patient"), this.who, known), this.progressLink, h("label", {}, say("session.quality"), this.rating), this.compareButton,
        info.live ? null : button(say("session.again"), async () => (await import("./again.js")).judgeAgain(this), { kind: "quiet", title: say("session.again_long") }),
        button(say("session.delete"), () => this.remove(), { kind: "quiet", title: say("session.delete_long") }))), this.desk);
    this.panel = new Panel(this);
    // After a click with the mouse the space bar plays; with the keyboard it presses the button it is on.
    this.pointed = (e) => { if (e.detail > 0 && document.activeElement?.tagName === "BUTTON") document.activeElement.blur(); };
    this.main.addEventListener("click", this.pointed);
    this.panelBox.append(...this.panel.elements);
    this.refresh();
  }

  /** Called once the frame times are there. */
  begin(times) {
    const { info } = this;
    this.player = new Player(info, times);
    this.player.marks = () => this.marksNow();
    this.player.angle = () => this.angleNow();
    this.player.zoomed = kept("zoomed") !== "";
    this.player.lines = () => this.linesNow();
    this.stageBox.replaceChildren(this.player.element, this.controls());
    this.lanes = new Lanes(this.player, info, { openFault: (f) => this.openFault(f), reps: () => this.reps() });
    this.lanes.notes = () => [...this.notes.all("comment"), ...this.notes.all("voice"), ...this.notes.all("missed")];
    this.lanesBox.replaceWith(this.lanes.element);
    this.player.addEventListener("frame", () => this.onFrame());
    this.player.addEventListener("state", () => this.onState());
    this.key = (e) => this.onKey(e);
    document.addEventListener("keydown", this.key);
    this.onState(); this.onFrame(); this.refresh();
    get(`/api/session/${info.key}/moments`).then((told) => {
      this.worst = new Map(Object.entries(told));
      if (this.open && !this.player.playing) this.toWorst(this.open);
    }).catch((error) => console.warn(error));
  }

  /** The angle of the open fault's joint, else of the first joint that is known here. */
  angleNow() {
    const { angles, measures } = this.info, wanted = this.open?.measure;
    const known = angles.filter((a) => measures.find((m) => m.name === a.measure)?.status !== "not_measurable");
    const angle = known.find((a) => a.measure === wanted) ?? (wanted && this.open.levels.length ? null : known[0]);
    if (!angle || !this.lanes) return null;
    this.lanes.need(angle.measure);
    const line = this.lanes.lines.get(angle.measure), value = line?.value?.[this.player.frame];
    return Number.isFinite(value) ? { ...angle, text: amount(value, "deg") + (line.status[this.player.frame] ? " ?" : "") } : null;
  }

  /** What is being drawn, or was drawn at this moment. */
  linesNow() {
    if (this.pad) return this.pad.lines;
    const t = this.player.time;
    return this.player.playing ? [] : this.notes.all("comment").filter((c) => Math.abs(c.time_s - t) < 0.05).flatMap((c) => c.drawing ?? []);
  }

  /** Begins to draw on the picture; `changed(lines)` is told how many lines there are. */
  draw(changed) { this.pad?.close(); this.pad = new DrawPad(this.player, changed); return this.pad; }
  endDrawing() { this.pad?.close(); this.pad = null; }

  async speakHere() {
    if (!this.player) return;
    this.leaveCompare();
    this.player.pause();
    const { speak } = await import("./voice.js");
    if (await speak(this)) this.panel.select("notes");
  }

  controls() {
    const p = this.player;
    this.playButton = button("", () => p.toggle(), { icon: "play", title: say("player.play"), key: say("keys.space") });
    this.loopButton = button("", () => this.toggleLoop(), { icon: "loop", title: say("player.loop"), key: "L", pressed: false });
    this.bodyButton = button("", () => this.toggleSkeleton(), { icon: "body", title: say("player.skeleton"), key: "S", pressed: true });
    this.zoomButton = button("", () => this.toggleZoom(), { icon: "zoom", title: say("player.zoom"), key: "Z", pressed: false });
    this.rateSelect = h("select", { "aria-label": say("player.speed"), onchange: () => p.setRate(Number(this.rateSelect.value)) }, RATES.map((r) => h("option", { value: r, selected: r === 1 }, `${pointed(String(r))}×`)));
    this.timeText = h("span.time", {});
    return h("div.controls", {},
      button("", () => this.jumpRep(-1), { icon: "back", title: say("player.rep_before"), key: "[" }), button("‹", () => p.step(-1), { title: say("player.frame_back"), key: "," }),
      this.playButton, button("›", () => p.step(1), { title: say("player.frame_on"), key: "." }), button("", () => this.jumpRep(1), { icon: "next", title: say("player.rep_next"), key: "]" }),
      this.timeText, this.rateSelect, this.loopButton, this.info.video ? [this.bodyButton, this.zoomButton] : null);
  }

  onState() {
    const p = this.player;
    replace(this.playButton, button("", null, { icon: p.playing ? "pause" : "play" }).firstChild);
    this.playButton.setAttribute("aria-label", say(p.playing ? "player.pause" : "player.play"));
    this.loopButton.setAttribute("aria-pressed", String(Boolean(p.loop)));
    this.bodyButton.setAttribute("aria-pressed", String(p.skeleton));
    this.zoomButton.setAttribute("aria-pressed", String(p.zoomed));
    this.rateSelect.value = p.rate;
    p.tag.textContent = p.problem ?? (this.info.video ? "" : say("player.no_video"));
  }

  onFrame() {
    const p = this.player, t = p.time;
    replace(this.timeText, h("b", {}, clock(t, 2)), h("span.soft", {}, ` · ${say("player.frame", { frame: p.frame })}`));
    const rep = this.repAt(t);
    p.corner.textContent = rep && t >= rep.start_s && t <= rep.end_s ? called(rep, "repetition_n") : "";
    if (rep !== this.nowRep) { this.nowRep = rep; this.panel.now(rep); }
  }

  marksNow() {
    const t = this.player.time, out = [];
    for (const rep of this.reps()) {
      if (rep.end_s < t - 2 || rep.start_s > t + 2) continue;
      for (const f of rep.faults) {
        // An instant may lie between two frames.
        if (!f.rejected && !f.gone && t >= f.start_s - (f === this.open ? 0.05 : 1e-3) && t <= Math.max(f.end_s, f.start_s + (f === this.open ? 0.6 : 0.3)) + 1e-3) out.push(f);
      }
    }
    return out.sort((a, b) => (b === this.open) - (a === this.open) || b.grade - a.grade).slice(0, 3);
  }

  repAt(t) {
    const reps = this.reps();
    return reps.find((r) => t >= r.start_s - 1e-3 && t <= r.end_s + 1e-3) ?? reps.filter((r) => r.start_s <= t).at(-1) ?? reps[0] ?? null;
  }

  refresh() {
    const rating = this.notes.get("rating");
    if (document.activeElement !== this.rating) this.rating.value = rating?.level ? String(rating.level.toFixed(1)) : "";
    const about = this.notes.get("about");
    if (about && document.activeElement !== this.who) this.who.value = about.patient;
    replace(this.progressLink, this.info.patient_key && this.who.value === this.info.patient ? h("a", { href: `/patient/${this.info.patient_key}` }, say("session.progress")) : null);
    this.panel.draw();
    this.lanes?.redrawAll();
    this.player?.surface.redraw();
  }

  // -- going somewhere ----------------------------------------------------------------------------------

  seek(time) { this.player?.pause(); this.player?.seek(time); }
  seekStart(time) { this.player?.pause(); this.player?.seekStart(time); }

  openFault(f, toggle = false) {
    const same = this.open === f;
    this.open = toggle && same ? null : f;
    if (this.lanes) this.lanes.open = this.open;
    if (this.open) {
      this.leaveCompare();
      this.toWorst(f);
      this.lanes?.showStretch(f.start_s, f.end_s);
      if (this.lanes && !this.lanes.shown.has(f.measure)) { this.lanes.shown.add(f.measure); this.lanes.build(); }
    }
    this.panel.draw();
    this.panel.reveal(this.open);
    this.lanes?.redraw();
  }

  /** To where a fault is at its worst; of a finding by other thresholds that is not known. */
  toWorst(f) {
    const worst = this.worst.get(`${f.rep}:${f.id}`);
    if (worst !== undefined && worst >= f.start_s - 0.01 && worst <= f.end_s + 0.01) this.seek(worst); else this.seekStart(f.start_s);
  }

  goRep(rep) {
    this.leaveCompare();
    this.seekStart(rep.start_s);
    if (this.player.loop) this.setLoop(rep);
    this.lanes.showStretch(rep.start_s, rep.end_s);
  }

  jumpRep(by) {
    const reps = this.reps(), t = this.player.time;
    const next = by > 0 ? reps.find((r) => r.start_s > t + 0.05) : reps.filter((r) => r.start_s < t - 0.3).at(-1);
    if (next) this.goRep(next);
  }

  jumpFault(by) {
    const all = this.panel.listed(), i = all.indexOf(this.open); // in the order of the list beside the picture
    const found = i >= 0 ? all[i + by] : by > 0 ? all[0] : all.at(-1);
    if (found) this.openFault(found);
  }

  setLoop(rep) { this.player.loop = rep ? [rep.start_s, rep.end_s] : null; this.onState(); }

  toggleLoop(rep = this.repAt(this.player.time)) {
    if (this.player.loop) { this.setLoop(null); return; }
    if (rep) { this.setLoop(rep); this.player.play(); }
  }

  toggleZoom() {
    this.player.zoomed = !this.player.zoomed;
    keep("zoomed", this.player.zoomed ? "1" : "");
    this.onState(); this.player.surface.redraw();
  }

  toggleSkeleton() { this.player.skeleton = !this.player.skeleton; this.onState(); this.player.surface.redraw(); }

  async toggleCompare(rep) {
    if (this.compare) { this.leaveCompare(); return; }
    this.player.pause();
    const { Compare } = await import("./compare.js");
    if (this.compare) return;
    this.compare = new Compare(this.info, rep ?? this.repAt(this.player.time));
    this.desk.hidden = true; this.desk.style.display = "none";
    this.main.append(this.compare.element);
    this.compareButton.textContent = say("session.back");
  }

  leaveCompare() {
    if (!this.compare) return;
    this.compare.close(); this.compare.element.remove(); this.compare = null;
    this.desk.style.display = ""; this.desk.hidden = false;
    this.compareButton.textContent = say("session.compare");
  }

  // -- deciding -----------------------------------------------------------------------------------------

  /** A decision about a fault with one thing changed. */
  decision(f, change) {
    const old = this.notes.get(decisionId(f));
    return { rep: f.rep, fault: f.id, start_s: f.start_s, verdict: old?.verdict ?? null, grade: old?.grade ?? null, grade_found: old?.grade_found ?? null, note: old?.note ?? "", ...change };
  }

  decide(f, verdict) {
    return this.notes.save(decisionId(f), this.decision(f, { verdict: f.verdict === verdict ? null : verdict }));
  }

  /** The physio's grade; the program's own takes the physio's back. */
  regrade(f, grade) {
    const own = grade !== f.found;
    return this.notes.save(decisionId(f), this.decision(f, { verdict: "accepted", grade: own ? grade : null, grade_found: own ? f.found : null }));
  }

  /** Accepts or rejects all findings of one kind. */
  decideAll(fault, verdict) {
    const all = this.info.reps.flatMap((r) => r.faults).filter((f) => f.id === fault && f.verdict !== verdict);
    return this.notes.saveMany(all.map((f) => [decisionId(f), this.decision(f, { verdict })]));
  }

  /** Everything that is not watched yet was watched; asks what becomes of findings nobody decided about. */
  async restWatched() {
    const open = this.info.reps.flatMap((r) => r.faults).filter((f) => !f.verdict);
    let accept = false;
    if (open.length) {
      const answer = await ask(count("panel.undecided", open.length), h("p", {}, say("panel.agree")),
        [[say("cancel"), null, "quiet"], [say("panel.leave"), "leave"], [say("panel.accept_them"), "accept", "primary"]]);
      if (!answer) return;
      accept = answer === "accept";
    }
    const decided = accept ? open.map((f) => [decisionId(f), this.decision(f, { verdict: "accepted" })]) : [];
    const watched = this.info.reps.filter((r) => !r.watched && (accept || r.faults.every((f) => f.verdict)))
      .map((r) => [`reviewed:${r.index}`, { rep: r.index, start_s: r.start_s, done: true }]);
    const changes = [...decided, ...watched];
    if (!this.info.reps.length) changes.push(["done", { done: true }]);
    if (changes.length) await this.notes.saveMany(changes);
  }

  /** To the next session that is not reviewed, what needs attention first. */
  async nextSession() {
    if (goNext((await get("/api/library")).sessions, this.info.key)) return;
    toast(say("panel.others_reviewed"));
    go("/");
  }

  async lookByEye() {
    if (!this.player || !this.info.by_eye.length) return;
    this.leaveCompare();
    const { lookByEye } = await import("./byeye.js");
    lookByEye(this);
  }

  watched(rep) {
    const undecided = rep.faults.filter((f) => !f.verdict).length;
    if (!rep.watched && undecided) { toast(count("panel.decide_first", undecided, { rep: rep.name })); return; }
    this.notes.save(`reviewed:${rep.index}`, { rep: rep.index, start_s: rep.start_s, done: !rep.watched });
  }

  rate() {
    const level = this.rating.value ? Number(this.rating.value) : null;
    this.notes.save("rating", { level, note: this.notes.get("rating")?.note ?? "" });
  }

  async rename() {
    const old = this.notes.get("about");
    if (await this.notes.save("about", { patient: this.who.value.trim(), recorded: old?.recorded ?? "" })) {
      const fresh = await get(`/api/session/${this.info.key}`);
      this.info.patient = fresh.patient; this.info.patient_key = fresh.patient_key;
      this.refresh();
    }
  }

  onKey(e) {
    if (typing(e) || document.querySelector("dialog[open]")) return;
    const p = this.player, rep = this.repAt(p.time);
    if (e.key === "Escape") { if (this.compare) this.leaveCompare(); else if (this.open) this.openFault(this.open, true); return; }
    if (this.compare) { if (e.key === "v") this.leaveCompare(); else this.compare.onKey(e); return; }
    const at = e.target.closest?.("button, input, [role=tab]");
    if (at && (e.key === " " || e.key === "Enter" || e.key.startsWith("Arrow"))) return;
    const rate = (by) => p.setRate(RATES[Math.min(Math.max(RATES.indexOf(p.rate) + by, 0), RATES.length - 1)]);
    const actions = {
      " ": () => p.toggle(), ",": () => p.step(-1), ".": () => p.step(1), ArrowLeft: () => this.seek(p.time - 1), ArrowRight: () => this.seek(p.time + 1),
      "[": () => this.jumpRep(-1), "]": () => this.jumpRep(1), p: () => this.jumpFault(-1), n: () => this.jumpFault(1), l: () => this.toggleLoop(), "<": () => rate(-1), ">": () => rate(1),
      s: () => this.toggleSkeleton(), "+": () => this.lanes.zoom(1 / 1.6), "=": () => this.lanes.zoom(1 / 1.6), "-": () => this.lanes.zoom(1.6), 0: () => this.lanes.fit(),
      a: () => this.open && this.decide(this.open, "accepted"), x: () => this.open && this.decide(this.open, "rejected"), r: () => rep && this.watched(rep),
      1: () => this.open && this.regrade(this.open, 1), 2: () => this.open && this.regrade(this.open, 2), 3: () => this.open && this.regrade(this.open, 3),
      b: () => this.lookByEye(), z: () => this.info.video && this.toggleZoom(), g: () => this.nextSession(),
      m: () => this.panel.startMissed(), c: () => this.panel.startComment(), k: () => this.speakHere(), t: () => this.lanes.toggleTable(), v: () => this.toggleCompare(rep),
    };
    const act = actions[e.key];
    if (act) { e.preventDefault(); act(); }
  }

  close() {
    clearTimeout(this.asking);
    document.removeEventListener("keydown", this.key);
    this.main.removeEventListener("click", this.pointed);
    this.closeLook?.(); this.compare?.close(); this.player?.close(); this.lanes?.close(); this.notes.close();
  }
}
