// ClassStyleExplorer: a class y, one-hot or mixed, times a style z in a plane of its dimensions.

import { bytes, halves } from "./decode.js";
import { Decoder } from "./decoder.js";
import { listen, make, onTheme, page, Picture, put, ramp, said, slider, theme } from "./page.js";
import { drawContours, drawPoints, legend, Plane } from "./plane.js";

const STEP = 0.05; // of a bar, by arrow key
const REACH = 3; // of the plane and the sliders, in standard deviations of the prior

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const axis = (i, size) => Array.from({ length: size }, (_, j) => +(i === j));

function render({ model, el }) {
  const [classes, size] = [model.get("y").length, model.get("z").length];
  const flat = size > 1; // whether there is a plane of styles to show
  const names = model.get("names");
  const codes = halves(model.get("codes"));
  const labels = bytes(model.get("labels"));
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const reach = REACH * model.get("std");
  const shape = model.get("image_shape");
  const classLabels = labels.length ? labels : null;
  let table = null;

  const directions = () => model.get("directions");
  const seen = (z) => directions().map((direction) => dot(direction, z));
  const plane = new Plane({
    size: 280,
    label: "plane of styles",
    names: ["", ""], // the menus name them
    extent: [-reach, reach, -reach, reach],
    move(a, b) {
      const [u, v] = directions();
      const [a0, b0] = seen(model.get("z"));
      put(model, {
        z: model.get("z").map((value, i) => value + (a - a0) * u[i] + (b - b0) * v[i]),
      });
    },
    draw(self, context, shades) {
      drawContours(self, context, shades, circles(model.get("radii")));
      if (codes.length) drawPoints(self, context, shades, projected(), classLabels, style, 0.5, 3);
    },
  });

  function projected() {
    const result = new Float32Array((2 * codes.length) / size);
    for (let i = 0; i * size < codes.length; i++) {
      result.set(seen(codes.subarray(i * size, (i + 1) * size)), 2 * i);
    }
    return result;
  }

  const menus = ["across", "up"].map((name, which) => {
    const options = Array.from({ length: size }, (_, i) =>
      make("option", { value: i }, `z${i + 1}`),
    );
    const turned = make("option", { value: "", hidden: true }, "random");
    const menu = make("select", { "aria-label": `dimension ${name}` }, turned, ...options);
    menu.addEventListener("change", () => {
      const axes = menus.map((m, i) => (m.node.value === "" ? i : +m.node.value));
      if (axes[0] === axes[1]) axes[1 - which] = (axes[which] + 1) % size;
      put(model, { directions: axes.map((i) => axis(i, size)) });
    });
    return { node: menu, label: make("label", { className: "aae-check" }, name, menu) };
  });
  const turn = make("button", { type: "button" }, "random plane");
  turn.addEventListener("click", () => put(model, { directions: randomPlane(size) }));
  const origin = make("button", { type: "button" }, "z = 0");
  origin.addEventListener("click", () => put(model, { z: Array(size).fill(0) }));

  const main = new Picture(shape, 140, "the decoded image", "aae-main");
  const bars = names.map((name, k) => bar(name, k));
  const sliders = Array.from({ length: size }, (_, i) =>
    slider({
      label: `z${i + 1}`,
      min: -reach,
      max: reach,
      step: reach / 60,
      value: model.get("z")[i],
      change: (value) =>
        put(model, { z: model.get("z").map((old, j) => (i === j ? value : old)) }),
    }),
  );
  const rest = make(
    "details",
    { hidden: !size, open: size === 1 },
    make("summary", {}, "every dimension of the style"),
    make("div", { className: "aae-grid" }, ...sliders.map((s) => s.row)),
  );
  const key = make("div", {});
  const { root, say, notice } = page(
    model,
    el,
    "aae-class-style",
    make(
      "div",
      { className: "aae-columns" },
      make(
        "div",
        { hidden: !flat },
        plane.node,
        make("div", { className: "aae-row" }, ...menus.map((m) => m.label), turn, origin),
        key,
      ),
      make(
        "div",
        { className: "aae-side" },
        main.canvas,
        make("p", { className: "aae-small" }, "class y: drag a bar, or click an image"),
        make("div", { className: "aae-bars" }, ...bars.map((b) => b.node)),
      ),
    ),
    rest,
  );
  const decoder = new Decoder(model, notice);

  function bar(name, k) {
    const fill = make("div", { className: "aae-fill" });
    const track = make(
      "div",
      {
        className: "aae-track",
        tabIndex: 0,
        role: "slider",
        "aria-label": `probability of class ${name}`,
        "aria-orientation": "vertical",
        "aria-valuemin": "0",
        "aria-valuemax": "1",
      },
      fill,
    );
    const picture = new Picture(shape, 30, `class ${name} in this style`);
    const pick = make(
      "button",
      { type: "button", className: "aae-thumb", "aria-label": `only class ${name}` },
      picture.canvas,
    );
    const set = (share) => put(model, { y: withShare(model.get("y"), k, share) });
    const follow = (event) => {
      const box = track.getBoundingClientRect();
      set(1 - (event.clientY - box.top) / box.height);
    };
    track.addEventListener("pointerdown", (event) => {
      track.setPointerCapture(event.pointerId);
      follow(event);
    });
    track.addEventListener("pointermove", (event) => event.buttons && follow(event));
    track.addEventListener("keydown", (event) => {
      const now = model.get("y")[k];
      const next = {
        ArrowUp: now + STEP,
        ArrowRight: now + STEP,
        ArrowDown: now - STEP,
        ArrowLeft: now - STEP,
        Home: 0,
        End: 1,
        Enter: 1,
      }[event.key];
      if (next === undefined) return;
      set(next);
      event.preventDefault();
    });
    pick.addEventListener("click", () => set(1));
    return {
      node: make("div", { className: "aae-bar" }, track, pick, make("span", {}, name)),
      fill,
      track,
      picture,
    };
  }

  function move() {
    const [y, z] = [model.get("y"), model.get("z")];
    if (flat) plane.cross(...seen(z));
    const code = (shares) => Float32Array.from([...shares, ...z]);
    decoder.decode(
      [code(y), ...names.map((_, k) => code(axis(k, classes)))],
      ([first, ...others]) => {
        main.show(first, table);
        bars.forEach(({ picture }, k) => picture.show(others[k], table));
      },
    );
    bars.forEach(({ fill, track }, k) => {
      fill.style.height = `${100 * y[k]}%`;
      track.setAttribute("aria-valuenow", y[k].toFixed(2));
    });
    sliders.forEach(({ set }, i) => set(z[i]));
    const most = y.indexOf(Math.max(...y));
    const style = flat
      ? `; style at ${seen(z)
          .map((v) => said(v))
          .join(", ")} in the plane`
      : "";
    say(`class ${names[most]} with probability ${said(y[most])}${style}`);
  }

  function redraw() {
    const shades = theme(root);
    table = ramp(shades);
    if (flat) plane.draw();
    if (labels.length) key.replaceChildren(legend(labels, style, shades));
    move();
  }

  function turned() {
    if (!flat) return;
    directions().forEach((direction, i) => {
      const main = direction.findIndex((value) => value === 1);
      menus[i].node.value = main < 0 ? "" : main;
    });
    plane.draw();
    plane.cross(...seen(model.get("z")));
  }

  const stop = onTheme(root, redraw);
  turned();
  const off = listen(model, { "change:y": move, "change:z": move, "change:directions": turned });
  return () => {
    off();
    stop();
    decoder.stop();
  };
}

/** y with entry k at `share`; the others keep their proportions (or are equal, where all are 0). */
export function withShare(y, k, share) {
  const target = Math.min(1, Math.max(0, share));
  const others = 1 - y[k];
  return y.map((value, i) => {
    if (i === k) return target;
    return (1 - target) * (others > 1e-9 ? value / others : 1 / (y.length - 1));
  });
}

/** Two random directions at a right angle, each of length 1. */
function randomPlane(size) {
  const draw = () =>
    Array.from(
      { length: size },
      () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
    );
  const unit = (v) => v.map((value) => value / Math.sqrt(dot(v, v)));
  const u = unit(draw());
  const w = draw();
  const along = dot(w, u);
  return [u, unit(w.map((value, i) => value - along * u[i]))];
}

function circles(radii) {
  return radii.map((radius) => {
    const line = Array.from({ length: 97 }, (_, i) => [
      radius * Math.cos((i * Math.PI) / 48),
      radius * Math.sin((i * Math.PI) / 48),
    ]);
    return { lines: [line.flat()] };
  });
}

export default { render };
