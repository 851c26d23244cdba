// A patient's programme: opened, changed, and saved as one file with all its earlier versions.

import { get, post } from "./api.js";
import { button, day, dropInto, h, icon, replace, save, toast } from "./dom.js";
import { OFFER, draft, drafts, keep } from "./drafts.js";
import { grades, number, shownLevel, tempo } from "./fields.js";
import { go } from "./navigation.js";
import { count, pointed, say } from "./words.js";

const RAISES = ["reps", "sets", "hold_s", "band", "exercise"];
const fresh = () => `new${Date.now().toString(36)}`;

export async function render(main, key, query) {
  const { programmes, form } = await get("/api/programmes");
  const patient = query.get("patient");
  if (!key && patient) { // the patient's own, or a new one
    key = programmes.find((p) => p.patient === patient && !p.problem)?.key ?? fresh();
    history.replaceState(null, "", `/programme/${key}`);
  }
  if (!key) return overview(main, programmes);
  const isNew = key.startsWith("new");
  const opened = isNew ? { content: { name: say("programme.usual_name"), ...(patient ? { patient } : {}), days: [...form.usual_days], exercises: [] }, earlier: [], saved: null } : await get(`/api/programmes/${key}`);
  new Editor(main, form, key, opened).draw();
  return undefined;
}

// -- all of them -------------------------------------------------------------------------------------------

function overview(main, programmes) {
  document.title = say("title", { what: say("programme.all") });
  const input = h("input.visually-hidden", { type: "file", accept: ".formcheck,.toml", id: "file", onchange: () => { if (input.files.length) take(input.files[0]); input.value = ""; } });
  const box = h("section.drop", { "aria-label": say("programme.open") }, h("div.choose", {}, input, h("label", { for: "file" }, icon("drop"), h("b", {}, say("programme.drop")), ` ${say("programme.or_choose")}`)));
  const offer = draft(OFFER);
  const list = h("div");
  const draw = () => {
    const open = drafts().map((key) => [key, draft(key)]).filter(([, content]) => content);
    replace(list,
      open.length ? h("section.card", {}, h("h2", {}, say("programme.unsaved")), h("ul.plain", {}, open.map(([key, content]) => h("li.row", {},
        h("a", { href: `/programme/${key}` }, title(content)), button(say("programme.discard"), () => { keep(key, null); draw(); }, { small: true, title: say("programme.discard_long", { what: title(content) }) }))))) : null,
      h("section.card", {}, h("h2", {}, say("programme.saved_ones")), programmes.length ? h("ul.plain", {}, programmes.map((p) => h("li.row", {},
        p.problem ? [h("span", {}, p.place), h("span.bad", {}, p.problem)] : [h("a", { href: `/programme/${p.key}` }, title(p) || p.place), h("span.soft", {}, [count("programme.exercises", p.count), day(p.saved), p.place].join(" · "))]))) : h("p.soft", {}, say("programme.none"))));
  };
  replace(main, h("div.page", {},
    h("div.row.head", {}, h("h1", {}, say("programme.all")), h("div.row.end", {}, button(say("programme.new"), () => go(`/programme/${fresh()}`), { kind: "primary" }))),
    offer ? h("section.card", {}, h("h2", {}, say("programme.offered")), h("p", {}, `${offer.title}: ${offer.about}. ${say("programme.offered_open")}`), button(say("programme.dismiss"), (e) => { keep(OFFER, null); e.target.closest("section").remove(); }, { small: true })) : null,
    box, list));
  draw();
  return dropInto(box, (dropped) => { if (dropped?.files.length) take(dropped.files[0]); });

  async function take(file) {
    try {
      const opened = await post("/api/programmes/read", { name: file.name, text: await file.text() });
      const key = fresh();
      keep(key, opened.content);
      if (opened.remarks) toast(say("programme.remarks"));
      go(`/programme/${key}`);
    } catch (error) { toast(error.message, { kind: "bad" }); }
  }
}

const title = (content) => [content.patient, content.name].filter(Boolean).join(" · ");

// -- one of them -------------------------------------------------------------------------------------------

