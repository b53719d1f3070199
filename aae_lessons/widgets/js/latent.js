// LatentExplorer: a plane of codes, the digit at the cross, and the test digits nearest to it.

import { bytes, halves, inflate } from "./decode.js";
import { Decoder } from "./decoder.js";
import { checkbox, Digit, listen, make, onTheme, page, put, ramp, said, theme } from "./page.js";
import { drawContours, drawOpinion, drawPoints, legend, Plane } from "./plane.js";

const NEAREST = 5;

function render({ model, el }) {
  const codes = halves(model.get("codes"));
  const labels = bytes(model.get("labels"));
  const opinion = bytes(model.get("opinion"));
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  let [digits, shades, table] = [null, null, null];

  const plane = new Plane({
    size: model.get("size"),
    label: model.get("title"),
    extent: model.get("extent"),
    move: (x, y) => put(model, { z: [x, y] }),
    draw(self, context, colours) {
      if (model.get("opinion_shown") && opinion.length)
        drawOpinion(self, context, colours, opinion);
      drawContours(self, context, colours, model.get("contours"));
      if (codes.length) drawPoints(self, context, colours, codes, labels, style);
    },
  });
  const decoded = new Digit(168, "the decoded digit", "aae-main");
  const place = make("p", { className: "aae-place" });
  const near = Array.from({ length: NEAREST }, () => {
    const digit = new Digit(42, "");
    const name = make("figcaption", {});
    return { digit, name, node: make("figure", {}, digit.canvas, name) };
  });
  const side = make("div", { className: "aae-side" }, decoded.canvas, place);
  if (codes.length) {
    side.append(
      make("p", { className: "aae-small" }, "nearest test digits"),
      make("div", { className: "aae-row" }, ...near.map((n) => n.node)),
    );
  }
  const key = make("div", {});
  if (opinion.length)
    side.append(checkbox(model, "opinion_shown", "the discriminator's opinion"), opinionKey());
  const { root, say, notice } = page(
    model,
    el,
    "aae-latent",
    make("div", { className: "aae-columns" }, plane.node, side),
    key,
  );
  const decoder = new Decoder(model, notice);

  function move() {
    const z = model.get("z");
    plane.cross(...z);
    decoder.decode([Float32Array.from(z)], ([greys]) => decoded.show(greys, table));
    place.textContent = `z = (${said(z[0])}, ${said(z[1])})`;
    say(place.textContent + showNearest(z));
  }

  function showNearest(z) {
    if (!codes.length) return "";
    const result = nearest(codes, z, NEAREST);
    near.forEach(({ digit, name, node }, i) => {
      node.hidden = i >= result.length;
      if (node.hidden) return;
      const { index, distance } = result[i];
      name.textContent = labels[index];
      digit.canvas.setAttribute(
        "aria-label",
        `a test digit ${labels[index]}, at distance ${said(distance)}`,
      );
      if (digits) digit.show(digits.subarray(784 * index, 784 * (index + 1)), table);
    });
    return `; nearest test digits: ${result.map(({ index }) => labels[index]).join(", ")}`;
  }

  function redraw() {
    shades = theme(root);
    table = ramp(shades);
    plane.draw();
    for (const digit of [decoded, ...near.map((n) => n.digit)]) digit.redraw(table);
    if (labels.length) key.replaceChildren(legend(labels, style, shades));
  }

  const stop = onTheme(root, redraw);
  const first = bytes(model.get("picture"));
  if (first.length) decoded.show(Uint8ClampedArray.from(first), table);
  if (!first.length || decoder.net) move();
  else plane.cross(...model.get("z"));
  if (codes.length) {
    inflate(model.get("digits")).then((result) => {
      digits = result;
      showNearest(model.get("z"));
    });
  }
  const off = listen(model, { "change:z": move, "change:opinion_shown": () => plane.draw() });
  return () => {
    off();
    stop();
    decoder.stop();
  };
}

/** The `count` codes nearest to z: [{index, distance}, …], nearest first. */
export function nearest(codes, z, count) {
  const result = [];
  for (let i = 0; 2 * i < codes.length; i++) {
    const distance = Math.hypot(codes[2 * i] - z[0], codes[2 * i + 1] - z[1]);
    if (result.length === count && distance >= result[count - 1].distance) continue;
    result.push({ index: i, distance });
    result.sort((a, b) => a.distance - b.distance);
    result.length = Math.min(result.length, count);
  }
  return result;
}

function opinionKey() {
  return make(
    "p",
    { className: "aae-small" },
    make("span", { className: "aae-swatch aae-prior" }),
    "takes it for a prior sample ",
    make("span", { className: "aae-swatch aae-code" }),
    "for a code",
  );
}

export default { render };
