// What every page of a phone does: enters with the word of its link, asks the computer, says how it goes.

export const words = JSON.parse(document.getElementById("words").textContent);
export const start = document.getElementById("start");
const state = document.getElementById("state");
const WAITS_MS = 3000;   // for an answer

export function say(key) {
  state.textContent = words[key] ?? key;
  state.dataset.says = key;
}

/** Posts JSON or a picture; `headers` hold the key, or to enter the word of the link. */
export async function post(path, body, headers) {
  const asked = await fetch(path, {
    method: "POST",
    headers: { "content-type": body instanceof Blob ? body.type : "application/json", ...headers },
    body: body instanceof Blob ? body : JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout ? AbortSignal.timeout(WAITS_MS) : undefined,
  });
  const answer = await asked.json();
  if (!asked.ok) throw Object.assign(new Error(answer.problem), { refused: asked.status });
  return answer;
}

async function enter() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  history.replaceState(null, "", location.pathname);
  if (link) {
    try {
      localStorage.setItem("key", (await post("/api/enter", {}, { "x-formcheck": link })).key);
    } catch (error) {
      if (!localStorage.getItem("key") || !error.refused) throw error;
    }
  }
  return { "x-formcheck": localStorage.getItem("key") ?? "" };
}

export async function allowed(kind) {
  return !kind?.requestPermission || (await kind.requestPermission()) === "granted";
}

export async function keepAwake() {
  const lock = async () => {
    try { await navigator.wakeLock?.request("screen"); } catch { /* then the screen must be kept on by hand */ }
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) lock(); });
  await lock();
}

/** Does `begin` once the button is touched: it gets the headers to post with, as a promise, and may refuse with
 *  the key of a sentence. */
export function whenTouched(begin) {
  const entered = enter();
  entered.catch(() => {});
  start.addEventListener("click", async () => {
    start.disabled = true;
    try {
      const refusal = await begin(entered);
      if (refusal) say(refusal);
    } catch (error) {
      say(error.refused ? "refused" : "lost");
    }
    document.body.classList.remove("sending");
    start.disabled = false;
  });
}
