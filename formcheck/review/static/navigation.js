// Going to another address of the page, and whether a key press belongs to a field that is being written in.

/** Shows another page; `app.js` listens and draws it. */
export function go(address) {
  history.pushState(null, "", address);
  window.dispatchEvent(new Event("addresschange"));
}

export function typing(e) {
  const at = e.target;
  return e.ctrlKey || e.metaKey || e.altKey || at.isContentEditable
    || at.tagName === "TEXTAREA" || at.tagName === "SELECT" || (at.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(at.type));
}
