// Videos on their way to be sessions: dropped anywhere on the page, recognised, corrected, analysed one after the other.

import { offer } from "./again.js";
import { get, listen, post, upload } from "./api.js";
import { button, h, icon, replace, toast } from "./dom.js";
import { count, say } from "./words.js";

const uploads = new Map(); // go on while other pages are looked at
const edits = new Map(); // what was chosen for a video that is not analysed yet
const ENDED = ["done", "failed", "cancelled"];
const VIDEO = /\.(mp4|mov|m4v|avi|mkv|webm|mpg|mts|3gp|zip)$/i;
let redraw = () => {};

export class Inbox {
  constructor(exercises, jobs, patients) {
    this.exercises = exercises; this.jobs = new Map(jobs.map((job) => [job.id, job])); this.rows = new Map();
    this.list = h("div.jobs");
    this.tools = h("div.row.end");
    const input = h("input.visually-hidden", { type: "file", accept: "video/*,.mkv,.avi,.mov,.mp4,.webm,.zip", multiple: true, id: "videos", "aria-label": say("drop.choose_files"), onchange: () => { [...input.files].forEach(send); input.value = ""; } });
    this.known = h("datalist", { id: "pseudonyms" }, [...new Set(patients)].sort().map((name) => h("option", { value: name })));
    this.element = h("section.drop", { "aria-label": say("drop.add") },
      h("label", { for: "videos" }, icon("drop"), h("span", {}, h("b", {}, say("drop.here")), ` ${say("drop.or")}`)), input, this.list, this.tools, this.known);
    const over = (on) => (e) => { if (e.dataTransfer?.types.includes("Files")) { e.preventDefault(); this.element.classList.toggle("over", on); } };
    this.heard = [["dragenter", over(true)], ["dragover", over(true)], ["dragleave", over(false)],
      ["drop", (e) => { over(false)(e); take(e.dataTransfer); }]];
    for (const [name, act] of this.heard) document.addEventListener(name, act);
    this.stop = [listen("job", (job) => this.take(job)), listen("again", () => this.reload())];
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
    const tools = `${ready.length} ${ended.length}`;
    if (this.tools.dataset.for === tools) return;
    this.tools.dataset.for = tools;
    replace(this.tools, ready.length > 1 ? button(count("drop.analyse", ready.length), () => ready.forEach((job) => this.start(job)), { kind: "primary" }) : null,
      ended.length ? button(say("drop.clear"), () => ended.forEach((job) => this.dismiss(job)), { small: true }) : null);
  }

  row(job) {
    const bar = h("progress", { max: 100 }), share = h("span.n", {}), what = h("span.soft", {});
    const ended = ENDED.includes(job.state), waiting = job.state === "ready";
    const name = job.state === "done" && job.key ? h("a.name", { href: `/session/${job.key}` }, job.name) : h("b.name", {}, job.name);
    const close = button(ended || waiting ? "" : say("cancel"), () => this.dismiss(job), { small: true, kind: "quiet", icon: ended || waiting ? "cross" : undefined, title: ended || waiting ? say("drop.off_list") : undefined });
    const element = h(`div.job.${job.state}`, {}, name, waiting ? this.choices(job) : what, ended || waiting ? null : [bar, share], close);
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
  choices(job) {
    const given = { exercise: job.exercise, side: job.side ?? "", view: "", patient: job.patient, recorded: job.recorded, ...edits.get(job.id) };
    edits.set(job.id, given);
    const field = (name, element) => { element.addEventListener("change", () => { given[name] = element.value; }); return element; };
    const exercise = field("exercise", h("select", { "aria-label": say("exercise") }, h("option", { value: "" }, say("drop.choose")), this.exercises.map((e) => h("option", { value: e.name, selected: e.name === given.exercise }, e.title))));
    const side = field("side", h("select", { "aria-label": say("side") })), view = field("view", h("select", { "aria-label": say("camera") }));
    const options = () => {
      const chosen = this.exercises.find((e) => e.name === given.exercise);
      offer(side, view, chosen, given);
      given.side = side.value; given.view = view.value; start.disabled = !chosen;
    };
    const start = button(count("drop.analyse", 1), () => this.start(job), { kind: "primary", small: true });
    exercise.addEventListener("change", options);
    options();
    const patient = field("patient", h("input", { maxlength: 80, value: given.patient, placeholder: say("drop.maybe_empty"), autocomplete: "off", list: "pseudonyms", "aria-label": say("patient") }));
    const recorded = field("recorded", h("input", { type: "date", value: given.recorded.slice(0, 10), "aria-label": say("drop.recorded_of", { name: job.name }) }));
    return h("span.choices", {}, h("span.soft", {}, say(`drop.${job.sure || "unknown"}`)), exercise, side, view, recorded, patient, start);
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
    for (const [name, act] of this.heard) document.removeEventListener(name, act);
    this.stop.forEach((s) => s());
    redraw = () => {};
  }
}

/** All videos of what was dropped, folders included. */
function take(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) { [...dropped.files].forEach(send); return; }
  entries.forEach(walk);
}

function walk(entry) {
  if (entry.isFile) { if (VIDEO.test(entry.name)) entry.file(send); return; }
  const reader = entry.createReader();
  const more = () => reader.readEntries((found) => { if (found.length) { found.forEach(walk); more(); } });
  more();
}

function send(file) {
  const local = crypto.randomUUID();
  const entry = { local, name: file.name, state: "receiving", what: say("drop.copying"), share: 0 };
  const date = new Date(file.lastModified);
  const recorded = Number.isNaN(date.getTime()) ? "" : new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  uploads.set(local, entry);
  redraw();
  upload(`/api/upload?${new URLSearchParams({ name: file.name, recorded })}`, file, (share) => { entry.share = share; redraw(); })
    .catch((error) => toast(say("drop.of_name", { name: file.name, what: error.message }), { kind: "bad" }))
    .finally(() => { uploads.delete(local); redraw(); });
}
