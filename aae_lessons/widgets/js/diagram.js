// The autoencoder and its adversary as a diagram in which the networks that move light up.

import { make } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const BOXES = [
  // name, what stands in it, x, y, what it is
  ["x", "x", 30, 40, "data"],
  ["encoder", "Q", 105, 40, "network"],
  ["z", "z", 180, 40, "data"],
  ["decoder", "G", 255, 40, "network"],
  ["x̂", "x̂", 330, 40, "data"],
  ["prior", "P", 105, 105, "data"],
  ["discriminator", "D", 180, 105, "network"],
];
const ARROWS = [
  ["x", "encoder"],
  ["encoder", "z"],
  ["z", "decoder"],
  ["decoder", "x̂"],
  ["z", "discriminator"],
  ["prior", "discriminator"],
];
const HALF = 17;

/** Of each phase: what it is called, the networks that move, and what they do. */
export const PHASES = {
  reconstruction: {
    name: "Reconstruction phase",
    moves: ["encoder", "decoder"],
    words: "Q and G move: they rebuild the image from its code. D rests.",
  },
  discrimination: {
    name: "Discriminator phase",
    moves: ["discriminator"],
    words: "D alone moves: it learns to tell prior samples (real) from codes (fake).",
  },
  generation: {
    name: "Generator phase",
    moves: ["encoder"],
    words: "Q alone moves, along the arrows: its codes learn to pass for prior samples.",
  },
  joint: {
    name: "Joint phase",
    moves: ["encoder", "decoder"],
    words: "Q and G move down the cost + λ · generator loss at once. D rests.",
  },
  leaking: {
    name: "All at once",
    moves: ["encoder", "decoder", "discriminator"],
    words: "One sum of all losses moves everything: the players' gradients cancel.",
  },
};

const svg = (tag, attributes, text = "") => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
};

export class Diagram {
  constructor() {
    this.boxes = {};
    this.picture = svg("svg", { viewBox: "0 0 360 145", class: "aae-diagram", "aria-hidden": true });
    const at = Object.fromEntries(BOXES.map(([name, , x, y]) => [name, [x, y]]));
    for (const [from, to] of ARROWS) this.arrow(at[from], at[to]);
    for (const box of BOXES) this.box(...box);
    this.words = make("p", { className: "aae-phase", "aria-live": "polite" });
    this.node = make("div", {}, this.picture, this.words);
  }

  box(name, letter, x, y, kind) {
    const size = { x: x - HALF, y: y - HALF, width: 2 * HALF, height: 2 * HALF };
    const round = kind === "data" ? HALF : 4;
    const outline = svg("rect", { ...size, rx: round, class: `aae-box aae-${kind}` });
    this.picture.append(outline, svg("text", { x, y: y + 5, "text-anchor": "middle" }, letter));
    this.boxes[name] = outline;
  }

  arrow([x, y], [u, v]) {
    const length = Math.hypot(u - x, v - y);
    const [dx, dy] = [(u - x) / length, (v - y) / length];
    const [tx, ty] = [u - dx * (HALF + 2), v - dy * (HALF + 2)];
    const head = `M${tx - 6 * dx - 4 * dy},${ty - 6 * dy + 4 * dx}L${tx},${ty}L${tx - 6 * dx + 4 * dy},${ty - 6 * dy - 4 * dx}`;
    const line = `M${x + dx * HALF},${y + dy * HALF}L${tx},${ty}`;
    this.picture.append(svg("path", { d: line + head, class: "aae-arrow" }));
  }

  /** Lights up a phase's networks; `next` is the phase that comes after it. */
  light(phase, next) {
    const { name, moves, words } = PHASES[phase];
    for (const [box, outline] of Object.entries(this.boxes))
      outline.classList.toggle("aae-lit", moves.includes(box));
    const text = `${name}. ${words}${next ? ` Next: ${PHASES[next].name.toLowerCase()}.` : ""}`;
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  rest(next) {
    for (const outline of Object.values(this.boxes)) outline.classList.remove("aae-lit");
    this.words.textContent = `Nothing has moved yet. First: ${PHASES[next].name.toLowerCase()}.`;
  }
}
