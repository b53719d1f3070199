// The arithmetic of training, behind one interface in three builds: WebAssembly SIMD with relaxed
// fused multiply-adds, WebAssembly SIMD, and plain JavaScript where a page allows neither.
//
// Every build works on one buffer of 32-bit floats; arguments are places in it, in numbers (not
// bytes), and sizes. What each function computes stands in kernel/kernel.wat.

import { KERNEL_BYTES } from "./kernel_bytes.js";

const PAGE = 65536; // bytes of WebAssembly memory

const decodeBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The builds that run here, fastest first. */
export function builds() {
  const usable = (name) => {
    try {
      return WebAssembly.validate(decodeBase64(KERNEL_BYTES[name]));
    } catch {
      return false;
    }
  };
  return [...["relaxed", "simd"].filter(usable), "javascript"];
}

/**
 * The arithmetic over a memory of `size` numbers (a promise), by the fastest build that works; a
 * content policy may refuse a module that is valid. Memory never grows: that would detach views.
 */
export async function arithmetic(size, kinds = builds()) {
  for (const kind of kinds) {
    if (kind === "javascript") return plain(new Float32Array(size));
    try {
      const pages = Math.ceil((4 * size) / PAGE);
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      const bytes = decodeBase64(KERNEL_BYTES[kind]);
      const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
      return compiled(kind, memory, instance.exports);
    } catch {
      continue;
    }
  }
  throw new Error(`none of these builds runs here: ${kinds}`);
}

/** A WebAssembly build: places become bytes. */
function compiled(kind, memory, { gemm, transpose, columnSums, sigmoid, ...rest }) {
  const { leaky, leakyBackward, squaredError, adam } = rest;
  return {
    kind,
    floats: new Float32Array(memory.buffer),
    gemm: (c, a, b, bias, m, n, k, down, along) =>
      gemm(4 * c, 4 * a, 4 * b, 4 * bias, m, n, k, 4 * down, 4 * along),
    transpose: (b, a, m, n) => transpose(4 * b, 4 * a, m, n),
    columnSums: (out, a, m, n) => columnSums(4 * out, 4 * a, m, n),
    leaky: (a, n, slope) => leaky(4 * a, n, slope),
    leakyBackward: (d, y, n, slope) => leakyBackward(4 * d, 4 * y, n, slope),
    sigmoid: (p, a, n) => sigmoid(4 * p, 4 * a, n),
    squaredError: (d, p, x, n, scale) => squaredError(4 * d, 4 * p, 4 * x, n, scale),
    adam: (w, g, m, v, n, rate, beta1, beta2, root) =>
      adam(4 * w, 4 * g, 4 * m, 4 * v, n, rate, beta1, beta2, root),
  };
}

// Plain JavaScript packs what a product reads, as the numbers that it computes with: blocks then
// read two arrays from front to back and convert nothing. The arrays are constants of the module:
// a compiler can then build their addresses and lengths into the code.
const STRIPS = new Float64Array(1 << 16); // of A, four rows at a time
const PANELS = new Float64Array(1 << 17); // of B, COLUMNS columns, two at a time
const COLUMNS = 8; // widths are multiples of it
const STARTS = new Float64Array(COLUMNS); // what the sums of these columns begin with

