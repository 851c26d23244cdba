// Drawing on the picture: lines of places in it, each from 0 to 1, so that they fit whatever size it is shown in.

const EDGE = "#080b0e", LINE = "#ffc840";
const NEAREST = 0.004; // of the picture's width: closer places are one
const MOST_LINES = 60, MOST_PLACES = 400; // as the server takes them

/** Draws lines into a picture that lies at `at` ({x, y, scale}) and is `wh` pixels large. */
export function drawLines(c, lines, at, wh) {
  c.lineCap = "round"; c.lineJoin = "round"; c.setLineDash([]);
  for (const [color, width] of [[EDGE, 7], [LINE, 4]]) {
    c.strokeStyle = color; c.lineWidth = width;
    for (const line of lines) {
      c.beginPath();
      line.forEach(([x, y], i) => { const px = at.x + x * wh[0] * at.scale, py = at.y + y * wh[1] * at.scale; if (i) c.lineTo(px, py); else { c.moveTo(px, py); c.lineTo(px + 0.01, py); } });
      c.stroke();
    }
  }
}

/** Takes what is drawn on a player's picture until `close`; `lines` is what there is. */
export class DrawPad {
  constructor(player, changed) {
    this.player = player; this.lines = []; this.changed = changed;
    this.stage = player.element;
    this.stage.classList.add("drawing");
    let line = null;
    this.acts = {
      pointerdown: (e) => {
        if (e.button !== 0 || this.lines.length >= MOST_LINES) return;
        e.preventDefault(); this.stage.setPointerCapture(e.pointerId);
        line = [this.place(e)]; this.lines.push(line); this.told();
      },
      pointermove: (e) => {
        if (!line || line.length >= MOST_PLACES) return;
        const place = this.place(e), last = line.at(-1);
        if (Math.hypot(place[0] - last[0], place[1] - last[1]) > NEAREST) { line.push(place); this.told(); }
      },
      pointerup: () => { line = null; }, pointercancel: () => { line = null; },
      click: (e) => { e.stopPropagation(); },
    };
    for (const [name, act] of Object.entries(this.acts)) this.stage.addEventListener(name, act, true);
  }

  place(e) {
    const box = this.stage.getBoundingClientRect(), { at, wh } = this.player.lies();
    const round = (v) => Math.round(Math.min(Math.max(v, -1), 2) * 1e4) / 1e4;
    return [round((e.clientX - box.left - at.x) / at.scale / wh[0]), round((e.clientY - box.top - at.y) / at.scale / wh[1])];
  }

  /** Rings around joints, for those who do not draw with a pointer. */
  ring(places, radius) {
    const [w, hh] = this.player.info.image_wh;
    for (const [x, y] of places) {
      if (this.lines.length >= MOST_LINES) break;
      this.lines.push(Array.from({ length: 33 }, (_, i) => { const a = (i / 32) * 2 * Math.PI; return [(x + radius * Math.cos(a)) / w, (y + radius * Math.sin(a)) / hh]; }));
    }
    this.told();
  }

  undo() { this.lines.pop(); this.told(); }
  told() { this.player.surface.redraw(); this.changed(this.lines.length); }

  close() {
    this.stage.classList.remove("drawing");
    for (const [name, act] of Object.entries(this.acts)) this.stage.removeEventListener(name, act, true);
    this.player.surface.redraw();
  }
}
