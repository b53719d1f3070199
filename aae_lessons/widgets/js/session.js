// One training, as a worker or a page without workers runs it: answers messages one at a time.

import { builds } from "./kernels.js";
import { Match, offTheInk } from "./measures.js";
import { pointsPrior, PRIORS, randomNumbers } from "./randoms.js";
import { scheduled, Trainer } from "./trainer.js";

const SAMPLES = 400; // prior samples that are shown

export class Session {
  /** The reply (a promise) to {kind, …}; each kind is a method below. */
  async answer(message) {
    return (await this[message.kind](message)) ?? {};
  }

  hello() {
    return { builds: builds() };
  }

  /**
   * New networks. options: as trainer.js's DEFAULTS; images: (n × pixels,); shown: sets of images
   * whose codes are looked at, by name; prior: {name} or {points}; kinds: builds that may be used.
   */
  async open({ options, images, shown, prior, kinds }) {
    this.shown = shown;
    this.trainer = await Trainer.create(options, images, null, kinds);
    this.prior({ prior });
    return { build: this.trainer.ops.kind };
  }

  /** Another prior for the same networks. */
  prior({ prior }) {
    const random = randomNumbers(1);
    this.target = prior.points ? pointsPrior(prior.points) : PRIORS[prior.name];
    this.trainer.prior = this.target;
    this.samples = this.target.sample(SAMPLES, random);
    this.matches = {};
    for (const [name, images] of Object.entries(this.shown)) {
      const count = images.length / this.trainer.config.pixels;
      this.matches[name] = new Match(this.target, count, random);
    }
  }

  /** Changes what can be changed between two phases: λ, rates, updates, mistakes, joint. */
  set({ options }) {
    Object.assign(this.trainer.config, options);
    if ("noise" in options) this.trainer.noise = options.noise;
  }

  reset() {
    this.trainer.reset();
  }

  /** What there is to see now; see `look`. */
  see({ look }) {
    return this.look(look);
  }

  /** One phase. */
  step({ look }) {
    const ran = this.trainer.step();
    return { ran, ...this.look(look) };
  }

  /**
   * Updates until `milliseconds` have passed or `count` are done. from and until: of a schedule
   * that goes by updates; without them rates and noise stay. The reply says what the updates and
   * the look took, in ms.
   */
  run({ milliseconds, count = Infinity, from = 0, until, look }) {
    const { trainer } = this;
    const began = performance.now();
    let [done, now] = [0, began];
    do {
      if (until) scheduled(trainer, (trainer.updates - from) / until);
      trainer.update();
      done++;
      now = performance.now();
    } while (done < count && now < began + milliseconds);
    const seen = this.look(look);
    return { done, ...seen, took: { training: now - began, looking: performance.now() - now } };
  }

  /**
   * What there is to see: {codes, field: {extent, side}, pulls: how many, match, ink: {strokes,
   * reach, middle, spread}}, each only if asked for. codes: true, or the names of some sets.
   */
  look({ codes, field, pulls, match, ink } = {}) {
    const { trainer } = this;
    const result = {
      updates: trainer.updates,
      phase: trainer.phase,
      phases: trainer.phases,
      losses: { ...trainer.losses },
      samples: this.samples,
    };
    const some = Array.isArray(codes) && !match && !ink && !pulls;
    if (codes || match || ink || pulls) result.codes = this.codes(some ? codes : undefined);
    if (field) result.field = trainer.opinions(grid(field)).map((p) => 255 * p);
    if (pulls) {
      const [first] = Object.values(result.codes);
      result.pulls = trainer.pulls(first.subarray(0, 2 * pulls));
    }
    if (match) result.match = this.each(result.codes, (z, name) => this.matches[name].of(z));
    if (ink) result.ink = this.each(result.codes, (z) => offTheInk(onPaper(z, ink), ink.strokes, ink.reach));
    return result;
  }

  codes(names = Object.keys(this.shown)) {
    const chosen = Object.fromEntries(names.map((name) => [name, this.shown[name]]));
    return this.each(chosen, (images) => this.trainer.codes(images));
  }

  each(values, call) {
    return Object.fromEntries(Object.entries(values).map(([name, v]) => [name, call(v, name)]));
  }
}

/** Codes of a prior of mean 0 and scale 1 where its drawing is. */
export function onPaper(codes, { middle, spread }) {
  return codes.map((value, i) => value * spread + middle[i % 2]);
}

/** The points of a square grid, row by row from the top, (2 side²,). */
function grid({ extent: [left, right, bottom, top], side }) {
  const result = new Float32Array(2 * side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = 2 * (row * side + column);
      result[at] = left + ((right - left) * column) / (side - 1);
      result[at + 1] = top - ((top - bottom) * row) / (side - 1);
    }
  }
  return result;
}
