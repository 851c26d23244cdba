// Talks to the server this page came from, and to nothing else.

import { keep, kept } from "./kept.js";
import { language, say } from "./words.js";

class Problem extends Error {
  constructor(text, status, body) { super(text); this.status = status; this.body = body; }
}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body.problem ?? say("problem.answered", { status: response.status }), response.status, body);
  return body;
}

async function reach(url, options) {
  try {
    return await fetch(url, { ...options, headers: { "x-formcheck": key, "accept-language": language, ...options?.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(say("problem.silent"), 0, {});
  }
}

// -- the key --------------------------------------------------------------------------------------------

// Kept for this origin only, which another port of this computer is not; all tabs have it, and nothing sends it by itself.
let key = kept("key") ?? "";

async function enter() {
  const [, link] = /^#link=([\w-]+)$/.exec(location.hash) ?? [];
  if (!link) return;
  history.replaceState(null, "", location.pathname + location.search); // not left in the history
  const response = await reach("/api/enter", { method: "POST", headers: { "x-formcheck": link } });
  if (!response.ok) return; // used before: perhaps by this browser, which then has the key
  key = (await response.json()).key;
  keep("key", key);
}
await enter().catch(() => {}); // what is asked for next says what is wrong
window.addEventListener("hashchange", () => location.hash.startsWith("#link=") && location.reload());

/** An address for what cannot send the key (video, events, download); it opens this one path only. */
export async function passing(path) {
  const text = new TextEncoder();
  if (!key) return path;
  const secret = await crypto.subtle.importKey("raw", text.encode(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const pass = new Uint8Array(await crypto.subtle.sign("HMAC", secret, text.encode(path)));
  return `${path}?pass=${[...pass].map((b) => b.toString(16).padStart(2, "0")).join("")}`;
}

// -- questions and answers ------------------------------------------------------------------------------

export const get = async (url, options) => answer(await reach(url, options));

export async function post(url, body, options = {}) {
  return answer(await reach(url, {
    method: "POST", body: JSON.stringify(body), ...options,
    headers: { "content-type": "application/json" },
  }));
}

/** A file that is made for this page, as a Blob. */
export async function file(url, body) {
  const response = await reach(url, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  if (!response.ok) await answer(response);
  return response.blob();
}

export async function bytes(url, options) {
  const response = await reach(url, options);
  if (!response.ok) await answer(response);
  return response.arrayBuffer();
}

/** Sends a file; progress(share) while it goes. */
export function upload(url, file, progress, kind = "application/octet-stream") {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("x-formcheck", key);
    request.setRequestHeader("accept-language", language);
    request.setRequestHeader("content-type", kind);
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* not JSON */ }
      if (request.status < 300) done(body);
      else failed(new Problem(body.problem ?? say("problem.not_taken"), request.status, body));
    };
    request.onerror = () => failed(new Problem(say("problem.broke_off"), 0, {}));
    request.send(file);
  });
}

// -- what the server tells all tabs ---------------------------------------------------------------------

const passed = await passing("/api/events");
const EVENTS = `${passed}${passed.includes("?") ? "&" : "?"}language=${language}`;
const listeners = new Map();
let source = null;

/** Listens to a kind of event; returns how to stop. "again" is told after a break, when some may be missing. */
export function listen(kind, heard) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(heard);
  connect();
  return () => listeners.get(kind).delete(heard);
}

function tell(kind, data) {
  for (const heard of listeners.get(kind) ?? []) heard(data);
}

function connect() {
  if (source || document.hidden) return;
  source = new EventSource(EVENTS);
  let first = true;
  source.onopen = () => { if (!first) tell("again"); first = false; };
  for (const kind of ["job", "library", "notes"]) source.addEventListener(kind, (e) => tell(kind, JSON.parse(e.data)));
}

// A browser gives a server few connections: tabs nobody looks at let go of theirs.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; } else if (!source && listeners.size) { connect(); tell("again"); }
});
