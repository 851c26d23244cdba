// The page's sentences, in the language that was chosen last: they come from the server, and the page has no others.

import { keep, kept } from "./kept.js";

const told = await (await fetch(`/static/words.json?language=${kept("language") ?? ""}`)).json();

export const { language, languages } = told;

/** The sentence of a key, with {names} replaced by the values given. */
export function say(key, values = {}) {
  const sentence = told.words[key];
  if (sentence === undefined) { console.error(`no words for ${key}`); return key; }
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The sentence for one or for many; {n} is how many. */
export const count = (key, n, values) => say(`${key}_${n === 1 ? "one" : "many"}`, { n, ...values });

/** Digits with the point of the language. */
export const pointed = (digits) => digits.replace(".", say("point"));

export function choose(code) {
  keep("language", code);
  location.reload();
}

document.documentElement.lang = language;
