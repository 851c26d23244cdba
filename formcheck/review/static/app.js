// The frame around all pages: addresses, header, theme, help.

import { button, h, icon, replace, stateSign } from "./dom.js";
import { keep } from "./kept.js";
import { go, typing } from "./navigation.js";
import { reviewer } from "./notes.js";
import { choose, language, languages, say } from "./words.js";

const main = document.getElementById("main");
let leave = null;
let turn = 0;

const PAGES = [
  [/^\/$/, () => import("./library.js")],
  [/^\/session\/([0-9a-f]+)$/, () => import("./session.js")],
  [/^\/patient\/([0-9a-f]+)$/, () => import("./patient.js")],
  [/^\/agreement$/, () => import("./agreement.js")],
  [/^\/programme(?:\/(\w+))?$/, () => import("./programme.js")],
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
    replace(main, h("p.loading", {}, say("opening")));
    try {
      const page = await load();
      if (mine !== turn) return;
      const closer = await page.render(main, match[1], new URLSearchParams(location.search));
      if (mine === turn) leave = closer; else closer?.();
    } catch (error) {
      if (mine !== turn) return;
      console.error(error);
      replace(main, h("section.card.problem", {}, h("h1", {}, say("problem.shown")), h("p", {}, error.message),
        h("p", {}, h("a", { href: "/" }, say("frame.all")))));
    }
    return;
  }
  replace(main, h("section.card", {}, h("h1", {}, say("problem.nothing_here")), h("a", { href: "/" }, say("frame.all"))));
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

const themes = Object.fromEntries(["auto", "light", "dark"].map((name) => [name, say(`frame.${name}`)]));
function setTheme(theme) {
  keep("theme", theme);
  window.applyTheme(theme);
}

const select = h("select", { "aria-label": say("frame.colours"), onchange: () => setTheme(select.value) },
  Object.entries(themes).map(([value, text]) => h("option", { value, selected: value === window.chosenTheme() }, text)));
const speak = h("select", { "aria-label": say("language"), onchange: () => choose(speak.value) }, Object.entries(languages).map(([value, text]) => h("option", { value, selected: value === language }, text)));
const who = h("input.who", { maxlength: 80, value: reviewer.name, placeholder: say("frame.your_name"), autocomplete: "off", "aria-label": say("frame.reviewer_long"), onchange: () => { reviewer.name = who.value; } });
replace(document.getElementById("top"),
  h("a.brand", { href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 26, height: 26 }), "formcheck ", h("span", {}, say("frame.review"))),
  h("nav", { "aria-label": say("frame.pages") }, h("a", { href: "/" }, say("sessions")), h("a", { href: "/programme" }, say("programme.all")), h("a", { href: "/agreement" }, say("frame.agreement"))),
  h("div.row.end", {}, h("label.theme", {}, h("span.hide-small", {}, say("frame.reviewer")), who), speak, h("label.theme", {}, icon("sun"), select),
    button("?", () => openHelp(), { title: say("frame.help_long"), kind: "quiet" })));

// -- help -----------------------------------------------------------------------------------------------

const KEYS = {
  play: say("keys.space"), frame: ", .", second: "← →", rep: "[ ]", fault: "P N", loop: "L", speed: "< >", skeleton: "S", zoom: "+ − 0",
  decide: "A X", grade: "1 2 3", watched: "R", by_eye: "B", body: "Z", next: "G", missed: "M", comment: "C", speak: "K", table: "T", compare: "V", ghost: "O", help: "?", close: "Esc",
};

let help = null;
function closeHelp() { help?.close(); help?.remove(); help = null; }
function openHelp() {
  if (help) return closeHelp();
  help = h("dialog.help", { "aria-label": say("frame.help"), oncancel: closeHelp },
    h("div.row", {}, h("h2", {}, say("keys.keys")), button("", closeHelp, { icon: "cross", title: say("close"), kind: "quiet" })),
    h("dl.keys", {}, Object.entries(KEYS).map(([name, key]) => h("div", {}, h("dt", {}, key.split(" ").map((k) => h("kbd", {}, k))), h("dd", {}, say(`keys.${name}`))))),
    h("h2", {}, say("signs.signs")),
    h("ul.signs", {},
      h("li", {}, h("b.grade.g1", {}, "1"), h("b.grade.g2", {}, "2"), h("b.grade.g3", {}, "3"), ` ${say("signs.grades")}`),
      h("li", {}, stateSign("good"), `${say("signs.good")} `, stateSign("faulty"), `${say("signs.faulty")} `, stateSign("unseen"), say("signs.unseen")),
      h("li", {}, h("span.swatch.ok"), say("signs.measured")), h("li", {}, h("span.swatch.low"), say("signs.uncertain")),
      h("li", {}, h("span.swatch.gap"), say("signs.gap")),
      h("li", {}, h("span.swatch.rise"), h("span.swatch.hold"), h("span.swatch.lower"), say("signs.phases")),
      h("li", {}, h("b", {}, say("signs.sure")), ` ${say("signs.sure_means")}`)));
  document.body.append(help);
  help.showModal();
}
document.addEventListener("keydown", (e) => {
  if (e.key === "?" && !typing(e)) { e.preventDefault(); openHelp(); }
});

document.querySelector(".skip").textContent = say("skip");
show();
