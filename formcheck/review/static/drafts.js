// What was written and not saved yet, kept by the browser until it is; and what another page hands on to a programme.

import { keep as keepText, kept, keptNames } from "./kept.js";

const BEGINS = "programme ";

export const draft = (key) => JSON.parse(kept(BEGINS + key));

/** Keeps a draft; null takes it away. */
export const keep = (key, value) => keepText(BEGINS + key, value === null ? null : JSON.stringify(value));

/** Keys of all drafts. */
export const drafts = () => keptNames(BEGINS).map((name) => name.slice(BEGINS.length)).filter((key) => key !== OFFER);

/** Thresholds, tempo and target found elsewhere, to be taken into a programme: {exercise, side, title, about, asked}. */
export const OFFER = "offer";
