// Going to another address of the page, and whether a key press belongs to a field that is being written in.

/** Shows another page; `app.js` listens and draws it. */
export function go(address) {
  history.pushState(null, "", address);
  window.dispatchEvent(new Event("addresschange"));
}

/** Shows the next session that is not reviewed, what needs attention first; false where there is none beside `but`. */
export function goNext(sessions, but = null) {
  const [next] = sessions.filter((s) => !s.problem && !s.done && s.key !== but).sort((a, b) => b.attention.length - a.attention.length || (a.date < b.date ? 1 : -1));
  if (next) go(`/session/${next.key}`);
  return Boolean(next);
}

export function typing(e) {
  const at = e.target;
  return e.ctrlKey || e.metaKey || e.altKey || at.isContentEditable
    || at.tagName === "TEXTAREA" || at.tagName === "SELECT" || (at.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(at.type));
}
