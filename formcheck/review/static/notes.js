// The physio's decisions: saved one by one, shared between tabs, never overwritten unseen.

import { get, listen, post } from "./api.js";
import { ask, clock, day, h, toast } from "./dom.js";
import { keep, kept } from "./kept.js";
import { count, say } from "./words.js";

/** Who reviews, as kept by this browser; goes with every decision. */
export const reviewer = {
  get name() { return kept("reviewer") ?? ""; },
  set name(text) { keep("reviewer", text.trim()); },
};
const MOST = 400; // saved at once

export class Notes extends EventTarget {
  constructor(key) {
    super();
    this.key = key; this.items = new Map(); this.seq = 0; this.trouble = ""; this.turn = Promise.resolve();
    this.stop = [
      listen("notes", (told) => { if (told.key === key) this.take(told.item); }),
      listen("again", () => this.load()),
    ];
  }

  async load() {
    try {
      const { seq, items } = await get(`/api/session/${this.key}/notes?since=${this.seq}`);
      for (const item of items) this.take(item, true);
      this.seq = Math.max(this.seq, seq);
      this.trouble = "";
    } catch (error) { this.trouble = error.message; }
    this.dispatchEvent(new Event("change"));
  }

  take(item, quiet) {
    const known = this.items.get(item.id);
    if (known && known.revision >= item.revision) return;
    this.items.set(item.id, item);
    this.seq = Math.max(this.seq, item.seq);
    if (!quiet) this.dispatchEvent(new Event("change"));
  }

  /** Who decided, and when, in words; "" where it is not known. */
  stamp(id) {
    const item = this.items.get(id);
    return item?.data && item.on ? say(item.by ? "notes.decided_by" : "notes.decided_on", { by: item.by, on: day(item.on) }) : "";
  }

  get(id) { return this.items.get(id)?.data ?? null; }
  revision(id) { return this.items.get(id)?.revision ?? 0; }

  /** All standing notes of a kind, with their ids. */
  all(kind) {
    return [...this.items.values()].filter((i) => i.data && i.id.split(":")[0] === kind).map((i) => ({ id: i.id, ...i.data }));
  }

  /**
   * Saves; true when it is saved. `base` is the revision the change was begun on; without one it is the newest
   * at its turn, so that two quick keys do not get into each other's way.
   */
  save(id, data, base) { return this.inTurn(() => this.send(id, data, base ?? this.revision(id))); }

  inTurn(work) {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  async send(id, data, base) {
    try {
      this.take(await post(`/api/session/${this.key}/notes`, { id, data, base, by: reviewer.name }));
      return true;
    } catch (error) {
      if (error.status === 409) return await this.settle(id, data, error.body.current);
      toast(say("problem.not_saved", { why: error.message }), { kind: "bad" });
      return false;
    }finally { this.dispatchEvent(new Event("change")); }
  }

  /** Saves many at once: [[id, data], …]; true when all of them are saved. */
  saveMany(changes) { return this.inTurn(() => this.sendMany(changes)); }

  async sendMany(changes) {
    let refused = 0;
    try {
      for (let i = 0; i < changes.length; i += MOST) {
        const part = changes.slice(i, i + MOST).map(([id, data]) => ({ id, data, base: this.revision(id) }));
        const told = await post(`/api/session/${this.key}/notes/many`, { changes: part, by: reviewer.name });
        for (const item of told.items) this.take(item, true);
        refused += told.refused.length;
      }
    } catch (error) {
      toast(say("problem.not_saved", { why: error.message }), { kind: "bad" });
      return false;
    }finally { this.dispatchEvent(new Event("change")); }
    if (refused) toast(count("notes.left", refused), { kind: "bad" });
    return refused === 0;
  }

  async settle(id, mine, current) {
    this.take(current);
    const choice = await ask(say("notes.conflict"), h("div", {},
      h("p", {}, say("notes.conflict_long")),
      h("p", {}, h("b", {}, `${say("notes.there")} `), words(current.data)), h("p", {}, h("b", {}, `${say("notes.yours")} `), words(mine))),
    [[say("notes.keep_theirs"), "theirs"], [say("notes.use_mine"), "mine", "primary"]]);
    return choice === "mine" ? this.send(id, mine, current.revision) : false;
  }

  close() { this.stop.forEach((s) => s()); }
}

function words(data) {
  if (!data) return say("notes.taken_back");
  return Object.entries(data).filter(([, v]) => v !== null && v !== "" && typeof v !== "object").map(([k, v]) => `${k.replace("_s", "")}: ${k.endsWith("_s") ? clock(v) : v}`).join(", ") || say("notes.empty");
}

export const newId = (kind) => `${kind}:${crypto.randomUUID()}`;
export const lookId = (rep, fault) => `look:${rep}:${fault}`;
export const decisionId = (f) => `decision:${f.rep}:${f.id}`;
