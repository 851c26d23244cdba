// The pelvis by eye: the top of each repetition, the picture held still on the pelvis, one key for what is seen.

import { button, clock, h, replace } from "./dom.js";
import { lookId } from "./notes.js";
import { say } from "./words.js";

const LEAD_S = 0.8, TAIL_S = 0.3;
const ANSWERS = [["yes", "1"], ["no", "2"], ["unclear", "3"]];

export function lookByEye(page) {
  const { info, notes, player } = page;
  const reps = info.reps.filter((r) => r.class === "full" || r.class === "partial");
  if (!reps.length) return;
  let fault = info.by_eye[0], i = Math.max(0, reps.findIndex((r) => !notes.get(lookId(r.index, fault.id))));
  const was = { loop: player.loop, rate: player.rate, skeleton: player.skeleton };
  const question = h("p", {}, ""), where = h("span.soft", {}), answers = h("span.row", {});
  const choose = h("select", { "aria-label": say("eye.looked_for"), onchange: () => { fault = info.by_eye.find((f) => f.id === choose.value); go(0); } }, info.by_eye.map((f) => h("option", { value: f.id }, f.title)));
  const box = h("div.byeye", { role: "dialog", "aria-label": say("eye.title") },
    h("div.row", {}, info.by_eye.length > 1 ? choose : h("b", {}, fault.title), where, h("span.end", {}), button("", close, { icon: "cross", small: true, kind: "quiet", title: say("close"), key: "Esc" })), question, answers);
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
    player.landmarks.ready(player.frameAt(rep.peak_s)).then((points) => { if (reps[i] === rep && page.closeLook) player.steady = size(player, info, points); });
    player.loop = [Math.max(rep.start_s, rep.peak_s - LEAD_S), Math.min(rep.end_s, rep.peak_s + TAIL_S)];
    player.seek(player.loop[0]);
    player.play();
    where.textContent = say("eye.where", { rep: rep.name, n: i + 1, of: reps.length, time: clock(rep.peak_s) });
    question.textContent = say("eye.question", { what: fault.title });
    replace(answers, ANSWERS.map(([answer, k]) => button(say("key", { what: say(`eye.${answer}`), key: k }), () => tell(answer), { pressed: said === answer })));
  }

  let saving = false;
  async function tell(answer) {
    if (saving) return;
    saving = true;
    const rep = reps[i];
    if (await notes.save(lookId(rep.index, fault.id), { rep: rep.index, fault: fault.id, time_s: rep.peak_s, answer })) go(i + 1);
    saving = false;
  }

  function key(e) {
    const found = ANSWERS.find(([, k]) => k === e.key);
    if (!found && e.key !== "Escape") return;
    e.preventDefault(); e.stopPropagation();
    if (found) tell(found[0]); else close();
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
