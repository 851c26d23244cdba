// One session's picture: its video with the skeleton over it, or the skeleton alone; exact to the frame.

import { bytes, passing } from "./api.js";
import { h, surface } from "./dom.js";
import { drawLines } from "./draw.js";
import { around, drawFigure, placed } from "./figure.js";
import { say } from "./words.js";

const PIECE = 512;

/** Landmarks, fetched a piece at a time when they come into sight. */
class Landmarks {
  constructor(key, count, arrived) {
    this.key = key; this.count = count; this.arrived = arrived; this.pieces = new Map(); this.coming = new Map();
  }

  at(frame) {
    const index = Math.floor(frame / PIECE);
    const piece = this.pieces.get(index);
    if (piece === undefined) { this.fetch(index); return undefined; }
    if (piece === null) return undefined;
    const i = frame - index * PIECE;
    if (i >= piece.count) return null;
    const xy = piece.xy.subarray(i * 66, i * 66 + 66);
    return Number.isFinite(xy[46]) || Number.isFinite(xy[22]) ? { xy, visible: piece.visible.subarray(i * 33, i * 33 + 33) } : null;
  }

  /** As `at`, once the piece is here; undefined where it cannot be had. */
  async ready(frame) {
    await this.fetch(Math.floor(frame / PIECE));
    return this.at(frame);
  }

  /** The part of the picture the body is in, from the first piece that came, so that it stays put. */
  extent() {
    if (this.part) return this.part;
    const piece = [...this.pieces.values()].find(Boolean);
    if (!piece) return null;
    let x1 = Infinity, y1 = Infinity, x2 = -Infinity, y2 = -Infinity;
    for (let i = 0; i < piece.xy.length; i += 2) {
      const x = piece.xy[i], y = piece.xy[i + 1];
      if (x < x1) x1 = x; if (x > x2) x2 = x; if (y < y1) y1 = y; if (y > y2) y2 = y;
    }
    if (!(x1 < x2)) return null;
    const room = 0.22 * Math.max(x2 - x1, y2 - y1);
    this.part = [x1 - room, y1 - room, x2 + room, y2 + room];
    return this.part;
  }

  fetch(index) {
    if (index < 0 || index * PIECE >= this.count) return undefined;
    if (!this.pieces.has(index)) {
      this.pieces.set(index, null);
      this.coming.set(index, this.bring(index).finally(() => this.coming.delete(index)));
    }
    return this.coming.get(index);
  }

  async bring(index) {
    try {
      const data = await bytes(`/api/session/${this.key}/landmarks?first=${index * PIECE}&count=${PIECE}`);
      const count = Math.floor(data.byteLength / (66 * 4 + 33));
      this.pieces.set(index, { count, xy: new Float32Array(data, 0, count * 66), visible: new Uint8Array(data, count * 66 * 4) });
      if (this.pieces.size > 60) this.pieces.delete(this.pieces.keys().next().value);
      this.arrived();
    } catch (error) {
      console.warn(error);
      setTimeout(() => this.pieces.delete(index), 2000);
    }
  }
}

export class Player extends EventTarget {
  constructor(info, times) {
    super();
    this.info = info; this.times = times; this.frame = 0; this.rate = 1; this.playing = false;
    this.loop = null; this.skeleton = true; this.marks = () => []; this.last = Math.max(times.length - 1, 0);
    this.landmarks = new Landmarks(info.key, times.length, () => this.surface.redraw());
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.tag = h("div.tag"); this.corner = h("div.tag.right");
    this.video = info.video ? h("video", { preload: "auto", muted: true, playsinline: true, disablepictureinpicture: true }) : null;
    if (this.video) this.video.muted = true;
    if (this.video && info.rotate) this.video.className = `turned-${info.rotate}`; // as `analyze --rotate` did
    this.lens = h("div.lens", {}, this.video);
    this.zoomed = false; this.steady = null; this.angle = () => null; this.ghost = () => null; this.lines = () => [];
    this.element = h("div.stage", { role: "img", "aria-label": info.video ? say("player.video") : say("player.figure"), onclick: () => this.toggle() }, this.lens, this.canvas, this.tag, this.corner);
    this.surface = surface(this.canvas, (c, w, hh) => this.draw(c, w, hh));
    this.closed = false;
    if (this.video) {
      this.followVideo();
      passing(`/api/session/${info.key}/video`).then((address) => { if (!this.closed) this.video.src = address; });
    }
  }

  get time() { return this.times.length ? this.times[this.frame] : 0; }
  get duration() { return this.times.length ? this.times[this.last] : 0; }

  frameAt(time) {
    let a = 0, b = this.last;
    while (a < b) {
      const m = (a + b + 1) >> 1;
      if (this.times[m] <= time + 5e-4) a = m; else b = m - 1;
    }
    return a;
  }

  toVideo(time) { return (time - this.times[0]) * this.info.video_slowed + this.info.video_start_s; }
  fromVideo(time) { return (time - this.info.video_start_s) / this.info.video_slowed + this.times[0]; }

