// Beside the picture: repetitions by what needs attention, what could not be checked, what was said, notes.

import { amount, button, clock, h, icon, replace, seconds, stateSign, toast } from "./dom.js";
import { decisionId, newId } from "./notes.js";
import { WhatIf } from "./whatif.js";

const MOST_REPS = 60;

export class Panel {
  constructor(page) {
    this.page = page; this.tab = "reps"; this.sort = "attention"; this.filter = ""; this.most = MOST_REPS; this.form = null;
    this.bar = h("div.tabs", { role: "tablist", "aria-label": "Findings" });
    this.body = h("div.tab-body", { role: "tabpanel", tabindex: 0 });
    this.elements = [this.bar, this.body];
    this.whatIf = null;
  }

  tabs() {
    const { info, notes } = this.page;
    const unseen = info.faults.filter((f) => !f.checked).length;
    const written = notes.all("comment").length + notes.all("missed").length;
    return [["reps", "Repetitions", info.reps.length], ["unseen", "Not checked", unseen],
      ...(info.live ? [["said", "Said", info.events.length]] : []), ["notes", "Notes", written], ["whatif", "What if", null]];
  }

  select(tab) { this.tab = tab; this.form = null; this.draw(); this.body.scrollTop = 0; }

  draw() {
    const { page } = this;
    const tabs = this.tabs();
    const focus = document.activeElement?.dataset?.tab;
    replace(this.bar, tabs.map(([name, text, n]) => h("button", {
      type: "button", role: "tab", "aria-selected": String(this.tab === name), tabindex: this.tab === name ? 0 : -1, data: { tab: name },
      onclick: () => this.select(name), onkeydown: (e) => this.tabKey(e, tabs),
    }, text, n === null ? null : h("span.n", {}, ` ${n}`))));
    if (focus) this.bar.querySelector(`[data-tab=${focus}]`)?.focus();
    if (this.tab === "whatif") {
      page.whatIfPanel ??= new WhatIf(page);
      if (this.body.firstChild !== page.whatIfPanel.element) replace(this.body, page.whatIfPanel.element);
      page.whatIfPanel.draw();
      return;
    }
    // A form that is being written in stays as it is.
    if (this.body.contains(document.activeElement) && document.activeElement.matches("textarea, input:not([type=checkbox])")) return;
    const keep = this.body.scrollTop;
    const again = this.focusName();
    replace(this.body, { reps: () => this.drawReps(), unseen: () => this.drawUnseen(), said: () => this.drawSaid(), notes: () => this.drawNotes() }[this.tab]());
    this.body.scrollTop = keep;
    if (again) this.body.querySelector(`[data-focus="${again}"]`)?.focus({ preventScroll: true });
  }

  focusName() { return this.body.contains(document.activeElement) ? document.activeElement.dataset.focus : null; }