/** The same in plain loops. */
function plain(f) {
  return {
    kind: "javascript",
    floats: f,
    gemm(c, a, b, bias, m, n, k, down, along) {
      const chunk = 4 * Math.floor(STRIPS.length / (4 * k)); // rows whose strips are kept at once
      if (!chunk) throw new RangeError(`products over ${k} numbers: at most ${STRIPS.length / 4}`);
      for (let first = 0; first < m; first += chunk) {
        const rows = Math.min(chunk, m - first);
        for (let i = 0; i < rows; i += 4) packStrip(f, i * k, a + (first + i) * down, k, along, down);
        for (let j = 0; j < n; j += COLUMNS) {
          packPanels(f, b + j, k, n);
          for (let l = 0; l < COLUMNS; l++) STARTS[l] = bias ? f[bias + j + l] : 0;
          for (let column = 0; column < COLUMNS; column += 2) {
            const to = c + first * n + j + column;
            for (let i = 0; i < rows; i += 4) block(f, to + i * n, i * k, column * k, column, n, k);
          }
        }
      }
    },
    transpose(b, a, m, n) {
      // four rows at once: what is written stays in one line of the cache
      for (let i = 0; i < m; i += 4, b += 4, a += 4 * n)
        for (let j = 0; j < n; j++) {
          const [to, from] = [b + j * m, a + j];
          f[to] = f[from];
          f[to + 1] = f[from + n];
          f[to + 2] = f[from + 2 * n];
          f[to + 3] = f[from + 3 * n];
        }
    },
    columnSums(out, a, m, n) {
      f.fill(0, out, out + n);
      for (let i = 0; i < m; i += 4, a += 4 * n)
        for (let j = 0; j < n; j++) {
          const from = a + j;
          f[out + j] += f[from] + f[from + n] + f[from + 2 * n] + f[from + 3 * n];
        }
    },
    leaky(a, n, slope) {
      for (let i = a; i < a + n; i++) f[i] *= f[i] > 0 ? 1 : slope; // no branch to guess
    },
    leakyBackward(d, y, n, slope) {
      for (let i = 0; i < n; i++) f[d + i] *= f[y + i] > 0 ? 1 : slope;
    },
    sigmoid(p, a, n) {
      for (let i = 0; i < n; i++) f[p + i] = 1 / (1 + Math.exp(-f[a + i]));
    },
    squaredError(d, p, x, n, scale) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const out = f[p + i];
        const off = out - f[x + i];
        sum += off * off;
        f[d + i] = off * scale * out * (1 - out);
      }
      return 0.5 * sum;
    },
    adam(w, g, m, v, n, rate, beta1, beta2, root) {
      for (let i = 0; i < n; i++) {
        const grad = f[g + i];
        let first = beta1 * f[m + i] + (1 - beta1) * grad;
        let second = beta2 * f[v + i] + (1 - beta2) * grad * grad;
        if (Math.abs(first) < 1e-30) first = 0;
        if (second < 1e-30) second = 0;
        f[m + i] = first;
        f[v + i] = second;
        f[w + i] -= (rate * first) / (Math.sqrt(second) * root + 1e-8);
      }
    },
  };
}

/** Four rows of A, `count` numbers each, `step` apart, the rows `apart`: into STRIPS at `place`. */
function packStrip(f, place, from, count, step, apart) {
  for (let l = 0; l < count; l++, from += step, place += 4) {
    STRIPS[place] = f[from];
    STRIPS[place + 1] = f[from + apart];
    STRIPS[place + 2] = f[from + 2 * apart];
    STRIPS[place + 3] = f[from + 3 * apart];
  }
}

/** Eight columns of B, `k` rows of `n` numbers, into PANELS, two by two. */
function packPanels(f, from, k, n) {
  for (let q = 0; q < 2 * k; q += 2, from += n) {
    PANELS[q] = f[from];
    PANELS[q + 1] = f[from + 1];
    PANELS[q + 2 * k] = f[from + 2];
    PANELS[q + 2 * k + 1] = f[from + 3];
    PANELS[q + 4 * k] = f[from + 4];
    PANELS[q + 4 * k + 1] = f[from + 5];
    PANELS[q + 6 * k] = f[from + 6];
    PANELS[q + 6 * k + 1] = f[from + 7];
  }
}

/**
 * A block of 4 × 2 entries of a product, two terms of the sums at a time (k is even): as much as
 * stays in the sixteen registers of most processors.
 */
function block(f, c, p, q, column, n, k) {
  // Known to be whole numbers: otherwise V8 guards every sum of places, and is a third slower.
  p |= 0;
  q |= 0;
  let a0 = STARTS[column];
  let a1 = STARTS[column + 1];
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  const end = q + 2 * k;
  for (; q < end; q = (q + 4) | 0, p = (p + 8) | 0) {
    const x = PANELS[q];
    const y = PANELS[q + 1];
    const first = STRIPS[p];
    a0 += first * x;
    a1 += first * y;
    const second = STRIPS[p + 1];
    b0 += second * x;
    b1 += second * y;
    const third = STRIPS[p + 2];
    c0 += third * x;
    c1 += third * y;
    const fourth = STRIPS[p + 3];
    d0 += fourth * x;
    d1 += fourth * y;
    const z = PANELS[q + 2];
    const w = PANELS[q + 3];
    const fifth = STRIPS[p + 4];
    a0 += fifth * z;
    a1 += fifth * w;
    const sixth = STRIPS[p + 5];
    b0 += sixth * z;
    b1 += sixth * w;
    const seventh = STRIPS[p + 6];
    c0 += seventh * z;
    c1 += seventh * w;
    const eighth = STRIPS[p + 7];
    d0 += eighth * z;
    d1 += eighth * w;
  }
  f[c] = a0;
  f[c + 1] = a1;
  f[c + n] = b0;
  f[c + n + 1] = b1;
  f[c + 2 * n] = c0;
  f[c + 2 * n + 1] = c1;
  f[c + 3 * n] = d0;
  f[c + 3 * n + 1] = d1;
}
