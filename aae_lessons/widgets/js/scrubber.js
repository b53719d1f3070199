// TrainingScrubber: codes, losses and samples of a run, epoch by epoch.

import { Chart } from "./chart.js";
import { bytes, halves, inflate } from "./decode.js";
import {
  classColour,
  listen,
  make,
  onTheme,
  page,
  Picture,
  pixelsOf,
  put,
  ramp,
  slider,
  theme,
} from "./page.js";
import { drawContours, drawPoints, legend, Plane } from "./plane.js";

const FRAME = 300; // ms an epoch while it plays

function render({ model, el }) {
  const epochs = model.get("epochs");
  const labels = bytes(model.get("labels"));
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const codes = halves(model.get("codes"));
  const perEpoch = codes.length / (epochs + 1);
  const sheet = model.get("sample_count");
  const shape = model.get("image_shape");
  const pixels = pixelsOf(shape);
  let [samples, shades, table, timer] = [null, null, null, 0];
  const set = (epoch) => put(model, { epoch: Math.min(epochs, Math.max(0, Math.round(epoch))) });

  const plane = new Plane({
    size: 320,
    label: "codes in the plane",
    extent: model.get("extent"),
    move: () => {},
    draw(self, context, colours) {
      drawContours(self, context, colours, model.get("contours"));
      const epoch = model.get("epoch");
      const now = codes.subarray(epoch * perEpoch, (epoch + 1) * perEpoch);
      drawPoints(self, context, colours, now, labels.length ? labels : null, style);
    },
  });
  plane.over.remove(); // there is nothing to move to in this plane
  plane.canvas.removeAttribute("aria-hidden");
  const charts = model
    .get("lines")
    .map(
      ({ name, xs, ys, level }) =>
        new Chart({
          title: name,
          xs,
          ys,
          level,
          end: xs.at(-1) || 1,
          choose: (share) => set(share * epochs),
        }),
    );
  const pictures = Array.from(
    { length: sheet },
    (_, i) => new Picture(shape, 36, `decoded sample ${i + 1}`),
  );
  const key = make("div", {});
  const left = make(
    "div",
    {},
    ...(codes.length ? [plane.node, key] : []),
    make("div", { className: "aae-row" }, ...pictures.map((p) => p.canvas)),
  );
  const right = make("div", { className: "aae-side" }, ...charts.map((c) => c.node));
  const play = make("button", { type: "button" });
  play.addEventListener("click", () => put(model, { playing: !model.get("playing") }));
  const scrub = slider({
    label: "epoch",
    min: 0,
    max: epochs,
    step: 1,
    value: model.get("epoch"),
    show: (e) => `${e} of ${epochs}`,
    change: set,
  });
  const { root, say } = page(
    model,
    el,
    "aae-scrubber",
    make("div", { className: "aae-controls" }, play, scrub.row),
    make("div", { className: "aae-columns" }, left, right),
  );

  function show() {
    const epoch = model.get("epoch");
    scrub.set(epoch);
    if (codes.length) plane.draw();
    charts.forEach((chart, i) =>
      chart.draw(epoch / epochs, shades, classColour(style.colours, i, shades)),
    );
    if (samples) {
      const first = epoch * sheet * pixels;
      pictures.forEach((picture, i) =>
        picture.show(samples.subarray(first + i * pixels, first + (i + 1) * pixels), table),
      );
    }
    if (!timer)
      say(
        `epoch ${epoch} of ${epochs}; ${charts.map((c) => `${c.title} ${valueAt(c, epoch / epochs)}`).join("; ")}`,
      );
  }

  function run() {
    const playing = model.get("playing");
    play.textContent = playing ? "❚❚ pause" : "▶ play";
    play.setAttribute("aria-pressed", playing);
    clearInterval(timer);
    timer = 0;
    if (!playing) return;
    if (model.get("epoch") >= epochs) set(0);
    timer = setInterval(() => {
      if (model.get("epoch") >= epochs) put(model, { playing: false });
      else set(model.get("epoch") + 1);
    }, FRAME);
  }

  const stop = onTheme(root, () => {
    shades = theme(root);
    table = ramp(shades);
    pictures.forEach((picture) => picture.redraw(table));
    if (labels.length) key.replaceChildren(legend(labels, style, shades));
    show();
  });
  run();
  if (sheet) {
    inflate(model.get("samples")).then((result) => {
      samples = result;
      show();
    });
  }
  const off = listen(model, { "change:epoch": show, "change:playing": run });
  return () => {
    clearInterval(timer);
    off();
    stop();
  };
}

/** A chart's height at a share of its axis, in words. */
function valueAt({ xs, ys, end }, share) {
  const i = xs.findIndex((x) => x >= share * end);
  return ys[i < 0 ? ys.length - 1 : i].toPrecision(3);
}

export default { render };
