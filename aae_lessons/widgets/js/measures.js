// How well codes match a prior: sliced Wasserstein over its null, and the share off the ink.

import { segments } from "./randoms.js";

const DRAWS = 10; // samples of the prior behind every figure, as in metrics.py

/** Root of the sliced 2-Wasserstein distance, squared, of two samples of one size, (2n,) each. */
export function slicedDistance(a, b, directions) {
  const count = a.length / 2;
  const [p, q] = [new Float32Array(count), new Float32Array(count)];
  let sum = 0;
  for (let d = 0; d < directions; d++) {
    const angle = (Math.PI * (d + 0.5)) / directions; // evenly: in the plane they can be
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    for (let i = 0; i < count; i++) {
      p[i] = cos * a[2 * i] + sin * a[2 * i + 1];
      q[i] = cos * b[2 * i] + sin * b[2 * i + 1];
    }
    p.sort();
    q.sort();
    for (let i = 0; i < count; i++) sum += (p[i] - q[i]) ** 2;
  }
  return Math.sqrt(sum / (count * directions));
}

/**
 * Measures one prior's match: the distance of codes and samples as a multiple of the null, the
 * mean distance of two samples of the prior. 1 is a perfect match.
 */
export class Match {
  constructor(prior, count, random, { directions = 50, draws = DRAWS } = {}) {
    this.directions = directions;
    this.samples = Array.from({ length: draws }, () => prior.sample(count, random));
    const distances = this.samples.map((sample) =>
      slicedDistance(sample, prior.sample(count, random), directions),
    );
    this.null = mean(distances);
  }

  /** Of `count` codes; `draws` fewer samples are quicker, and noisier. */
  of(codes, draws = this.samples.length) {
    const some = this.samples.slice(0, draws);
    return mean(some.map((sample) => slicedDistance(codes, sample, this.directions))) / this.null;
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
