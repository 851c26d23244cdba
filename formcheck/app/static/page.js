// What all pages of the app use: words, messages, big choices, drawings.

import { bytes } from "/static/shared/api.js";
import { h, replace } from "/static/shared/dom.js";

let sentences = {};

export function setWords(all) { sentences = all; }

/** A sentence, with {names} filled in. */
export function words(key, values = {}) {
  const sentence = sentences[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** What went wrong, in the patient's words; the program's own sentence is for whoever helps. */
export function whatWentWrong(error) {
  if (error.status === 0) return h("p", {}, words("lost"));
  if (error.status === 403) return h("p", {}, words("stranger"));
  return h("p.small", {}, words("for_helper", { problem: error.message }));
}

let timer = null;

/** A message at the bottom; read out by screen readers. */
export function tell(message, { bad = false, stay = false } = {}) {
  const said = document.getElementById("said");
  replace(said, h(bad ? "p.bad" : "p", {}, message));
  clearTimeout(timer);
  if (!stay) timer = setTimeout(() => replace(said), bad ? 12_000 : 5000);
}

/** A failure as a message. */
export function say(error) {
  console.error(error);
  const what = error.status === 0 ? words("lost") : error.status === 403 ? words("stranger")
    : `${words("wrong")} ${words("for_helper", { problem: error.message })}`;
  tell(what, { bad: true });
}

/** A big button, with a smaller line under it. */
export function choice(label, note, onclick, { primary = false, id } = {}) {
  return h(primary ? "button.big.primary" : "button.big", { type: "button", onclick, id },
    h("span", {}, label), note ? h("span.note", {}, note) : null);
}

/** An exercise, drawn; what it shows is said beside it. */
export function drawing(exercise, side) {
  const picture = h("img.drawing", { alt: "", width: 360, height: 240 });
  bytes(`/api/drawing/${exercise}/${side ?? "none"}`).then((data) => {
    const address = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    picture.onload = () => URL.revokeObjectURL(address);
    picture.src = address;
  }).catch((error) => console.error(error));
  return picture;
}

/** An exercise that moves, and how it is done, opened when somebody wants to see it. */
export function howItIsDone(exercise, side, lines) {
  if (!lines.length) return null;
  const place = h("div.how");
  const details = h("details", { ontoggle: async () => {
    if (!details.open || place.childElementCount) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const picture = h("img", { alt: "", width: 540, height: 360 });
    replace(place, picture, h("ol", {}, lines.map((line) => h("li", {}, line))));
    try {
      const data = await bytes(`/api/${still ? "drawing" : "moving"}/${exercise}/${side ?? "none"}`);
      picture.src = URL.createObjectURL(new Blob([data], { type: "image/png" }));
    } catch (error) {
      console.error(error);
    }
  } }, h("summary", {}, words("how")), place);
  return details;
}

/** A date in the page's language. */
export function day(iso, options) {
  const { lang } = document.documentElement;
  return new Date(`${iso}T12:00`).toLocaleDateString(lang === "en" ? "en-GB" : lang, options); // the day first, not the month
}
