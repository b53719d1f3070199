// What the game's plane shows beside codes and field.

import { css } from "./page.js";

const SQUARES = [4, 8, 16, 32, 64]; // half sides of the plane; codes that drift away widen it
const LONGEST = 0.12; // of an arrow, in sides of the plane

/** The half side that holds 98 % of the codes; it narrows only where half of it would do. */
export function halfSide(codes, now) {
  const sizes = Float32Array.from({ length: codes.length / 2 }, (_, i) =>
    Math.max(Math.abs(codes[2 * i]), Math.abs(codes[2 * i + 1])),
  ).sort();
  const needed = sizes[Math.floor(0.98 * sizes.length)];
  const fits = SQUARES.find((half) => needed < half) ?? SQUARES.at(-1);
  return fits > now || needed < 0.8 * fits ? fits : now;
}

export function drawSamples(plane, context, shades, samples) {
  context.fillStyle = css(shades.ink, 0.55);
  for (let i = 0; i < samples.length; i += 2) {
    const [x, y] = plane.place(samples[i], samples[i + 1]);
    context.fillRect(x - 1.3, y - 1.3, 2.6, 2.6);
  }
}

/** Where each of the first codes is pulled; an arrow's length is its gradient's, up to a limit. */
export function drawArrows(plane, context, shades, codes, pulls) {
  if (!pulls) return;
  context.strokeStyle = css(shades.ink, 0.8);
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i < pulls.length; i += 2) {
    const size = Math.hypot(pulls[i], pulls[i + 1]);
    if (!(size > 1e-3)) continue;
    const length = Math.min(LONGEST * plane.size, 0.08 * plane.size * size);
    const [dx, dy] = [(pulls[i] / size) * length, (-pulls[i + 1] / size) * length];
    const [x, y] = plane.place(codes[i], codes[i + 1]);
    context.moveTo(x, y);
    context.lineTo(x + dx, y + dy);
    context.lineTo(x + 0.7 * dx - 0.18 * dy, y + 0.7 * dy + 0.18 * dx);
    context.moveTo(x + dx, y + dy);
    context.lineTo(x + 0.7 * dx + 0.18 * dy, y + 0.7 * dy - 0.18 * dx);
  }
  context.stroke();
}