  tabKey(e, tabs) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by) return;
    e.preventDefault(); e.stopPropagation();
    const names = tabs.map(([n]) => n);
    const name = names[(names.indexOf(this.tab) + by + names.length) % names.length];
    this.select(name);
    this.bar.querySelector(`[data-tab=${name}]`)?.focus();
  }

  now(rep) {
    this.body.querySelector(".rep.now")?.classList.remove("now");
    if (rep) this.body.querySelector(`[data-rep="${rep.index}"]`)?.classList.add("now");
  }

  reveal(f) {
    if (!f) return;
    if (this.tab !== "reps" && this.tab !== "whatif") this.select("reps");
    const find = () => this.body.querySelector(`[data-fault="${f.rep}:${f.id}"]`);
    if (!find() && this.tab === "reps") { this.filter = ""; this.most = 1e6; this.draw(); }
    find()?.scrollIntoView({ block: "nearest" });
  }

  // -- repetitions --------------------------------------------------------------------------------------

  drawReps() {
    const { page } = this, { info, notes } = page;
    const reps = page.reps();
    const counts = new Map();
    for (const rep of reps) for (const f of rep.faults) if (!f.gone) counts.set(f.id, [f.title, (counts.get(f.id)?.[1] ?? 0) + 1]);
    const order = { attention: (a, b) => b.attention - a.attention || a.index - b.index, number: (a, b) => a.index - b.index }[this.sort];
    const wanted = reps.filter((rep) => !this.filter || rep.faults.some((f) => f.id === this.filter) || notes.all("missed").some((m) => m.rep === rep.index && m.fault === this.filter)).sort(order);
    const told = [...info.warnings];
    if (!info.ended) told.unshift("The recording broke off before it was summed up; what was stored until then is shown.");
    if (notes.trouble) told.unshift(notes.trouble);
    const byClass = ["full", "partial", "aborted", "void"].map((k) => [k, reps.filter((r) => r.class === k).length]).filter(([, n]) => n);
    return [
      info.verdict.length && !page.whatIf ? h("div.verdict", {}, h("p", {}, stateSign(info.state), `${info.state_text} · ${info.coverage}`), info.verdict.map((line) => h("p", {}, line))) : null,
      told.length ? h("div.warnings", { role: "note" }, told.map((w) => h("p", {}, w))) : null,
      reps.length ? h("div.filter", { role: "group", "aria-label": "Show one fault" }, [...counts.entries()].sort((a, b) => b[1][1] - a[1][1]).map(([id, [title, n]]) =>
        h("button", { type: "button", "aria-pressed": String(this.filter === id), data: { focus: `filter:${id}` }, onclick: () => { this.filter = this.filter === id ? "" : id; this.draw(); } }, `${title} `, h("span.n", {}, `${n}×`)))) : null,
      h("div.tools", {}, h("span", {}, byClass.map(([k, n]) => `${n} ${k}`).join(", ") || "No repetition was seen."),
        h("label.inline.end", {}, "Order ", h("select", { data: { focus: "sort" }, onchange: (e) => { this.sort = e.target.value; this.draw(); } },
          h("option", { value: "attention", selected: this.sort === "attention" }, "attention first"), h("option", { value: "number", selected: this.sort === "number" }, "as they came")))),
      this.form,
      wanted.slice(0, this.most).map((rep) => this.repCard(rep)),
      wanted.length > this.most ? button(`Show ${wanted.length - this.most} more`, () => { this.most = 1e6; this.draw(); }) : null,
      reps.length && !counts.size ? h("p.soft", {}, info.state === "unseen" ? "Nothing could be checked." : "No fault was seen in what could be checked.") : null,
      button("Add a missed fault here", () => this.startMissed(), { small: true, icon: "plus", title: "Add a missed fault here", key: "M" }),
    ];
  }

  repCard(rep) {
    const { page } = this;
    const missed = page.notes.all("missed").filter((m) => m.rep === rep.index);
    const tempo = [rep.rise_s, rep.hold_s, rep.lower_s].map(seconds).join(" / ");
    const unit = page.info.measures.find((m) => m.name === page.info.primary)?.unit;
    const facts = [amount(rep.peak[page.info.primary] ?? null, unit === "deg" ? "deg" : "ratio"), `${tempo} s`, rep.set ? `set ${rep.set}` : null, rep.confidence < 0.7 ? `seen ${Math.round(100 * rep.confidence)} %` : null].filter(Boolean).join(" · ");
    return h(`article.rep${page.nowRep?.index === rep.index ? ".now" : ""}`, { data: { rep: rep.index } },
      h("div.rep-head", {}, h("button.go", { type: "button", data: { focus: `rep:${rep.index}` }, title: "Go to its start", onclick: () => page.goRep(rep) },
        h("b", {}, `Rep ${rep.index}`), rep.class === "full" ? null : h("span.klass", { title: rep.class_text }, rep.class), h("span.facts", { title: "top; rise / hold / lowering" }, facts)),
      button("", () => { page.goRep(rep); page.setLoop(rep); page.player.play(); }, { icon: "loop", small: true, kind: "quiet", title: `Loop repetition ${rep.index}` }),
      page.whatIf ? null : focusable(button("Watched", () => page.watched(rep), { small: true, pressed: rep.watched, title: `Repetition ${rep.index} watched as a whole`, key: "R" }), `watched:${rep.index}`)),
      rep.faults.map((f) => this.faultRow(f)), missed.map((m) => this.missedRow(m)));
  }

  faultRow(f) {
    const { page } = this, open = page.open === f;
    return h(`div.fault${open ? ".open" : ""}${f.rejected ? ".rejected" : ""}${f.gone ? ".gone" : ""}`, { data: { fault: `${f.rep}:${f.id}` } },
      h("div.fault-row", {}, h("button.go", { type: "button", "aria-expanded": String(open), data: { focus: `fault:${f.rep}:${f.id}` }, onclick: () => page.openFault(f, true) },
        gradeSign(f.grade, f.grade_word), h("span.title", {}, f.title, f.fresh ? h("span.new", {}, " new") : null), h("span.value", {}, f.gone ? "no longer" : f.value_text)),
      f.gone || page.whatIf ? null : this.decideButtons(f)),
      open ? this.detail(f) : null);
  }

  decideButtons(f) {
    const make = (verdict, sign, kind, title, key) => focusable(button("", () => this.page.decide(f, verdict), { icon: sign, small: true, kind, pressed: f.verdict === verdict, title, key }), `${verdict}:${f.rep}:${f.id}`);
    return h("span.decide", { role: "group", "aria-label": `${f.title}, repetition ${f.rep}` }, make("accepted", "check", "yes", "Accept", "A"), make("rejected", "cross", "no", "Reject", "X"));
  }

  detail(f) {
    const { page } = this, { info, player } = page;
    const measure = info.measures.find((m) => m.name === f.measure);
    const id = decisionId(f), old = page.notes.get(id);
    const levels = f.levels.length ? ` (${measure?.short ?? f.measure} ${f.levels.map((v) => amount(v, measure?.unit)).join(" or ")})` : "";
    const sure = Math.round(100 * f.sure);
    const base = page.notes.revision(id);
    const note = h("textarea", { rows: 1, maxlength: 4000, placeholder: "Remark on this finding", "aria-label": "Remark on this finding", onchange: async () => {
      const now = page.notes.get(id);
      await page.notes.save(id, { rep: f.rep, fault: f.id, start_s: f.start_s, verdict: now?.verdict ?? null, note: note.value }, now ? base : 0);
    } }, old?.note ?? "");
    return h("div.detail", {}, h("p.wording", {}, f.wording),
      h("dl", {},
        h("dt", {}, "When"), h("dd", {}, `${clock(f.start_s, 2)} to ${clock(f.end_s, 2)}, from frame ${player?.times.length ? firstFrame(player, f.start_s) : "–"}`),
        h("dt", {}, "Value"), h("dd", {}, h("b", {}, f.value_text), `, grade ${f.grade}: ${f.grade_word}`),
        h("dt", {}, "Threshold"), h("dd", {}, f.grades_text || "–", levels),
        h("dt", {}, "How sure"), h("dd", {}, `${sure} % that it is truly beyond the threshold`, h("span.meter", { "aria-hidden": "true" }, h("i", { style: { width: `${sure}%` } }))),
        f.error ? [h("dt", {}, "Error"), h("dd", {}, f.error)] : null,
        f.cue ? [h("dt", {}, "Cue"), h("dd", {}, `“${f.cue}”`)] : null,
        h("dt", {}, "Source"), h("dd", {}, f.source)),
      page.whatIf ? null : note);
  }

  missedRow(m) {
    const title = this.page.info.faults.find((f) => f.id === m.fault)?.title ?? m.fault;
    return h("div.fault", {}, h("div.fault-row", {}, h("button.go", { type: "button", onclick: () => this.page.seek(m.time_s) }, gradeSign(m.grade, this.page.info.grade_words[m.grade]), h("span.title", {}, title, h("span.soft", {}, " added by you", m.note ? `: ${m.note}` : "")), h("span.value", {}, clock(m.time_s))),
      button("", () => this.page.notes.save(m.id, null), { icon: "cross", small: true, kind: "quiet", title: "Take back" })));
  }

  // -- forms --------------------------------------------------------------------------------------------

  startMissed() {
    const { page } = this, { info } = page;
    page.player.pause();
    const t = page.player.time, rep = page.repAt(t);
    const inside = rep && t >= rep.start_s - 0.5 && t <= rep.end_s + 0.5 ? rep : null;
    const fault = h("select", {}, info.faults.filter((f) => f.rules.length).map((f) => h("option", { value: f.id }, f.title)));
    const grade = h("select", {}, Object.entries(info.grade_words).map(([g, word]) => h("option", { value: g }, `${g} ${word}`)));
    const note = h("input", { maxlength: 4000, autocomplete: "off" });
    this.tab = "reps";
    this.form = h("form.form", { onsubmit: async (e) => {
      e.preventDefault();
      if (await page.notes.save(newId("missed"), { rep: inside?.index ?? null, fault: fault.value, time_s: t, grade: Number(grade.value), note: note.value })) this.endForm();
    } }, h("b", {}, `A fault that was missed, at ${clock(t, 2)}${inside ? `, repetition ${inside.index}` : ", between repetitions"}`),
    h("label", {}, "Fault", fault), h("label", {}, "Grade", grade), h("label", {}, "Remark", note), this.formButtons("Add"));
    this.showForm(fault);
  }

  startComment() {
    const { page } = this;
    page.player.pause();
    const t = page.player.time, text = h("textarea", { maxlength: 4000, required: true });
    this.tab = "notes";
    this.form = h("form.form", { onsubmit: async (e) => {
      e.preventDefault();
      if (text.value.trim() && (await page.notes.save(newId("comment"), { time_s: t, text: text.value.trim() }))) this.endForm();
    } }, h("label", {}, `Comment at ${clock(t, 2)}`, text), this.formButtons("Add"));
    this.showForm(text);
  }

  formButtons(text) {
    return h("div.row", {}, h("button.primary", { type: "submit" }, text), button("Cancel", () => this.endForm(), { kind: "quiet" }));
  }

  showForm(first) {
    this.page.leaveCompare();
    document.activeElement?.blur();
    this.draw(); this.body.scrollTop = 0;
    this.form.scrollIntoView({ block: "nearest" });
    first.focus();
  }

  endForm() { this.form = null; document.activeElement?.blur(); this.draw(); }

  // -- the other tabs -----------------------------------------------------------------------------------

  drawUnseen() {
    const { info } = this.page;
    const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    return [
      h("p", {}, stateSign(info.state), h("b", {}, info.coverage), ". Not checked is not the same as absent."),
      info.not_checked.map((group) => h("div.unseen", {}, h("b", {}, sentence(group.why)), group.how ? h("p", {}, group.how) : null, h("ul", {}, group.titles.map((title) => h("li", {}, title))))),
      info.clear.length ? [h("h3", {}, "Looked for and not seen"), info.clear.map(({ where, titles }) => [h("p.soft", {}, `In ${where}`), h("ul", {}, titles.map((title) => h("li", {}, title)))])] : null,
      h("h3", {}, "Measures"),
      h("ul", {}, info.measures.map((m) => h("li", {}, `${m.title}: ${m.word}${m.status !== "ok" && m.why ? `, ${m.why}` : ""}${m.noise_sd ? `; ±${amount(m.noise_sd, m.unit)} at rest` : ""}`))),
      h("p.notice", {}, info.notice),
    ];
  }

  drawSaid() {
    const { info } = this.page, { practice } = info;
    const facts = practice ? [`Pain before: ${practice.pain_before ?? "not asked"}`, ...practice.sets.map((s) => `Set ${s.index}: ${s.reps_counted} of ${s.prescribed_reps} repetitions, pain ${s.pain ?? "–"}, effort ${s.effort ?? "–"}`),
      practice.settled === null ? null : `Pain of last time ${practice.settled ? "had settled" : "had not settled"} within 24 hours`, practice.stopped ? `Stopped early: ${practice.stopped}` : null].filter(Boolean) : [];
    return [facts.length ? h("div.diff-list", {}, facts.map((f) => h("div", {}, f))) : null,
      h("ol.said", {}, info.events.map((e) => h("li", {}, h("button", { type: "button", onclick: () => this.page.seek(e.time_s) }, h("span.at", {}, clock(e.time_s, 0)), h(`span.${e.kind}`, {}, e.text))))),
      info.events.length ? null : h("p.soft", {}, "Nothing was said or recorded besides the movement.")];
  }

  drawNotes() {
    const { page } = this, { notes } = page;
    const comments = notes.all("comment").sort((a, b) => a.time_s - b.time_s);
    const rating = notes.get("rating"), base = notes.revision("rating");
    const text = h("textarea", { maxlength: 4000, placeholder: "General remark on this session", "aria-label": "General remark on this session", onchange: () => notes.save("rating", { level: notes.get("rating")?.level ?? null, note: text.value }, base) }, rating?.note ?? "");
    return [notes.trouble ? h("div.warnings", {}, h("p", {}, notes.trouble)) : null, this.form,
      this.form ? null : h("div.tools", {}, button("Comment at this moment", () => this.startComment(), { icon: "note", small: true, title: "Comment at this moment", key: "C" })),
      comments.map((c) => this.commentCard(c)), comments.length ? null : h("p.soft", {}, "No comments yet."),
      h("h3", {}, "About the whole session"), text,
      h("p.soft", {}, "Kept in review.sqlite beside the session, which itself is never changed.")];
  }

  commentCard(c) {
    const { notes } = this.page, base = notes.revision(c.id);
    const text = h("textarea", { maxlength: 4000, "aria-label": `Comment at ${clock(c.time_s)}`, onchange: () => notes.save(c.id, { time_s: c.time_s, text: text.value }, base) }, c.text);
    return h("div.note", {}, h("div.row", {}, button(clock(c.time_s, 2), () => this.page.seek(c.time_s), { small: true, kind: "quiet" }),
      h("span.end", {}), button("", async () => { if (await notes.save(c.id, null)) toast("Comment taken back."); }, { icon: "cross", small: true, kind: "quiet", title: "Take back" })), text);
  }
}

function firstFrame(player, time) {
  const i = player.frameAt(time);
  return player.times[i] < time - 1e-3 ? i + 1 : i;
}

function focusable(element, name) { element.dataset.focus = name; return element; }

function gradeSign(grade, word) {
  return h(`span.grade.g${grade}`, { title: word, role: "img", "aria-label": `grade ${grade}, ${word}` }, String(grade));
}

export { icon };
