// What was written and not saved yet, kept by the browser until it is; and what another page hands on to a programme.

const here = new Map(); // storage may be off
const BEGINS = "programme ";

export function draft(key) {
  try { return JSON.parse(localStorage.getItem(BEGINS + key)); } catch { return here.get(key) ?? null; }
}

/** Keeps a draft; null takes it away. */
export function keep(key, value) {
  if (value === null) here.delete(key); else here.set(key, value);
  try {
    if (value === null) localStorage.removeItem(BEGINS + key); else localStorage.setItem(BEGINS + key, JSON.stringify(value));
  } catch { /* until the page is closed */ }
}

/** Keys of all drafts. */
export function drafts() {
  try { return Object.keys(localStorage).filter((name) => name.startsWith(BEGINS)).map((name) => name.slice(BEGINS.length)).filter((key) => key !== OFFER); } catch { return [...here.keys()].filter((key) => key !== OFFER); }
}

/** Thresholds, tempo and target found elsewhere, to be taken into a programme: {exercise, side, title, about, asked}. */
export const OFFER = "offer";
