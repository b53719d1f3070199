// Random numbers from a seed, priors in the plane, and points of a drawing.

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One number of a standard normal distribution (Box and Muller). */
export function normals(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const fill = (count, draw) => {
  const result = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) result.set(draw(), 2 * i);
  return result;
};

/** Priors: sample(n, random) gives n points as (2n,). The roll is priors.SwissRoll's. */
export const PRIORS = {
  gaussian: {
    sample: (n, random) => fill(n, () => [normals(random), normals(random)]),
  },
  ring: {
    sample: (n, random) =>
      fill(n, () => {
        const [angle, radius] = [2 * Math.PI * random(), 1.4 + 0.1 * normals(random)];
        return [radius * Math.cos(angle), radius * Math.sin(angle)];
      }),
  },
  roll: {
    sample: (n, random) =>
      fill(n, () => {
        const root = Math.sqrt(random());
        const [radius, angle] = [3 * root, 4 * Math.PI * root];
        const thick = () => 0.1 * normals(random);
        return [radius * Math.cos(angle) + thick(), radius * Math.sin(angle) + thick()];
      }),
  },
};

const CLUMPS = [0.3, 0.3, 0.5, 0.68, 0.7, 0.35];

/** Lesson 2's toy, pictures of two pixels in three clumps: {pictures: (2n,), labels}. */
export function twoPixelPictures(count, random) {
  const labels = Uint8Array.from({ length: count }, () => Math.floor(3 * random()));
  const pictures = Float32Array.from({ length: 2 * count }, (_, i) => {
    const value = CLUMPS[2 * labels[i >> 1] + (i % 2)] + 0.1 * normals(random);
    return Math.min(1, Math.max(0, value));
  });
  return { pictures, labels };
}

/** A prior known by points only, (2n,): a sample is some of them. */
export function pointsPrior(points) {
  const count = points.length / 2;
  const draw = (random) => {
    const i = 2 * Math.floor(random() * count);
    return [points[i], points[i + 1]];
  };
  return { points, sample: (n, random) => fill(n, () => draw(random)) };
}

/** The line segments of a drawing: [x, y, x, y] each; one point alone is a segment of length 0. */
export function segments(strokes) {
  return strokes.flatMap((stroke) => {
    const result = [];
    for (let i = 0; i + 3 < stroke.length; i += 2) result.push(stroke.slice(i, i + 4));
    return result.length ? result : [[...stroke, ...stroke]];
  });
}

/** Points spread evenly along the strokes and over their width, (2n,); as widgets/painter.py. */
export function strokePoints(strokes, brush, count, random) {
  const lines = segments(strokes);
  const ends = [];
  let total = 0;
  for (const [x, y, u, v] of lines)
    ends.push((total += Math.max(Math.hypot(u - x, v - y), 0.01 * brush)));
  return fill(count, () => {
    const at = random() * total;
    const [x, y, u, v] = lines[ends.findIndex((end) => at < end)];
    const [along, out, angle] = [random(), Math.sqrt(random()), 2 * Math.PI * random()];
    const radius = (brush / 2) * out;
    return [
      x + along * (u - x) + radius * Math.cos(angle),
      y + along * (v - y) + radius * Math.sin(angle),
    ];
  });
}

/** Mean and standard deviation over both axes of points, (2n,): {middle, spread}. */
export function moments(points) {
  const count = points.length / 2;
  const middle = [0, 0];
  points.forEach((value, i) => (middle[i % 2] += value / count));
  let sum = 0;
  points.forEach((value, i) => (sum += (value - middle[i % 2]) ** 2));
  return { middle, spread: Math.sqrt(sum / points.length) };
}
