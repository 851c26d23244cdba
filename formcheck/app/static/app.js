// The frame around the app's pages: addresses, menu, words, and the exercise window that comes and goes.

import { get, passing, post } from "/static/shared/api.js";
import { h, replace } from "/static/shared/dom.js";
import { say, setWords, tell, whatWentWrong, words } from "./page.js";

const main = document.getElementById("main");
const PAGES = {
  "/": ["page.today", () => import("./today.js")],
  "/progress": ["page.progress", () => import("./progress.js")],
  "/exercises": ["page.exercises", () => import("./exercises.js")],
  "/settings": ["page.settings", () => import("./settings.js")],
};
let state = null;
let leave = null;
let turn = 0;

/** Asks the server how things are; words and contrast follow. */
async function look() {
  state = await get("/api/state");
  setWords(state.words);
  document.documentElement.lang = state.language;
  document.documentElement.dataset.contrast = state.high_contrast ? "high" : "normal";
}

function menu() {
  const link = ([path, [key]]) =>
    h("a", { href: path, "aria-current": path === location.pathname ? "page" : null }, words(key));
  replace(document.getElementById("top"), h("nav", { "aria-label": words("menu") }, Object.entries(PAGES).map(link)));
}

/** Draws the page of this address; focus tells where it begins to who cannot see it. */
async function show({ focus = true } = {}) {
  const mine = ++turn;
  leave?.();
  leave = null;
  menu();
  const [title, load] = PAGES[location.pathname] ?? PAGES["/"];
  document.title = `${words(title)} · formcheck`;
  try {
    if (state.exercising) going();
    else {
      const page = await load();
      if (mine !== turn) return;
      const closer = await page.render(main, { begin, changed: again, title: words(title) }, () => mine === turn);
      if (mine !== turn) return closer?.();
      leave = closer;
      if (state.problem) main.prepend(broken("going.broken", state.problem));
      if (state.not_read) main.prepend(broken("today.not_read", state.not_read));
    }
  } catch (error) {
    if (mine !== turn) return;
    replace(main, h("section.card", {}, h("h1", {}, words("wrong")), whatWentWrong(error)));
  }
  if (!focus) return;
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Settings changed what all pages look like: this one is drawn again, and the same thing has the focus. */
async function again(focused) {
  await look();
  await show({ focus: false });
  if (focused) document.getElementById(focused)?.focus();
}

function broken(title, problem) {
  return h("section.card.problem", { role: "alert" }, h("h2", {}, words(title)),
    h("p.small", {}, words("for_helper", { problem })));
}

// -- the exercise window --------------------------------------------------------------------------------

async function begin(what) {
  try {
    await post("/api/begin", what);
  } catch (error) {
    return say(error);
  }
  await look();
  await show();
}

function going() {
  const end = h("button.big", { type: "button", onclick: async () => {
    end.disabled = true;
    await post("/api/end", {}).catch(say);
  } }, words("going.end"));
  replace(main, h("section.card", {}, h("h1", {}, words("going.title")), h("p", {}, words("going.text")),
    h("div.actions", {}, h("div", {}, end, h("p.small", {}, words("going.end_note"))))));
}

async function changed() {
  const before = state.exercising;
  await look();
  if (before === state.exercising) return;
  if (!state.exercising && location.pathname !== "/exercises") history.replaceState(null, "", "/");
  await show();
}

// -- addresses ------------------------------------------------------------------------------------------

document.addEventListener("click", (e) => {
  const link = e.target.closest?.("a[href^='/']");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
  e.preventDefault();
  history.pushState(null, "", link.getAttribute("href"));
  show();
});
window.addEventListener("popstate", () => show());
// A file that misses the place for it must not take the page's place.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (e) => e.preventDefault());

async function start() {
  try {
    await look();
  } catch (error) {
    const { stranger, lost } = document.body.dataset; // there are no words yet
    return replace(main, h("section.card", {}, h("h1", {}, "formcheck"), h("p", {}, error.status === 403 ? stranger : lost)));
  }
  const events = new EventSource(await passing("/api/events"));
  events.addEventListener("changed", () => changed().catch(say));
  let first = true;
  events.onopen = () => { if (!first) changed().catch(say); first = false; };
  events.onerror = () => { if (events.readyState === EventSource.CLOSED) tell(words("lost"), { stay: true }); };
  await show({ focus: false });
}

start();
