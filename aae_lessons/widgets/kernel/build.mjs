// Assembles kernel.wat into ../js/kernel_bytes.js, both builds. Needs npm's `wabt` (1.0.39):
//   npm install --no-save wabt@1.0.39 && node build.mjs
// With --check it writes nothing and fails where the stored bytes differ.

import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const here = new URL(".", import.meta.url);
const target = new URL("../js/kernel_bytes.js", here);

/** The text with each (madd a b c) replaced by `write(a, b, c)`, inner ones first. */
function expand(text, write) {
  for (;;) {
    const start = text.lastIndexOf("(madd ");
    if (start < 0) return text;
    let [depth, end] = [0, start];
    do depth += { "(": 1, ")": -1 }[text[end++]] ?? 0;
    while (depth);
    const parts = operands(text.slice(start + 6, end - 1));
    text = text.slice(0, start) + write(...parts) + text.slice(end);
  }
}

/** The expressions side by side in a text: "(a (b)) (c)" has two. */
function operands(text) {
  const found = [];
  let depth = 0;
  for (const letter of text) {
    if (letter === "(" && depth++ === 0) found.push("");
    if (depth) found[found.length - 1] += letter;
    if (letter === ")") depth--;
  }
  return found;
}

const source = readFileSync(new URL("kernel.wat", here), "utf8").replace(/;;.*/g, "");
const assembler = await wabt();
const assemble = (write) => {
  const features = { simd: true, relaxed_simd: true };
  const module = assembler.parseWat("kernel.wat", expand(source, write), features);
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
};
const simd = assemble((a, b, c) => `(f32x4.add (f32x4.mul ${a} ${b}) ${c})`);
const relaxed = assemble((a, b, c) => `(f32x4.relaxed_madd ${a} ${b} ${c})`);
const text = `// Made by kernel/build.mjs from kernel/kernel.wat: don't edit.

export const KERNEL_BYTES = {
  relaxed: "${relaxed}",
  simd: "${simd}",
};
`;
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) throw new Error("kernel_bytes.js is stale");
} else writeFileSync(target, text);
console.log(`${relaxed.length} and ${simd.length} characters of base64`);
