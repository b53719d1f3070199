// LatentExplorer: a plane of codes, the image at the cross, and the images nearest to it.

import { bytes, halves, inflate } from "./decode.js";
import { Decoder } from "./decoder.js";
import {
  checkbox,
  listen,
  make,
  onTheme,
  page,
  Picture,
  pixelsOf,
  put,
  ramp,
  said,
  theme,
} from "./page.js";
import { drawContours, drawOpinion, drawPoints, legend, nameOfClass, Plane } from "./plane.js";

const NEAREST = 5;

function render({ model, el }) {
  const codes = halves(model.get("codes"));
  const labels = bytes(model.get("labels"));
  const opinion = bytes(model.get("opinion"));
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const shape = model.get("image_shape");
  const pixels = pixelsOf(shape);
  let [images, shades, table] = [null, null, null];

  const plane = new Plane({
    size: model.get("size"),
    label: model.get("title"),
    extent: model.get("extent"),
    move: (x, y) => put(model, { z: [x, y] }),
    draw(self, context, colours) {
      if (model.get("opinion_shown") && opinion.length)
        drawOpinion(self, context, colours, opinion);
      drawContours(self, context, colours, model.get("contours"));
      if (codes.length) drawPoints(self, context, colours, codes, labels.length ? labels : null, style);
    },
  });
  const decoded = new Picture(shape, 168, "the decoded image", "aae-main");
  const place = make("p", { className: "aae-place" });
  const near = Array.from({ length: NEAREST }, () => {
    const picture = new Picture(shape, 42, "");
    const name = make("figcaption", {});
    return { picture, name, node: make("figure", {}, picture.canvas, name) };
  });
  const side = make("div", { className: "aae-side" }, decoded.canvas, place);
  if (codes.length) {
    side.append(
      make("p", { className: "aae-small" }, "nearest images"),
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
    decoder.decode([Float32Array.from(z)], ([levels]) => decoded.show(levels, table));
    place.textContent = `z = (${said(z[0])}, ${said(z[1])})`;
    say(place.textContent + showNearest(z));
  }

  function showNearest(z) {
    if (!codes.length) return "";
    const result = nearest(codes, z, NEAREST);
    near.forEach(({ picture, name, node }, i) => {
      node.hidden = i >= result.length;
      if (node.hidden) return;
      const { index, distance } = result[i];
      name.textContent = labels.length ? nameOfClass(labels[index]) : "";
      const words = labels.length ? `an image of class ${name.textContent}` : "an image";
      picture.canvas.setAttribute("aria-label", `${words}, at distance ${said(distance)}`);
      if (images) picture.show(images.subarray(pixels * index, pixels * (index + 1)), table);
    });
    if (!labels.length) return `; nearest image at distance ${said(result[0].distance)}`;
    const classes = result.map(({ index }) => nameOfClass(labels[index]));
    return `; classes of the nearest images: ${classes.join(", ")}`;
  }

  function redraw() {
    shades = theme(root);
    table = ramp(shades);
    plane.draw();
    for (const picture of [decoded, ...near.map((n) => n.picture)]) picture.redraw(table);
    if (labels.length) key.replaceChildren(legend(labels, style, shades));
  }

  const stop = onTheme(root, redraw);
  const first = bytes(model.get("picture"));
  if (first.length) decoded.show(Uint8ClampedArray.from(first), table);
  if (!first.length || decoder.net) move();
  else plane.cross(...model.get("z"));
  if (codes.length) {
    inflate(model.get("images")).then((result) => {
      images = result;
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
