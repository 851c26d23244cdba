// The physio's decisions: saved one by one, shared between tabs, never overwritten unseen.

import { get, listen, post } from "./api.js";
import { ask, clock, h, toast } from "./dom.js";

export class Notes extends EventTarget {
  constructor(key) {
    super();
    this.key = key; this.items = new Map(); this.seq = 0; this.trouble = ""; this.saving = 0;
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

  get(id) { return this.items.get(id)?.data ?? null; }
  revision(id) { return this.items.get(id)?.revision ?? 0; }

  /** All standing notes of a kind, with their ids. */
  all(kind) {
    return [...this.items.values()].filter((i) => i.data && i.id.split(":")[0] === kind).map((i) => ({ id: i.id, ...i.data }));
  }

  /** Saves; true when it is saved. `base` is the revision the change was begun on. */
  async save(id, data, base = this.revision(id)) {
    try {
      this.saving += 1;
      this.take(await post(`/api/session/${this.key}/notes`, { id, data, base }));
      return true;
    } catch (error) {
      if (error.status === 409) return await this.settle(id, data, error.body.current);
      toast(`Not saved: ${error.message}`, { kind: "bad" });
      return false;
    } finally { this.saving -= 1; this.dispatchEvent(new Event("change")); }
  }

  async settle(id, mine, current) {
    this.take(current);
    const choice = await ask("Changed in another window meanwhile", h("div", {},
      h("p", {}, "Somebody changed the same entry after you opened it. Both versions are kept in the history; which one stands?"),
      h("p", {}, h("b", {}, "There: "), words(current.data)), h("p", {}, h("b", {}, "Yours: "), words(mine))),
    [["Keep theirs", "theirs"], ["Use mine", "mine", "primary"]]);
    return choice === "mine" ? this.save(id, mine, current.revision) : false;
  }

  close() { this.stop.forEach((s) => s()); }
}

function words(data) {
  if (!data) return "taken back";
  return Object.entries(data).filter(([, v]) => v !== null && v !== "").map(([k, v]) => `${k.replace("_s", "")}: ${k.endsWith("_s") ? clock(v) : v}`).join(", ") || "empty";
}

export const newId = (kind) => `${kind}:${crypto.randomUUID()}`;
export const decisionId = (f) => `decision:${f.rep}:${f.id}`;
