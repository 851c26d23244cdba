// Settings: language, what is seen and heard, the camera with its picture, what is kept, the trial of the computer.

import { bytes, get, post } from "/static/shared/api.js";
import { h, replace } from "/static/shared/dom.js";
import { say, tell, whatWentWrong, words } from "./page.js";

const TURNS = [0, 90, 180, 270];
const BETWEEN_PICTURES_MS = 80;
const ADDRESS = "address";

export async function render(main, { changed, title }, current) {
  const page = await get("/api/settings");
  if (!current()) return undefined;
  const camera = cameraSection(page);
  const set = async (changes, { redraw } = {}) => {
    try {
      await post("/api/settings", changes);
    } catch (error) {
      return say(error);
    }
    if (redraw) await changed(redraw);
    tell(words("settings.saved"));
  };
  replace(main, h("h1", {}, title),
    section("settings.language", oneOf("language", "settings.language", page.languages.map(({ code, name }) => [code, name, code]), page.settings.language,
      (code) => set({ language: code }, { redraw: `language-${code}` }))),
    section("settings.look",
      onOff("high_contrast", page.settings.high_contrast, "settings.contrast", "settings.contrast_note",
        (on) => set({ high_contrast: on }, { redraw: "high_contrast" })),
      onOff("turns", page.settings.turns, "settings.turns", "settings.turns_note", (on) => set({ turns: on })),
      onOff("sound", page.settings.sound, "settings.sound", "settings.sound_note", (on) => set({ sound: on }))),
    camera.element,
    section("settings.phones",
      ["phone", "phone_camera"].map((name) => onOff(name, page.settings[name], `settings.${name}`, `settings.${name}_note`,
        (on) => set({ [name]: on })))),
    keptSection(page, set, changed),
    doctorSection(camera.off));
  return camera.off;
}

function section(title, ...content) {
  return h("section.card", {}, h("h2", {}, words(title)), content);
}

/** One of a few, all in sight. */
function oneOf(name, label, options, chosen, onchange) {
  return h("div.one-of", { role: "group", "aria-label": words(label) }, options.map(([value, called, lang]) => {
    const id = `${name}-${value}`;
    return h("label", { for: id, lang }, h("input", { type: "radio", name, id, checked: value === chosen, onchange: () => onchange(value) }), called);
  }));
}

function onOff(id, on, label, note, onchange) {
  const box = h("input", { type: "checkbox", id, checked: on, onchange: () => onchange(box.checked), "aria-describedby": note ? `${id}-note` : null });
  return h("div.on-off", {}, h("label", { for: id }, box, words(label)), note ? h("p.small", { id: `${id}-note` }, words(note)) : null);
}

// -- the camera -----------------------------------------------------------------------------------------

function cameraSection(page) {
  const { settings, cameras } = page;
  const known = cameras.length ? cameras.map(({ number, name }) => [String(number), `${words("settings.number", { number: number + 1 })}: ${name}`])
    : [0, 1, 2, 3].map((n) => [String(n), words("settings.number", { number: n + 1 })]);
  const ofNumber = known.some(([value]) => value === settings.camera);
  const byAddress = settings.camera !== null && !ofNumber;
  const save = async (changes) => {
    try {
      await post("/api/settings", changes);
      tell(words("settings.saved"));
    } catch (error) {
      say(error);
    }
  };
  const select = h("select", { id: "camera", onchange: () => {
    fields.hidden = select.value !== ADDRESS;
    if (select.value !== ADDRESS) save({ camera: select.value || null });
  } }, [["", words("settings.first")], ...known, [ADDRESS, words("settings.address")]]
    .map(([value, label]) => h("option", { value, selected: value === (byAddress ? ADDRESS : settings.camera ?? "") }, label)));
  const address = h("input", { type: "text", id: "camera-address", value: byAddress ? settings.camera : "", autocomplete: "off", spellcheck: "false" });
  const fields = h("div.fields", { hidden: !byAddress }, h("label", {}, words("settings.address_label"), address),
    h("button", { type: "button", onclick: () => save({ camera: address.value.trim() }) }, words("settings.address_save")));
  const picture = livePicture();
  return {
    off: picture.off,
    element: section("settings.camera",
      h("div.fields", {}, h("label", {}, words("settings.which"), select)), fields,
      h("h3", {}, words("settings.turn")),
      oneOf("rotate", "settings.turn", TURNS.map((turn) => [turn, words(`settings.turn_${turn}`)]), settings.rotate, (rotate) => save({ rotate })),
      picture.element),
  };
}

