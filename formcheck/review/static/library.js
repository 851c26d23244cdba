// All sessions by patient and date, what needs attention, and videos to analyse.

import { get, listen } from "./api.js";
import { Inbox } from "./inbox.js";
import { goNext } from "./navigation.js";
import { button, clock, day, gradeSign, h, icon, replace, stateSign, toast } from "./dom.js";
import { count, say } from "./words.js";

export async function render(main) {
  document.title = say("title", { what: say("sessions") });
  // Heard from before the list is asked for: what changes meanwhile would be missed otherwise.
  let changed = false;
  const early = ["library", "job", "again"].map((kind) => listen(kind, () => { changed = true; }));
  let data = await get("/api/library");
  const inbox = new Inbox(data.exercises, data.jobs, data.sessions.map((s) => s.patient).filter(Boolean));
  const state = { search: "", sort: "patient", only: false };
  const list = h("div");
  const search = h("input", { type: "search", size: 24, placeholder: say("list.search_hint"), "aria-label": say("list.search"),
    oninput: () => { state.search = search.value.toLowerCase(); draw(); } });
  const sort = h("select", { "aria-label": say("order"), onchange: () => { state.sort = sort.value; draw(); } },
    h("option", { value: "patient" }, say("list.by_patient")), h("option", { value: "date" }, say("list.by_date")), h("option", { value: "attention" }, say("list.by_attention")));
  const only = h("input", { type: "checkbox", onchange: () => { state.only = only.checked; draw(); } });
  const next = button(say("list.next"), () => { if (!goNext(data.sessions)) toast(say("list.all_reviewed")); }, { kind: "primary" });
  replace(main,
    h("div.page", {},
      h("div.row.head", {}, h("h1", {}, say("sessions")), h("span.soft", {}, say("list.in_folder", { folder: data.folder })),
        h("div.row.end", {}, search, h("label.inline", {}, `${say("order")} `, sort), h("label.inline", {}, only, ` ${say("list.only")}`), next)),
      inbox.element, list, h("p.notice", {}, data.notice)));
  draw();

  function draw() {
    const wanted = data.sessions.filter((s) => matches(s, state));
    if (!data.sessions.length) {
      replace(list, h("section.card.empty", {}, h("h2", {}, say("list.none")),
        h("p", {}, say("list.none_hint"))));
      return;
    }
    const bad = wanted.filter((s) => s.problem), good = wanted.filter((s) => !s.problem);
    const groups = new Map();
    for (const s of good) {
      const key = state.sort === "patient" ? s.patient || "" : "all";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(s);
    }
    const worst = (s) => Math.max(0, ...s.top_faults.map((f) => f.grade));
    const urgency = (s) => 5 * s.attention.length + (s.done ? 0 : 1 + worst(s)) + s.affected / 100;
    const order = state.sort === "attention" ? (a, b) => urgency(b) - urgency(a) : (a, b) => (a.date < b.date ? 1 : -1);
    const names = [...groups.keys()].sort((a, b) => (a === "") - (b === "") || a.localeCompare(b));
    replace(list,
      names.map((name) => h("section.card.group", {},
        state.sort === "patient" ? h("div.row", {}, h("h2", {}, name || say("list.no_patient")),
          name ? [h("a", { href: `/patient/${groups.get(name)[0].patient_key}` }, say("list.progress")), h("a", { href: `/programme?patient=${encodeURIComponent(name)}` }, say("programme.one"))] : null) : null,
        h("ul.sessions", {}, groups.get(name).sort(order).map(row)))),
      bad.length ? h("section.card.group", {}, h("h2", {}, say("list.unreadable")),
        h("ul.sessions", {}, bad.map((s) => h("li.session.bad", {}, icon("warn"), h("div", {}, h("b.name", {}, s.name), h("p", {}, s.problem)))))) : null,
      !wanted.length ? h("p.soft", {}, say("list.no_match")) : null);
  }

  const stop = [listen("library", reload), listen("again", reload)];
  early.forEach((s) => s());
  if (changed) { reload(); inbox.reload(); }

  async function reload() {
    data = await get("/api/library");
    draw();
  }

  return () => { stop.forEach((s) => s()); inbox.close(); };
}

function matches(s, state) {
  if (state.only && (s.problem || s.done)) return false;
  if (!state.search) return true;
  const text = [s.name, s.source, s.patient, s.title, s.view, s.problem, ...(s.top_faults ?? []).map((f) => f.title)].join(" ").toLowerCase();
  return state.search.split(/\s+/).every((word) => text.includes(word));
}

function row(s) {
  const counted = s.counts.full + s.counts.partial;
  const words = { faulty: say("list.faulty", { n: s.affected }), good: say("list.good"), unseen: say("list.unseen") };
  const state = s.affected ? "faulty" : s.good ? "good" : "unseen";
  const facts = [s.title + (s.side ? `, ${say(`side.${s.side}`)}` : ""), s.view, s.duration_s ? clock(s.duration_s, 0) : null, s.live ? null : s.source].filter(Boolean).join(" · ");
  return h("li.session", {},
    h("a", { href: `/session/${s.key}` },
      h("span.when", {}, h("b", {}, [s.patient || say("no_name"), day(s.date)].join(" · ")), h("span.soft", {}, facts)),
      h("span.bar", { role: "img", "aria-label": count("list.bar", counted, s) },
        h("i.clean", { style: { "flex-grow": s.good, "--checked": s.share_checked } }), h("i.fault", { style: { "flex-grow": s.affected } }), h("i.unseen", { style: { "flex-grow": s.unseen } })),
      h("span.reps", {}, h("b", {}, count("count.repetition", counted)), counted ? h("span.soft", {}, stateSign(state), words[state]) : null, h("span.soft", {}, s.coverage)),
      h("span.faults", {}, s.top_faults.map((f) => h(`span.chip.g${f.grade}`, {}, gradeSign(f.grade, f.grade_word), h("span", {}, say("list.chip", { title: f.title, n: f.reps }))))),
      h("span.state", {}, s.attention.map((text) => h("span.alert", {}, icon("warn"), text)),
        s.done ? h("span.done", {}, icon("check"), say("reviewed")) : h("span.soft", {}, s.undecided ? count("list.to_decide", s.undecided) : s.watched ? say("list.watched", { n: s.watched, of: counted }) : say("list.not_reviewed")))));
}
