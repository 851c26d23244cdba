// Beside the picture: repetitions by what needs attention, what could not be checked, what was said, notes.

import { amount, button, clock, gradeSign, h, icon, replace, stateSign, toast } from "./dom.js";
import { decisionId, lookId, newId } from "./notes.js";
import { copyNote, saveReport, sendBack } from "./send.js";
import { WhatIf } from "./whatif.js";

const MOST_REPS = 60;

export class Panel {
  constructor(page) {
    this.page = page; this.tab = "reps"; this.sort = "attention"; this.filter = ""; this.most = MOST_REPS; this.form = null;
    this.bar = h("div.tabs", { role: "tablist", "aria-label": "Findings" });
    this.body = h("div.tab-body", { role: "tabpanel", tabindex: 0 });
    this.head = h("section.result", { "aria-label": "Result" });
    this.foot = h("div.foot", { role: "group", "aria-label": "Session" });
    this.elements = [this.head, this.bar, this.body, this.foot];
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
    this.drawResult();
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

  /** The result that stands, over all tabs, and what can be done with it. */
  drawResult() {
    const { page } = this, { info } = page;
    const focus = this.foot.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    replace(this.head, page.whatIf ? h("div.whatif-on", { role: "status" }, h("b", {}, "What if: "), "findings by other thresholds, not by those recorded. ", button("Back to the recorded", () => page.whatIfPanel.back(), { small: true })) : null,
      page.whatIf || !info.verdict.length ? null : h(`div.verdict.is-${info.state}`, {}, h("p", {}, stateSign(info.state), `${info.state_text} · ${info.coverage}`), info.verdict.map((line) => h("p", {}, line)),
        h("p.soft", {}, `Reviewed: ${info.reviewed}.`)));
    replace(this.foot,
      info.done ? h("span.done", {}, icon("check"), "reviewed") : focusable(button("The rest is watched", () => page.restWatched(), { small: true, title: "Every repetition not marked yet was watched as a whole" }), "rest"),
      focusable(button("Report", () => saveReport(page), { small: true, title: "Save the report of what stands" }), "report"),
      focusable(button("Copy as note", () => copyNote(page), { small: true, title: "Copy the result in a few lines, for the records" }), "note"),
      focusable(button("Send back…", () => sendBack(page), { small: true, title: "A file for the patient" }), "send"),
      focusable(button("Next session", () => page.nextSession(), { small: true, title: "Next session to review", key: "G" }), "next"));
    if (focus) this.foot.querySelector(`[data-focus="${focus}"]`)?.focus({ preventScroll: true });
  }

  /** All findings in the order in which they are listed. */
  listed() { return this.wanted().flatMap((rep) => byGrade(rep.faults)).filter((f) => !f.gone && (!this.filter || f.id === this.filter)); }

  wanted() {
    const { page } = this, { notes } = page;
    const order = { attention: (a, b) => b.attention - a.attention || a.index - b.index, number: (a, b) => a.index - b.index }[this.sort];
    return page.reps().filter((rep) => !this.filter || rep.faults.some((f) => f.id === this.filter) || notes.all("missed").some((m) => m.rep === rep.index && m.fault === this.filter)).sort(order);
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
    for (const rep of reps) for (const f of rep.faults) {
      if (f.gone) continue;
      const [, n, worst] = counts.get(f.id) ?? [f.title, 0, 0];
      counts.set(f.id, [f.title, n + 1, Math.max(worst, f.rejected ? 0 : f.grade)]);
    }
    const wanted = this.wanted();
    const told = [...info.warnings];
    if (!info.ended) told.unshift("The recording broke off before it was summed up; what was stored until then is shown.");
    if (notes.trouble) told.unshift(notes.trouble);
    const byClass = ["full", "partial", "aborted", "void"].map((k) => [k, reps.filter((r) => r.class === k).length]).filter(([, n]) => n);
    return [
      told.length ? h("div.warnings", { role: "note" }, told.map((w) => h("p", {}, w))) : null,
      reps.length ? h("div.filter", { role: "group", "aria-label": "Show one fault" }, [...counts.entries()].sort((a, b) => b[1][2] - a[1][2] || b[1][1] - a[1][1]).map(([id, [title, n, worst]]) =>
        h("button", { type: "button", "aria-pressed": String(this.filter === id), data: { focus: `filter:${id}` }, onclick: () => { this.filter = this.filter === id ? "" : id; this.draw(); } }, worst ? gradeSign(worst, info.grade_words[worst]) : icon("cross"), h("span", {}, `${title} `), h("span.n", {}, `${n}×`)))) : null,
      this.filter && counts.has(this.filter) && !page.whatIf ? h("div.row.bulk", {}, h("span", {}, `All ${counts.get(this.filter)[1]} of this kind:`),
        focusable(button("Accept all", () => page.decideAll(this.filter, "accepted"), { icon: "check", small: true }), "all:accepted"), focusable(button("Reject all", () => page.decideAll(this.filter, "rejected"), { icon: "cross", small: true }), "all:rejected")) : null,
      h("div.tools", {}, h("span", {}, byClass.map(([k, n]) => `${n} ${k}`).join(", ") || "No repetition was seen."),
        h("label.inline.end", {}, "Order ", h("select", { data: { focus: "sort" }, onchange: (e) => { this.sort = e.target.value; this.draw(); } },
          h("option", { value: "attention", selected: this.sort === "attention" }, "attention first"), h("option", { value: "number", selected: this.sort === "number" }, "as they came")))),
      this.form,
      wanted.slice(0, this.most).map((rep) => this.repCard(rep)),
      wanted.length > this.most ? button(`Show ${wanted.length - this.most} more`, () => { this.most = 1e6; this.draw(); }) : null,
      reps.length && !counts.size ? h("p.soft", {}, info.state === "unseen" ? "Nothing could be checked." : "No fault was seen in what could be checked.") : null,
      h("div.row", {}, button("Add a missed fault here", () => this.startMissed(), { small: true, icon: "plus", title: "Add a missed fault here", key: "M" }),
        info.by_eye.length && reps.length ? button("Look at the pelvis", () => page.lookByEye(), { small: true, icon: "eye", title: "The top of each repetition, judged by your eye", key: "B" }) : null),
    ];
  }

  repCard(rep) {
    const { page } = this;
    const missed = page.notes.all("missed").filter((m) => m.rep === rep.index);
    const looks = page.info.by_eye.map((f) => [f, page.notes.get(lookId(rep.index, f.id))]).filter(([, look]) => look);
    const facts = [rep.words, rep.set ? `set ${rep.set}` : null, rep.confidence < 0.7 ? `seen ${Math.round(100 * rep.confidence)} %` : null].filter(Boolean).join(" · ");
    return h(`article.rep${page.nowRep?.index === rep.index ? ".now" : ""}`, { data: { rep: rep.index } },
      h("div.rep-head", {}, h("button.go", { type: "button", data: { focus: `rep:${rep.index}` }, title: "Go to its start", onclick: () => page.goRep(rep) },
        h("b", {}, `Rep ${rep.index}`), rep.class === "full" ? null : h("span.klass", { title: rep.class_text }, rep.class), h("span.facts", { title: "at its top" }, facts)),
      button("", () => { page.goRep(rep); page.setLoop(rep); page.player.play(); }, { icon: "loop", small: true, kind: "quiet", title: `Loop repetition ${rep.index}` }),
      page.whatIf ? null : focusable(button("Watched", () => page.watched(rep), { small: true, pressed: rep.watched, title: `Repetition ${rep.index} watched as a whole`, key: "R" }), `watched:${rep.index}`)),
      byGrade(rep.faults).map((f) => this.faultRow(f)), missed.map((m) => this.missedRow(m)), looks.map(([f, look]) => this.lookRow(f, look)));
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
      await page.notes.save(id, page.decision(f, { note: note.value }), page.notes.get(id) ? base : 0);
    } }, old?.note ?? "");
    const grades = h("span.grades", { role: "group", "aria-label": "Your grade" }, Object.entries(info.grade_words).map(([g, word]) =>
      focusable(button(`${g} ${word}`, () => page.regrade(f, Number(g)), { small: true, pressed: f.grade === Number(g) && f.verdict !== "rejected", title: `Grade ${g}: ${word}`, key: g }), `grade${g}:${f.rep}:${f.id}`)));
    return h("div.detail", {}, h("p.wording", {}, f.wording),
      h("dl", {},
        h("dt", {}, "When"), h("dd", {}, `${clock(f.start_s, 2)} to ${clock(f.end_s, 2)}, from frame ${player?.times.length ? firstFrame(player, f.start_s) : "–"} `, button("its start", () => page.seekStart(f.start_s), { small: true, kind: "quiet" })),
        h("dt", {}, "Value"), h("dd", {}, h("b", {}, f.value_text), `, grade ${f.found ?? f.grade}: ${f.found_word ?? f.grade_word}`),
        page.whatIf ? null : [h("dt", {}, "Your grade"), h("dd", {}, grades)],
        h("dt", {}, "Threshold"), h("dd", {}, f.grades_text || "–", levels),
        h("dt", {}, "How sure"), h("dd", {}, `${sure} % that it is truly beyond the threshold`, h("span.meter", { "aria-hidden": "true" }, h("i", { style: { width: `${sure}%` } }))),
        f.error ? [h("dt", {}, "Error"), h("dd", {}, f.error)] : null,
        f.cue ? [h("dt", {}, "Cue"), h("dd", {}, `“${f.cue}”`)] : null,
        h("dt", {}, "Source"), h("dd", {}, f.source)),
      page.whatIf ? null : note,
      page.notes.stamp(id) ? h("p.soft", {}, page.notes.stamp(id)) : null);
  }

  lookRow(f, look) {
    const [state, word] = { yes: ["faulty", "seen by eye"], no: ["good", "not there, by eye"], unclear: ["unseen", "cannot be told by eye"] }[look.answer];
    return h("div.fault", {}, h("div.fault-row", {}, h("button.go", { type: "button", onclick: () => this.page.seek(look.time_s) }, stateSign(state), h("span.title", {}, f.title, h("span.soft", {}, ` ${word}`)), h("span.value", {}, clock(look.time_s))),
      button("", () => this.page.notes.save(lookId(look.rep, f.id), null), { icon: "cross", small: true, kind: "quiet", title: "Take back" })));
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
      info.not_checked.map((group) => h("div.unseen", {}, h("b", {}, sentence(group.why)), group.how ? h("p", {}, group.how) : null, h("ul", {}, group.titles.map((title) => h("li", {}, stateSign("unseen"), title))))),
      info.clear.length ? [h("h2.small", {}, "Looked for and not seen"), info.clear.map(({ where, titles }) => [h("p.soft", {}, `In ${where}`), h("ul", {}, titles.map((title) => h("li", {}, stateSign("good"), title)))])] : null,
      info.seen.length ? [h("h2.small", {}, "Seen"), h("ul", {}, info.seen.map((s) => h("li", {}, stateSign("faulty"), `${s.title}, ${info.grade_words[s.grade]} at most, in ${s.detail}`)))] : null,
      info.rulings.length ? [h("h2.small", {}, "Where you decided otherwise"), h("ul", {}, info.rulings.map((r) => h("li", {}, `${r.rep ? `Rep ${r.rep}, ` : ""}${r.title}: ${r.said}`)))] : null,
      h("h2.small", {}, "Measures"),
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
      h("h2.small", {}, "About the whole session"), text,
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

const byGrade = (faults) => [...faults].sort((a, b) => b.grade - a.grade || a.start_s - b.start_s);
