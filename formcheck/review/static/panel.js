// Beside the picture: repetitions by what needs attention, what could not be checked, what was said, notes.

import { button, called, clock, gradeSign, h, icon, measured, replace, stateSign, toast } from "./dom.js";
import { decisionId, lookId, newId } from "./notes.js";
import { copyNote, saveFilm, saveReport, sendBack } from "./send.js";
import { player } from "./voice.js";
import { WhatIf } from "./whatif.js";
import { count, say } from "./words.js";

const MOST_REPS = 60;

export class Panel {
  constructor(page) {
    this.page = page; this.tab = "reps"; this.sort = "attention"; this.filter = ""; this.most = MOST_REPS; this.form = null; this.heard = new Map();
    this.bar = h("div.tabs", { role: "tablist", "aria-label": say("session.findings") });
    this.body = h("div.tab-body", { role: "tabpanel", tabindex: 0 });
    this.head = h("section.result", { "aria-label": say("panel.result") });
    this.foot = h("div.foot", { role: "group", "aria-label": say("one_session") });
    this.elements = [this.head, this.bar, this.body, this.foot];
    this.whatIf = null;
  }

  tabs() {
    const { info, notes } = this.page;
    const unseen = info.faults.filter((f) => !f.checked).length;
    const written = notes.all("comment").length + notes.all("voice").length + notes.all("missed").length;
    return [["reps", say("panel.repetitions"), info.reps.length], ["unseen", say("panel.unseen"), unseen],
      ...(info.live ? [["said", say("panel.said"), info.events.length]] : []), ["notes", say("panel.notes"), written], ["whatif", say("panel.whatif"), null]];
  }

