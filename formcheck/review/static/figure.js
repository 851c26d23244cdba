// Draws a skeleton: over the video, or by itself where there is none. It only draws, never computes.

const HALO = "#0b0e12", MEASURED = "#35e0c2", TRUSTED = "#a9cdf7", UNTRUSTED = "#9097a1", FAULT = "#ffb547", ANGLE = "#ffffff", GHOST = "#d58bff";
const JOINTS = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32];
const HEAD = [0, 7, 8];

/** Where a picture of `wh` lies in a box that shows all of it. */
export function placed(wh, width, height) {
  const scale = Math.min(width / wh[0], height / wh[1]);
  return { scale, x: (width - wh[0] * scale) / 2, y: (height - wh[1] * scale) / 2 };
}

/** Where a picture lies of which only the part around the body is shown: [left, top, right, bottom] in pixels. */
export function around(part, width, height) {
  const [x1, y1, x2, y2] = part;
  const scale = Math.min(width / (x2 - x1), height / (y2 - y1));
  return { scale, x: width / 2 - ((x1 + x2) / 2) * scale, y: height / 2 - ((y1 + y2) / 2) * scale };
}

/**
 * points: {xy: Float32Array(66), visible: Uint8Array(33)} or null; marks: [{points, title, grade}];
 * ghost: points of somebody else in this picture, or null;
 * angle: {at: [corner, joint, corner], bent, text} or null; frame: the part of the picture that is shown.
 * alone: there is no video beneath.
 */
export function drawFigure(c, width, height, info, points, { marks = [], angle = null, ghost = null, alone = false, message = "", frame = null } = {}) {
  const at = frame ? around(frame, width, height) : placed(info.image_wh, width, height);
  if (alone) backdrop(c, at, info.image_wh);
  if (!points) {
    if (message) caption(c, message, width / 2, height / 2, "center");
    return;
  }
  const X = (i) => at.x + points.xy[2 * i] * at.scale, Y = (i) => at.y + points.xy[2 * i + 1] * at.scale;
  const seen = (i) => Number.isFinite(points.xy[2 * i]);
  const trusted = (i) => points.visible[i] >= 128 || i === 23 || i === 24; // hips are always said to be visible
  const used = new Set(info.used_points);
  const size = Math.max(2, Math.min(width, height) / 170);
  c.lineCap = "round";
  for (const [color, extra] of [[HALO, 3], [null, 0]]) {
    for (const [a, b] of info.bones) {
      if (!seen(a) || !seen(b)) continue;
      const sure = trusted(a) && trusted(b);
      if (color && !sure) continue;
      c.strokeStyle = color ?? (sure ? TRUSTED : UNTRUSTED);
      c.lineWidth = (sure ? size : size * 0.7) + extra;
      c.setLineDash(sure ? [] : [size * 2, size * 2.2]);
      c.beginPath(); c.moveTo(X(a), Y(a)); c.lineTo(X(b), Y(b)); c.stroke();
    }
  }
  c.setLineDash([]);
  if (ghost) drawGhost(c, info.bones, ghost, at, size);
  if (HEAD.every(seen)) {
    const r = Math.max(Math.hypot(X(7) - X(8), Y(7) - Y(8)) * 0.75, Math.hypot(X(7) - X(0), Y(7) - Y(0)), size * 3);
    c.strokeStyle = TRUSTED; c.lineWidth = size;
    c.beginPath(); c.arc((X(7) + X(8)) / 2, (Y(7) + Y(8)) / 2, r, 0, 7); c.stroke();
  }
  for (const i of JOINTS) {
    if (!seen(i)) continue;
    const mine = used.has(i), r = mine ? size * 1.9 : size * 1.15;
    c.fillStyle = HALO; c.beginPath(); c.arc(X(i), Y(i), r + 1.5, 0, 7); c.fill();
    c.fillStyle = mine ? MEASURED : trusted(i) ? TRUSTED : UNTRUSTED;
    c.beginPath(); c.arc(X(i), Y(i), r, 0, 7); c.fill();
  }
  if (angle && angle.at.every(seen)) drawAngle(c, angle, X, Y, size);
  let line = 0;
  for (const mark of marks) {
    for (const i of mark.points) {
      if (!seen(i)) continue;
      const r = size * (4.2 + mark.grade);
      for (const [color, w] of [[HALO, size * 1.3 + 3], [FAULT, size * 1.3]]) {
        c.strokeStyle = color; c.lineWidth = w;
        c.beginPath(); c.arc(X(i), Y(i), r, 0, 7); c.stroke();
      }
    }
    // Below, so that no words lie over the limb they are about.
    caption(c, `${mark.title}: ${mark.value_text}`, 18, height - 20 - 28 * line, "left");
    line += 1;
  }
}

