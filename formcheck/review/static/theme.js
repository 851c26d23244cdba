// Before anything is drawn: the colours that were chosen last, or those of the computer.
const dark = matchMedia("(prefers-color-scheme: dark)");
function chosenTheme() { try { return localStorage.getItem("theme") ?? "auto"; } catch { return "auto"; } } // storage may be off
function applyTheme(theme = chosenTheme()) {
  document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  window.dispatchEvent(new Event("themechange"));
}
applyTheme();
dark.addEventListener("change", () => applyTheme());
