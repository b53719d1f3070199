// The adversarial autoencoder's update, phase by phase (Makhzani et al. 2015, §2), as in
// models/adversarial.py: same losses, same order, one Adam for each phase. `joint` is the weighted
// objective's step. `mistakes` are the misconceptions a reader can switch on.

import { arithmetic, builds } from "./kernels.js";
import { Adam, Arena, padded, Perceptron } from "./perceptron.js";
import { normals, randomNumbers } from "./randoms.js";
import { Waves } from "./waves.js";

const POOL = 50_021; // numbers of noise for pixels
const EVALUATED = 512; // rows at once where codes or a field are only looked at

export const DEFAULTS = {
  pixels: 784,
  hidden: [128, 128],
  discriminatorHidden: [128, 128],
  dim: 2,
  slope: 0.2,
  batch: 64,
  weight: 10, // λ
  rates: { reconstruction: 2e-3, discriminator: 2e-3, generator: 2e-3 },
  beta1: 0.5,
  noise: 0.3, // standard deviation of the instance noise at the start
  noiseUntil: 0.5, // share of a scheduled run after which there is none
  frequencies: [], // of the waves of a code that the discriminator sees besides, see waves.js
  shift: 0, // digits move by up to so many pixels, each time anew
  pixelNoise: 0, // standard deviation of noise on the encoder's input; the clean image is rebuilt
  discriminatorUpdates: 1, // for each update of the encoder
  joint: true,
  seed: 0,
  mistakes: {}, // swapped, noGenerator, foolsNobody, leaking: see the methods
};

const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logistic = (x) => 1 / (1 + Math.exp(-x));

export class Trainer {
  /** A trainer over memory of its own (a promise). images: Float32Array of n × pixels. */
  static async create(options, images, prior, kinds = builds()) {
    const trainer = new Trainer({ ...DEFAULTS, ...options }, images, prior);
    trainer.ops = await arithmetic(trainer.arena.size, kinds);
    trainer.reset();
    return trainer;
  }

  constructor(config, images, prior) {
    Object.assign(this, { config, images, prior });
    const { pixels, hidden, discriminatorHidden, dim, slope, batch, beta1, frequencies } = config;
    const arena = (this.arena = new Arena());
    const rows = Math.max(EVALUATED, 2 * batch);
    const net = (sizes) => new Perceptron(arena, sizes, rows, slope);
    this.encoder = net([pixels, ...hidden, dim]);
    this.decoder = net([dim, ...[...hidden].reverse(), pixels]);
    this.waves = new Waves(dim, frequencies);
    this.discriminator = net([this.waves.inputs, ...discriminatorHidden, 1]);
    this.width = padded(pixels);
    this.wide = padded(dim);
    this.x = arena.take(batch * this.width); // the encoder's input, padding 0
    this.looked = arena.take(EVALUATED * this.width);
    this.target = arena.take(batch * this.width); // padding ½: no error there
    this.xHat = arena.take(batch * this.width);
    this.sight = padded(this.waves.inputs);
    this.both = arena.take(rows * this.sight); // what the discriminator sees
    this.codeDelta = arena.take(rows * this.wide); // its gradient for the codes
    this.adams = {
      reconstruction: new Adam(arena, [this.encoder, this.decoder], beta1),
      discriminator: new Adam(arena, [this.discriminator], beta1),
      generator: new Adam(arena, [this.encoder], beta1),
    };
  }

  /** New weights; everything begins again. */
  reset() {
    const { floats } = this.ops;
    floats.fill(0);
    this.random = randomNumbers(this.config.seed);
    for (const net of [this.encoder, this.decoder, this.discriminator])
      net.start(floats, this.random);
    this.pool = Float32Array.from({ length: POOL }, () => normals(this.random));
    for (const adam of Object.values(this.adams)) adam.steps = 0;
    this.noise = this.config.noise;
    this.decay = 1; // what the schedule multiplies all rates by
    this.losses = { reconstruction: NaN, discriminator: NaN, generator: NaN };
    this.updates = this.phase = 0;
    this.nextBatch();
  }

