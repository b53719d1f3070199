// AdversarialGameExplorer: the three phases one by one, on pictures of two pixels or on digits.

import { bytes } from "./decode.js";
import { Diagram } from "./diagram.js";
import { gameControls } from "./game_controls.js";
import { drawArrows, drawSamples, halfSide } from "./game_plane.js";
import { Laboratory } from "./laboratory.js";
import { drawnPrior, unpackDigits } from "./painting.js";
import { make, onTheme, page, said } from "./page.js";
import { CODE_SIDE, drawOpinion, drawPoints, legend, Plane, PRIOR_SIDE } from "./plane.js";
import { randomNumbers, twoPixelPictures } from "./randoms.js";
import { Trace } from "./trace.js";

const SIZE = 320; // px
const FIELD = 64; // points a side
const [SHOWN, ARROWS_SHOWN] = [500, 144];
const MATCH_EVERY = 400; // ms
const SLOW = 700; // ms for a phase where they are played one by one
const LOG2 = Math.log(2);

function render({ model, el }) {
  const style = { colours: model.get("colours"), markers: model.get("markers") };
  const fetched = { labels: bytes(model.get("shown_labels")) };
  let [lab, shades, seen, half, playing, queue] = [null, null, null, 4, false, Promise.resolve()];
  let [measured, turn] = [0, 0];

  const plane = new Plane({
    size: SIZE,
    label: "codes, prior samples and the discriminator's field",
    extent: [-half, half, -half, half],
    move: (x, y) => readOut(x, y),
    draw: paint,
  });
  const diagram = new Diagram();
  const losses = new Trace({
    title: "losses",
    top: 2,
    series: [
      { name: "discriminator", colour: () => PRIOR_SIDE },
      { name: "generator", colour: () => CODE_SIDE },
    ],
    levels: [
      { value: 2 * LOG2, name: "2 log 2" },
      { value: LOG2, name: "log 2" },
    ],
  });
  const match = new Trace({
    title: "codes to prior: sliced Wasserstein, × floor",
    top: 10,
    series: [{ name: "× floor", colour: (colours) => colours.ink }],
    levels: [{ value: 1, name: "floor" }],
  });
  const numbers = make("p", { className: "aae-place" });
  const place = make("p", { className: "aae-small" });
  const classes = make("div", {});
  const controls = gameControls({ change, reopen, phase: onePhase, update: oneUpdate, play, reset });
  const { root, say, notice } = page(
    model,
    el,
    "aae-game",
    controls.top,
    make(
      "div",
      { className: "aae-columns" },
      make("div", { className: "aae-stage" }, plane.node, controls.buttons, fieldKey(), classes, place),
      make("div", { className: "aae-side" }, diagram.node, losses.node, match.node, numbers),
    ),
    controls.below,
  );

  // ------------------------------------------------------------- what is trained

  /** Questions to the session follow one another; a failure is shown, and the next may try. */
  function then(task) {
    queue = queue.then(task).catch((error) => notice(`This training failed: ${error.message}`));
    return queue;
  }

  async function images() {
    if (controls.settings.data === "toy") {
      const toy = twoPixelPictures(4096, randomNumbers(7));
      return {
        all: toy.pictures,
        shown: toy.pictures.slice(0, 2 * SHOWN),
        labels: toy.labels.slice(0, SHOWN),
      };
    }
    fetched.training ??= await unpackDigits(model.get("training_digits"));
    fetched.shown ??= await unpackDigits(model.get("shown_digits"));
    return { all: fetched.training, shown: fetched.shown, labels: fetched.labels };
  }

  /** New networks for the settings as they are. */
  function reopen() {
    return then(async () => {
      lab ??= await Laboratory.open();
      const { all, shown, labels } = await images();
      fetched.now = labels;
      showClasses();
      const { build } = await lab.ask({
        kind: "open",
        options: { ...controls.fixed(), ...controls.options() },
        images: all,
        shown: { codes: shown },
        prior: prior(),
        kinds: model.get("kinds").length ? model.get("kinds") : undefined,
      });
      root.dataset.build = build;
      begin(await lab.ask({ kind: "see", look: everything(true) }));
    });
  }

  function prior() {
    const { prior: name, strokes } = controls.settings;
    if (name !== "drawn") return { name };
    if (!strokes.length) return { name: "gaussian" }; // nothing is drawn yet
    return { points: drawnPrior(strokes, 0.12).points.map((value) => 1.4 * value) };
  }

  /** What can change without new networks: dials, mistakes, the prior. */
  function change(name) {
    return then(async () => {
      if (!lab) return;
      if (name === "prior") await lab.ask({ kind: "prior", prior: prior() });
      else await lab.ask({ kind: "set", options: controls.options() });
      show(await lab.ask({ kind: "see", look: everything(true) }));
    });
  }

  function reset() {
    pause();
    return then(async () => {
      await lab.ask({ kind: "reset" });
      begin(await lab.ask({ kind: "see", look: everything(true) }));
    });
  }

  function begin(result) {
    losses.clear();
    match.clear();
    [half, seen] = [4, null];
    show(result);
    diagram.rest(result.phases[0]);
  }

  // -------------------------------------------------------------------- playing

  function everything(withMatch) {
    const extent = [-half, half, -half, half];
    return { codes: true, field: { extent, side: FIELD }, pulls: ARROWS_SHOWN, match: withMatch };
  }

  function onePhase() {
    pause();
    return then(stepOnce);
  }

  async function stepOnce() {
    const result = await lab.ask({ kind: "step", look: everything(true) });
    show(result);
    diagram.light(result.ran, result.phases[result.phase]);
  }

  function oneUpdate() {
    pause();
    return then(async () => {
      const result = await lab.ask({ kind: "run", milliseconds: 0, count: 1, look: everything(true) });
      show(result);
      diagram.light(result.phases.at(-1), result.phases[0]);
    });
  }

  function play() {
    if (playing) return pause();
    playing = true;
    controls.playing(true);
    diagram.aloud(controls.settings.speed === "phases");
    then(async () => {
      let next = null; // frames' updates under way: the session computes while the page paints
      while (playing || next) {
        if (playing && controls.settings.speed === "phases" && !next) await slowly();
        else next = await frame(next);
      }
    });
  }

  function pause() {
    playing = false;
    controls.playing(false);
    diagram.aloud(true);
  }

  async function slowly() {
    await stepOnce();
    await new Promise((done) => setTimeout(done, SLOW));
  }

  /** Asks for the next frame's updates, then shows those that were requested, with the screen. */
  async function frame(request) {
    const ready = request && Promise.all([request, new Promise((done) => requestAnimationFrame(done))]);
    const result = ready && (await ready)[0];
    const next = playing && controls.settings.speed !== "phases" ? updates() : null;
    if (result) showFrame(result);
    return next;
  }

  function updates() {
    const now = performance.now();
    const timely = now - measured > MATCH_EVERY;
    if (timely) measured = now;
    const count = +controls.settings.speed;
    return lab.ask({ kind: "run", milliseconds: 40, count, look: everything(timely) });
  }

  function showFrame(result) {
    show(result);
    const { phases } = result;
    turn = (turn + 1) % (24 * phases.length);
    diagram.light(phases[Math.floor(turn / 24)]);
  }

  // -------------------------------------------------------------------- showing

  function show(result) {
    const wide = halfSide(result.codes.codes, half);
    if (wide !== half) {
      half = wide;
      plane.extent = [-half, half, -half, half];
      result.field = null; // it was made for the other square
    }
    seen = { ...result, match: result.match ?? seen?.match };
    const { reconstruction, discriminator, generator } = result.losses;
    losses.add(result.updates + result.phase / result.phases.length, [discriminator, generator]);
    if (result.match) match.add(result.updates, [result.match.codes]);
    numbers.textContent = words(reconstruction);
    root.dataset.updates = result.updates;
    if (!playing) say(numbers.textContent);
    draw();
  }

  function words(reconstruction) {
    const parts = [`update ${seen.updates}`, losses.said()];
    if (Number.isFinite(reconstruction)) parts.push(`reconstruction ${reconstruction.toPrecision(2)}`);
    if (seen.match) parts.push(`codes at ${said(seen.match.codes, 1)} × floor`);
    return parts.filter(Boolean).join(" · ");
  }

  function draw() {
    if (!shades) return;
    plane.draw();
    losses.draw(shades);
    match.draw(shades);
  }

  function paint(self, context, colours) {
    if (!seen) return;
    if (seen.field) drawOpinion(self, context, colours, seen.field);
    drawSamples(self, context, colours, seen.samples);
    const codes = seen.codes.codes;
    drawPoints(self, context, colours, codes, fetched.now, style, 0.85, 3);
    drawArrows(self, context, colours, codes, seen.pulls);
  }

  function showClasses() {
    if (shades && fetched.now) classes.replaceChildren(legend(fetched.now, style, shades));
  }

  function readOut(x, y) {
    plane.cross(x, y);
    if (!seen?.field) return;
    const at = (value) => Math.round(((value + half) / (2 * half)) * (FIELD - 1));
    const probability = seen.field[(FIELD - 1 - at(y)) * FIELD + at(x)] / 255;
    place.textContent = `D at (${said(x)}, ${said(y)}): ${said(probability)} for "a prior sample"`;
    say(place.textContent);
  }

  const stop = onTheme(root, (colours) => {
    shades = colours;
    controls.theme(colours);
    showClasses();
    draw();
  });
  controls.connect(say);
  plane.cross(0, 0);
  reopen();
  return () => {
    pause();
    stop();
    lab?.close();
  };
}

function fieldKey() {
  const swatch = (name) => make("span", { className: `aae-swatch aae-${name}` });
  return make(
    "p",
    { className: "aae-small aae-key" },
    swatch("prior"),
    'D says "prior sample" ',
    swatch("code"),
    '"code" · small grey dots: prior samples · arrows: where D pulls each code',
  );
}

export default { render };
