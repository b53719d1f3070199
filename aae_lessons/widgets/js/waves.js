// Sines and cosines of a code as further inputs of the discriminator (Fourier features: Tancik et
// al. 2020, arXiv:2006.10739). A small network of two numbers learns smooth functions first, and
// can't follow the edges of thin ink without them.

export class Waves {
  /** dim: of a code; frequencies: of the waves along each axis, none for the code alone. */
  constructor(dim, frequencies) {
    Object.assign(this, { dim, frequencies });
    this.inputs = dim * (1 + 2 * frequencies.length);
  }

  /** Puts a code's waves after it: `at` is the code's place. */
  fill(floats, at) {
    const { dim, frequencies } = this;
    let to = at + dim;
    for (const frequency of frequencies) {
      for (let j = 0; j < dim; j++, to++) {
        floats[to] = Math.sin(frequency * floats[at + j]);
        floats[to + dim] = Math.cos(frequency * floats[at + j]);
      }
      to += dim;
    }
  }

  /** The gradient for a code, at `to`, from that for all inputs, at `from`; `at`: as in fill. */
  backward(floats, to, from, at) {
    const { dim, frequencies } = this;
    for (let j = 0; j < dim; j++) {
      let sum = floats[from + j];
      frequencies.forEach((frequency, i) => {
        const [sine, cosine] = [dim * (1 + 2 * i) + j, dim * (2 + 2 * i) + j];
        sum += frequency * floats[from + sine] * floats[at + cosine];
        sum -= frequency * floats[from + cosine] * floats[at + sine];
      });
      floats[to + j] = sum;
    }
  }

  /** Codes, (dim n,), with their waves: (inputs n,). */
  of(codes) {
    const { dim, inputs } = this;
    const found = new Float32Array((codes.length / dim) * inputs);
    for (let i = 0; i < codes.length / dim; i++) {
      found.set(codes.subarray(i * dim, (i + 1) * dim), i * inputs);
      this.fill(found, i * inputs);
    }
    return found;
  }
}
