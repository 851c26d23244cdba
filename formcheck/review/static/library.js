// All sessions by patient and date, what needs attention, and videos to analyse.

import { get, listen, post, upload } from "./api.js";
import { go } from "./navigation.js";
import { button, clock, day, gradeSign, h, icon, replace, stateSign, toast } from "./dom.js";
import { count, say } from "./words.js";

const uploads = new Map(); // go on while other pages are looked at
let lastChoice = { exercise: "", side: "", view: "", patient: "" };

export async function render(main) {
  document.title = say("title", { what: say("sessions") });
  // Heard from before the list is asked for: what changes meanwhile would be missed otherwise.
  let changed = false;
  const early = ["library", "job", "again"].map((kind) => listen(kind, () => { changed = true; }));
  let data = await get("/api/library");
  const jobs = new Map(data.jobs.map((job) => [job.id, job]));
  const state = { search: "", sort: "patient", only: false };
  const list = h("div");
  const jobList = h("div.jobs");
  const search = h("input", { type: "search", size: 24, placeholder: say("list.search_hint"), "aria-label": say("list.search"),
    oninput: () => { state.search = search.value.toLowerCase(); draw(); } });
  const sort = h("select", { "aria-label": say("order"), onchange: () => { state.sort = sort.value; draw(); } },
    h("option", { value: "patient" }, say("list.by_patient")), h("option", { value: "date" }, say("list.by_date")), h("option", { value: "attention" }, say("list.by_attention")));
  const only = h("input", { type: "checkbox", onchange: () => { state.only = only.checked; draw(); } });
  const next = button(say("list.next"), () => {
    const left = data.sessions.filter((s) => !s.problem && !s.done).sort((a, b) => b.attention.length - a.attention.length || (a.date < b.date ? 1 : -1));
    if (left.length) go(`/session/${left[0].key}`); else toast(say("list.all_reviewed"));
  }, { kind: "primary" });
  replace(main,
    h("div.page", {},
      h("div.row.head", {}, h("h1", {}, say("sessions")), h("span.soft", {}, say("list.in_folder", { folder: data.folder })),
        h("div.row.end", {}, search, h("label.inline", {}, `${say("order")} `, sort), h("label.inline", {}, only, ` ${say("list.only")}`), next)),
      dropZone(data.exercises, jobList, () => data.sessions.map((s) => s.patient).filter(Boolean)), list, h("p.notice", {}, data.notice)));
  draw();
  drawJobs();

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
          name ? h("a", { href: `/patient/${groups.get(name)[0].patient_key}` }, say("list.progress")) : null) : null,
        h("ul.sessions", {}, groups.get(name).sort(order).map(row)))),
      bad.length ? h("section.card.group", {}, h("h2", {}, say("list.unreadable")),
        h("ul.sessions", {}, bad.map((s) => h("li.session.bad", {}, icon("warn"), h("div", {}, h("b.name", {}, s.name), h("p", {}, s.problem)))))) : null,
      !wanted.length ? h("p.soft", {}, say("list.no_match")) : null);
  }

  function drawJobs() {
    const mine = new Set([...uploads.values()].map((u) => u.name)); // shown with how much was sent
    const rows = [...uploads.values(), ...[...jobs.values()].filter((j) => j.state !== "receiving" || !mine.has(j.name))];
    replace(jobList, rows.map((job) => jobRow(job, () => { uploads.delete(job.local); drawJobs(); })));
  }

  const stop = [
    listen("job", (job) => {
      if (job.state === "gone") jobs.delete(job.id); else jobs.set(job.id, job);
      drawJobs();
    }),
    listen("library", reload),
    listen("again", reload),
  ];
  early.forEach((s) => s());
  if (changed) reload();

  async function reload() {
    data = await get("/api/library");
    jobs.clear();
    for (const job of data.jobs) jobs.set(job.id, job);
    draw(); drawJobs();
  }

  redrawJobs = drawJobs;
  return () => { stop.forEach((s) => s()); redrawJobs = () => {}; };

  function jobRow(job, dismiss) {
    const ended = ["done", "failed", "cancelled"].includes(job.state);
    const share = Math.round(100 * (job.share ?? 0));
    return h(`div.job.${job.state}`, {}, h("b.name", {}, job.name),
      job.state === "failed" ? h("span.bad", {}, job.problem) : h("span.soft", {}, job.state === "cancelled" ? say("drop.cancelled") : job.what),
      ended ? null : h("progress", { max: 100, value: share, "aria-label": say("drop.of_name", { name: job.name, what: job.what }) }),
      ended ? null : h("span.n", {}, `${share} %`),
      button(ended ? "" : say("cancel"), async () => {
        if (job.abort) job.abort();
        if (job.id) { await post(`/api/job/${job.id}/cancel`, {}).catch(() => {}); if (ended) { jobs.delete(job.id); drawJobs(); } } else dismiss();
      }, { small: true, kind: "quiet", icon: ended ? "cross" : undefined, title: ended ? say("drop.off_list") : undefined }));
  }
}

