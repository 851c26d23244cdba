// Before the first paint, so that a dark page does not flash white.
(() => {
  let theme = null;
  try { theme = localStorage.getItem("theme"); } catch { /* storage may be off */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