/** Somebody else's skeleton: in another colour, and without joints, so that no two are taken for one. */
function drawGhost(c, bones, { xy, visible }, at, size) {
  for (const [color, width] of [[HALO, 2.2 * size + 2], [GHOST, 1.6 * size]]) {
    c.strokeStyle = color; c.lineWidth = width; c.globalAlpha = color === HALO ? 0.5 : 0.95;
    c.beginPath();
    for (const [a, b] of bones) {
      if (visible[a] < 128 && a < 23 || visible[b] < 128 && b < 23 || !Number.isFinite(xy[2 * a] + xy[2 * b])) continue;
      c.moveTo(at.x + xy[2 * a] * at.scale, at.y + xy[2 * a + 1] * at.scale); c.lineTo(at.x + xy[2 * b] * at.scale, at.y + xy[2 * b + 1] * at.scale);
    }
    c.stroke();
  }
  c.globalAlpha = 1;
}

/** The arc of a joint's angle with its number: between the limbs, or from the straight line where it is how far the joint is bent. */
function drawAngle(c, { at: [first, joint, last], bent, text }, X, Y, size) {
  const x = X(joint), y = Y(joint);
  const toward = (i) => Math.atan2(Y(i) - y, X(i) - x);
  let a = toward(first);
  const b = toward(last);
  const reach = Math.min(Math.hypot(X(first) - x, Y(first) - y), Math.hypot(X(last) - x, Y(last) - y));
  const r = Math.max(0.42 * reach, 6 * size);
  if (bent) a += Math.PI;
  let turn = (b - a) % (2 * Math.PI);
  if (turn > Math.PI) turn -= 2 * Math.PI;
  if (turn < -Math.PI) turn += 2 * Math.PI;
  for (const [color, width] of [[HALO, size + 3], [ANGLE, size]]) {
    c.strokeStyle = color; c.lineWidth = width; c.setLineDash([]);
    c.beginPath(); c.arc(x, y, r, a, a + turn, turn < 0); c.stroke();
    if (!bent) continue;
    c.setLineDash([size * 2, size * 2]);
    c.beginPath(); c.moveTo(x, y); c.lineTo(x + 1.25 * r * Math.cos(a), y + 1.25 * r * Math.sin(a)); c.stroke();
  }
  c.setLineDash([]);
  const middle = a + turn / 2;
  c.font = `700 ${Math.max(16, 5 * size)}px system-ui, sans-serif`;
  c.textAlign = "center"; c.textBaseline = "middle";
  const wide = c.measureText(text).width;
  const px = x + (r + 10 + wide / 2) * Math.cos(middle), py = y + (r + 16) * Math.sin(middle);
  c.lineWidth = 5; c.strokeStyle = HALO; c.lineJoin = "round"; c.strokeText(text, px, py);
  c.fillStyle = ANGLE; c.fillText(text, px, py);
}

function caption(c, text, x, y, align) {
  c.font = "600 14px system-ui, sans-serif";
  c.textBaseline = "middle";
  const w = c.measureText(text).width;
  const left = align === "center" ? x - w / 2 : x;
  c.fillStyle = "rgba(8,11,15,.85)";
  c.beginPath(); c.roundRect(left - 8, y - 12, w + 16, 24, 6); c.fill();
  c.fillStyle = "#ffd9a0"; c.textAlign = "left";
  c.fillText(text, left, y);
}

function backdrop(c, at, wh) {
  const w = wh[0] * at.scale, h = wh[1] * at.scale;
  c.fillStyle = "#131922"; c.fillRect(at.x, at.y, w, h);
  c.strokeStyle = "#222b37"; c.lineWidth = 1;
  c.beginPath();
  for (let i = 1; i < 8; i += 1) {
    c.moveTo(at.x + (w * i) / 8, at.y); c.lineTo(at.x + (w * i) / 8, at.y + h);
    c.moveTo(at.x, at.y + (h * i) / 8); c.lineTo(at.x + w, at.y + (h * i) / 8);
  }
  c.stroke();
}
