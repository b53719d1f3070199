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

/** The same in plain loops. */
function plain(f) {
  let strip = new Float64Array(0); // four rows of A, as the numbers that JavaScript computes with
  return {
    kind: "javascript",
    floats: f,
    gemm(c, a, b, bias, m, n, k, down, along) {
      if (strip.length < 4 * k) strip = new Float64Array(4 * k);
      for (let i = 0; i < m; i += 4) {
        for (let l = 0, from = a + i * down, to = 0; l < k; l++, from += along)
          for (let row = 0; row < 4; row++) strip[to++] = f[from + row * down];
        for (let j = 0; j < n; j += 2) block(f, c + i * n + j, strip, b + j, bias && bias + j, n, k);
      }
    },
    transpose(b, a, m, n) {
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) f[b + j * m + i] = f[a + i * n + j];
    },
    columnSums(out, a, m, n) {
      f.fill(0, out, out + n);
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) f[out + j] += f[a + i * n + j];
    },
    leaky(a, n, slope) {
      for (let i = a; i < a + n; i++) if (f[i] <= 0) f[i] *= slope;
    },
    leakyBackward(d, y, n, slope) {
      for (let i = 0; i < n; i++) if (f[y + i] <= 0) f[d + i] *= slope;
    },
    sigmoid(p, a, n) {
      for (let i = 0; i < n; i++) f[p + i] = 1 / (1 + Math.exp(-f[a + i]));
    },
    squaredError(d, p, x, n, scale) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const [out, off] = [f[p + i], f[p + i] - f[x + i]];
        sum += off * off;
        f[d + i] = off * scale * out * (1 - out);
      }
      return 0.5 * sum;
    },
    adam(w, g, m, v, n, rate, beta1, beta2, root) {
      for (let i = 0; i < n; i++) {
        const grad = f[g + i];
        const first = beta1 * f[m + i] + (1 - beta1) * grad;
        const second = beta2 * f[v + i] + (1 - beta2) * grad * grad;
        f[m + i] = Math.abs(first) > 1e-30 ? first : 0;
        f[v + i] = second > 1e-30 ? second : 0;
        f[w + i] -= (rate * f[m + i]) / (Math.sqrt(f[v + i]) * root + 1e-8);
      }
    },
  };
}

/** A block of 4 × 2 entries of a product: its eight sums stay in registers. */
function block(f, c, strip, b, bias, n, k) {
  let [s00, s01] = [0, 0];
  if (bias) [s00, s01] = [f[bias], f[bias + 1]];
  let [s10, s11, s20, s21, s30, s31] = [s00, s01, s00, s01, s00, s01];
  for (let at = 0; at < 4 * k; at += 4, b += n) {
    const p = f[b];
    const q = f[b + 1];
    const first = strip[at];
    s00 += first * p;
    s01 += first * q;
    const second = strip[at + 1];
    s10 += second * p;
    s11 += second * q;
    const third = strip[at + 2];
    s20 += third * p;
    s21 += third * q;
    const fourth = strip[at + 3];
    s30 += fourth * p;
    s31 += fourth * q;
  }
  f[c] = s00;
  f[c + 1] = s01;
  f[c + n] = s10;
  f[c + n + 1] = s11;
  f[c + 2 * n] = s20;
  f[c + 2 * n + 1] = s21;
  f[c + 3 * n] = s30;
  f[c + 3 * n + 1] = s31;
}
