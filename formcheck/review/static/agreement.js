// How far physio and program agree, per fault, over all repetitions that were watched.

import { get, passing } from "./api.js";
import { h, replace, times } from "./dom.js";

export async function render(main) {
  document.title = "Agreement – formcheck review";
  const [data, csv] = await Promise.all([get("/api/agreement"), passing("/api/agreement.csv")]);
  replace(main, h("div.page", {},
    h("div.row.head", {}, h("h1", {}, "Agreement with your review"), h("span.soft", {}, `${times(data.reps, "repetition")} watched in ${times(data.sessions, "session")}`),
      data.rows.length ? h("div.row.end", {}, h("a", { href: csv, download: "formcheck-agreement.csv" }, "Download as CSV")) : null),
    data.rows.length ? h("section.card", {}, h("div.scroll", {}, h("table", {},
      h("thead", {}, h("tr", {}, ["Fault", "Exercise"].map((t) => h("th", { scope: "col" }, t)), ["Repetitions", "Both", "Program only", "You only", "Neither", "Agreement", "Kappa"].map((t) => h("th.n", { scope: "col" }, t)))),
      h("tbody", {}, data.rows.map((r) => h("tr", {}, h("th", { scope: "row" }, r.title), h("td", {}, r.exercise_title), [r.reps, r.both, r.program_only, r.physio_only, r.neither, `${r.percent.toFixed(0)} %`, r.kappa === null ? "–" : r.kappa.toFixed(2)].map((v) => h("td.n", {}, String(v)))))))))
      : h("section.card.empty", {}, h("h2", {}, "Nothing to compare yet"), h("p", {}, "Open a session, accept or reject what was found, and mark the repetitions you watched as a whole.")),
    h("section.card", {}, h("h2", {}, "How it is counted"), h("ul", {},
      h("li", {}, "Only repetitions that you marked as watched, and in them only faults that the program could check."),
      h("li", {}, "A fault that you accepted counts for both, a rejected one for the program only, one that you added for you only."),
      h("li", {}, "Cohen’s kappa is agreement beyond chance; “–” where both always said the same one thing, for which it is not defined. With few repetitions it means little.")))));
}