  select(tab) { this.page.endDrawing(); this.tab = tab; this.form = null; this.draw(); this.body.scrollTop = 0; }

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
    replace(this.head, page.whatIf ? h("div.whatif-on", { role: "status" }, h("b", {}, `${say("panel.trying")} `), `${say("panel.trying_long")} `, button(say("panel.as_recorded"), () => page.whatIfPanel.back(), { small: true })) : null,
      page.whatIf || !info.verdict.length ? null : h(`div.verdict.is-${info.state}`, {}, h("p", {}, stateSign(info.state), `${info.state_text} · ${info.coverage}`), info.verdict.map((line) => h("p", {}, line)),
        h("p.soft", {}, say("panel.reviewed_by", { who: info.reviewed }))));
    replace(this.foot,
      info.done ? h("span.done", {}, icon("check"), say("reviewed")) : focusable(button(say("panel.rest_watched"), () => page.restWatched(), { small: true, title: say("panel.rest_watched_long") }), "rest"),
      focusable(button(say("panel.report"), () => saveReport(page), { small: true, title: say("panel.report_long") }), "report"),
      focusable(button(say("panel.film"), () => saveFilm(page), { small: true, title: say("panel.film_long") }), "film"),
      focusable(button(say("panel.note"), () => copyNote(page), { small: true, title: say("panel.note_long") }), "note"),
      focusable(button(say("panel.send"), () => sendBack(page), { small: true, title: say("panel.send_long") }), "send"),
      focusable(button(say("panel.next"), () => page.nextSession(), { small: true, title: say("panel.next_long"), key: "G" }), "next"));
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
    if (!info.ended) told.unshift(say("panel.broke_off"));
    if (notes.trouble) told.unshift(notes.trouble);
    const byClass = ["full", "partial", "aborted", "void"].map((k) => [k, reps.filter((r) => r.class === k).length]).filter(([, n]) => n);
    return [
      told.length ? h("div.warnings", { role: "note" }, told.map((w) => h("p", {}, w))) : null,
      reps.length ? h("div.filter", { role: "group", "aria-label": say("panel.show_one") }, [...counts.entries()].sort((a, b) => b[1][2] - a[1][2] || b[1][1] - a[1][1]).map(([id, [title, n, worst]]) =>
        h("button", { type: "button", "aria-pressed": String(this.filter === id), data: { focus: `filter:${id}` }, onclick: () => { this.filter = this.filter === id ? "" : id; this.draw(); } }, worst ? gradeSign(worst, info.grade_words[worst]) : icon("cross"), h("span", {}, `${title} `), h("span.n", {}, `${n}×`)))) : null,
      this.filter && counts.has(this.filter) && !page.whatIf ? h("div.row.bulk", {}, h("span", {}, count("panel.all_of", counts.get(this.filter)[1])),
        focusable(button(say("panel.accept_all"), () => page.decideAll(this.filter, "accepted"), { icon: "check", small: true }), "all:accepted"), focusable(button(say("panel.reject_all"), () => page.decideAll(this.filter, "rejected"), { icon: "cross", small: true }), "all:rejected")) : null,
      h("div.tools", {}, h("span", {}, byClass.map(([k, n]) => `${n} ${say(`class.${k}`)}`).join(", ") || say("panel.none_seen")),
        h("label.inline.end", {}, `${say("order")} `, h("select", { data: { focus: "sort" }, onchange: (e) => { this.sort = e.target.value; this.draw(); } },
          h("option", { value: "attention", selected: this.sort === "attention" }, say("panel.attention_first")), h("option", { value: "number", selected: this.sort === "number" }, say("panel.as_they_came"))))),
      this.form,
      wanted.slice(0, this.most).map((rep) => this.repCard(rep)),
      wanted.length > this.most ? button(say("panel.show_more", { n: wanted.length - this.most }), () => { this.most = 1e6; this.draw(); }) : null,
      reps.length && !counts.size ? h("p.soft", {}, say(info.state === "unseen" ? "panel.none_checked" : "panel.no_fault")) : null,
      h("div.row", {}, button(say("panel.add_missed"), () => this.startMissed(), { small: true, icon: "plus", title: say("panel.add_missed"), key: "M" }),
        info.by_eye.length && reps.length ? button(say("panel.look_pelvis"), () => page.lookByEye(), { small: true, icon: "eye", title: say("panel.look_pelvis_long"), key: "B" }) : null),
    ];
  }

  repCard(rep) {
    const { page } = this;
    const missed = page.notes.all("missed").filter((m) => m.rep === rep.index);
    const looks = page.info.by_eye.map((f) => [f, page.notes.get(lookId(rep.index, f.id))]).filter(([, look]) => look);
    const facts = [rep.words, rep.set ? say("panel.in_set", { n: rep.set }) : null, rep.confidence < 0.7 ? say("panel.seen_share", { share: Math.round(100 * rep.confidence) }) : null].filter(Boolean).join(" · ");
    return h(`article.rep${page.nowRep?.index === rep.index ? ".now" : ""}`, { data: { rep: rep.index } },
      h("div.rep-head", {}, h("button.go", { type: "button", data: { focus: `rep:${rep.index}` }, title: say("panel.go_start"), onclick: () => page.goRep(rep) },
        h("b", {}, called(rep)), rep.class === "full" ? null : h("span.klass", { title: rep.class_text }, say(`class.${rep.class}`)), h("span.facts", { title: say("panel.at_top") }, facts)),
      button("", () => { page.goRep(rep); page.setLoop(rep); page.player.play(); }, { icon: "loop", small: true, kind: "quiet", title: say("panel.loop_rep", { n: rep.name }) }),
      page.whatIf ? null : focusable(button(say("panel.watched"), () => page.watched(rep), { small: true, pressed: rep.watched, title: say("panel.watched_long", { n: rep.name }), key: "R" }), `watched:${rep.index}`)),
      byGrade(rep.faults).map((f) => this.faultRow(f)), missed.map((m) => this.missedRow(m)), looks.map(([f, look]) => this.lookRow(f, look)));
  }

  faultRow(f) {
    const { page } = this, open = page.open === f;
    return h(`div.fault${open ? ".open" : ""}${f.rejected ? ".rejected" : ""}${f.gone ? ".gone" : ""}`, { data: { fault: `${f.rep}:${f.id}` } },
      h("div.fault-row", {}, h("button.go", { type: "button", "aria-expanded": String(open), data: { focus: `fault:${f.rep}:${f.id}` }, onclick: () => page.openFault(f, true) },
        gradeSign(f.grade, f.grade_word), h("span.title", {}, f.title, f.fresh ? h("span.new", {}, ` ${say("panel.new")}`) : null), h("span.value", {}, f.gone ? say("panel.no_longer") : f.value_text)),
      f.gone || page.whatIf ? null : this.decideButtons(f)),
      open ? this.detail(f) : null);
  }

  decideButtons(f) {
    const make = (verdict, sign, kind, title, key) => focusable(button("", () => this.page.decide(f, verdict), { icon: sign, small: true, kind, pressed: f.verdict === verdict, title, key }), `${verdict}:${f.rep}:${f.id}`);
    return h("span.decide", { role: "group", "aria-label": say("panel.decide_on", { title: f.title, n: f.rep_name }) }, make("accepted", "check", "yes", say("panel.accept"), "A"), make("rejected", "cross", "no", say("panel.reject"), "X"));
  }

  detail(f) {
    const { page } = this, { info, player } = page;
    const measure = info.measures.find((m) => m.name === f.measure);
    const id = decisionId(f), old = page.notes.get(id);
    // Where the threshold is told of another number than its grades: 15° of missing extension are 165° at the hip.
    const levels = f.levels.some((v) => Math.abs(v) !== f.grades[0]) ? ` (${measure?.short ?? f.measure} ${f.levels.map((v) => measured(v, measure)).join(` ${say("panel.or")} `)})` : "";
    const sure = Math.round(100 * f.sure);
    const base = page.notes.revision(id);
    const note = h("textarea", { rows: 1, maxlength: 4000, placeholder: say("panel.remark_on"), "aria-label": say("panel.remark_on"), onchange: async () => {
      await page.notes.save(id, page.decision(f, { note: note.value }), page.notes.get(id) ? base : 0);
    } }, old?.note ?? "");
    const grades = h("span.grades", { role: "group", "aria-label": say("panel.your_grade") }, Object.entries(info.grade_words).map(([g, word]) =>
      focusable(button(`${g} ${word}`, () => page.regrade(f, Number(g)), { small: true, pressed: f.grade === Number(g) && f.verdict !== "rejected", title: say("panel.grade_long", { grade: g, word }), key: g }), `grade${g}:${f.rep}:${f.id}`)));
    return h("div.detail", {}, h("p.wording", {}, f.wording),
      h("dl", {},
        h("dt", {}, say("panel.when")), h("dd", {}, `${say(f.end_s - f.start_s < 0.01 ? "panel.when_at" : "panel.when_is", { time: clock(f.start_s, 2), from: clock(f.start_s, 2), to: clock(f.end_s, 2), frame: player?.times.length ? firstFrame(player, f.start_s) : "–" })} `, button(say("panel.its_start"), () => page.seekStart(f.start_s), { small: true, kind: "quiet" })),
        h("dt", {}, say("panel.value")), h("dd", {}, h("b", {}, f.value_text), say("panel.value_grade", { grade: f.found ?? f.grade, word: f.found_word ?? f.grade_word })),
        page.whatIf ? null : [h("dt", {}, say("panel.your_grade")), h("dd", {}, grades)],
        h("dt", {}, say("panel.threshold")), h("dd", {}, f.grades_text || "–", levels),
        h("dt", {}, say("panel.how_sure")), h("dd", {}, say("panel.sure_is", { share: sure > 99 ? "> 99" : sure }), h("span.meter", { "aria-hidden": "true" }, h("i", { style: { width: `${sure}%` } }))),
        f.error ? [h("dt", {}, say("panel.error")), h("dd", {}, f.error)] : null,
        f.cue ? [h("dt", {}, say("panel.cue")), h("dd", {}, say("event.say", { text: f.cue }))] : null,
        h("dt", {}, say("panel.source")), h("dd", {}, f.source)),
      page.whatIf ? null : note,
      page.notes.stamp(id) ? h("p.soft", {}, page.notes.stamp(id)) : null);
  }

  lookRow(f, look) {
    const state = { yes: "faulty", no: "good", unclear: "unseen" }[look.answer];
    return this.saidRow(stateSign(state), f.title, say(`panel.eye_${look.answer}`), look.time_s, lookId(look.rep, f.id));
  }

  missedRow(m) {
    const title = this.page.info.faults.find((f) => f.id === m.fault)?.title ?? m.fault;
    return this.saidRow(gradeSign(m.grade, this.page.info.grade_words[m.grade]), title, [say("panel.added"), m.note].filter(Boolean).join(": "), m.time_s, m.id);
  }

  /** What the physio said and the program did not, under a note's id. */
  saidRow(sign, title, word, time, id) {
    return h("div.fault", {}, h("div.fault-row", {}, h("button.go", { type: "button", onclick: () => this.page.seek(time) }, sign, h("span.title", {}, title, h("span.soft", {}, ` ${word}`)), h("span.value", {}, clock(time))),
      this.takeBack(() => this.page.notes.save(id, null))));
  }

  takeBack(act) { return button("", act, { icon: "cross", small: true, kind: "quiet", title: say("panel.take_back") }); }

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
      const { form } = this;
      if (await page.notes.save(newId("missed"), { rep: inside?.index ?? null, fault: fault.value, time_s: t, grade: Number(grade.value), note: note.value })) this.endForm(form);
    } }, h("b", {}, say(inside ? "panel.missed_at" : "panel.missed_between", { time: clock(t, 2), n: inside?.name })),
    h("label", {}, say("fault"), fault), h("label", {}, say("grade"), grade), h("label", {}, say("remark"), note), this.formButtons(say("add")));
    this.showForm(fault);
  }

  startComment() {
    const { page } = this;
    page.player.pause();
    const t = page.player.time, text = h("textarea", { maxlength: 4000 });
    const undo = button(say("panel.undo_line"), () => page.pad?.undo(), { small: true }), drawn = h("span.soft", { role: "status" }, say("panel.draw_hint"));
    const changed = (n) => { undo.hidden = !n; drawn.textContent = n ? count("panel.lines", n) : say("panel.draw_hint"); };
    const marked = page.open?.points ?? page.info.used_points, body = page.player.landmarks.ready(page.player.frame);
    const ring = button(say("panel.ring"), async () => {
      const points = await body, [w, hh] = page.info.image_wh, places = marked.map((i) => [points.xy[2 * i], points.xy[2 * i + 1]]).filter(([x]) => Number.isFinite(x));
      page.pad?.ring(places, 0.045 * Math.max(w, hh));
    }, { small: true });
    ring.hidden = undo.hidden = true;
    body.then((points) => { ring.hidden = !points; }); // the skeleton of this moment may still be on its way
    this.tab = "notes";
    this.form = h("form.form", { onsubmit: async (e) => {
      e.preventDefault();
      const drawing = page.pad?.lines ?? [], { form } = this;
      if (!text.value.trim() && !drawing.length) { text.focus(); return; }
      if (await page.notes.save(newId("comment"), { time_s: t, text: text.value.trim(), drawing })) this.endForm(form);
    } }, h("label", {}, say("panel.comment_at", { time: clock(t, 2) }), text), h("div.row", {}, drawn, ring, undo), this.formButtons(say("add")));
    page.draw(changed);
    this.showForm(text);
  }

  formButtons(text) {
    return h("div.row", {}, h("button.primary", { type: "submit" }, text), button(say("cancel"), () => this.endForm(), { kind: "quiet" }));
  }

  showForm(first) {
    this.page.leaveCompare();
    document.activeElement?.blur();
    this.draw(); this.body.scrollTop = 0;
    this.form.scrollIntoView({ block: "nearest" });
    first.focus();
  }

  /** Ends this form; one that was begun while it was being kept stays. */
  endForm(form = this.form) {
    if (form !== this.form) return;
    this.page.endDrawing(); this.form = null; document.activeElement?.blur(); this.draw();
  }

  // -- the other tabs -----------------------------------------------------------------------------------

  drawUnseen() {
    const { info } = this.page;
    const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    return [
      h("p", {}, stateSign(info.state), h("b", {}, info.coverage), `. ${say("panel.not_absent")}`),
      info.not_checked.map((group) => h("div.unseen", {}, h("b", {}, sentence(group.why)), group.how ? h("p", {}, group.how) : null, h("ul", {}, group.titles.map((title) => h("li", {}, stateSign("unseen"), title))))),
      info.clear.length ? [h("h2.small", {}, say("panel.clear")), info.clear.map(({ where, titles }) => [h("p.soft", {}, say("panel.in_where", { where })), h("ul", {}, titles.map((title) => h("li", {}, stateSign("good"), title)))])] : null,
      info.seen.length ? [h("h2.small", {}, say("panel.seen")), h("ul", {}, info.seen.map((s) => h("li", {}, stateSign("faulty"), say("panel.seen_is", s))))] : null,
      info.rulings.length ? [h("h2.small", {}, say("panel.otherwise")), h("ul", {}, info.rulings.map((r) => h("li", {}, `${r.rep ? `${say("rep_n", { n: r.rep })}, ` : ""}${r.title}: ${r.said}`)))] : null,
      h("h2.small", {}, say("lanes.measures")),
      h("ul", {}, info.measures.map((m) => h("li", {}, `${m.title}: ${m.word}${m.why ? `, ${m.why}` : ""}${m.noise_sd ? `; ${say("panel.at_rest", { amount: measured(m.noise_sd, m, 1) })}` : ""}`))),
      h("p.notice", {}, info.notice),
    ];
  }

  drawSaid() {
    const { info } = this.page, { practice } = info;
    const facts = practice ? [say("panel.pain_before", { value: practice.pain_before ?? say("panel.not_asked") }), ...practice.sets.map((s) => say("panel.set_was", { n: s.index, done: s.reps_counted, reps: count("count.repetition", s.prescribed_reps), pain: s.pain ?? "–", effort: s.effort ?? "–" })),
      practice.settled === null ? null : say(practice.settled ? "panel.settled" : "panel.unsettled"), practice.stopped ? say("panel.stopped", { why: say(`stopped.${practice.stopped}`) }) : null].filter(Boolean) : [];
    return [facts.length ? h("div.diff-list", {}, facts.map((f) => h("div", {}, f))) : null,
      h("ol.said", {}, info.events.map((e) => h("li", {}, h("button", { type: "button", onclick: () => this.page.seek(e.time_s) }, h("span.at", {}, clock(e.time_s, 0)), h(`span.${e.kind}`, {}, e.text))))),
      info.events.length ? null : h("p.soft", {}, say("panel.nothing_said"))];
  }

  drawNotes() {
    const { page } = this, { notes } = page;
    const comments = [...notes.all("comment"), ...notes.all("voice")].sort((a, b) => a.time_s - b.time_s);
    const rating = notes.get("rating"), base = notes.revision("rating");
    const text = h("textarea", { maxlength: 4000, placeholder: say("panel.general"), "aria-label": say("panel.general"), onchange: () => notes.save("rating", { level: notes.get("rating")?.level ?? null, note: text.value }, base) }, rating?.note ?? "");
    return [notes.trouble ? h("div.warnings", {}, h("p", {}, notes.trouble)) : null, this.form,
      this.form ? null : h("div.tools", {}, button(say("panel.comment_here"), () => this.startComment(), { icon: "note", small: true, title: say("panel.comment_here"), key: "C" }),
        button(say("panel.speak_here"), () => page.speakHere(), { icon: "voice", small: true, title: say("panel.speak_here"), key: "K" })),
      comments.map((c) => (c.sound === undefined && c.seconds === undefined ? this.commentCard(c) : this.voiceCard(c))), comments.length ? null : h("p.soft", {}, say("panel.no_comments")),
      h("h2.small", {}, say("panel.about_whole")), text,
      h("p.soft", {}, say("panel.kept_in"))];
  }

  commentCard(c) {
    const { notes } = this.page, base = notes.revision(c.id), drawing = c.drawing ?? [];
    const text = h("textarea", { maxlength: 4000, "aria-label": say("panel.comment_at", { time: clock(c.time_s) }), onchange: () => notes.save(c.id, { time_s: c.time_s, text: text.value, drawing }, base) }, c.text);
    return this.noteCard(c, drawing.length ? h("span.soft", {}, say("panel.with_drawing")) : null, text);
  }

  voiceCard(c) {
    return this.noteCard(c, this.heard.get(c.id) ?? this.hear(c), c.text ? h("p", {}, c.text) : null);
  }

  /** Its player stays the same while the panel is drawn anew: it may be playing. */
  hear(c) {
    const box = h("span.heard", {}, player(this.page.info.key, c));
    this.heard.set(c.id, box);
    return box;
  }

  noteCard(c, what, ...more) {
    return h("div.note", {}, h("div.row", {}, button(clock(c.time_s, 2), () => this.page.seek(c.time_s), { small: true, kind: "quiet" }), what,
      h("span.end", {}), this.takeBack(async () => { if (await this.page.notes.save(c.id, null)) toast(say("panel.comment_gone")); })), more);
  }
}

function firstFrame(player, time) {
  const i = player.frameAt(time);
  return player.times[i] < time - 1e-3 ? i + 1 : i;
}

function focusable(element, name) { element.dataset.focus = name; return element; }

const byGrade = (faults) => [...faults].sort((a, b) => b.grade - a.grade || a.start_s - b.start_s);
