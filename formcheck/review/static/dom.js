// Elements without markup: text is always text, whatever is in it.

import { pointed, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** h("button.primary", {type: "button", onclick}, "Save", child, …) */
export function h(spec, attributes, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  return fill(element, attributes, children);
}

/** The same for SVG. */
export function svg(spec, attributes, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElementNS(SVG, tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  return fill(element, attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) element.style.setProperty(k, v);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

const ICONS = {
  play: "M8 5v14l11-7z", pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  back: "M15 5v14L6 12zM5 5h2v14H5z", next: "M9 5v14l9-7zM17 5h2v14h-2z",
  loop: "M7 7h9V4l5 4.5L16 13v-3H8v3H5V9a2 2 0 0 1 2-2zM17 17H8v3l-5-4.5L8 11v3h8v-3h3v4a2 2 0 0 1-2 2z",
  body: "M12 3a2.2 2.2 0 1 1 0 4.4A2.2 2.2 0 0 1 12 3zM6 9h12v2h-4v3l2 7h-2.2L12 15.5 10.2 21H8l2-7v-3H6z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z", minus: "M5 11h14v2H5z",
  fit: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  check: "M9.5 17.6 4 12.1l1.5-1.5 4 4 9-9L20 7.1z", cross: "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  note: "M4 4h16v12H9l-5 4zM7 8v1.6h10V8zm0 3.5v1.6h7v-1.6z",
  voice: "M12 2a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V5a3 3 0 0 1 3-3zM6 11h2a4 4 0 0 0 8 0h2a6 6 0 0 1-5 5.9V20h3v2H8v-2h3v-3.1A6 6 0 0 1 6 11z",
  sun: "M12 7a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM11 1h2v4h-2zM11 19h2v4h-2zM1 11h4v2H1zM19 11h4v2h-4z",
  drop: "M11 4h2v8.2l3.3-3.3 1.4 1.4L12 16l-5.7-5.7 1.4-1.4 3.3 3.3zM4 18h16v2H4z",
  zoom: "M10 3a7 7 0 0 1 5.6 11.2l5 5-1.4 1.4-5-5A7 7 0 1 1 10 3zm0 2a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM9 7h2v2h2v2h-2v2H9v-2H7V9h2z",
  eye: "M12 5c5 0 9 4.5 10 7-1 2.5-5 7-10 7S3 14.5 2 12c1-2.5 5-7 10-7zm0 2c-3.5 0-6.5 3-7.7 5 1.2 2 4.2 5 7.7 5s6.5-3 7.7-5c-1.2-2-4.2-5-7.7-5zm0 1.8a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4z",
  up: "M12 5l7 7-1.4 1.4-4.6-4.6V20h-2V8.8l-4.6 4.6L5 12z", down: "M12 20l-7-7 1.4-1.4 4.6 4.6V5h2v11.2l4.6-4.6L19 13z",
  warn: "M12 3 22 20H2zm-1 6v6h2V9zm0 7.5v2h2v-2z",
};

export function icon(name) {
  return svg("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A session's state by shape as well as colour: seen faulty, seen good, or nothing could be checked. */
export function stateSign(state) {
  const shapes = { good: ["path", { d: "m1.5 6.5 3 3 6-7" }], faulty: ["path", { d: "M6 1 11.5 11H.5z" }], unseen: ["circle", { cx: 6, cy: 6, r: 4.8 }] };
  const [tag, shape] = shapes[state];
  return svg(`svg.state-sign.is-${state}`, { viewBox: "0 0 12 12", "aria-hidden": "true" }, svg(tag, shape));
}

export function button(text, onclick, { kind = "", icon: sign, title, key, pressed, small, disabled } = {}) {
  const label = title ? (key ? say("key", { what: title, key }) : title) : undefined;
  return h(`button${kind ? `.${kind}` : ""}${small ? ".small" : ""}${text ? "" : ".square"}`, {
    type: "button", onclick, title: label, "aria-label": text ? undefined : label, disabled,
    "aria-pressed": pressed === undefined ? undefined : String(pressed),
  }, sign ? icon(sign) : null, text);
}

/** 75.31 → "1:15.3" */
export function clock(seconds, digits = 1) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds * 10 ** digits) / 10 ** digits);
  const minutes = Math.floor(whole / 60);
  const rest = (whole - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${minutes}:${pointed(rest)}`;
}

/** A number as the report writes it: whole degrees, else two places; or so many places more. */
export function amount(value, unit, more = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed((unit === "deg" ? 0 : 2) + more);
  return pointed(Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")) + (unit === "deg" ? "°" : "");
}

/** A value of a measure with its unit in words. */
export const measured = (value, measure, more = 0) => [amount(value, measure?.unit, more), Number.isFinite(value) && measure?.unit_word].filter(Boolean).join(" ");

const writers = {}; // made once: to make one takes longer than to use it a hundred times
const written = (date, parts) => (writers[Object.keys(parts)] ??= new Intl.DateTimeFormat(say("locale"), parts)).format(date);

export function day(iso) {
  const date = new Date(iso?.slice(0, 16)); // the clock on the wall where it was recorded
  if (!iso || Number.isNaN(date.getTime())) return iso || say("no_date");
  const text = written(date, { day: "numeric", month: "short", year: "numeric" });
  return iso.length > 10 ? `${text}, ${written(date, { hour: "2-digit", minute: "2-digit" })}` : text;
}

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A canvas that follows the size of its box and the screen's sharpness; draw(context, width, height). */
export function surface(element, draw) {
  const context = element.getContext("2d");
  let width = 0, height = 0, asked = false;
  const paint = () => {
    asked = false;
    const scale = window.devicePixelRatio || 1;
    const w = Math.round(width * scale), hh = Math.round(height * scale);
    if (element.width !== w || element.height !== hh) { element.width = w; element.height = hh; }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    if (width > 0 && height > 0) draw(context, width, height);
  };
  const ask = () => { if (!asked) { asked = true; requestAnimationFrame(paint); } };
  const observer = new ResizeObserver(([entry]) => {
    width = entry.contentRect.width; height = entry.contentRect.height;
    paint();
  });
  observer.observe(element);
  return { redraw: ask, now: paint, close: () => observer.disconnect() };
}

export function toast(text, { kind = "", action, stay } = {}) {
  const box = h(`div.toast${kind ? `.${kind}` : ""}`, {}, h("span", {}, text), action ?? null,
    button("", () => box.remove(), { icon: "cross", title: say("close"), small: true }));
  document.getElementById("toasts").append(box);
  if (!stay) setTimeout(() => box.remove(), kind === "bad" ? 9000 : 4000);
  return box;
}

/** Offers a file to be saved. */
export function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name.replace(/[^\p{L}\p{N} ._-]+/gu, "_") });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Takes what is dropped anywhere on the page, `box` being shown as its place; returns how to stop. */
export function dropInto(box, take) {
  const over = (on) => (e) => { if (e.dataTransfer?.types.includes("Files")) { e.preventDefault(); box.classList.toggle("over", on); } };
  const heard = [["dragenter", over(true)], ["dragover", over(true)], ["dragleave", over(false)], ["drop", (e) => { over(false)(e); take(e.dataTransfer); }]];
  for (const [name, act] of heard) document.addEventListener(name, act);
  return () => { for (const [name, act] of heard) document.removeEventListener(name, act); };
}

/** What a repetition is called; one that does not count has no number, and is told by its time. */
export const called = (rep, key = "rep_n") => (rep.number === null ? clock(rep.start_s, 0) : say(key, { n: rep.name }));

/** A table that may be wider than the screen: then it is scrolled, with the keys as well. */
export const wideTable = (title, ...parts) => h("div.scroll", { tabindex: 0, role: "group", "aria-label": title }, h("table", {}, parts));

/** A grade by number, shape and colour. */
export function gradeSign(grade, word) {
  return h(`span.grade.g${grade}`, { title: word, role: "img", "aria-label": say("grade_is", { grade, word }) }, String(grade));
}

/** A modal dialog; resolves with the value of the button pressed, null for Esc. */
export function ask(title, content, answers) {
  return new Promise((done) => {
    const finish = (value) => { dialog.close(); dialog.remove(); done(value); };
    const dialog = h("dialog", { "aria-label": title, oncancel: (e) => { e.preventDefault(); finish(null); } },
      h("h2", {}, title), content,
      h("div.row.end", {}, answers.map(([text, value, kind]) => button(text, () => finish(value), { kind }))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
