// The autoencoder and its adversary as a diagram in which the networks that move light up.

import { make } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const BOXES = [
  // name, letter in it, x, y, kind, what it is called, where that stands
  ["x", "x", 28, 40, "data", "image", -24],
  ["encoder", "Q", 104, 40, "network", "encoder", -24],
  ["z", "z", 180, 40, "data", "code", -24],
  ["decoder", "G", 256, 40, "network", "decoder", -24],
  ["x̂", "x̂", 332, 40, "data", "rebuilt", -24],
  ["prior", "P", 104, 112, "data", "prior", 32],
  ["discriminator", "D", 180, 112, "network", "discriminator", 32],
];
const ARROWS = [
  ["x", "encoder"],
  ["encoder", "z"],
  ["z", "decoder"],
  ["decoder", "x̂"],
  ["z", "discriminator"],
  ["prior", "discriminator"],
];
const REBUILD = ["encoder-z", "z-decoder", "decoder-x̂"];
const JUDGE = ["encoder-z", "z-discriminator"];
const HALF = 17;

/**
 * Of each phase: its name, the networks that move, the arrows that images, codes and samples take
 * (beyond x to Q), those that the gradient takes back, the loss, and what happens, in words.
 */
export const PHASES = {
  reconstruction: {
    name: "Reconstruction phase",
    moves: ["encoder", "decoder"],
    forward: REBUILD,
    back: REBUILD,
    loss: "½ ‖x − x̂‖²",
    words: "Q and G move: they learn to rebuild the image from its code. D rests.",
  },
  discrimination: {
    name: "Discriminator phase",
    moves: ["discriminator"],
    forward: [...JUDGE, "prior-discriminator"],
    back: [],
    loss: "−log D(prior sample) − log(1 − D(z))",
    words: "D alone moves: it learns to tell prior samples (real) from codes (fake).",
  },
  generation: {
    name: "Generator phase",
    moves: ["encoder"],
    forward: JUDGE,
    back: JUDGE,
    loss: "−λ log D(z)",
    words: "Q alone moves: its codes learn to pass for prior samples. D only hands on the gradient.",
  },
  joint: {
    name: "Joint phase",
    moves: ["encoder", "decoder"],
    forward: [...REBUILD, "z-discriminator"],
    back: [...REBUILD, "z-discriminator"],
    loss: "½ ‖x − x̂‖² − λ log D(z)",
    words: "Q and G move down both terms at once. D only hands on the gradient.",
  },
  leaking: {
    name: "All at once",
    moves: ["encoder", "decoder", "discriminator"],
    forward: [...REBUILD, "z-discriminator", "prior-discriminator"],
    back: [...REBUILD, "z-discriminator"],
    loss: "the sum of all three",
    words: "Everything moves down one sum: in the game, one player's loss is the other's gain.",
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
    [this.boxes, this.ways, this.returns] = [{}, {}, {}];
    this.picture = svg("svg", { viewBox: "0 0 360 156", class: "aae-diagram", "aria-hidden": true });
    const at = Object.fromEntries(BOXES.map(([name, , x, y]) => [name, [x, y]]));
    for (const [from, to] of ARROWS) {
      const name = `${from}-${to}`;
      this.ways[name] = this.arrow(at[from], at[to], "aae-arrow");
      this.returns[name] = this.arrow(at[to], at[from], "aae-arrow aae-return", 9);
    }
    for (const box of BOXES) this.box(...box);
    this.name = make("strong", {});
    this.text = make("span", {});
    this.words = make("p", { className: "aae-phase" }, this.name, this.text);
    const key = "filled: moves · arrow: computes · dashed arrow: gradient";
    this.node = make("div", {}, this.picture, make("p", { className: "aae-small" }, key), this.words);
  }

  box(name, letter, x, y, kind, called, above) {
    const size = { x: x - HALF, y: y - HALF, width: 2 * HALF, height: 2 * HALF };
    const round = kind === "data" ? HALF : 4;
    const outline = svg("rect", { ...size, rx: round, class: `aae-box aae-${kind}` });
    const middle = { "text-anchor": "middle", x };
    const label = svg("text", { ...middle, y: y + above, class: "aae-label" }, called);
    this.picture.append(outline, svg("text", { ...middle, y: y + 5 }, letter), label);
    this.boxes[name] = outline;
  }

  /** From one box to another; `aside`: so many units to the right of the straight line. */
  arrow([x, y], [u, v], kind, aside = 0) {
    const length = Math.hypot(u - x, v - y);
    const [dx, dy] = [(u - x) / length, (v - y) / length];
    const [sx, sy] = [-dy * aside, dx * aside];
    const [tx, ty] = [u - dx * (HALF + 2) + sx, v - dy * (HALF + 2) + sy];
    const head = `M${tx - 6 * dx - 4 * dy},${ty - 6 * dy + 4 * dx}L${tx},${ty}L${tx - 6 * dx + 4 * dy},${ty - 6 * dy - 4 * dx}`;
    const line = `M${x + dx * (HALF + 2) + sx},${y + dy * (HALF + 2) + sy}L${tx},${ty}`;
    const path = svg("path", { d: line + head, class: kind });
    this.picture.append(path);
    return path;
  }

  /** Lights up a phase's networks; `next` is the phase that comes after it. */
  light(phase, next) {
    const { name, moves, forward, back, loss, words } = PHASES[phase];
    this.mark(moves, ["x-encoder", ...forward], back);
    const after = next ? ` Next: ${PHASES[next].name.toLowerCase()}.` : "";
    this.say(`${name}.`, ` ${words} Loss: ${loss}.${after}`);
  }

  rest(next) {
    this.mark([], [], []);
    this.say("Nothing has moved yet.", ` First: ${PHASES[next].name.toLowerCase()}.`);
  }

  mark(moves, forward, back) {
    const each = (marked, names, kind) => {
      for (const [name, node] of Object.entries(marked))
        node.classList.toggle(kind, names.includes(name));
    };
    each(this.boxes, moves, "aae-lit");
    each(this.ways, forward, "aae-used");
    each(this.returns, back, "aae-used");
  }

  say(name, text) {
    if (this.name.textContent === name && this.text.textContent === text) return;
    [this.name.textContent, this.text.textContent] = [name, text];
  }

  /** Whether phases are read out to those who listen: not while they follow one another fast. */
  aloud(yes) {
    this.words.setAttribute("aria-live", yes ? "polite" : "off");
  }
}
