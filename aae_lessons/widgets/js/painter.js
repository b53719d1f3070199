// PriorPainter: draw a prior by hand, train, and watch the codes flow into the drawing.

import { bytes, halves } from "./decode.js";
import { css, listen, make, mix, onTheme, page, put, send, slider, theme } from "./page.js";
import { drawPoints, legend, sharpCanvas } from "./plane.js";

const CANVAS = 400; // px; the drawing's coordinates go from -1 to 1
const PEN_STEP = 0.04;
const NEAR = 0.012; // a stroke's next point is at least so far from its last
const PEN_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const SILENT =
  "Training is done by the kernel, and none answers: it is busy, or this page has none. Run the cell again.";
const TRAIN_PATIENCE = 4000;

/** A curve as a stroke: `at(t)` for t from 0 to 1. */
const curve = (at, points = 90) =>
  Array.from({ length: points + 1 }, (_, i) => at(i / points)).flat();
const SHAPES = {
  ring: [curve((t) => [0.7 * Math.cos(2 * Math.PI * t), 0.7 * Math.sin(2 * Math.PI * t)])],
  heart: [
    curve((t) => {
      const a = 2 * Math.PI * t;
      return [
        0.75 * Math.sin(a) ** 3,
        0.05 * (13 * Math.cos(a) - 5 * Math.cos(2 * a) - 2 * Math.cos(3 * a) - Math.cos(4 * a)),
      ];
    }),
  ],
  wave: [curve((t) => [1.6 * t - 0.8, 0.5 * Math.sin(2 * Math.PI * t)])],
  "letter A": [
    [-0.6, -0.7, 0, 0.75],
    [0, 0.75, 0.6, -0.7],
    [-0.33, -0.1, 0.33, -0.1],
  ],
  "two islands": [
    curve((t) => [-0.45 + 0.25 * Math.cos(2 * Math.PI * t), 0.3 * Math.sin(2 * Math.PI * t)]),
    [0.3, -0.5, 0.7, 0.5],
  ],
};

