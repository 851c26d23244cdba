// A measure's curve at every level of detail: lowest and highest value of each bin, made by the server.

import { bytes } from "./api.js";

const FIRST = 8, NEXT = 4, COARSEST = 512;

class Line {
  constructor(data, count) {
    const sizes = [];
    for (let n = count, step = FIRST; n > 0; step = NEXT) {
      n = Math.ceil(n / step);
      sizes.push(n);
      if (n <= COARSEST) break;
    }
    let at = 0;
    const floats = (n) => { const a = new Float32Array(data, at, n); at += 4 * n; return a; };
    this.value = floats(count);
    this.levels = sizes.map((n) => ({ low: floats(n), high: floats(n) }));
    const states = (n) => { const a = new Uint8Array(data, at, n); at += n; return a; };
    this.status = states(count);
    let size = FIRST;
    for (const [i, n] of sizes.entries()) {
      Object.assign(this.levels[i], { status: states(n), size });
      size *= NEXT;
    }
    let low = Infinity, high = -Infinity;
    const top = this.levels.at(-1);
    for (let i = 0; top && i < top.low.length; i += 1) {
      if (top.low[i] < low) low = top.low[i];
      if (top.high[i] > high) high = top.high[i];
    }
    this.low = low; this.high = high;
  }

  get known() { return this.low <= this.high; }

  /** The level whose bins are no wider than half a pixel, null for single frames. */
  level(framesPerPixel) {
    let found = null;
    for (const level of this.levels) if (level.size <= framesPerPixel) found = level;
    return found;
  }

  /**
   * Draws frames a to b (whole numbers). X(frame) and Y(value) place them.
   * style(kind): "ok" or "low", sets colours before a stroke.
   */
  draw(c, a, b, X, Y, framesPerPixel, style) {
    const level = this.level(framesPerPixel);
    const step = level?.size ?? 1;
    const from = Math.floor(a / step), to = Math.min(Math.ceil(b / step), (level?.low ?? this.value).length - 1);
    for (const kind of ["low", "ok"]) {
      const wanted = kind === "ok" ? 0 : 1;
      style(kind);
      if (level) { this.drawBins(c, level, from, to, X, Y, wanted); continue; }
      c.beginPath();
      let open = false;
      for (let i = from; i <= to; i += 1) {
        const value = this.value[i];
        if (!(value === value) || Math.min(this.status[i], 1) !== wanted) { open = false; continue; }
        const x = X(i);
        if (open) c.lineTo(x, Y(value)); else { c.moveTo(x, Y(value)); c.lineTo(x + 0.01, Y(value)); }
        open = true;
      }
      c.stroke();
    }
  }

  /** Upright bars from lowest to highest: far quicker than one line that goes up and down in every pixel. */
  drawBins(c, level, from, to, X, Y, wanted) {
    c.fillStyle = c.strokeStyle;
    let before = null;
    for (let i = from; i <= to; i += 1) {
      let low = level.low[i], high = level.high[i];
      if (!(low === low) || Math.min(level.status[i], 1) !== wanted) { before = null; continue; }
      const own = [low, high];
      if (before) { low = Math.min(low, before[1]); high = Math.max(high, before[0]); } // no holes where it is steep
      before = own;
      const x = X(Math.min(i * level.size, this.value.length - 1)), end = X(Math.min((i + 1) * level.size, this.value.length - 1));
      const y = Y(high);
      c.fillRect(x, y - 0.8, Math.max(end - x, 1), Math.max(Y(low) - y + 1.6, 1.6));
    }
  }

  /** Stretches of frames a to b that are not measurable, as [first, last] frames, at least `least` long. */
  gaps(a, b, framesPerPixel, least) {
    const level = this.level(framesPerPixel);
    const step = level?.size ?? 1, low = level?.low ?? this.value;
    const out = [];
    let start = -1;
    const to = Math.min(Math.ceil(b / step), low.length - 1);
    for (let i = Math.floor(a / step); i <= to + 1; i += 1) {
      const gap = i <= to && !(low[i] === low[i]);
      if (gap && start < 0) start = i;
      if (!gap && start >= 0) {
        if ((i - start) * step >= least) out.push([start * step, Math.min(i * step, this.value.length - 1)]);
        start = -1;
      }
    }
    return out;
  }
}

export async function fetchLine(key, measure, count) {
  return new Line(await bytes(`/api/session/${key}/line/${measure}`), count);
}
