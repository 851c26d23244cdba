// Talks to the server this page came from, and to nothing else.

export class Problem extends Error {
  constructor(text, status, body) { super(text); this.status = status; this.body = body; }
}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body.problem ?? (await gone(response.status)), response.status, body);
  return body;
}

async function gone(status) {
  return status === 403 ? "formcheck review was started anew: open the address that it printed." : `The server answered ${status}.`;
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("formcheck review does not answer. Is it still running?", 0, {});
  }
}

export const get = async (url, options) => answer(await reach(url, options));

export async function post(url, body, options = {}) {
  return answer(await reach(url, {
    method: "POST", body: JSON.stringify(body), ...options,
    headers: { "content-type": "application/json", "x-formcheck": "1" },
  }));
}

export async function bytes(url, options) {
  const response = await reach(url, options);
  if (!response.ok) await answer(response);
  return response.arrayBuffer();
}

/** Sends a file; progress(share) while it goes. */
export function upload(url, file, progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("x-formcheck", "1");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* not JSON */ }
      if (request.status < 300) done(body);
      else failed(new Problem(body.problem ?? "The video was not taken.", request.status, body));
    };
    request.onerror = () => failed(new Problem("The upload broke off.", 0, {}));
    request.send(file);
  });
}

// -- what the server tells all tabs ---------------------------------------------------------------------

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
  source = new EventSource("/api/events");
  let first = true;
  source.onopen = () => { if (!first) tell("again"); first = false; };
  for (const kind of ["job", "library", "notes"]) source.addEventListener(kind, (e) => tell(kind, JSON.parse(e.data)));
}

// A browser gives a server few connections: tabs nobody looks at let go of theirs.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; } else if (!source && listeners.size) { connect(); tell("again"); }
});
