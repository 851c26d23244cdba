// What this browser keeps. Its storage may be off: then until the page is closed.

const here = new Map();

/** The text kept by a name, null for none. */
export function kept(name) {
  try { return localStorage.getItem(name); } catch { return here.get(name) ?? null; }
}

/** Keeps a text; null takes it away. */
export function keep(name, text) {
  try { if (text === null) localStorage.removeItem(name); else localStorage.setItem(name, text); } catch { if (text === null) here.delete(name); else here.set(name, text); }
}

/** All names that begin so. */
export function keptNames(beginning) {
  let names;
  try { names = Object.keys(localStorage); } catch { names = [...here.keys()]; }
  return names.filter((name) => name.startsWith(beginning));
}
