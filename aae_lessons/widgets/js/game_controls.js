// The game's settings: data, algorithm, prior, dials, and mistakes to switch on.

import { make, said, slider } from "./page.js";
import { SHAPES } from "./shapes.js";
import { rounded, Sketch } from "./sketch.js";

const DATA = { toy: "pictures of two pixels", digits: "digits (2,000 of MNIST)" };
const ALGORITHMS = { phases: "three phases (the paper)", joint: "joint step: cost + λ · generator" };
const PRIOR_NAMES = { gaussian: "Gaussian", ring: "ring", roll: "roll", drawn: "drawn by hand" };
const SPEEDS = { phases: "a phase at a time", 1: "1 update a frame", 10: "10 updates a frame" };
/** Of each mistake: what it is called, and what to look at while it is on. */
const MISTAKES = {
  swapped: [
    "real and fake swapped",
    "D calls codes real, the encoder climbs towards what D calls real: codes flee the prior, with both losses near 0.",
  ],
  noGenerator: [
    "no generator phase",
    "Nobody pulls the codes: they rebuild well and stay off the prior, and D's loss stays below 2 log 2.",
  ],
  foolsNobody: [
    "a generator that fools nobody",
    "The encoder descends D's own loss: the arrows point away from the prior, both losses fall to 0.",
  ],
  strong: [
    "D too strong (20 updates)",
    "Is it a mistake at all? Compare the match after as many updates, and the time that they take.",
  ],
  weak: [
    "D too weak (a hundredth of its rate)",
    "D says ½ nearly everywhere: the losses rest near their dotted lines while the codes are adrift.",
  ],
  leaking: [
    "phases joined into one sum",
    "D descends the generator's loss too, and the players' gradients cancel: the codes don't match.",
  ],
};
const tenths = (value) => (10 ** value).toPrecision(2);

/** Data that decide the networks' sizes: a change of these begins anew. */
const BEGINNINGS = {
  toy: { pixels: 2, hidden: [64, 64], noise: 0 },
  digits: { pixels: 784, hidden: [128, 128], noise: 0.3 },
};

/**
 * Controls and their settings. change(name), reopen(): called when something has changed, the
 * second where new networks are needed. phase, update, play, reset: what the buttons do.
 */
export function gameControls({ change, reopen, phase, update, play, reset }) {
  const settings = {
    data: "toy",
    algorithm: "phases",
    prior: "gaussian",
    speed: "10",
    strokes: rounded(SHAPES.heart),
    dials: { weight: 1, reconstruction: -3.3, discriminator: -2.7, generator: -2.7, updates: 1 },
    width: 64,
    batch: 128,
    mistakes: {},
  };
  const choose = (label, options, name, act) => {
    const items = Object.entries(options).map(([value, text]) => make("option", { value }, text));
    const node = make("select", { "aria-label": label }, ...items);
    node.value = settings[name];
    node.addEventListener("change", () => {
      settings[name] = node.value;
      act();
    });
    return make("label", { className: "aae-choice" }, label, node);
  };
  const button = (text, act, className = "") => {
    const node = make("button", { type: "button", className }, text);
    node.addEventListener("click", act);
    return node;
  };
  const dial = (label, [min, max, step], name, show) =>
    slider({
      label,
      min,
      max,
      step,
      value: settings.dials[name],
      show,
      change(value) {
        settings.dials[name] = value;
        change(name);
      },
    }).row;
  const size = (label, [min, max], name) =>
    slider({
      label,
      min: Math.log2(min),
      max: Math.log2(max),
      step: 1,
      value: Math.log2(settings[name]),
      show: (value) => String(2 ** value),
      change(value) {
        settings[name] = 2 ** value;
        reopen();
      },
    }).row;
  const mistake = (name) => {
    const [called, watch] = MISTAKES[name];
    const box = make("input", { type: "checkbox" });
    const advice = make("p", { className: "aae-small aae-watch", hidden: true }, watch);
    box.addEventListener("change", () => {
      settings.mistakes[name] = box.checked;
      advice.hidden = !box.checked;
      change(name);
    });
    return make("div", {}, make("label", { className: "aae-check" }, box, called), advice);
  };
  const drawing = make("div", { hidden: true });
  let say = () => {};
  const redrawn = (strokes) => {
    settings.strokes = strokes;
    sketch.draw();
    change("prior");
  };
  const sketch = new Sketch({
    size: 170,
    label: "drawing of the prior",
    strokes: () => settings.strokes,
    brush: () => 0.12,
    add: (stroke) => redrawn([...settings.strokes, stroke]),
    blocked: () => false,
    over: () => {},
    say: (words) => say(words),
  });
  drawing.append(sketch.canvas, button("clear", () => redrawn(settings.strokes.slice(0, 0))));
  const playButton = button("play", play, "aae-primary");
  const top = make(
    "div",
    { className: "aae-choose" },
    choose("data", DATA, "data", reopen),
    choose("algorithm", ALGORITHMS, "algorithm", () => change("algorithm")),
    choose("prior", PRIOR_NAMES, "prior", () => {
      drawing.hidden = settings.prior !== "drawn";
      change("prior");
    }),
    choose("speed", SPEEDS, "speed", () => {}),
    drawing,
  );
  const lambda = dial("λ", [0, 40, 0.5], "weight", (value) => said(value, 1));
  const dials = make(
    "fieldset",
    {},
    make("legend", {}, "dials"),
    lambda,
    dial("rate, reconstruction", [-4.3, -2, 0.1], "reconstruction", tenths),
    dial("rate, discriminator", [-4.3, -2, 0.1], "discriminator", tenths),
    dial("rate, generator", [-4.3, -2, 0.1], "generator", tenths),
    dial("updates of D", [1, 20, 1], "updates", (value) => String(value)),
    size("width of D", [8, 128], "width"),
    size("batch", [8, 256], "batch"),
  );
  const mistakes = make(
    "fieldset",
    {},
    make("legend", {}, "mistakes to switch on"),
    ...Object.keys(MISTAKES).map(mistake),
  );
  return {
    settings,
    top,
    buttons: make(
      "div",
      { className: "aae-row" },
      button("one phase", phase),
      button("one update", update),
      playButton,
      button("reset", reset),
    ),
    below: make("div", { className: "aae-grid aae-settings" }, dials, mistakes),
    playing: (now) => (playButton.textContent = now ? "pause" : "play"),
    fixed: () => ({
      ...BEGINNINGS[settings.data],
      discriminatorHidden: [settings.width, settings.width],
      batch: settings.batch,
      beta1: 0.5,
    }),
    options: () => optionsOf(settings),
    connect(listener) {
      say = listener;
    },
    theme: (shades) => sketch.draw(shades),
  };
}

/** The trainer's options that a run may change; a mistake overrules its dial. */
function optionsOf({ algorithm, dials, mistakes }) {
  const { strong, weak, ...others } = mistakes;
  return {
    joint: algorithm === "joint",
    weight: dials.weight,
    rates: {
      reconstruction: 10 ** dials.reconstruction,
      discriminator: 10 ** dials.discriminator * (weak ? 0.01 : 1),
      generator: 10 ** dials.generator,
    },
    discriminatorUpdates: strong ? 20 : dials.updates,
    mistakes: others,
  };
}
