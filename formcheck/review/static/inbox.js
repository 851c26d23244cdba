// What is dropped anywhere on the page: videos are recognised, corrected and analysed one after the other, sessions taken in.

import { offer } from "./again.js";
import { get, listen, post, upload } from "./api.js";
import { button, dropInto, h, icon, replace, toast } from "./dom.js";
import { count, say } from "./words.js";

const uploads = new Map(); // go on while other pages are looked at
const edits = new Map(); // what was chosen for a video that is not analysed yet
const ENDED = ["done", "failed", "cancelled"];
const VIDEO = /\.(mp4|mov|m4v|avi|mkv|webm|mpg|mts|3gp|zip)$/i;
/** What is taken of a session's folder, as the server says too. */
const SESSION_FILES = ["session.sqlite", "session.sqlite-wal", "review.sqlite", "summary.json", "frames.csv", "annotated.mp4", "video.mp4", "video.webm"];
const PLAYED = /\.(mp4|m4v|mov|webm)$/i;
let redraw = () => {};

export class Inbox {
  constructor(exercises, jobs, patients) {
    this.exercises = exercises; this.jobs = new Map(jobs.map((job) => [job.id, job])); this.rows = new Map();
    this.list = h("div.jobs");
    this.tools = h("div.row.end");
    this.heads = h("div.heads", { "aria-hidden": "true", hidden: true }, ["drop.video", "exercise", "side", "camera", "drop.recorded", "patient"].map((key) => h("span", {}, say(key))));
    const input = h("input.visually-hidden", { type: "file", accept: "video/*,.mkv,.avi,.mov,.mp4,.webm,.zip", multiple: true, id: "videos", "aria-label": say("drop.choose_files"), onchange: () => chosen(input) });
    const folder = h("input.visually-hidden", { type: "file", webkitdirectory: true, id: "folder", "aria-label": say("drop.choose_folder"), onchange: () => chosen(folder) });
    this.known = h("datalist", { id: "pseudonyms" }, [...new Set(patients)].sort().map((name) => h("option", { value: name })));
    this.element = h("section.drop", { "aria-label": say("drop.add") },
      h("div.choose", {}, input, h("label", { for: "videos" }, icon("drop"), h("b", {}, say("drop.here")), ` ${say("drop.or")}`), folder, h("label", { for: "folder" }, say("drop.or_folder"))), this.heads, this.list, this.tools, this.known);
    this.stop = [dropInto(this.element, take), listen("job", (job) => this.take(job)), listen("again", () => this.reload())];
    redraw = () => this.draw();
    this.draw();
  }

  take(job) {
    if (job.state === "gone") this.jobs.delete(job.id); else this.jobs.set(job.id, job);
    this.draw();
  }

  async reload() {
    this.jobs = new Map((await get("/api/library")).jobs.map((job) => [job.id, job]));
    this.draw();
  }

  /** Rows stay as they are while only their progress changes: somebody may be choosing in one. */
  draw() {
    const sent = new Set([...uploads.values()].map((u) => u.name)); // shown with how much was sent
    const shown = [...uploads.values(), ...[...this.jobs.values()].filter((j) => j.state !== "receiving" || !sent.has(j.name))];
    const keys = new Set();
    const rows = shown.map((job) => {
      const key = job.local ?? job.id;
      keys.add(key);
      let row = this.rows.get(key);
      if (row?.state !== job.state) { row = this.row(job); this.rows.set(key, row); }
      row.show(job);
      return row.element;
    });
    for (const key of this.rows.keys()) if (!keys.has(key)) this.rows.delete(key);
    if (rows.length !== this.list.children.length || rows.some((row, i) => row !== this.list.children[i])) replace(this.list, rows);
    const ready = [...this.jobs.values()].filter((j) => j.state === "ready"), ended = [...this.jobs.values()].filter((j) => ENDED.includes(j.state));
    const told = ready.filter((job) => this.given(job).exercise);
    const tools = `${ready.length} ${told.length} ${ended.length}`;
    if (this.tools.dataset.for === tools) return;
    this.tools.dataset.for = tools;
    this.heads.hidden = !ready.length;
    const all = h("input", { maxlength: 80, placeholder: say("pseudonym"), autocomplete: "off", list: "pseudonyms", onchange: () => this.patientOfAll(all.value.trim(), ready) });
    replace(this.tools, ready.length > 1 ? h("label.inline", {}, `${say("drop.patient_of_all")} `, all) : null,
      told.length > 1 ? button(count("drop.analyse", told.length), () => told.forEach((job) => this.start(job)), { kind: "primary" }) : null,
      ended.length ? button(say("drop.clear"), () => ended.forEach((job) => this.dismiss(job)), { small: true }) : null);
  }