function render({ model, el }) {
  const [canvas, context] = sharpCanvas(CANVAS, CANVAS, {
    className: "aae-paint",
    tabIndex: 0,
    role: "application",
    "aria-label": "drawing of the prior: arrow keys move the pen, space puts it down and lifts it",
  });
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const labels = bytes(model.get("labels"));
  let [shades, stroke, pen, down, waiting] = [null, null, null, false, 0];

  const button = (text, act) => {
    const node = make("button", { type: "button" }, text);
    node.addEventListener("click", act);
    return node;
  };
  const strokes = () => model.get("strokes");
  const train = button("train", () => {
    const sent = send(model, { kind: model.get("running") ? "stop" : "train" });
    clearTimeout(waiting);
    if (sent) waiting = setTimeout(() => notice(SILENT), TRAIN_PATIENCE);
    else notice(SILENT);
  });
  const undo = button("undo", () => put(model, { strokes: strokes().slice(0, -1) }));
  const clear = button("clear", () => put(model, { strokes: [] }));
  const shapes = make(
    "select",
    { "aria-label": "a shape to begin with" },
    make("option", { value: "" }, "a shape …"),
    ...Object.keys(SHAPES).map((name) => make("option", { value: name }, name)),
  );
  shapes.addEventListener("change", () => {
    if (shapes.value)
      put(model, { strokes: SHAPES[shapes.value].map((s) => s.map((v) => +v.toFixed(3))) });
    shapes.value = "";
  });
  const brush = slider({
    label: "brush",
    min: 0.04,
    max: 0.4,
    step: 0.02,
    value: model.get("brush"),
    change: (value) => put(model, { brush: value }),
  });
  const bar = make("progress", {
    max: 1,
    value: 0,
    "aria-label": "how much of the training is done",
  });
  const status = make("p", { className: "aae-small" });
  const key = make("div", {});
  const { root, say, notice } = page(
    model,
    el,
    "aae-painter",
    make(
      "div",
      { className: "aae-columns" },
      make("div", {}, canvas, key),
      make(
        "div",
        { className: "aae-side" },
        make("div", { className: "aae-row" }, shapes, undo, clear),
        brush.row,
        train,
        bar,
        status,
      ),
    ),
  );

  const px = (x, y) => [((x + 1) / 2) * CANVAS, ((1 - y) / 2) * CANVAS];
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(-1, value));
    return [
      inside((2 * (event.clientX - box.left)) / box.width - 1),
      inside(1 - (2 * (event.clientY - box.top)) / box.height),
    ];
  };

  function begin(x, y) {
    if (!model.get("running")) stroke = [+x.toFixed(3), +y.toFixed(3)];
    draw();
  }

  function extend(x, y) {
    if (!stroke || Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) < NEAR) return;
    stroke.push(+x.toFixed(3), +y.toFixed(3));
    draw();
  }

  function end() {
    if (!stroke) return;
    const done = stroke;
    stroke = null;
    put(model, { strokes: [...strokes(), done] });
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen = null;
    begin(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) extend(...at(each));
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, end);
  canvas.addEventListener("focus", () => {
    pen ??= [0, 0];
    draw();
  });
  canvas.addEventListener("blur", () => {
    if (down) end();
    [pen, down] = [null, false];
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    pen ??= [0, 0];
    if (event.key === " ") {
      down = !down;
      if (down) begin(...pen);
      else end();
    } else if (PEN_KEYS[event.key]) {
      const reach = PEN_STEP * (event.shiftKey ? 4 : 1);
      pen = pen.map((value, i) =>
        Math.min(1, Math.max(-1, value + reach * PEN_KEYS[event.key][i])),
      );
      if (down) extend(...pen);
    } else return;
    event.preventDefault();
    say(
      `pen ${down ? "down" : "up"}, ${Math.round(100 * pen[0])} right, ${Math.round(100 * pen[1])} up`,
    );
    draw();
  });

  function draw() {
    if (!shades) return;
    context.fillStyle = css(shades.paper);
    context.fillRect(0, 0, CANVAS, CANVAS);
    context.strokeStyle = css(mix(shades.paper, shades.ink, 0.28));
    context.lineWidth = (model.get("brush") * CANVAS) / 2;
    context.lineCap = context.lineJoin = "round";
    for (const each of stroke ? [...strokes(), stroke] : strokes()) {
      context.beginPath();
      context.moveTo(...px(each[0], each[1]));
      for (let i = each.length > 2 ? 2 : 0; i < each.length; i += 2)
        context.lineTo(...px(each[i], each[i + 1]));
      context.stroke();
    }
    const codes = halves(model.get("codes"));
    drawPoints(
      { place: px },
      context,
      shades,
      codes,
      labels.length && codes.length ? labels : null,
      style,
      0.8,
      3,
    );
    if (!strokes().length && !stroke) hint();
    if (pen) cross();
  }

  function hint() {
    context.fillStyle = css(shades.ink, 0.7);
    context.font = `15px ${shades.font}`;
    context.textAlign = "center";
    context.fillText("draw here", CANVAS / 2, CANVAS / 2);
  }

  function cross() {
    const [x, y] = px(...pen);
    context.strokeStyle = css(shades.ink);
    context.lineWidth = down ? 3 : 1;
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }

  function tell() {
    clearTimeout(waiting);
    notice("");
    const running = model.get("running");
    train.textContent = running ? "stop" : "train";
    train.disabled = !running && !strokes().length;
    for (const node of [undo, clear]) node.disabled = running || !strokes().length;
    shapes.disabled = brush.input.disabled = running;
    bar.value = model.get("progress");
    status.textContent = model.get("status");
    if (model.get("status")) say(model.get("status"));
    draw();
  }

  const stop = onTheme(root, () => {
    shades = theme(root);
    if (labels.length) key.replaceChildren(legend(labels, style, shades));
    draw();
  });
  tell();
  const names = ["strokes", "brush", "codes", "running", "progress", "status"];
  const off = listen(model, Object.fromEntries(names.map((name) => [`change:${name}`, tell])));
  return () => {
    clearTimeout(waiting);
    off();
    stop();
  };
}

export default { render };
