// A prior drawn by hand, trained on in the browser: 784-128-128-2 on 2,000 digits.

import { inflate } from "./decode.js";
import { Laboratory } from "./laboratory.js";
import { Pace } from "./pace.js";
import { moments, randomNumbers, strokePoints } from "./randoms.js";
import { onPaper } from "./session.js";

const POINTS = 6000; // of a drawing
const MEASURED = 400; // training digits that are measured; of the test digits all
const SIDE_OF_DIGIT = 28;
const PAIRS = SIDE_OF_DIGIT / 2;
const NAMES = {
  relaxed: "WebAssembly with fused multiply-adds",
  simd: "WebAssembly",
  javascript: "plain JavaScript",
};
// Digits that move by a pixel and noise on the encoder's input: 2,000 digits would be learnt by
// heart otherwise, and codes of test digits would lie off the ink, four times as many of them.
const REGULARISED = { shift: 1, pixelNoise: 0.3 };
// Waves let the discriminator see thin ink and gaps. Where the noise ends early it then wins, and
// codes gather on one of several islands: so there is more noise, for longer.
const SEEING = { frequencies: [2, 4], noise: 0.5, noiseUntil: 0.6 };
// λ = 10 left 15 % of test codes off the ink of three dots (seeds 1000 to 1002: 10.5, 21.3, 14.0 %,
// at 4.3, 2.1 and 2.1 × floor); λ = 30, all else equal, leaves 9.5 %, and at most 10 % of every
// other shape (drawn_shapes.json). λ = 20 (seeds 1000 and 1002) left 1.2 and 1.8 % of the dots, but
// at 7.1 and 7.2 × floor, so the order of the three is not understood.
export const OPTIONS = { weight: 30, beta1: 0.5, batch: 64, joint: true, ...SEEING, ...REGULARISED };

/** Digits at 4 bits a pixel as packing.nibbles made them: (784 n,) in [0, 1], a promise. */
export async function unpackDigits(view) {
  const pairs = await inflate(view);
  const pixels = new Float32Array(2 * pairs.length);
  pairs.forEach((pair, i) => {
    const columns = Math.floor(i / SIDE_OF_DIGIT); // two of an image, all images in a row
    const image = Math.floor(columns / PAIRS);
    const at = SIDE_OF_DIGIT * (SIDE_OF_DIGIT * image + (i % SIDE_OF_DIGIT)) + 2 * (columns % PAIRS);
    pixels[at] = (pair & 15) / 15;
    pixels[at + 1] = (pair >> 4) / 15;
  });
  return pixels;
}

/** Points of a drawing as a prior, mean 0 and scale 1, and where they were. */
export function drawnPrior(strokes, brush, seed = 0) {
  const points = strokePoints(strokes, brush, POINTS, randomNumbers(seed));
  const { middle, spread } = moments(points);
  return { points: points.map((value, i) => (value - middle[i % 2]) / spread), middle, spread };
}

/**
 * One run. report(state): called with {codes, progress, updates, measured, status, running}, codes
 * of the test digits where the drawing is. digits: {training, shown}, packed.
 */
export class Painting {
  constructor(digits, report, options = {}) {
    Object.assign(this, { digits, report, options });
    this.running = false;
  }

  /** Trains for so many updates on a drawing; the promise ends with the run. */
  async start(strokes, brush, updates) {
    this.running = true;
    this.updates = updates;
    this.tell({ status: "getting ready …", progress: 0, codes: null, measured: null });
    try {
      await this.open(strokes, brush);
      await this.loop();
    } catch (error) {
      this.tell({ status: `training failed: ${error.message}` });
    }
    this.running = false;
    this.tell({});
  }

  async open(strokes, brush) {
    if (!this.images) {
      const [training, shown] = await Promise.all(Object.values(this.digits).map(unpackDigits));
      this.images = training;
      this.shown = { test: shown, training: training.slice(0, 784 * MEASURED) };
    }
    this.lab ??= await Laboratory.open();
    this.draw(strokes, brush);
    const seed = Math.floor(1e9 * Math.random());
    const { build } = await this.lab.ask({
      kind: "open",
      options: { ...OPTIONS, seed, ...this.options },
      images: this.images,
      shown: this.shown,
      prior: { points: this.prior.points },
      kinds: this.options.kinds,
    });
    [this.build, this.from, this.done, this.changed] = [NAMES[build], 0, 0, false];
  }

  draw(strokes, brush) {
    this.prior = drawnPrior(strokes, brush);
    const { middle, spread } = this.prior;
    this.ink = { strokes, reach: brush / 2, middle, spread };
    this.changed = true;
  }

  /** Another drawing for the run: the same weights go on, its schedule begins again. */
  redraw(strokes, brush) {
    if (this.running && strokes.length) this.draw(strokes, brush);
  }

  stop() {
    this.running = false;
  }

  async loop() {
    const began = performance.now();
    const pace = new Pace();
    let request = this.ask(pace);
    while (request) {
      const { what, prior, reply } = request;
      const result = await reply;
      this.done += result.done;
      pace.count(what, result.took);
      // The session trains on while the page paints.
      const more = this.changed || this.done < this.updates; // a drawing's last change counts too
      request = this.running && more ? this.ask(pace) : null;
      if (what) this.show(result, prior, `${this.seconds(began)}, ${this.build}`);
    }
    const words = this.running ? "done" : "stopped";
    this.show(await this.lab.ask({ kind: "see", look: this.look("measurement") }), this.prior, "");
    this.tell({ status: `${words}: ${this.done} updates in ${this.seconds(began)} (${this.build})` });
  }

  /** Asks for the next updates, on another drawing if there is one. */
  ask(pace) {
    const followed = this.changed && this.follow();
    const what = pace.next(performance.now());
    const { prior } = this;
    const updates = this.lab.ask({ kind: "run", ...this.plan(), look: this.look(what) });
    return { what, prior, reply: Promise.all([updates, followed]).then(([reply]) => reply) };
  }

  /** A picture needs the codes of test digits only; a measurement those of training digits too. */
  look(what) {
    if (what === "measurement") return { codes: true, match: true, ink: this.ink };
    return { codes: what === "picture" && ["test"] };
  }

  /** The session's next piece of work. */
  plan() {
    const [from, until] = [this.from, this.updates];
    return { milliseconds: this.lab.slice, count: until - this.done, from, until };
  }

  /** The drawing has changed: so does the prior, and the schedule begins again. */
  follow() {
    [this.from, this.done, this.changed] = [this.from + this.done, 0, false];
    return this.lab.ask({ kind: "prior", prior: { points: this.prior.points } });
  }

  show({ codes, match, ink }, prior, words) {
    const status = `${this.done} of ${this.updates} updates, ${words}`;
    this.tell({
      progress: this.done / this.updates,
      ...(codes && { codes: onPaper(codes.test, prior) }),
      ...(match && { measured: { match, ink } }),
      ...(words && { status }),
    });
  }

  tell(state) {
    this.report({ running: this.running, ...state });
  }

  seconds(began) {
    return `${((performance.now() - began) / 1000).toFixed(1)} s`;
  }

  close() {
    this.stop();
    this.lab?.close();
  }
}