  /** Draws a batch of images: places x and target. */
  nextBatch() {
    const { batch, pixels, shift, pixelNoise } = this.config;
    const { floats } = this.ops;
    const count = this.images.length / pixels;
    this.z = null;
    if (this.width !== pixels) floats.fill(0.5, this.target, this.target + batch * this.width);
    for (let row = 0; row < batch; row++) {
      const index = Math.floor(this.random() * count);
      const [x, target] = [this.x + row * this.width, this.target + row * this.width];
      const image = this.images.subarray(index * pixels, (index + 1) * pixels);
      floats.set(image, target);
      if (shift) move(floats, target, pixels, shift, this.random);
      if (pixelNoise) this.noisyCopy(x, target, pixelNoise);
      else floats.copyWithin(x, target, target + pixels);
    }
  }

  /** An image with Gaussian noise, from a pool: drawing each number would take longer. */
  noisyCopy(x, image, deviation) {
    const { pixels } = this.config;
    const { pool } = this;
    const { floats } = this.ops;
    const from = Math.floor(this.random() * (pool.length - pixels));
    for (let i = 0; i < pixels; i++)
      floats[x + i] = floats[image + i] + deviation * pool[from + i];
  }

  // ------------------------------------------------------------------ phases

  /** The names of one update's phases, in order. */
  get phases() {
    const { joint, mistakes, discriminatorUpdates } = this.config;
    const critic = Array(discriminatorUpdates).fill("discrimination");
    if (mistakes.leaking) return ["leaking"];
    if (joint) return [...critic, "joint"];
    return ["reconstruction", ...critic, ...(mistakes.noGenerator ? [] : ["generation"])];
  }

  /** One phase; the next batch comes when an update is complete. Returns the phase's name. */
  step() {
    const { phases } = this;
    if (this.phase >= phases.length) this.phase = 0; // another algorithm was chosen meanwhile
    const name = phases[this.phase++];
    this[name]();
    if (this.phase >= phases.length) {
      this.phase = 0;
      this.updates++;
      this.nextBatch();
    }
    return name;
  }

  /** One whole update, from wherever the phases stand. */
  update() {
    do this.step();
    while (this.phase);
  }

  /** Encoder and decoder learn to rebuild the images. */
  reconstruction() {
    const { batch } = this.config;
    const z = this.encode();
    this.reconstructionGradient(z);
    this.pass(this.decoder.inputDelta);
    this.encoder.backward(this.ops, this.x, batch, {});
    this.descend("reconstruction");
  }

  /** The discriminator learns to tell prior samples (real) from codes (fake). */
  discrimination() {
    const z = this.encode();
    this.discriminatorGradient(z);
    this.descend("discriminator");
  }

  /** The encoder learns to make codes that pass for prior samples. */
  generation() {
    const { batch, weight } = this.config;
    const z = this.encode();
    this.generatorGradient(z, weight);
    this.pass(this.gradientForCodes(0, batch));
    this.encoder.backward(this.ops, this.x, batch, {});
    this.descend("generator");
  }

  /** Encoder and decoder descend cost + λ · generator loss at once. */
  joint() {
    const { batch, weight, mistakes } = this.config;
    const z = this.encode();
    this.reconstructionGradient(z);
    this.pass(this.decoder.inputDelta);
    if (!mistakes.noGenerator) {
      this.generatorGradient(z, weight);
      this.pass(this.gradientForCodes(0, batch), true);
    }
    this.encoder.backward(this.ops, this.x, batch, {});
    this.descend("reconstruction");
  }

  /**
   * The mistake "phases joined": one backward through the sum of all three losses, codes not
   * detached, one step of all networks. For the game's two players the signs then conflict.
   */
  leaking() {
    const { batch, weight } = this.config;
    const z = this.encode();
    this.reconstructionGradient(z);
    this.pass(this.decoder.inputDelta);
    const d = this.discriminator;
    this.generatorGradient(z, weight, true);
    this.pass(this.gradientForCodes(0, batch), true);
    const { floats } = this.ops;
    const kept = floats.slice(d.gradients, d.gradients + d.count);
    this.discriminatorGradient(z, true);
    this.pass(this.gradientForCodes(batch, batch), true);
    for (let i = 0; i < kept.length; i++) floats[d.gradients + i] += kept[i];
    this.encoder.backward(this.ops, this.x, batch, {});
    this.descend("reconstruction");
    this.descend("discriminator");
  }

