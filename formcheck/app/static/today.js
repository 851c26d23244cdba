// Today: the programme's exercises, what of them is done, and the button that begins.

import { get, post } from "/static/shared/api.js";
import { h, replace } from "/static/shared/dom.js";
import { choice, day, drawing, howItIsDone, say, tell, whatWentWrong, words } from "./page.js";

export async function render(main, { begin, title }, current) {
  let page = null, problem = null;
  try {
    page = await get("/api/today");
  } catch (error) {
    if (!error.status || error.status === 403) throw error;
    problem = error;
  }
  if (!current()) return undefined;
  if (problem || page.programme === null) {
    replace(main, opening(problem));
    return takingDrops();
  }
  const date = day(page.date, { weekday: "long", day: "numeric", month: "long" });
  replace(main,
    h("h1", {}, title), h("p.under", {}, `${date} · ${page.programme}`),
    page.lines.map((line) => h("p.line", {}, line)),
    h("div.actions", {}, page.choices.map(({ id, label, note }) => choice(label, note, () => begin({ choice: id }), { primary: id !== "again" }))),
    h("ul.rows", {}, page.rows.map((row) => h(row.done ? "li.done" : "li", {}, drawing(row.exercise, row.side),
      h("div", {}, h("h2", {}, row.title), h("p", {}, row.detail), row.state ? h("p.state", {}, row.done ? `✓ ${row.state}` : row.state) : null, howItIsDone(row.exercise, row.side, row.how))))),
    h("p.after", {}, h("a", { href: "/progress" }, words("today.progress"))),
    opener(words("today.other"), "button"));
  return takingDrops();
}

function opening(problem) {
  return h("section.card", {}, h("h1", {}, words("today.open_title")),
    problem ? [h("p.line", {}, words("today.not_read")), whatWentWrong(problem)] : null,
    h("p", {}, words("today.open_text")), opener(words("today.open"), "button.primary"),
    h("p.small", {}, words("today.drop")),
    h("p.after", {}, h("a", { href: "/exercises" }, words("today.none_instead"))));
}

function opener(label, kind) {
  const input = h("input.visually-hidden", { type: "file", accept: ".formcheck", tabindex: "-1", "aria-hidden": "true",
    onchange: () => input.files.length && take(input.files[0]) });
  return h("div.opener", {}, h(`${kind}.big`, { type: "button", onclick: () => input.click() }, label), input);
}

/** A file may be dropped anywhere while this page is shown. */
function takingDrops() {
  const dropped = (e) => {
    const [file] = e.dataTransfer?.files ?? [];
    if (file) take(file);
  };
  window.addEventListener("drop", dropped);
  return () => window.removeEventListener("drop", dropped);
}

async function take(file) {
  try {
    const { name } = await post("/api/programme", { text: await file.text(), name: file.name });
    tell(words("today.opened", { name }));
    window.dispatchEvent(new PopStateEvent("popstate"));
  } catch (error) {
    if (error.status === 422) tell(`${words("today.not_read")} ${words("for_helper", { problem: error.message })}`, { bad: true });
    else say(error);
  }
}
