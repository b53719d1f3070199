// InterpolationExplorer: two images, and the straight lines between them in pixels and in code.

import { halves, inflate } from "./decode.js";
import { Decoder } from "./decoder.js";
import {
  listen,
  make,
  onTheme,
  page,
  Picture,
  pixelsOf,
  put,
  ramp,
  said,
  slider,
  theme,
} from "./page.js";

const FRAMES = 9;
const ENDS = ["start", "end"];

function render({ model, el }) {
  const count = model.get("names").length;
  const codes = halves(model.get("codes"));
  const width = codes.length / count;
  const shape = model.get("image_shape");
  const pixels = pixelsOf(shape);
  const words = (i) => {
    const name = model.get("names")[i];
    return `image ${i + 1}${name ? ` (class ${name})` : ""}`;
  };
  let [images, table, picking] = [null, null, "start"];

  const strip = Array.from({ length: count }, (_, i) => thumbnail(i));
  const choose = make(
    "div",
    { className: "aae-row", role: "listbox", "aria-label": "images to choose from" },
    ...strip.map((t) => t.node),
  );
  const marks = ENDS.map((end) => {
    const node = make("button", { type: "button" }, `choose the ${end}`);
    node.addEventListener("click", () => pick(end));
    return node;
  });
  const rows = ["in pixels", "in code"].map((name) => {
    const frames = Array.from(
      { length: FRAMES },
      (_, i) => new Picture(shape, 44, `${name}, step ${i + 1} of ${FRAMES}`),
    );
    const main = new Picture(shape, 112, `${name}, at the slider`, "aae-main");
    const strip = make("div", { className: "aae-row" }, ...frames.map((f) => f.canvas));
    return {
      frames,
      main,
      node: make("div", { className: "aae-path" }, make("p", {}, name), strip, main.canvas),
    };
  });
  const where = slider({
    label: "start to end",
    min: 0,
    max: 1,
    step: 0.01,
    value: model.get("t"),
    change: (t) => put(model, { t }),
  });
  const { root, say, notice } = page(
    model,
    el,
    "aae-interpolation",
    make("div", { className: "aae-row" }, ...marks),
    choose,
    ...rows.map((r) => r.node),
    where.row,
  );
  const decoder = new Decoder(model, notice);

  function thumbnail(i) {
    const picture = new Picture(shape, 34, words(i));
    const node = make(
      "button",
      {
        type: "button",
        className: "aae-thumb",
        tabIndex: i ? -1 : 0,
        role: "option",
        "aria-label": words(i),
      },
      picture.canvas,
    );
    node.addEventListener("click", () => {
      put(model, { [picking]: i });
      pick(picking === "start" ? "end" : "start");
    });
    node.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = strip[(i + step + count) % count].node;
      strip.forEach((t) => (t.node.tabIndex = -1));
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
    });
    return { picture, node };
  }

  function pick(end) {
    picking = end;
    marks.forEach((node, i) => node.setAttribute("aria-pressed", ENDS[i] === end));
  }

  const chosen = () => ENDS.map((end) => model.get(end));
  const between = (values, size, t) => {
    const [a, b] = chosen();
    return Float32Array.from(
      { length: size },
      (_, i) => (1 - t) * values[a * size + i] + t * values[b * size + i],
    );
  };

  const mixed = (t) => Uint8ClampedArray.from(between(images, pixels, t));

  function drawPaths() {
    if (!images) return;
    const steps = Array.from({ length: FRAMES }, (_, i) => i / (FRAMES - 1));
    steps.forEach((t, i) => rows[0].frames[i].show(mixed(t), table));
    const [a, b] = chosen();
    strip.forEach(({ node }, i) => {
      node.setAttribute("aria-selected", i === a || i === b);
      node.dataset.end =
        i === a && i === b ? "start, end" : i === a ? "start" : i === b ? "end" : "";
    });
    decoder.decode(
      [...steps.map((t) => between(codes, width, t)), between(codes, width, model.get("t"))],
      (pictures) => {
        rows[1].frames.forEach((frame, i) => frame.show(pictures[i], table));
        rows[1].main.show(pictures[FRAMES], table);
      },
    );
    drawMix();
  }

  function drawMix() {
    const t = model.get("t");
    where.set(t);
    if (!images) return;
    rows[0].main.show(mixed(t), table);
    const [a, b] = chosen();
    say(`${said(100 * t, 0)} percent of the way from ${words(a)} to ${words(b)}`);
  }

  function move() {
    drawMix();
    if (images)
      decoder.decode([between(codes, width, model.get("t"))], ([levels]) =>
        rows[1].main.show(levels, table),
      );
  }

  const all = [...strip.map((t) => t.picture), ...rows.flatMap((r) => [...r.frames, r.main])];
  const stop = onTheme(root, () => {
    table = ramp(theme(root));
    all.forEach((picture) => picture.redraw(table));
  });
  pick("start");
  inflate(model.get("images")).then((result) => {
    images = result;
    strip.forEach(({ picture }, i) =>
      picture.show(images.subarray(pixels * i, pixels * (i + 1)), table),
    );
    drawPaths();
  });
  const off = listen(model, {
    "change:start": drawPaths,
    "change:end": drawPaths,
    "change:t": move,
  });
  return () => {
    off();
    stop();
    decoder.stop();
  };
}

export default { render };
