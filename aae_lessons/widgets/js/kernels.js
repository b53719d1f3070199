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

const CHUNK = 64; // rows of A whose strips are kept at once

/** The same in plain loops. */
function plain(f) {
  // Four rows of A, and four columns of B, next to each other, as the numbers that JavaScript
  // computes with: blocks then read two arrays from front to back and convert nothing.
  let [strips, panel] = [new Float64Array(0), new Float64Array(0)];
  return {
    kind: "javascript",
    floats: f,
    gemm(c, a, b, bias, m, n, k, down, along) {
      if (panel.length < 4 * k)
        [strips, panel] = [new Float64Array(CHUNK * k), new Float64Array(4 * k)];
      for (let first = 0; first < m; first += CHUNK) {
        const rows = Math.min(CHUNK, m - first);
        for (let i = 0; i < rows; i += 4)
          interleave(strips, i * k, f, a + (first + i) * down, k, along, down);
        for (let j = 0; j < n; j += 4) {
          interleave(panel, 0, f, b + j, k, n, 1);
          for (let i = 0; i < rows; i += 4)
            block(f, c + (first + i) * n + j, strips, i * k, panel, bias && bias + j, n, k);
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

/** Four numbers that lie `apart`, `count` times, one after the other: `step` is to the next four. */
function interleave(to, place, f, from, count, step, apart) {
  for (let l = 0; l < count; l++, from += step, place += 4) {
    to[place] = f[from];
    to[place + 1] = f[from + apart];
    to[place + 2] = f[from + 2 * apart];
    to[place + 3] = f[from + 3 * apart];
  }
}

/** A block of 4 × 4 entries of a product: its sixteen sums stay in registers. */
function block(f, c, strips, at, panel, bias, n, k) {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  if (bias) {
    a0 = f[bias];
    a1 = f[bias + 1];
    a2 = f[bias + 2];
    a3 = f[bias + 3];
  }
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let c0 = a0;
  let c1 = a1;
  let c2 = a2;
  let c3 = a3;
  let d0 = a0;
  let d1 = a1;
  let d2 = a2;
  let d3 = a3;
  for (let l = 0; l < 4 * k; l += 4, at += 4) {
    const p = panel[l];
    const q = panel[l + 1];
    const r = panel[l + 2];
    const s = panel[l + 3];
    const first = strips[at];
    a0 += first * p;
    a1 += first * q;
    a2 += first * r;
    a3 += first * s;
    const second = strips[at + 1];
    b0 += second * p;
    b1 += second * q;
    b2 += second * r;
    b3 += second * s;
    const third = strips[at + 2];
    c0 += third * p;
    c1 += third * q;
    c2 += third * r;
    c3 += third * s;
    const fourth = strips[at + 3];
    d0 += fourth * p;
    d1 += fourth * q;
    d2 += fourth * r;
    d3 += fourth * s;
  }
  f[c] = a0;
  f[c + 1] = a1;
  f[c + 2] = a2;
  f[c + 3] = a3;
  c += n;
  f[c] = b0;
  f[c + 1] = b1;
  f[c + 2] = b2;
  f[c + 3] = b3;
  c += n;
  f[c] = c0;
  f[c + 1] = c1;
  f[c + 2] = c2;
  f[c + 3] = c3;
  c += n;
  f[c] = d0;
  f[c + 1] = d1;
  f[c + 2] = d2;
  f[c + 3] = d3;
}