  /** One Adam step of a phase's networks. */
  descend(phase) {
    this.adams[phase].step(this.ops, this.decay * this.config.rates[phase]);
    if (phase !== "discriminator") this.z = null; // the encoder has moved
  }

  // ----------------------------------------------------------------- gradients

  /** The batch's codes; their place. They stay as long as neither batch nor encoder changes. */
  encode() {
    this.z ??= this.encoder.forward(this.ops, this.x, this.config.batch);
    return this.z;
  }

  /** Puts the gradient for the codes where the encoder's backward begins, or adds it. */
  pass(from, add = false) {
    const { floats } = this.ops;
    const to = this.encoder.last.delta;
    const count = this.config.batch * this.wide;
    if (!add) floats.copyWithin(to, from, from + count);
    else for (let i = 0; i < count; i++) floats[to + i] += floats[from + i];
  }

  /** The discriminator's gradient for codes, of `rows` rows of `both` from `first`; its place. */
  gradientForCodes(first, rows) {
    const { floats } = this.ops;
    const { wide, sight, both, codeDelta, waves } = this;
    const { inputDelta } = this.discriminator;
    for (let i = 0; i < rows; i++) {
      const row = (first + i) * sight;
      waves.backward(floats, codeDelta + i * wide, inputDelta + row, both + row);
    }
    return codeDelta;
  }

  /** ½ Σ (x − x̂)², mean over the batch, and its gradients for the decoder and the codes. */
  reconstructionGradient(z) {
    const { ops, decoder } = this;
    const { batch } = this.config;
    const count = batch * this.width;
    ops.sigmoid(this.xHat, decoder.forward(ops, z, batch), count);
    const { delta } = decoder.last;
    const sum = ops.squaredError(delta, this.xHat, this.target, count, 1 / batch);
    this.losses.reconstruction = sum / batch;
    decoder.backward(ops, z, batch, { further: true });
  }

  /** −mean log D(z_prior) − mean log(1 − D(z)), and its gradients; prior samples first. */
  discriminatorGradient(z, further = false) {
    const { batch, mistakes } = this.config;
    const drawn = this.prior.sample(batch, this.random);
    this.show(drawn, z);
    const sign = mistakes.swapped ? -1 : 1;
    const real = this.logistic(0, batch, -sign);
    const fake = this.logistic(batch, batch, sign);
    this.losses.discriminator = real + fake;
    this.discriminator.backward(this.ops, this.both, 2 * batch, { further });
  }

  /** −mean log D(z), and λ times its gradients for the codes. */
  generatorGradient(z, weight, moves = false) {
    const { batch, mistakes } = this.config;
    this.show(null, z);
    const sign = mistakes.foolsNobody ? 1 : -1; // codes called fake: the discriminator's own goal
    this.losses.generator = this.logistic(0, batch, sign, weight);
    this.discriminator.backward(this.ops, this.both, batch, { moves, further: true });
  }

  /** Prior samples, if any, then codes, both with instance noise, through the discriminator. */
  show(drawn, z) {
    const { floats } = this.ops;
    const { batch, dim } = this.config;
    const { wide, sight, both, noise, random } = this;
    const shift = drawn ? batch : 0;
    for (let i = 0; i < shift + batch; i++) {
      const [row, from] = [both + i * sight, z + (i - shift) * wide];
      for (let j = 0; j < dim; j++) {
        floats[row + j] = i < shift ? drawn[i * dim + j] : floats[from + j];
        if (noise) floats[row + j] += noise * normals(random);
      }
      this.waves.fill(floats, row);
    }
    this.discriminator.forward(this.ops, both, shift + batch);
  }

