// How far physio and program agree, per fault, over all repetitions that were watched.

import { file, get, passing } from "./api.js";
import { ask, button, day, h, replace, save, toast, wideTable } from "./dom.js";
import { OFFER, keep } from "./drafts.js";
import { go } from "./navigation.js";
import { count, pointed, say } from "./words.js";

export async function render(main) {
  document.title = say("title", { what: say("frame.agreement") });
  const [data, csv] = await Promise.all([get("/api/agreement"), passing("/api/agreement.csv")]);
  replace(main, h("div.page", {},
    h("div.row.head", {}, h("h1", {}, say("agreement.title")), h("span.soft", {}, say("agreement.watched", { reps: count("count.repetition", data.reps), sessions: count("count.session", data.sessions) })),
      data.rows.length ? h("div.row.end", {}, h("a", { href: csv, download: "formcheck-agreement.csv" }, say("agreement.download"))) : null),
    data.rows.length ? h("section.card", {}, wideTable(say("agreement.title"),
      h("thead", {}, h("tr", {}, ["fault", "exercise"].map((t) => h("th", { scope: "col" }, say(t))), ["panel.repetitions", "agreement.both", "agreement.program_only", "agreement.you_only", "agreement.neither", "agreement.agreement", "agreement.kappa"].map((t) => h("th.n", { scope: "col" }, say(t))))),
      h("tbody", {}, data.rows.map((r) => h("tr", {}, h("th", { scope: "row" }, r.title), h("td", {}, r.exercise_title), [r.reps, r.both, r.program_only, r.physio_only, r.neither, `${r.percent.toFixed(0)} %`, r.kappa === null ? "–" : pointed(r.kappa.toFixed(2))].map((v) => h("td.n", {}, String(v))))))))
      : h("section.card.empty", {}, h("h2", {}, say("agreement.nothing")), h("p", {}, say("agreement.nothing_hint"))),
    data.learned.length ? h("section.card", {}, h("h2", {}, say("learned.title")), h("p", {}, say("learned.about")), data.learned.map(proposal)) : null,
    data.by_eye ? h("section.card", {}, h("h2", {}, say("labels.title")), h("p", {}, count("labels.about", data.by_eye)), button(say("labels.save"), saveLabels, {})) : null,
    h("section.card", {}, h("h2", {}, say("agreement.counted")), h("ul", {}, [1, 2, 3].map((n) => h("li", {}, say(`agreement.rule_${n}`)))))));
}

/** The answers by eye as a file, once it is said that the patients have agreed. */
async function saveLabels() {
  if (!(await ask(say("labels.title"), h("p", {}, say("labels.consent")), [[say("cancel"), null, "quiet"], [say("labels.agreed"), true, "primary"]]))) return;
  try { save(await file("/api/labels", { agreed: true }), "formcheck-labels.csv"); } catch (error) { toast(error.message, { kind: "bad" }); }
}

/** A threshold under which the program would have agreed more often, and what it would change. */
function proposal(p) {
  const take = () => { keep(OFFER, { exercise: p.exercise, asked: { faults: p.faults }, title: p.exercise_title, about: `${p.title}, ${p.proposed}` }); go("/programme"); };
  return h("div.unseen", {}, h("h3", {}, `${p.exercise_title}: ${p.title}`),
    h("p", {}, say(p.falls ? "learned.below" : "learned.from", { ...p, n: p.count }), " ", button(say("whatif.take"), take, { small: true })),
    h("details", {}, h("summary", {}, count("learned.sessions", p.sessions.length)), h("ul", {}, p.sessions.map((s) => h("li", {}, h("a", { href: `/session/${s.key}` }, [s.patient || say("no_name"), day(s.date)].join(" · ")), `: ${say("learned.gone", { n: s.gone, of: s.of })}`)))));
}