/** The camera is on only between the two clicks, and goes off with the page. */
function livePicture() {
  let on = false, before = null;
  const picture = h("img.live", { alt: words("settings.picture"), hidden: true });
  const told = h("p", { role: "status" });
  const button = h("button", { type: "button", onclick: () => on ? off() : run() }, words("settings.show"));
  const off = () => {
    if (!on) return;
    on = false;
    picture.hidden = true;
    picture.removeAttribute("src");
    told.textContent = "";
    button.textContent = words("settings.show");
    post("/api/camera/off", {}).catch(() => {});
  };
  const run = async () => {
    on = true;
    button.textContent = words("settings.hide");
    told.textContent = words("settings.opening");
    try {
      while (on) {
        const data = await bytes("/api/camera");
        if (!on) break;
        const address = URL.createObjectURL(new Blob([data], { type: "image/jpeg" }));
        picture.src = address;
        await picture.decode().catch(() => {});
        if (before) URL.revokeObjectURL(before);
        before = address;
        if (picture.hidden) told.textContent = words("settings.showing");
        picture.hidden = !on;
        await new Promise((done) => setTimeout(done, BETWEEN_PICTURES_MS));
      }
    } catch (error) {
      off();
      replace(told, words("settings.no_picture"), whatWentWrong(error));
    }
  };
  return { off, element: h("div.camera", {}, button, told, picture) };
}

// -- what is kept ---------------------------------------------------------------------------------------

function keptSection({ kept, settings }, set, changed) {
  const size = `${(kept.bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: kept.bytes < 1e7 ? 1 : 0 })} MB`;
  const lines = [
    kept.days ? words(kept.days === 1 ? "kept.one_day" : "kept.days", { count: kept.days }) : null,
    kept.sessions ? words(kept.sessions === 1 ? "kept.one_session" : "kept.sessions", { count: kept.sessions, videos: kept.videos, size }) : null,
  ].filter(Boolean);
  const askAgain = async () => {
    try {
      await post("/api/ask-again", {});
      await changed("kept-title");
      tell(words("kept.asked_again"));
    } catch (error) {
      say(error);
    }
  };
  return h("section.card", {}, h("h2", { id: "kept-title", tabindex: "-1" }, words("kept.title")),
    h("p", {}, words("kept.where")),
    lines.length ? h("ul.plain", {}, lines.map((line) => h("li", {}, line))) : h("p", {}, words("kept.nothing")),
    kept.agreed ? h("div", {}, h("p", {}, words(`kept.agreed_${kept.agreed}`)), h("button", { type: "button", onclick: askAgain }, words("kept.ask_again"))) : null,
    onOff("blur_face", settings.blur_face, "kept.blur", null, (on) => set({ blur_face: on })),
    lines.length ? h("button.danger", { type: "button", onclick: () => deleteEverything(changed) }, words("kept.delete")) : null);
}

function deleteEverything(changed) {
  const close = () => { dialog.close(); dialog.remove(); };
  const go = async () => {
    close();
    try {
      const { left } = await post("/api/delete", { delete: "everything" });
      await changed("kept-title");
      tell(words(left ? "kept.left" : "kept.deleted"), { bad: left });
    } catch (error) {
      say(error);
    }
  };
  const keep = h("button.big", { type: "button", onclick: close }, words("kept.delete_no"));
  const dialog = h("dialog", { "aria-labelledby": "delete-title", oncancel: close }, h("h2", { id: "delete-title" }, words("kept.delete_title")),
    h("p", {}, words("kept.delete_text")), h("div.actions", {}, keep, h("button.big.danger", { type: "button", onclick: go }, words("kept.delete_yes"))));
  document.body.append(dialog);
  dialog.showModal();
  keep.focus();
}

// -- the trial of the computer --------------------------------------------------------------------------

function doctorSection(cameraOff) {
  const found = h("div", { role: "status" });
  const button = h("button", { type: "button", onclick: async () => {
    cameraOff();
    button.disabled = true;
    replace(found, h("p", {}, words("doctor.running")));
    try {
      const report = await post("/api/doctor", {});
      replace(found, h("p.line", {}, words(`doctor.${report.verdict}`)),
        h("dl.checks", {}, report.checks.map(({ name, status, said }) => h(`div.${status}`, {},
          h("dt", {}, words(`doctor.${name}.name`), h("span.badge", {}, words(`doctor.${status}`))), h("dd", {}, words(`doctor.${name}.${said}`))))),
        report.model ? h("p.small", {}, words(`doctor.${report.model}`)) : null);
    } catch (error) {
      replace(found, h("p", {}, words("doctor.failed")), whatWentWrong(error));
    }
    button.disabled = false;
  } }, words("doctor.run"));
  return section("doctor.title", h("p", {}, words("doctor.text")), button, found);
}
