// PriorPainter: draw a prior by hand, train, and watch the codes flow into the drawing.

import { bytes, halves } from "./decode.js";
import { listen, make, onTheme, page, put, send, slider } from "./page.js";
import { Painting } from "./painting.js";
import { drawPoints, legend } from "./plane.js";
import { SHAPES } from "./shapes.js";
import { rounded, Sketch } from "./sketch.js";

const CANVAS = 400; // px
const SILENT =
  "This training is done by the kernel, and none answers: it is busy, or it was shut down. Run the cell again, or train in the browser.";
const TRAIN_PATIENCE = 4000;
const LENGTHS = [1000, 3000, 6000]; // updates of a run in the browser
const PLACES = { browser: "in the browser", kernel: "in Python" };

function render({ model, el }) {
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const canKernel = model.get("trains_in_kernel") && model.kernel !== false;
  if (!canKernel) model.set("place", "browser");
  const inBrowser = () => model.get("place") === "browser";
  const own = { running: false, codes: null, progress: 0, status: "", measured: null };
  const at = (name) => (inBrowser() ? own[name] : model.get(name));
  const labels = () => bytes(model.get(inBrowser() ? "shown_labels" : "labels"));
  const strokes = () => model.get("strokes");
  const painting = new Painting(
    { training: model.get("training_digits"), shown: model.get("shown_digits") },
    (state) => {
      Object.assign(own, state);
      tell();
    },
  );
  let [shades, waiting] = [null, 0];

  const sketch = new Sketch({
    size: CANVAS,
    label: "drawing of the prior",
    strokes,
    brush: () => model.get("brush"),
    add: (stroke) => change({ strokes: [...strokes(), stroke] }),
    blocked: () => !inBrowser() && model.get("running"),
    over: paintCodes,
    say: (words) => say(words),
  });
  const controls = makeControls();
  const { train, undo, clear, shapes, brush, place, length } = controls;
  const bar = make("progress", { max: 1, value: 0, "aria-label": "share of the training done" });
  const status = make("p", { className: "aae-small" });
  const measures = make("div", {});
  const key = make("div", {});
  const side = make(
    "div",
    { className: "aae-side" },
    make("div", { className: "aae-row" }, shapes, undo, clear),
    brush.row,
    make("div", { className: "aae-row" }, length, ...(canKernel ? [place] : [])),
    train,
    bar,
    status,
    measures,
    expectations(model.get("expected")),
  );
  const { root, say, notice } = page(
    model,
    el,
    "aae-painter",
    make("div", { className: "aae-columns" }, make("div", {}, sketch.canvas, key), side),
  );

  /** Another drawing; a run in the browser follows it. */
  function change(values) {
    put(model, values);
    painting.redraw(strokes(), model.get("brush"));
  }

  function makeControls() {
    const button = (text, className, act) => {
      const node = make("button", { type: "button", className }, text);
      node.addEventListener("click", act);
      return node;
    };
    const choose = (label, options, act) => {
      const items = Object.entries(options).map(([value, text]) => make("option", { value }, text));
      const node = make("select", { "aria-label": label }, ...items);
      node.addEventListener("change", () => act(node.value));
      return node;
    };
    const lengths = Object.fromEntries(LENGTHS.map((n) => [n, `${n.toLocaleString("en")} updates`]));
    const names = Object.fromEntries(Object.keys(SHAPES).map((name) => [name, name]));
    const shapes = choose("a shape to begin with", { "": "a shape …", ...names }, (name) => {
      if (name) change({ strokes: rounded(SHAPES[name]) });
      shapes.value = "";
    });
    const made = {
      train: button("train", "aae-primary", pressTrain),
      undo: button("undo", "", () => change({ strokes: strokes().slice(0, -1) })),
      clear: button("clear", "", () => change({ strokes: [] })),
      shapes,
      length: choose("length of the training", lengths, (n) => put(model, { updates: +n })),
      place: choose("where to train", PLACES, (where) => put(model, { place: where })),
      brush: slider({
        label: "brush",
        min: 0.04,
        max: 0.4,
        step: 0.02,
        value: model.get("brush"),
        change: (value) => change({ brush: value }),
      }),
    };
    made.length.value = model.get("updates");
    return made;
  }

  function pressTrain() {
    if (inBrowser()) {
      if (painting.running) painting.stop();
      else painting.start(strokes(), model.get("brush"), model.get("updates"));
      return;
    }
    const sent = send(model, { kind: model.get("running") ? "stop" : "train" });
    clearTimeout(waiting);
    if (sent) waiting = setTimeout(() => notice(SILENT), TRAIN_PATIENCE);
    else notice(SILENT);
  }

  function paintCodes(self, context, colours) {
    const codes = inBrowser() ? own.codes : halves(model.get("codes"));
    if (!codes?.length) return;
    const of = labels();
    drawPoints(self, context, colours, codes, of.length ? of : null, style, 0.8, 3);
  }

  function tell() {
    clearTimeout(waiting);
    notice("");
    const running = at("running");
    const busy = running && !inBrowser(); // a run in the browser can be drawn in
    train.textContent = running ? "stop" : "train";
    train.disabled = !running && !strokes().length;
    for (const node of [undo, clear]) node.disabled = busy || !strokes().length;
    shapes.disabled = brush.input.disabled = busy;
    place.disabled = length.disabled = running;
    length.hidden = !inBrowser();
    place.value = model.get("place");
    bar.value = at("progress");
    status.textContent = at("status");
    measures.replaceChildren(...(inBrowser() && own.measured ? [table(own.measured)] : []));
    if (at("status") && !running) say(at("status"));
    sketch.draw(shades);
  }

  const stop = onTheme(root, (colours) => {
    shades = colours;
    if (labels().length) key.replaceChildren(legend(labels(), style, shades));
    sketch.draw(shades);
  });
  tell();
  const names = ["strokes", "brush", "codes", "running", "progress", "status", "place", "updates"];
  const off = listen(model, Object.fromEntries(names.map((name) => [`change:${name}`, tell])));
  return () => {
    clearTimeout(waiting);
    painting.close();
    off();
    stop();
  };
}

/** Codes off the ink, and distance over its floor: training and test digits apart. */
function table({ match, ink }) {
  const cells = (kind, values) => values.map((value) => make(kind, {}, value));
  const row = (name, values) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cells("td", values));
  const sets = ["training", "test"];
  return make(
    "table",
    { className: "aae-measures" },
    make("tr", {}, make("td", {}), ...cells("th", ["training digits", "test digits"])),
    row("codes off the ink", sets.map((set) => `${(100 * ink[set]).toFixed(0)} %`)),
    row("sliced Wasserstein, × floor", sets.map((set) => match[set].toFixed(1))),
  );
}

/** What each shape reaches, measured beforehand; folded away. */
function expectations({ updates, seeds, rows }) {
  const cells = (kind, values) => values.map((value) => make(kind, {}, value));
  const lines = Object.entries(rows).map(([shape, values]) =>
    make("tr", {}, make("th", { scope: "row" }, shape), ...cells("td", values)),
  );
  const head = ["off the ink, %", "× floor"];
  return make(
    "details",
    {},
    make("summary", {}, "What to expect of each shape"),
    make(
      "p",
      { className: "aae-small" },
      `Codes of test digits after ${updates.toLocaleString("en")} updates, mean ± standard deviation over ${seeds} seeds. An encoder is continuous: between two islands some codes are always on their way. Thin arms that lie close together are filled late.`,
    ),
    make("table", { className: "aae-measures" }, make("tr", {}, make("td", {}), ...cells("th", head)), ...lines),
  );
}

export default { render };
