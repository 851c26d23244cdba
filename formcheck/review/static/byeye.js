// The pelvis by eye: the top of each repetition, the picture held still on the pelvis, one key for what is seen.

import { button, clock, h, replace } from "./dom.js";
import { lookId } from "./notes.js";

const LEAD_S = 0.8, TAIL_S = 0.3;
const ANSWERS = [["yes", "It does", "1"], ["no", "It does not", "2"], ["unclear", "Cannot tell", "3"]];

export function lookByEye(page) {
  const { info, notes, player } = page;
  const reps = info.reps.filter((r) => r.class === "full" || r.class === "partial");
  if (!reps.length) return;
  let fault = info.by_eye[0], i = Math.max(0, reps.findIndex((r) => !notes.get(lookId(r.index, fault.id))));
  const was = { loop: player.loop, rate: player.rate, skeleton: player.skeleton };
  const question = h("p", {}, ""), where = h("span.soft", {}), answers = h("span.row", {});
  const choose = h("select", { "aria-label": "Looked for", onchange: () => { fault = info.by_eye.find((f) => f.id === choose.value); go(0); } }, info.by_eye.map((f) => h("option", { value: f.id }, f.title)));
  const box = h("div.byeye", { role: "dialog", "aria-label": "The pelvis by eye" },
    h("div.row", {}, info.by_eye.length > 1 ? choose : h("b", {}, fault.title), where, h("span.end", {}), button("", close, { icon: "cross", small: true, kind: "quiet", title: "Close", key: "Esc" })), question, answers);
  page.stageBox.querySelector(".stage").after(box);
  player.skeleton = false;
  player.steady = size(player, info);
  player.setRate(0.5);
  document.addEventListener("keydown", key, true);
  page.closeLook = close;
  go(i);

  function go(next) {
    i = next;
    if (i >= reps.length) { close(); return; }
    const rep = reps[i], said = notes.get(lookId(rep.index, fault.id))?.answer;
    player.around = null;
    player.steady = size(player, info, player.landmarks.at(player.frameAt(rep.peak_s)));
    player.loop = [Math.max(rep.start_s, rep.peak_s - LEAD_S), Math.min(rep.end_s, rep.peak_s + TAIL_S)];
    player.seek(player.loop[0]);
    player.play();
    where.textContent = `repetition ${rep.index}, ${i + 1} of ${reps.length}, top at ${clock(rep.peak_s)}`;
    question.textContent = `${fault.wording || fault.title}: do you see it?`;
    replace(answers, ANSWERS.map(([answer, text, k]) => button(`${text} (${k})`, () => say(answer), { pressed: said === answer })));
  }

  let saving = false;
  async function say(answer) {
    if (saving) return;
    saving = true;
    const rep = reps[i];
    if (await notes.save(lookId(rep.index, fault.id), { rep: rep.index, fault: fault.id, time_s: rep.peak_s, answer })) go(i + 1);
    saving = false;
  }

  function key(e) {
    const found = ANSWERS.find(([, , k]) => k === e.key);
    if (!found && e.key !== "Escape") return;
    e.preventDefault(); e.stopPropagation();
    if (found) say(found[0]); else close();
  }

  function close() {
    document.removeEventListener("keydown", key, true);
    box.remove();
    page.closeLook = null;
    player.pause();
    Object.assign(player, { loop: was.loop, skeleton: was.skeleton, steady: null, around: null });
    player.setRate(was.rate);
    page.onState(); page.refresh();
  }
}

/** Half of the square that is shown: somewhat more than half a trunk's length, pixels. */
function size(player, info, points) {
  const xy = points?.xy, part = player.landmarks.extent();
  const trunk = xy ? Math.hypot(xy[22] + xy[24] - xy[46] - xy[48], xy[23] + xy[25] - xy[47] - xy[49]) / 2 : NaN;
  if (trunk > 20) return 0.75 * trunk;
  return part ? Math.max(part[2] - part[0], part[3] - part[1]) / 5 : Math.max(...info.image_wh) / 5;
}
