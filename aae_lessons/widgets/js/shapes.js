// Shapes to begin a drawing with, as strokes [x, y, x, y, …] in the square from -1 to 1.

/** A curve as a stroke: `at(t)` for t from 0 to 1. */
const curve = (at, points = 90) =>
  Array.from({ length: points + 1 }, (_, i) => at(i / points)).flat();
const circle = (x, y, a, b = a) =>
  curve((t) => [x + a * Math.cos(2 * Math.PI * t), y + b * Math.sin(2 * Math.PI * t)]);

export const SHAPES = {
  ring: [circle(0, 0, 0.7)],
  heart: [
    curve((t) => {
      const a = 2 * Math.PI * t;
      return [
        0.75 * Math.sin(a) ** 3,
        0.05 * (13 * Math.cos(a) - 5 * Math.cos(2 * a) - 2 * Math.cos(3 * a) - Math.cos(4 * a)),
      ];
    }),
  ],
  "two ovals": [circle(-0.4, 0, 0.25, 0.55), circle(0.4, 0, 0.25, 0.55)],
  "three dots": [
    [-0.55, -0.4],
    [0.55, -0.4],
    [0, 0.55],
  ].map(([x, y]) => circle(x, y, 0.1)),
  wave: [curve((t) => [1.6 * t - 0.8, 0.5 * Math.sin(2 * Math.PI * t)])],
  "letter A": [
    [-0.6, -0.7, 0, 0.75],
    [0, 0.75, 0.6, -0.7],
    [-0.33, -0.1, 0.33, -0.1],
  ],
  "letter S": [
    curve((t) => [-0.5 * Math.sin(2 * Math.PI * t), 0.75 - 1.5 * t]),
  ],
  spiral: [
    curve((t) => [
      0.8 * Math.sqrt(t) * Math.cos(4 * Math.PI * Math.sqrt(t)),
      0.8 * Math.sqrt(t) * Math.sin(4 * Math.PI * Math.sqrt(t)),
    ]),
  ],
  "two islands": [circle(-0.45, 0, 0.25, 0.3), [0.3, -0.5, 0.7, 0.5]],
};