  row(job) {
    const ended = ENDED.includes(job.state), waiting = job.state === "ready";
    const close = button(ended || waiting ? "" : say("cancel"), () => this.dismiss(job), { small: true, kind: "quiet", icon: ended || waiting ? "cross" : undefined, title: ended || waiting ? say("drop.off_list") : undefined });
    if (waiting) return { state: job.state, element: this.choices(job, close), show: () => {} };
    const bar = h("progress", { max: 100 }), share = h("span.n", {}), what = h("span.soft", {});
    const name = job.state === "done" && job.key ? h("a.name", { href: `/session/${job.key}` }, job.name) : h("b.name", {}, job.name);
    const element = h(`div.job.${job.state}`, {}, name, what, ended ? null : [bar, share], close);
    const show = (now) => {
      what.textContent = now.state === "failed" ? now.problem : now.state === "cancelled" ? say("drop.cancelled") : now.what;
      what.classList.toggle("bad", now.state === "failed");
      const percent = Math.round(100 * (now.share ?? 0));
      bar.value = percent; share.textContent = `${percent} %`;
      bar.setAttribute("aria-label", say("drop.of_name", { name: now.name, what: now.what }));
    };
    return { element, state: job.state, show };
  }

  /** What is to be said of a video before it is analysed; filled in with what was recognised. */
  choices(job, close) {
    const given = this.given(job);
    const field = (name, element, label) => { element.addEventListener("change", () => { given[name] = element.value; this.draw(); }); return h("label", {}, h("span.visually-hidden", {}, say(label)), element); };
    const exercise = h("select", {}, h("option", { value: "" }, say("drop.choose")), this.exercises.map((e) => h("option", { value: e.name, selected: e.name === given.exercise }, e.title)));
    const side = h("select"), view = h("select");
    const options = () => {
      const chosen = this.exercises.find((e) => e.name === exercise.value);
      offer(side, view, chosen, given);
      Object.assign(given, { exercise: exercise.value, side: side.value, view: view.value });
      start.disabled = !chosen;
    };
    const start = button(count("drop.analyse", 1), () => this.start(job), { kind: "primary", small: true });
    exercise.addEventListener("change", options);
    options();
    return h("div.job.ready", {}, h("span.what", {}, h("b.name", {}, job.name), h(`span.${job.sure === "sure" ? "soft" : "unsure"}`, {}, say(`drop.${job.sure || "unknown"}`))),
      field("exercise", exercise, "exercise"), field("side", side, "side"), field("view", view, "camera"),
      field("recorded", h("input", { type: "date", value: given.recorded.slice(0, 10) }), "drop.recorded"),
      field("patient", h("input", { maxlength: 80, value: given.patient, placeholder: say("pseudonym"), autocomplete: "off", list: "pseudonyms" }), "patient"), start, close);
  }

  given(job) {
    if (!edits.has(job.id)) edits.set(job.id, { exercise: job.exercise, side: job.side ?? "", view: "", patient: job.patient, recorded: job.recorded });
    return edits.get(job.id);
  }

  /** One patient for all videos that nobody was named for. */
  patientOfAll(name, ready) {
    for (const job of ready) { this.given(job).patient ||= name; this.rows.delete(job.id); }
    this.draw();
  }

