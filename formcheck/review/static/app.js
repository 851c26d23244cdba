// The frame around all pages: addresses, header, theme, help.

import { button, h, icon, replace, stateSign } from "./dom.js";
import { go, typing } from "./navigation.js";
import { reviewer } from "./notes.js";

const main = document.getElementById("main");
let leave = null;
let turn = 0;

const PAGES = [
  [/^\/$/, () => import("./library.js")],
  [/^\/session\/([0-9a-f]+)$/, () => import("./session.js")],
  [/^\/patient\/([0-9a-f]+)$/, () => import("./patient.js")],
  [/^\/agreement$/, () => import("./agreement.js")],
];

async function show() {
  const mine = ++turn;
  leave?.();
  leave = null;
  closeHelp();
  for (const [pattern, load] of PAGES) {
    const match = pattern.exec(location.pathname);
    if (!match) continue;
    main.className = "";
    replace(main, h("p.loading", {}, "Opening…"));
    try {
      const page = await load();
      if (mine !== turn) return;
      const closer = await page.render(main, match[1], new URLSearchParams(location.search));
      if (mine === turn) leave = closer; else closer?.();
    } catch (error) {
      if (mine !== turn) return;
      console.error(error);
      replace(main, h("section.card.problem", {}, h("h1", {}, "This cannot be shown"), h("p", {}, error.message),
        h("p", {}, h("a", { href: "/" }, "All sessions"))));
    }
    return;
  }
  replace(main, h("section.card", {}, h("h1", {}, "There is nothing here"), h("a", { href: "/" }, "All sessions")));
}

document.addEventListener("click", (e) => {
  const link = e.target.closest?.("a[href^='/']");
  if (!link || link.hasAttribute("download") || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
  e.preventDefault();
  if (link.getAttribute("href") !== location.pathname + location.search) go(link.getAttribute("href"));
});
window.addEventListener("popstate", show);
window.addEventListener("addresschange", show);

// -- header ---------------------------------------------------------------------------------------------

const themes = { auto: "as the computer", light: "light", dark: "dark" };
const current = () => document.documentElement.dataset.theme ?? "auto";

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("theme", theme); } catch { /* storage may be off */ }
  window.dispatchEvent(new Event("themechange"));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => window.dispatchEvent(new Event("themechange")));

const select = h("select", { "aria-label": "Colours", onchange: () => setTheme(select.value) },
  Object.entries(themes).map(([value, text]) => h("option", { value, selected: value === current() }, text)));
const who = h("input.who", { maxlength: 80, value: reviewer.name, placeholder: "your name", autocomplete: "off", "aria-label": "Reviewer: stands beside every decision and on the report", onchange: () => { reviewer.name = who.value; } });
replace(document.getElementById("top"),
  h("a.brand", { href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 26, height: 26 }), "formcheck ", h("span", {}, "review")),
  h("nav", { "aria-label": "Pages" }, h("a", { href: "/" }, "Sessions"), h("a", { href: "/agreement" }, "Agreement")),
  h("div.row.end", {}, h("label.theme", {}, h("span.hide-small", {}, "Reviewer"), who), h("label.theme", {}, icon("sun"), h("span.hide-small", {}, "Colours"), select),
    button("?", () => openHelp(), { title: "Keys and what the signs mean", kind: "quiet" })));

// -- help -----------------------------------------------------------------------------------------------

const KEYS = [
  ["Space", "play, pause"], [", .", "one frame back, on"], ["← →", "one second back, on"],
  ["[ ]", "repetition before, after"], ["P N", "fault before, after"], ["L", "loop this repetition"],
  ["< >", "slower, faster"], ["S", "skeleton on, off"], ["+ − 0", "zoom the time lines in, out, whole session"],
  ["A X", "accept, reject the open fault"], ["1 2 3", "its grade: mild, moderate, marked"], ["R", "this repetition was watched"],
  ["B", "look at the pelvis by eye"], ["Z", "zoom to the body"], ["G", "next session to review"],
  ["M", "add a fault that was missed here"], ["C", "comment at this moment"],
  ["V", "compare two repetitions"], ["?", "this page of keys"], ["Esc", "close"],
];

let help = null;
function closeHelp() { help?.close(); help?.remove(); help = null; }
function openHelp() {
  if (help) return closeHelp();
  help = h("dialog.help", { "aria-label": "Help", oncancel: closeHelp },
    h("div.row", {}, h("h2", {}, "Keys"), button("", closeHelp, { icon: "cross", title: "Close", kind: "quiet" })),
    h("dl.keys", {}, KEYS.map(([key, text]) => h("div", {}, h("dt", {}, key.split(" ").map((k) => h("kbd", {}, k))), h("dd", {}, text)))),
    h("h2", {}, "Signs"),
    h("ul.signs", {},
      h("li", {}, h("b.grade.g1", {}, "1"), h("b.grade.g2", {}, "2"), h("b.grade.g3", {}, "3"), " mild, moderate, marked"),
      h("li", {}, stateSign("good"), "seen good ", stateSign("faulty"), "seen faulty ", stateSign("unseen"), "not seen: nothing is known"),
      h("li", {}, h("span.swatch.ok"), "measured"), h("li", {}, h("span.swatch.low"), "uncertain: shown, never judged"),
      h("li", {}, h("span.swatch.gap"), "gap: not measurable there, nothing is filled in"),
      h("li", {}, h("span.swatch.rise"), h("span.swatch.hold"), h("span.swatch.lower"), "rise, hold, lowering"),
      h("li", {}, h("b", {}, "sure"), " = chance that the true value lies beyond the threshold, given how exact the camera is")));
  document.body.append(help);
  help.showModal();
}
document.addEventListener("keydown", (e) => {
  if (e.key === "?" && !typing(e)) { e.preventDefault(); openHelp(); }
});

show();
