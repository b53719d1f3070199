// How well codes match a prior: sliced Wasserstein over its floor, and the share off the ink.

import { segments } from "./randoms.js";

const DRAWS = 10; // samples of the prior behind every figure, as in metrics.py

/** For each direction, evenly over a half turn, the points' sorted places along it. */
function projections(points, directions) {
  return Array.from({ length: directions }, (_, d) => {
    const angle = (Math.PI * (d + 0.5)) / directions;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const along = new Float32Array(points.length / 2);
    for (let i = 0; i < along.length; i++) along[i] = cos * points[2 * i] + sin * points[2 * i + 1];
    return along.sort();
  });
}

/** Sliced 2-Wasserstein distance of two samples of one size, from their projections. */
function slicedDistance(a, b) {
  let [sum, count] = [0, 0];
  a.forEach((along, d) => {
    for (let i = 0; i < along.length; i++) sum += (along[i] - b[d][i]) ** 2;
    count += along.length;
  });
  return Math.sqrt(sum / count);
}

/**
 * Measures a prior's match: the distance of `count` codes and samples as a multiple of the floor,
 * the mean distance of two samples of the prior. 1 is a perfect match. The directions are evenly
 * spread, where metrics.py draws them.
 */
export class Match {
  constructor(prior, count, random, directions = 50) {
    this.directions = directions;
    const draw = () => projections(prior.sample(count, random), directions);
    this.samples = Array.from({ length: DRAWS }, draw);
    this.floor = mean(this.samples.map((sample) => slicedDistance(sample, draw())));
  }

  /** Of codes, (2 * count,). */
  of(codes) {
    const mine = projections(codes, this.directions);
    return mean(this.samples.map((sample) => slicedDistance(mine, sample))) / this.floor;
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The share of points, (2n,), that lie farther than `reach` from every stroke's middle line. */
export function offTheInk(points, strokes, reach) {
  const lines = segments(strokes);
  const near = (px, py) => lines.some((line) => distanceTo(line, px, py) <= reach);
  let off = 0;
  for (let i = 0; i < points.length; i += 2) if (!near(points[i], points[i + 1])) off++;
  return (2 * off) / points.length;
}

function distanceTo([x, y, u, v], px, py) {
  const [dx, dy] = [u - x, v - y];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((px - x) * dx + (py - y) * dy) / length)) : 0;
  return Math.hypot(px - x - along * dx, py - y - along * dy);
}
