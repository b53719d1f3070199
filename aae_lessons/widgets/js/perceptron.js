// A multilayer perceptron over one buffer of numbers: forward, backward, Adam.

const WIDE = 8; // widths are padded to this; padded weights, activations and gradients stay 0

export const padded = (width) => WIDE * Math.ceil(width / WIDE);

/** Gives out places in the buffer. Place 0 stays free: as a bias it stands for "none". */
export class Arena {
  constructor() {
    this.size = WIDE;
  }

  take(count) {
    const place = this.size;
    this.size += padded(count);
    return place;
  }
}

/**
 * Linear layers with leaky ReLU between them. Weights lie row by row, a row for each input, and
 * layer after layer (matrix, biases), so that one call of Adam moves the network.
 */
export class Perceptron {
  /** sizes: [inputs, …, outputs]; rows: the largest batch; slope: of leaky ReLU below 0. */
  constructor(arena, sizes, rows, slope = 0.2) {
    Object.assign(this, { sizes, rows, slope });
    this.widths = sizes.map(padded);
    this.layers = sizes.slice(1).map((_, i) => this.layer(i));
    this.count = this.layers.reduce((sum, { n, k }) => sum + k * n + n, 0);
    this.weights = arena.take(this.count);
    this.gradients = arena.take(this.count);
    const largest = Math.max(...this.layers.map(({ n, k }) => n * k));
    this.transposed = arena.take(largest);
    for (const layer of this.layers) {
      layer.output = arena.take(rows * layer.n);
      layer.delta = arena.take(rows * layer.n);
    }
    this.inputDelta = arena.take(rows * this.widths[0]);
  }

  layer(i) {
    const [k, n] = [this.widths[i], this.widths[i + 1]];
    const before = this.widths.slice(0, i);
    const at = before.reduce((sum, width, j) => sum + (width + 1) * this.widths[j + 1], 0);
    return { k, n, at, bias: at + k * n };
  }

  get last() {
    return this.layers.at(-1);
  }

  /** Weights as torch draws them: uniform up to 1 / √inputs. */
  start(floats, random) {
    floats.fill(0, this.weights, this.weights + this.count);
    this.layers.forEach(({ at, n, bias }, i) => {
      const [inputs, outputs] = [this.sizes[i], this.sizes[i + 1]];
      const draw = () => (2 * random() - 1) / Math.sqrt(inputs);
      for (let row = 0; row < inputs; row++)
        for (let j = 0; j < outputs; j++) floats[this.weights + at + row * n + j] = draw();
      for (let j = 0; j < outputs; j++) floats[this.weights + bias + j] = draw();
    });
  }

  /** Outputs for `rows` inputs that begin at `input`; returns their place. */
  forward(ops, input, rows) {
    let from = input;
    this.layers.forEach(({ k, n, at, bias, output }, i) => {
      const w = this.weights;
      ops.gemm(output, from, w + at, w + bias, rows, n, k, k, 1);
      if (i + 1 < this.layers.length) ops.leaky(output, rows * n, this.slope);
      from = output;
    });
    return from;
  }

  /**
   * Backwards from `last.delta`, after a forward with the same input. moves: whether to fill
   * `gradients`; further: whether to fill `inputDelta`.
   */
  backward(ops, input, rows, { moves = true, further = false }) {
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const { k, n, at, bias, delta } = this.layers[i];
      const from = i ? this.layers[i - 1].output : input;
      const g = this.gradients;
      if (moves) {
        ops.gemm(g + at, from, delta, 0, k, n, rows, 1, k);
        ops.columnSums(g + bias, delta, rows, n);
      }
      if (!i && !further) return;
      const to = i ? this.layers[i - 1].delta : this.inputDelta;
      ops.transpose(this.transposed, this.weights + at, k, n);
      ops.gemm(to, delta, this.transposed, 0, rows, k, n, n, 1);
      if (i) ops.leakyBackward(to, from, rows * k, this.slope);
    }
  }
}

/** Adam for networks whose weights it owns a state for; β₂ = .999, ε = 1e-8, as torch's. */
export class Adam {
  constructor(arena, networks, beta1) {
    this.beta1 = beta1;
    this.steps = 0;
    this.states = networks.map((net) => ({
      net,
      first: arena.take(net.count),
      second: arena.take(net.count),
    }));
  }

  step(ops, rate) {
    this.steps++;
    const [one, two] = [1 - this.beta1 ** this.steps, 1 - 0.999 ** this.steps];
    for (const { net, first, second } of this.states) {
      const root = 1 / Math.sqrt(two);
      const [w, g] = [net.weights, net.gradients];
      ops.adam(w, g, first, second, net.count, rate / one, this.beta1, 0.999, root);
    }
  }
}