  /** mean softplus(sign · logit) over rows, and `weight` times its gradient for the logits. */
  logistic(first, rows, sign, weight = 1) {
    const { floats } = this.ops;
    const { output, delta, n } = this.discriminator.last;
    let sum = 0;
    for (let i = first; i < first + rows; i++) {
      const logit = floats[output + i * n];
      sum += softplus(sign * logit);
      floats.fill(0, delta + i * n, delta + (i + 1) * n);
      floats[delta + i * n] = (weight * sign * logistic(sign * logit)) / rows;
    }
    return sum / rows;
  }

  // -------------------------------------------------------- looking, without learning

  /** Codes, (2n,), of any images. */
  codes(images) {
    const { pixels } = this.config;
    this.z = null; // the encoder's activations become those of other images
    return this.through(this.encoder, images, pixels, this.looked, this.width);
  }

  /** The discriminator's probabilities of "a prior sample" at points, (2n,). */
  opinions(points) {
    const { inputs } = this.waves;
    const seen = this.waves.of(points);
    return this.through(this.discriminator, seen, inputs, this.both, this.sight).map(logistic);
  }

  /** What a network makes of many inputs, in chunks. */
  through(net, inputs, size, place, width) {
    const { floats } = this.ops;
    const count = inputs.length / size;
    const outputs = net.sizes.at(-1);
    const result = new Float32Array(count * outputs);
    for (let from = 0; from < count; from += EVALUATED) {
      const rows = Math.min(EVALUATED, count - from);
      for (let i = 0; i < rows; i++)
        floats.set(inputs.subarray((from + i) * size, (from + i + 1) * size), place + i * width);
      const output = net.forward(this.ops, place, 4 * Math.ceil(rows / 4));
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < outputs; j++)
          result[(from + i) * outputs + j] = floats[output + i * padded(outputs) + j];
    }
    return result;
  }

  /** Where each code is pulled by the generator's loss: −gradient for the code, noise off. */
  pulls(codes) {
    const { floats } = this.ops;
    const { dim, mistakes } = this.config;
    const count = codes.length / dim;
    const { wide, sight, both, waves, discriminator: net } = this;
    const { output, delta, n } = net.last;
    const rows = 4 * Math.ceil(count / 4);
    for (let i = 0; i < count; i++) {
      floats.set(codes.subarray(i * dim, (i + 1) * dim), both + i * sight);
      waves.fill(floats, both + i * sight);
    }
    net.forward(this.ops, both, rows);
    floats.fill(0, delta, delta + rows * n);
    const sign = mistakes.foolsNobody ? 1 : -1;
    for (let i = 0; i < count; i++) {
      floats[delta + i * n] = sign * logistic(sign * floats[output + i * n]);
    }
    net.backward(this.ops, both, rows, { moves: false, further: true });
    const pull = this.gradientForCodes(0, count);
    return Float32Array.from(
      { length: count * dim },
      (_, i) => -floats[pull + Math.floor(i / dim) * wide + (i % dim)],
    );
  }
}

/** Moves a square image by whole pixels, up to `reach` each way; what leaves it is lost. */
function move(floats, at, pixels, reach, random) {
  const side = Math.sqrt(pixels);
  const [dx, dy] = [0, 1].map(() => Math.floor((2 * reach + 1) * random()) - reach);
  const by = dy * side + dx;
  const end = at + pixels;
  floats.copyWithin(Math.max(at, at + by), Math.max(at, at - by), Math.min(end, end - by));
  if (by > 0) floats.fill(0, at, at + by);
  if (by < 0) floats.fill(0, end + by, end);
  const [first, last] = dx > 0 ? [0, dx] : [side + dx, side];
  for (let row = at; row < end; row += side) floats.fill(0, row + first, row + last);
}

/** Rates constant for half of a run, then linearly to 0; noise linearly to 0 at `noiseUntil`. */
export function scheduled(trainer, done) {
  const { noise, noiseUntil } = trainer.config;
  trainer.decay = Math.min(1, Math.max(0, 2 - 2 * done));
  trainer.noise = noise * Math.max(0, 1 - done / noiseUntil);
}