  async start(job) {
    try { await post(`/api/job/${job.id}/start`, edits.get(job.id)); edits.delete(job.id); } catch (error) { toast(say("drop.of_name", { name: job.name, what: error.message }), { kind: "bad" }); }
  }

  async dismiss(job) {
    if (job.local) { uploads.delete(job.local); this.draw(); return; }
    await post(`/api/job/${job.id}/cancel`, {}).catch(() => {});
    if (ENDED.includes(job.state)) { this.jobs.delete(job.id); this.draw(); }
  }

  close() {
    this.stop.forEach((s) => s());
    redraw = () => {};
  }
}

/** What was chosen instead of dropped. */
function chosen(input) {
  sort(new Map([...input.files].map((file) => [file.webkitRelativePath || file.name, file])));
  input.value = "";
}

/** All that was dropped, folders included, by the way to it: {"patient/clip.mp4": File}. */
async function take(dropped) {
  const loose = [...dropped.files], entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = new Map();
  const walk = async (entry, way) => {
    const path = `${way}${entry.name}`;
    if (entry.isFile) { files.set(path, await new Promise((done, failed) => entry.file(done, failed))); return; }
    const reader = entry.createReader(), more = () => new Promise((done, failed) => reader.readEntries(done, failed));
    for (let found = await more(); found.length; found = await more()) for (const one of found) await walk(one, `${path}/`);
  };
  if (!entries.some((entry) => entry.isDirectory)) loose.forEach((file) => files.set(file.name, file));
  else for (const entry of entries) await walk(entry, "").catch((error) => console.warn(error));
  sort(files);
}

/** Sends each session's folder as one, and each video that belongs to none. */
function sort(files) {
  const left = [];
  const folder = (path) => path.slice(0, path.lastIndexOf("/") + 1), name = (path) => path.slice(folder(path).length);
  const sessions = new Map([...files.keys()].filter((path) => name(path) === "session.sqlite").map((path) => [folder(path), new Map()]));
  for (const [path, file] of files) if (SESSION_FILES.includes(name(path))) sessions.get(folder(path))?.set(name(path), file);
  for (const [path, file] of files) {
    if (sessions.has(folder(path)) || name(path).startsWith(".")) continue;
    if (!VIDEO.test(path)) { left.push(name(path)); continue; }
    // The clip beside clip.formcheck is its video.
    const theirs = sessions.get(`${path.replace(/\.[^.]+$/, "")}.formcheck/`), kind = /\.webm$/i.test(path) ? "video.webm" : "video.mp4";
    if (!theirs) send(file); else if (PLAYED.test(path) && !theirs.has("video.mp4") && !theirs.has("video.webm")) theirs.set(kind, file);
  }
  for (const [way, parts] of sessions) {
    const sizes = [...parts].map(([part, file]) => [part, file.size]);
    const whole = new File([...parts.values()], way.split("/").at(-2) || "session.sqlite");
    send(whole, { parts: JSON.stringify(sizes) });
  }
  if (left.length) toast(count("drop.left_out", left.length, { name: left[0] }), { kind: "bad" });
}

let sending = Promise.resolve(); // one after the other, so that they stand in the order in which they were dropped

function send(file, about = {}) {
  const local = crypto.randomUUID();
  const entry = { local, name: file.name, state: "receiving", what: say("drop.copying"), share: 0 };
  const date = new Date(file.lastModified);
  const recorded = Number.isNaN(date.getTime()) ? "" : new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  uploads.set(local, entry);
  redraw();
  sending = sending.then(() => upload(`/api/upload?${new URLSearchParams({ name: file.name, recorded, ...about })}`, file, (share) => { entry.share = share; redraw(); }))
    .catch((error) => toast(say("drop.of_name", { name: file.name, what: error.message }), { kind: "bad" }))
    .finally(() => { uploads.delete(local); redraw(); });
}
