// Decoding in the browser: a multilayer perceptron in plain loops over Float32Array.

/** A table of what each of the 65,536 half-precision numbers is. */
const HALVES = (() => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const tiny = fraction * 2 ** -24;
    const normal =
      exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[bits] = sign * (exponent === 0 ? tiny : normal);
  }
  return table;
})();

/** `count` half-precision numbers of a DataView, from byte `offset` on, as a Float32Array. */
export function halves(view, offset = 0, count = (view.byteLength - offset) / 2) {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = HALVES[view.getUint16(offset + 2 * i, true)];
  return out;
}

/** The bytes of a DataView, without a copy. */
export function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Bytes that Python's zlib.compress made small, at full length again (a promise). */
export async function inflate(view) {
  const stream = new Blob([view]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * A network from its layout {sizes, slope} and its numbers in half precision: for each layer the
 * matrix, a row for each input (what that input adds to every output), then the biases.
 */
export function network(layout, view) {
  let offset = 0;
  const take = (count) => {
    const result = halves(view, offset, count);
    offset += 2 * count;
    return result;
  };
  const layers = [];
  for (let i = 0; i + 1 < layout.sizes.length; i++) {
    const [inputs, outputs] = [layout.sizes[i], layout.sizes[i + 1]];
    const [weights, biases] = [take(inputs * outputs), take(outputs)];
    const sum = new Float32Array(outputs);
    layers.push({
      inputs,
      outputs,
      weights,
      biases,
      sum,
      row: new Int32Array(inputs),
      value: new Float64Array(inputs),
    });
  }
  return { layers, slope: layout.slope };
}

/** The network's logits for one code; the array is overwritten by the next call. */
export function run(net, code) {
  let input = code;
  net.layers.forEach((layer, depth) => {
    affine(layer, input);
    if (depth + 1 < net.layers.length) activate(layer.sum, net.slope);
    input = layer.sum;
  });
  return input;
}

/** sum = biases + input · weights, four rows at a time; inputs of 0 cost nothing. */
function affine({ weights, biases, outputs, sum, row, value, inputs }, input) {
  sum.set(biases);
  let live = 0;
  for (let i = 0; i < inputs; i++) {
    if (input[i] === 0) continue;
    row[live] = i * outputs;
    value[live++] = input[i];
  }
  let i = 0;
  for (; i + 3 < live; i += 4) {
    const [a, b, c, d] = [value[i], value[i + 1], value[i + 2], value[i + 3]];
    const [p, q, r, s] = [row[i], row[i + 1], row[i + 2], row[i + 3]];
    for (let j = 0; j < outputs; j++) {
      sum[j] += a * weights[p + j] + b * weights[q + j] + c * weights[r + j] + d * weights[s + j];
    }
  }
  for (; i < live; i++) {
    const [a, p] = [value[i], row[i]];
    for (let j = 0; j < outputs; j++) sum[j] += a * weights[p + j];
  }
}

function activate(values, slope) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] *= slope;
}

/** Logits as grey levels 0 … 255: a new array. */
export function greys(logits) {
  const out = new Uint8ClampedArray(logits.length);
  for (let i = 0; i < logits.length; i++) out[i] = 255 / (1 + Math.exp(-logits[i]));
  return out;
}