let redrawJobs = () => {};

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
        h("i.clean", { style: { "flex-grow": s.good } }), h("i.fault", { style: { "flex-grow": s.affected } }), h("i.unseen", { style: { "flex-grow": s.unseen } })),
      h("span.reps", {}, h("b", {}, count("count.repetition", counted)), counted ? h("span.soft", {}, stateSign(state), words[state]) : null, h("span.soft", {}, s.coverage)),
      h("span.faults", {}, s.top_faults.map((f) => h(`span.chip.g${f.grade}`, {}, gradeSign(f.grade, f.grade_word), h("span", {}, say("list.chip", { title: f.title, n: f.reps }))))),
      h("span.state", {}, s.attention.map((text) => h("span.alert", {}, icon("warn"), text)),
        s.done ? h("span.done", {}, icon("check"), say("reviewed")) : h("span.soft", {}, s.undecided ? count("list.to_decide", s.undecided) : s.watched ? say("list.watched", { n: s.watched, of: counted }) : say("list.not_reviewed")))));
}

// -- videos to analyse ----------------------------------------------------------------------------------

function dropZone(exercises, jobList, patients) {
  const input = h("input.visually-hidden", { type: "file", accept: "video/*,.mkv,.avi,.mov,.mp4,.webm", multiple: true, id: "videos", "aria-label": say("drop.choose_files"), onchange: () => { choose([...input.files]); input.value = ""; } });
  const form = h("div");
  const zone = h("section.drop", { "aria-label": say("drop.add") },
    h("label", { for: "videos" }, icon("drop"), h("span", {}, h("b", {}, say("drop.here")), ` ${say("drop.or")}`)),
    input, form, jobList);
  const over = (on) => (e) => { if (e.dataTransfer?.types.includes("Files")) { e.preventDefault(); zone.classList.toggle("over", on); } };
  zone.addEventListener("dragenter", over(true));
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (e) => { over(false)(e); choose([...e.dataTransfer.files]); });

  function choose(files) {
    if (!files.length) return;
    const exercise = h("select", { onchange: options, required: true }, h("option", { value: "" }, say("drop.choose")),
      exercises.map((e) => h("option", { value: e.name, selected: e.name === lastChoice.exercise }, e.title)));
    const side = h("select", {}), view = h("select", {});
    const patient = h("input", { maxlength: 80, value: lastChoice.patient, placeholder: say("drop.maybe_empty"), autocomplete: "off", list: "patients" });
    const recorded = files.map((file) => h("input", { type: "date", value: dateOf(file), "aria-label": say("drop.recorded_of", { name: file.name }) }));
    const known = h("datalist", { id: "patients" }, [...new Set(patients())].sort().map((name) => h("option", { value: name })));
    function options() {
      const chosen = exercises.find((e) => e.name === exercise.value);
      replace(side, h("option", { value: "" }, say("drop.by_itself")), chosen?.side ? ["left", "right"].map((s) => h("option", { value: s }, say(`side.${s}`))) : null);
      replace(view, h("option", { value: "" }, say("drop.recognised")), Object.entries(chosen?.views ?? {}).map(([v, text]) => h("option", { value: v }, text)));
      start.disabled = !chosen;
    }
    const start = button(count("drop.analyse", files.length), () => {
      lastChoice = { exercise: exercise.value, patient: patient.value };
      files.forEach((file, i) => send(file, { exercise: exercise.value, side: side.value, view: view.value, patient: patient.value, recorded: recorded[i].value }));
      replace(form);
    }, { kind: "primary" });
    options();
    replace(form, h("div.choose", {}, h("p", {}, h("b", {}, files.length === 1 ? files[0].name : count("count.video", files.length))),
      h("label", {}, say("exercise"), exercise), h("label", {}, say("side"), side), h("label", {}, say("camera"), view),
      h("label", {}, say("patient"), patient, known), files.length === 1 ? h("label", {}, say("drop.recorded"), recorded) : h("ul.plain.dates", {}, files.map((file, i) => h("li", {}, h("label", {}, file.name, recorded[i])))),
      h("div.row", {}, start, button(say("drop.not_now"), () => replace(form), { kind: "quiet" }))));
    exercise.focus();
  }
  return zone;
}

function dateOf(file) {
  const date = new Date(file.lastModified);
  return Number.isNaN(date.getTime()) ? "" : new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
}

function send(file, fields) {
  const local = crypto.randomUUID();
  const entry = { local, name: file.name, state: "receiving", what: say("drop.copying"), share: 0 };
  uploads.set(local, entry);
  redrawJobs();
  upload(`/api/upload?${new URLSearchParams({ name: file.name, ...fields })}`, file, (share) => { entry.share = share; redrawJobs(); })
    .catch((error) => toast(say("drop.of_name", { name: file.name, what: error.message }), { kind: "bad" }))
    .finally(() => { uploads.delete(local); redrawJobs(); });
}
