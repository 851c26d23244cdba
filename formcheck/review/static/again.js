// The session judged again as another exercise, side or view: by its landmarks in a moment, by its video where they do not do.

import { get, post } from "./api.js";
import { ask, h, replace, toast } from "./dom.js";
import { go } from "./navigation.js";
import { say } from "./words.js";

/** What sides and views an exercise has; none of one that is not chosen yet. */
export function offer(side, view, exercise, given) {
  side.disabled = Boolean(exercise && !exercise.side);
  replace(side, h("option", { value: "" }, side.disabled ? "–" : say("drop.by_itself")), exercise?.side ? ["left", "right"].map((s) => h("option", { value: s, selected: s === given.side }, say(`side.${s}`))) : null);
  replace(view, h("option", { value: "" }, say("drop.by_itself")), Object.entries(exercise?.views ?? {}).map(([v, text]) => h("option", { value: v, selected: v === given.view }, text)));
}

export async function judgeAgain({ info }) {
  const { exercises } = await get("/api/library");
  const exercise = h("select", { onchange: options }, exercises.map((e) => h("option", { value: e.name, selected: e.name === info.exercise }, e.title)));
  const side = h("select", {}), view = h("select", {});
  function options() { offer(side, view, exercises.find((e) => e.name === exercise.value), { side: info.side }); }
  options();
  const sure = await ask(say("again.title"), h("div.send", {}, h("p", {}, say("again.about")), h("label", {}, `${say("exercise")} `, exercise), h("label", {}, `${say("side")} `, side), h("label", {}, `${say("camera")} `, view)),
    [[say("cancel"), null, "quiet"], [say("again.do"), true, "primary"]]);
  if (!sure) return;
  try {
    const { done } = await post(`/api/session/${info.key}/again`, { exercise: exercise.value, side: side.value, view: view.value });
    if (done) location.reload(); else { go("/"); toast(say("again.by_video")); }
  } catch (error) { toast(error.message, { kind: "bad" }); }
}