class Editor {
  constructor(main, form, key, opened) {
    Object.assign(this, { main, form, key, opened, mistakes: opened.mistakes ?? [], tried: false, turn: 0 });
    const open = draft(key);
    this.dirty = open !== null;
    this.content = open ?? structuredClone(opened.content);
    this.content.exercises ??= [];
  }

  // -- values: paths as the file has them --------------------------------------------------------------------

  value(path) { return path.reduce((at, name) => at?.[name], this.content); }

  /** Sets an entry, or leaves it out (null), with the table it stood in if that is empty then. */
  set(path, value) {
    const inside = path.slice(0, -1);
    let at = this.content;
    for (const part of inside) at = at[part] ??= {};
    if (value === null) delete at[path.at(-1)]; else at[path.at(-1)] = value;
    if (value === null && typeof inside.at(-1) === "string" && !Object.keys(at).length) this.set(inside, null);
    this.changed();
  }

  changed() {
    this.dirty = true;
    keep(this.key, this.content);
    this.status();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), 150);
  }

  async check() {
    const mine = ++this.turn;
    try {
      const { mistakes } = await post("/api/programmes/check", { content: this.content });
      if (mine === this.turn) { this.mistakes = mistakes; this.tell(); }
    } catch (error) { toast(error.message, { kind: "bad" }); }
  }

  // -- what is not right ---------------------------------------------------------------------------------------

  /** A place for what is not right in an entry: under its field, else under what it stands in. */
  slot(path, control) {
    const id = `wrong-${path.join("-")}`;
    const note = h("div.bad.wrong", { id });
    this.slots.set(path.join("."), { note, control });
    if (control) { control.setAttribute("aria-describedby", id); control.dataset.path = path.join("."); }
    return note;
  }

  tell() {
    for (const { note, control } of this.slots.values()) { replace(note); control?.removeAttribute("aria-invalid"); }
    // What is not there yet is no mistake before somebody says that all is done.
    this.shown = this.mistakes.filter((m) => this.tried || !["empty", "missing", "short"].includes(m.kind));
    for (const m of this.shown) {
      let slot, n = m.at.length;
      while (!(slot = this.slots.get(m.at.slice(0, n).join(".")))) n -= 1;
      slot.control?.setAttribute("aria-invalid", "true");
      slot.note.append(h("p", {}, m.text, m.kind === "unknown" ? [" ", button(say("programme.leave_out"), () => { this.set(m.at, null); }, { small: true })] : null));
      const more = slot.note.closest("details");
      if (more) more.open = true;
    }
    this.status();
  }

  status() {
    const n = this.shown?.length ?? 0;
    const { saved, content } = this.opened;
    replace(this.state, n ? button(count("programme.wrong_count", n), () => this.toFirst(), { small: true }) : h("span.soft", {}, this.dirty ? say("programme.not_saved") : saved && say("programme.saved_on", { day: day(saved) })));
    replace(this.back, this.dirty && saved ? button(say("programme.back"), () => { keep(this.key, null); this.show(content, false); }, { small: true }) : null);
  }

  toFirst() {
    const first = this.element.querySelector("[aria-invalid=true]") ?? [...this.slots.values()].find(({ note }) => note.childElementCount)?.note;
    first?.scrollIntoView({ block: "center" });
    (first?.matches("input, select, button") ? first : first?.querySelector("button"))?.focus();
  }

  // -- fields --------------------------------------------------------------------------------------------------

  limits(model, name) { const { usual, ...rest } = this.form.limits[model][name]; return usual === undefined ? rest : { ...rest, placeholder: usual }; }

  field(path, label) { return h("div.field", {}, label, this.slot(path, label.querySelector("input, select"))); }

  /** A number as the file has it, shown times `times`. */
  number(path, text, model, times = 1, usual = undefined) {
    const limits = { placeholder: usual, ...this.limits(model, path.at(-1)) }, value = this.value(path);
    if (times !== 1) for (const key of ["min", "max", "placeholder"]) limits[key] *= times;
    return this.field(path, number(text, Number.isFinite(value) ? Number((value * times).toPrecision(12)) : null, (v) => this.set(path, v === null ? null : v / times), limits));
  }

  text(path, text, options = {}) {
    return this.field(path, h("label", {}, text, h("input", { value: this.value(path) ?? "", ...this.limits("programme", path[0]), ...options, oninput: (e) => this.set(path, e.target.value || null) })));
  }

  box(path, text) {
    return this.field(path, h("label.inline", {}, h("input", { type: "checkbox", checked: this.value(path) === true, onchange: (e) => this.set(path, e.target.checked || null) }), text));
  }

  /** One of [value, words]; a value that is none of them is shown as it is. */
  choice(path, text, options, { chosen = this.value(path), set = (v) => this.set(path, v || null) } = {}) {
    const known = options.some(([value]) => value === (chosen ?? ""));
    const all = known ? options : [...options, [String(chosen ?? ""), String(chosen ?? "")]];
    return this.field(path, h("label", {}, text, h("select", { onchange: (e) => set(e.target.value) }, all.map(([value, words]) => h("option", { value, selected: value === String(chosen ?? "") }, words)))));
  }

  sides(path) {
    const options = [["left", "right"], ["right", "left"], ["left"], ["right"]].map((sides) => [sides.join(" "), sides.map((side) => say(`side.${side}`)).join(", ")]);
    const chosen = this.value(path);
    return this.choice(path, say("side"), chosen?.length ? options : [["", "–"], ...options], { chosen: chosen?.join(" "), set: (v) => this.set(path, v ? v.split(" ") : null) });
  }

  week(path, legend) {
    const on = (name) => (this.value(path) ?? this.form.usual_days).includes(name);
    return h("fieldset.week", {}, h("legend", {}, legend), Object.entries(this.form.days).map(([name, text]) => h("label.inline", {},
      h("input", { type: "checkbox", checked: on(name), onchange: (e) => this.set(path, Object.keys(this.form.days).filter((d) => (d === name ? e.target.checked : on(d)))) }), text)), this.slot(path));
  }

  /** Earlier, later, away: for an exercise or a step. */
  order(path, i, what) {
    const list = this.value(path);
    const go = (by) => {
      const j = i + by;
      if (list[j] === undefined) return;
      list.splice(j, 0, ...list.splice(i, 1));
      this.again([...path, j], say("programme.moved", { what, n: j + 1, of: list.length }));
    };
    const part = (name, act, disabled, arrow) => { const made = button("", act, { icon: name, title: say(`programme.${name}`, { what }), key: path.length > 1 ? null : arrow, small: true, disabled }); made.dataset.does = name; return made; };
    return { go, buttons: h("span.row.end", {}, part("up", () => go(-1), i === 0, "Alt ↑"), part("down", () => go(1), i === list.length - 1, "Alt ↓"),
      part("cross", () => { list.splice(i, 1); if (!list.length && path.length > 1) this.set(path, null); this.again([...path, Math.max(0, Math.min(i, list.length - 1))], say("programme.removed", { what })); })) };
  }

  /** Draws anew after something was added, moved or taken away, with the focus there, or where it was (null). */
  again(path, told = "") {
    const { path: same, does } = document.activeElement.dataset;
    this.changed();
    this.list();
    this.said.textContent = told;
    const find = (what) => this.element.querySelector(what);
    const at = path && (find(`[data-at="${path.join(".")}"]`) ?? find(`[data-at="${path.slice(0, 2).join(".")}"]`));
    (path ? at?.querySelector(`[data-does="${does}"]:enabled`) ?? at?.querySelector("select") ?? this.adder : find(`[data-path="${same}"]`))?.focus();
  }

  // -- the page ------------------------------------------------------------------------------------------------

  draw() {
    document.title = say("title", { what: title(this.content) || say("programme.one") });
    this.slots = new Map();
    this.state = h("span", { role: "status" });
    this.said = h("p.visually-hidden", { role: "status" });
    this.exercises = h("div");
    const known = Object.entries(this.form.exercises);
    this.adder = h("select", { "aria-label": say("programme.add") }, known.map(([name, e]) => h("option", { value: name }, e.title)));
    this.back = h("span");
    this.offer = h("div");
    this.element = h("div", {},
      h("section.card", { "aria-label": say("programme.one") }, this.slot([]),
        h("div.fields", {}, this.text(["patient"], say("patient"), { placeholder: say("pseudonym"), autocomplete: "off" }), this.text(["name"], say("programme.name")), this.number(["weeks"], say("programme.weeks"), "programme"), this.number(["between_s"], say("programme.between"), "programme")),
        this.week(["days"], say("programme.days"))),
      this.offer, this.exercises,
      h("section.card.row", {}, this.adder, button(say("programme.add"), () => this.add(this.adder.value), { icon: "plus" }), this.slot(["exercises"])),
      h("section.card", {}, h("h2", {}, say("programme.climb")), h("p.soft", {}, say("programme.ladder_about")), h("p.soft", {}, say("programme.climb_about")),
        h("div.fields", {}, [["after_days"], ["full_share", 100], ["pain_most"], ["effort_below"], ["back_after_days"]].map(([name, times]) => this.number(["climb", name], say(`programme.${name}`), "climb", times))), this.slot(["climb"])),
      h("div.save-bar.row", {}, button(say("programme.save"), () => this.save(), { kind: "primary" }), this.state));
    this.fixed = new Map(this.slots);
    replace(this.main, h("div.page", {}, h("div.row.head", {}, h("h1", {}, say("programme.one")), h("a", { href: "/programme" }, say("programme.all"))), this.said, this.element, this.versions()));
    this.list();
    this.drawOffer();
    if (this.dirty) this.check();
  }

  list() {
    this.slots = new Map(this.fixed);
    replace(this.exercises, this.content.exercises.map((_, i) => this.exercise(i)));
    this.tell();
  }

  add(name) {
    const info = this.form.exercises[name];
    this.content.exercises.push({ exercise: name, ...(info.side ? { sides: ["left", "right"] } : {}) });
    this.again(["exercises", this.content.exercises.length - 1], say("programme.added", { what: info.title }));
  }

  exercise(i) {
    const path = ["exercises", i], at = (...names) => [...path, ...names];
    const one = this.value(path), info = this.form.exercises[one.exercise] ?? { title: String(one.exercise ?? ""), tempo: {}, views: {}, faults: {} };
    const order = this.order(["exercises"], i, info.title);
    const faults = Object.entries(info.faults);
    return h("section.card", { "aria-label": say("programme.exercise_n", { n: i + 1 }), data: { at: path.join(".") }, onkeydown: (e) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[e.key];
      if (e.altKey && by && e.target.tagName !== "SELECT") { e.preventDefault(); order.go(by); }
    } },
    h("div.row", {}, h("h2", {}, `${i + 1}. ${info.title}`), order.buttons), this.slot(path),
    h("div.fields", {},
      this.choice(at("exercise"), say("exercise"), Object.entries(this.form.exercises).map(([name, e]) => [name, e.title]), { set: (name) => this.become(i, name) }),
      info.side || one.sides ? this.sides(at("sides")) : null,
      this.number(at("sets"), say("whatif.sets"), "exercise"), this.number(at("reps"), say("whatif.reps"), "exercise"), this.number(at("rest_s"), say("programme.rest"), "exercise"),
      tempo(one.tempo ?? {}, info.tempo, (key, v) => this.set(at("tempo", key), v)).map(([key, label]) => this.field(at("tempo", key), label)),
      this.box(at("band"), say("programme.band")), info.march || one.march ? this.box(at("march"), say("programme.march")) : null),
    this.ownDays(at("days")),
    h("details", { open: Boolean(one.faults || one.focus_fault || one.target || one.view) }, h("summary", {}, say("programme.more")),
      h("div.fields", {},
        this.choice(at("focus_fault"), say("programme.focus"), [["", say("programme.no_focus")], ...faults.map(([id, f]) => [id, f.title])]),
        this.choice(at("view"), say("programme.view"), [["", say("programme.best_view")], ...Object.entries(info.views)]),
        this.number(at("target", "range"), say("whatif.range", { unit: info.unit ?? "" }), "target", 1, say("whatif.own_range")),
        info.knee || one.target?.knee_flexion_deg !== undefined ? this.number(at("target", "knee_flexion_deg"), say("programme.knee"), "target") : null),
      this.thresholds(i, info)),
    this.ladder(i));
  }

  /** Another exercise; what it has not, of thresholds or places, is told and stays until it is taken out. */
  become(i, name) {
    const one = this.content.exercises[i], info = this.form.exercises[name];
    one.exercise = name;
    if (!info.side) delete one.sides; else one.sides ??= ["left", "right"];
    this.again(null);
  }

  ownDays(path) {
    const own = this.value(path) !== undefined;
    return h("div", {}, h("label.inline", {}, h("input", { type: "checkbox", checked: own, data: { path: `own ${path}` }, onchange: (e) => { this.set(path, e.target.checked ? [...(this.content.days ?? this.form.usual_days)] : null); this.again(null); } }), say("programme.own_days")),
      own ? this.week(path, say("programme.days")) : this.slot(path));
  }

  thresholds(i, info) {
    const path = ["exercises", i, "faults"], own = this.value(path) ?? {};
    const left = Object.entries(info.faults).filter(([id, f]) => f.grades && !(id in own));
    const adder = h("select", { "aria-label": say("programme.add_threshold"), data: { path: `add ${path}` }, onchange: () => { this.set([...path, adder.value], { grades: [...info.faults[adder.value].grades] }); this.again(null); } },
      h("option", { value: "" }, say("programme.add_threshold")), left.map(([id, f]) => h("option", { value: id }, f.title)));
    return h("fieldset", {}, h("legend", {}, say("programme.thresholds")), Object.entries(own).map(([id, { grades: values }]) => {
      const fault = info.faults[id] ?? { title: id, unit: "", grades: null, falls: false, share: false };
      return h("div.own", {}, h("div.row", {}, h("b", {}, `${fault.title}${fault.unit ? `, ${fault.unit}` : ""}`), fault.grades ? h("span.soft", {}, say("whatif.usually", { s: fault.grades.map((g) => pointed(String(shownLevel(g, fault.share)))).join(" / ") })) : null,
        button("", () => { this.set([...path, id], null); this.again(["exercises", i], say("programme.removed", { what: fault.title })); }, { icon: "cross", small: true, title: say("programme.cross", { what: fault.title }) })),
      grades(this.form.grades, fault.title, fault, values ?? [], (n, v) => { const now = [...(values ?? [])]; now[n] = v; values = now; this.set([...path, id, "grades"], now); }), this.slot([...path, id]));
    }), left.length ? adder : null, this.slot(path));
  }

  // -- the ladder ----------------------------------------------------------------------------------------------

  ladder(i) {
    const path = ["exercises", i, "ladder"], steps = this.value(path) ?? [];
    return h("fieldset.ladder", {}, h("legend", {}, say("programme.ladder")),
      h("ol", {}, steps.map((_, j) => this.step(path, j))),
      button(say("programme.add_step"), () => { (this.content.exercises[i].ladder ??= []).push(this.raised(i, steps.length, "reps")); this.again([...path, steps.length], say("programme.added", { what: say("programme.step_n", { n: steps.length + 1 }) })); }, { icon: "plus", small: true }), this.slot(path));
  }

  step(list, j) {
    const path = [...list, j], step = this.value(path);
    const kind = "exercise" in step ? "exercise" : RAISES.find((name) => name in step) ?? "";
    const name = say("programme.step_n", { n: j + 1 });
    const field = (key) => (key === "band" ? this.box([...path, key], say("programme.band")) : this.number([...path, key], { reps: say("whatif.reps"), sets: say("whatif.sets"), hold_s: say("whatif.hold") }[key], "step", 1, kind === "exercise" && key !== "hold_s" ? say("programme.as_before") : undefined));
    const shown = kind === "exercise" ? ["sets", "reps", "hold_s", "band"] : RAISES.filter((key) => key in step && (key !== "band" || kind !== "band" || step.band !== true));
    return h("li", { "aria-label": name, data: { at: path.join(".") } },
      h("div.fields", {}, h("div.field", {}, h("label", {}, name, h("select", { onchange: (e) => { this.set(path, this.raised(list[1], j, e.target.value)); this.again(path); } },
        [...(kind ? [] : [""]), ...RAISES].map((key) => h("option", { value: key, selected: key === kind }, key && say(`programme.raise.${key}`)))))),
      kind === "exercise" ? this.choice([...path, "exercise"], say("exercise"), Object.entries(this.form.exercises).map(([id, e]) => [id, e.title]), { set: (id) => { this.set(path, { ...step, ...this.raised(list[1], j, "exercise", id) }); if (!this.form.exercises[id].side) this.set([...path, "sides"], null); this.again(path); } }) : null,
      step.sides || this.form.exercises[step.exercise]?.side ? this.sides([...path, "sides"]) : null,
      shown.map(field), this.order(list, j, name).buttons), this.slot(path));
  }

  /** A step that raises one thing a little above what is asked for before it. */
  raised(i, j, kind, exercise = Object.keys(this.form.exercises).find((name) => name !== this.content.exercises[i].exercise)) {
    if (kind === "band") return { band: true };
    if (kind === "exercise") return { exercise, ...(this.form.exercises[exercise].side ? { sides: ["left", "right"] } : {}) };
    const one = this.content.exercises[i], info = this.form.exercises[one.exercise];
    const before = (one.ladder ?? []).slice(0, j).reverse().find((step) => step[kind] !== undefined)?.[kind]
      ?? (kind === "hold_s" ? one.tempo?.hold_s ?? info?.tempo.hold_s ?? 0 : one[kind] ?? this.form.limits.exercise[kind].usual);
    const { max } = this.form.limits.step[kind];
    return { [kind]: Math.min(before + { reps: 2, sets: 1, hold_s: 3 }[kind], max) };
  }

  // -- what another page found ---------------------------------------------------------------------------------

  drawOffer() {
    const offer = draft(OFFER);
    if (!offer) { replace(this.offer); return; }
    const into = (i, text) => button(text, () => {
      const { exercise, side, asked } = offer;
      if (i === null) this.content.exercises.push({ exercise, ...(this.form.exercises[exercise].side ? { sides: side ? [side] : ["left", "right"] } : {}), ...asked });
      else for (const [table, values] of Object.entries(asked)) this.content.exercises[i][table] = { ...this.content.exercises[i][table], ...values };
      keep(OFFER, null);
      this.drawOffer();
      this.again(["exercises", i ?? this.content.exercises.length - 1], say("programme.taken"));
    });
    replace(this.offer, h("section.card", {}, h("h2", {}, say("programme.offered")), h("p", {}, `${offer.title}: ${offer.about}.`), h("div.row", {},
      this.content.exercises.map((one, i) => (one.exercise === offer.exercise ? into(i, say("programme.take_into", { n: i + 1, what: this.form.exercises[one.exercise].title })) : null)),
      this.form.exercises[offer.exercise] ? into(null, say("programme.take_new")) : null, button(say("programme.dismiss"), () => { keep(OFFER, null); this.drawOffer(); }))));
  }

  // -- saving --------------------------------------------------------------------------------------------------

  async save() {
    this.tried = true;
    clearTimeout(this.timer);
    this.turn += 1;
    try {
      const kept = await post("/api/programmes/save", { content: this.content });
      keep(this.key, null);
      save(new Blob([kept.text], { type: "application/toml" }), kept.file);
      toast(say("programme.saved", { place: kept.place }));
      go(`/programme/${kept.key}`);
    } catch (error) {
      this.mistakes = error.body?.mistakes ?? this.mistakes;
      this.tell();
      this.toFirst();
      toast(error.message, { kind: "bad" });
    }
  }

  show(content, dirty) {
    this.content = structuredClone(content);
    this.content.exercises ??= [];
    this.dirty = dirty;
    this.mistakes = this.opened.mistakes ?? [];
    if (dirty) keep(this.key, this.content);
    this.draw();
  }

  versions() {
    const { earlier, place } = this.opened;
    if (!place) return null;
    return h("section.card", {}, h("h2", {}, say("programme.versions")), h("p.soft", {}, say("programme.kept_in", { place })), this.opened.remarks ? h("p.soft", {}, say("programme.remarks")) : null, this.back,
      earlier.length ? h("ul.plain", {}, earlier.map((v) => h("li.row", {}, h("span", {}, day(v.saved)), h("span.soft", {}, count("programme.exercises", v.count)), button(say("programme.show_version"), async () => {
        try {
          this.show((await get(`/api/programmes/${v.key}`)).content, true);
          toast(say("programme.version_shown", { day: day(v.saved) }));
        } catch (error) { toast(error.message, { kind: "bad" }); }
      }, { small: true, title: say("programme.show_version_of", { day: day(v.saved) }) })))) : h("p.soft", {}, say("programme.no_versions")));
  }
}