  followVideo() {
    const video = this.video;
    const shown = (mediaTime) => {
      // While a jump is under way the old picture may be told once more.
      if (!video.seeking && this.pending === undefined) this.showFrame(this.nearest(this.fromVideo(mediaTime)));
    };
    if (video.requestVideoFrameCallback) {
      const each = (_, meta) => { if (this.closed) return; shown(meta.mediaTime); video.requestVideoFrameCallback(each); };
      video.requestVideoFrameCallback(each);
    } else {
      const each = () => { if (this.closed) return; if (this.playing) shown(video.currentTime); requestAnimationFrame(each); };
      requestAnimationFrame(each);
    }
    video.addEventListener("seeked", () => {
      if (this.pending !== undefined) { const t = this.pending; this.pending = undefined; video.currentTime = t; }
    });
    video.addEventListener("ended", () => { if (this.loop) { this.seek(this.loop[0]); video.play(); } else this.setPlaying(false); });
    video.addEventListener("pause", () => { if (!video.ended) this.setPlaying(false); });
    video.addEventListener("error", () => {
      this.problem = say("player.cannot_play");
      video.remove(); this.video = null; this.setPlaying(false); this.surface.redraw();
      this.dispatchEvent(new Event("state"));
    });
  }

  nearest(time) {
    const i = this.frameAt(time);
    return i < this.last && this.times[i + 1] - time < time - this.times[i] ? i + 1 : i;
  }

  showFrame(frame) {
    if (this.loop && this.playing && this.times[frame] >= this.loop[1]) { this.seek(this.loop[0]); return; }
    if (frame === this.frame) return;
    this.frame = frame;
    this.surface.redraw();
    this.dispatchEvent(new Event("frame"));
  }

  seekFrame(frame) {
    frame = Math.min(Math.max(Math.round(frame), 0), this.last);
    if (this.video) {
      // Into the middle of the frame's time: at its edge a player may show the one before.
      const next = frame < this.last ? this.times[frame + 1] : this.times[frame] + 0.03;
      const at = this.toVideo(this.times[frame] + Math.min((next - this.times[frame]) / 2, 0.02));
      if (this.video.seeking) this.pending = at; else this.video.currentTime = at;
    }
    this.played = undefined;
    this.frame = frame;
    this.surface.redraw();
    this.dispatchEvent(new Event("frame"));
  }

  seek(time) { this.seekFrame(this.frameAt(time)); }

  /** To the first frame that is not before a time: where a repetition or a fault begins. */
  seekStart(time) {
    const i = this.frameAt(time);
    this.seekFrame(this.times[i] < time - 1e-3 ? i + 1 : i);
  }

  /** By so many frames; stops playing. */
  step(count) { this.pause(); this.seekFrame(this.frame + count); }

  setRate(rate) {
    this.rate = rate;
    if (this.video) this.video.playbackRate = rate;
    this.dispatchEvent(new Event("state"));
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (this.frame >= this.last) this.seekFrame(0);
    if (this.loop && (this.time < this.loop[0] - 0.05 || this.time >= this.loop[1])) this.seek(this.loop[0]);
    this.setPlaying(true);
    if (this.video) { this.video.playbackRate = this.rate; this.video.play().catch(() => this.setPlaying(false)); return; }
    let before = performance.now();
    let now = this.time;
    const each = (stamp) => {
      if (!this.playing || this.closed || this.video) return;
      if (this.played === undefined) now = this.time; // somebody jumped
      now += (Math.min(stamp - before, 250) / 1000) * this.rate;
      before = stamp;
      this.played = now;
      if (this.loop && now >= this.loop[1]) { this.seek(this.loop[0]); requestAnimationFrame(each); return; }
      this.showFrame(this.frameAt(now));
      if (this.frame >= this.last) this.setPlaying(false); else requestAnimationFrame(each);
    };
    this.played = now;
    requestAnimationFrame(each);
  }

  pause() { this.video?.pause(); this.setPlaying(false); }

  setPlaying(playing) {
    if (this.playing === playing) return;
    this.playing = playing;
    this.dispatchEvent(new Event("state"));
  }

  /** The part of the picture that is shown; null for all of it. `steady`: a square that stays on the pelvis. */
  part(points) {
    if (this.steady && points) {
      const size = this.steady, x = (points.xy[46] + points.xy[48]) / 2, y = (points.xy[47] + points.xy[49]) / 2;
      if (Number.isFinite(x)) this.around = [x - size, y - size, x + size, y + size];
      return this.around ?? null;
    }
    return this.zoomed || !this.video ? this.landmarks.extent() : null;
  }

  /** Where the picture lies in the stage, and how many pixels it has. */
  lies({ width, height } = this.canvas.getBoundingClientRect()) {
    const frame = this.part(this.landmarks.at(this.frame));
    return { at: frame ? around(frame, width, height) : placed(this.info.image_wh, width, height), wh: this.info.image_wh };
  }

  draw(c, width, height) {
    if (!this.times.length) return;
    this.drawBody(c, width, height);
    const lines = this.lines();
    if (!lines.length) return;
    const { at, wh } = this.lies({ width, height });
    drawLines(c, lines, at, wh);
  }

  drawBody(c, width, height) {
    const points = this.landmarks.at(this.frame);
    this.landmarks.fetch(Math.floor(this.frame / PIECE) + 1);
    const alone = !this.video, frame = this.part(points);
    if (this.video) {
      const whole = placed(this.info.image_wh, width, height), near = frame ? around(frame, width, height) : whole;
      const times = near.scale / whole.scale;
      this.lens.style.transform = frame ? `translate(${near.x - whole.x * times}px, ${near.y - whole.y * times}px) scale(${times})` : "";
    }
    if (!this.skeleton && !alone) return;
    drawFigure(c, width, height, this.info, points ?? null, {
      marks: this.marks(), angle: this.angle(), alone, frame, ghost: this.ghost(), message: points === null ? say("player.nobody") : "",
    });
  }

  close() {
    this.closed = true; this.playing = false; this.surface.close();
    if (this.video) { this.video.pause(); this.video.removeAttribute("src"); this.video.load(); }
  }
}
