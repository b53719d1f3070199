"""The browser's trainer, run under node: its arithmetic and its training against torch's."""

import json
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import Adam

from aae_lessons import data, metrics, priors, training
from aae_lessons.models import adversarial
from aae_lessons.networks import mlp
from aae_lessons.objectives import discriminator_loss, generator_loss, squared_error
from aae_lessons.widgets import bundle

BUILDS = ["relaxed", "simd", "javascript"]
CASES = 20
RELAXED = "--experimental-wasm-relaxed-simd"  # node 20 has these instructions behind a flag
KERNEL = Path(bundle.FOLDER).parent / "kernel"
SHAPES_TOO = bundle.script("shapes")
PHASES = {  # of an update: the networks that it moves, and its loss's name
    "reconstruction": (("encoder", "decoder"), "reconstruction"),
    "discrimination": (("discriminator",), "discriminator"),
    "generation": (("encoder",), "generator"),
}

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

SETUP = """
import { readFileSync, writeFileSync } from "node:fs";
const floatsOf = (path) => new Float32Array(new Uint8Array(readFileSync(path)).buffer);

/** Calls `visit(place)` for each weight in torch's order, but of matrices transposed. */
function visitWeights(net, place, visit) {
  net.layers.forEach(({ n, at, bias }, l) => {
    const [inputs, outputs] = [net.sizes[l], net.sizes[l + 1]];
    for (let i = 0; i < inputs; i++)
      for (let j = 0; j < outputs; j++) visit(place + at + i * n + j);
    for (let j = 0; j < outputs; j++) visit(place + bias + j);
  });
}

/** A trainer whose batch is `x` in order, whose prior samples are always `z`. */
async function prepared(options, x, z, weights, kind) {
  const trainer = await Trainer.create(options, x, { sample: () => z }, [kind]);
  const { floats } = trainer.ops;
  trainer.nextBatch = () => {};
  for (let row = 0; row < options.batch; row++) {
    const image = x.subarray(row * options.pixels, (row + 1) * options.pixels);
    for (const start of [trainer.x, trainer.target])
      floats.set(image, start + row * trainer.width);
  }
  let at = 0;
  for (const net of [trainer.encoder, trainer.decoder, trainer.discriminator])
    visitWeights(net, net.weights, (place) => (floats[place] = weights[at++]));
  return trainer;
}
"""

ONE_OF_EACH = """
const found = [];
for (let i = 0; i < cases.length; i++) {
  const [x, z, w] = ["x", "z", "w"].map((name) => floatsOf(`${folder}/${name}${i}`));
  const trainer = await prepared(cases[i], x, z, w, kind);
  const numbers = [];
  const keep = (net, which) =>
    visitWeights(net, net[which], (place) => numbers.push(trainer.ops.floats[place]));
  for (const [phase, [nets]] of Object.entries(phases)) {
    trainer[phase]();
    for (const name of nets) keep(trainer[name], "gradients");
  }
  for (const name of ["encoder", "decoder", "discriminator"]) keep(trainer[name], "weights");
  writeFileSync(`${folder}/out${i}`, Float32Array.from(numbers));
  found.push(trainer.losses);
}
console.log(JSON.stringify(found));
"""

UPDATES = """
for (let i = 0; i < cases.length; i++) {
  const [x, z, w] = ["x", "z", "w"].map((name) => floatsOf(`${folder}/${name}${i}`));
  const trainer = await prepared(cases[i], x, z, w, kind);
  for (let step = 0; step < updates * trainer.phases.length; step++) {
    trainer.step();
    if (looks) trainer.codes(x.map((value) => 1 - value)); // leaves other images' activations
  }
  const numbers = [];
  for (const net of [trainer.encoder, trainer.decoder, trainer.discriminator])
    visitWeights(net, net.weights, (place) => numbers.push(trainer.ops.floats[place]));
  writeFileSync(`${folder}/out${i}`, Float32Array.from(numbers));
}
console.log(0);
"""

TRAINING = """
const [x, shown] = ["x0", "x1"].map((name) => floatsOf(`${folder}/${name}`));
const trainer = await Trainer.create(options, x, PRIORS.gaussian, [kind]);
for (let i = 0; i < updates; i++) {
  scheduled(trainer, i / updates);
  trainer.update();
}
writeFileSync(`${folder}/codes`, trainer.codes(shown));
console.log(JSON.stringify([trainer.ops.kind, trainer.losses]));
"""


def node(module, script, **values):
    """What a module's script prints under node, as JSON; ``values`` are names in it."""
    names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    text = bundle.script(module) + SETUP + names + script
    command = ["node", RELAXED, "--input-type=module", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write(folder, name, values):
    (folder / name).write_bytes(values.detach().float().contiguous().numpy().tobytes())


def read(path):
    return torch.from_numpy(np.fromfile(path, dtype=np.float32))


class Case:
    """Three random networks, a batch and prior samples, for both sides."""

    def __init__(self, seed, **changed):
        g = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)

        def pick(*choices):
            return choices[torch.randint(len(choices), (1,), generator=g).item()]

        widths = [pick(8, 13, 33, 64) for _ in range(pick(1, 2, 3))]
        discriminator_hidden = [pick(7, 16, 40) for _ in range(pick(1, 2))]
        self.options = {
            "pixels": pick(2, 9, 100, 784),
            "hidden": widths,
            "discriminatorHidden": discriminator_hidden,
            "slope": pick(0.0, 0.2),
            "batch": pick(4, 20, 64, 128),
            "weight": pick(1.0, 10.0),
            "noise": 0,
            "frequencies": pick([], [2], [1.5, 4]),
            "joint": False,
            "rates": dict.fromkeys(("reconstruction", "discriminator", "generator"), 0),
            **changed,
        }
        o = self.options
        leaky = partial(nn.LeakyReLU, o["slope"])
        self.encoder = mlp((o["pixels"], *widths, 2), leaky)
        self.decoder = mlp((2, *reversed(widths), o["pixels"]), leaky)
        inputs = 2 * (1 + 2 * len(o["frequencies"]))
        self.discriminator = mlp((inputs, *discriminator_hidden, 1), leaky)
        self.x = torch.rand(o["batch"], o["pixels"])
        self.z_prior = torch.randn(o["batch"], 2)

    def numbers(self, name, of):
        """A network's weights or gradients in the order of the browser's file."""
        layers = getattr(self, name)[::2]
        values = [(of(layer.weight).T.flatten(), of(layer.bias)) for layer in layers]
        return torch.cat([part for pair in values for part in pair])

    def weights(self):
        return torch.cat([self.numbers(n, lambda p: p) for n in ("encoder", "decoder")]), (
            self.numbers("discriminator", lambda p: p)
        )

    def write(self, folder, i):
        write(folder, f"x{i}", self.x)
        write(folder, f"z{i}", self.z_prior)
        write(folder, f"w{i}", torch.cat(self.weights()))

    def loss(self, phase):
        z = self.encoder(self.x)
        if phase == "reconstruction":
            return squared_error(self.decoder(z), self.x)
        if phase == "discrimination":
            both = torch.cat([self.z_prior, z.detach()])
            return discriminator_loss(*self.logits(both).split(len(z)))
        return self.options["weight"] * generator_loss(self.logits(z))

    def logits(self, z):
        """The discriminator's, of codes and their waves."""
        waves = [
            wave(f * z) for f in self.options["frequencies"] for wave in (torch.sin, torch.cos)
        ]
        return self.discriminator(torch.cat([z, *waves], dim=1)).squeeze(1)

    def play(self, updates):
        """So many updates by torch, an Adam for each phase."""
        names = {"joint": ("encoder", "decoder")} | {p: nets for p, (nets, _) in PHASES.items()}
        adams = {
            phase: Adam(
                [p for n in nets for p in getattr(self, n).parameters()], 5e-3, (0.5, 0.999)
            )
            for phase, nets in names.items()
        }
        for _ in range(updates):
            for phase in ("discrimination", "joint") if self.options["joint"] else PHASES:
                parts = ("reconstruction", "generation") if phase == "joint" else (phase,)
                adams[phase].zero_grad()
                sum(map(self.loss, parts)).backward()
                adams[phase].step()


def relative(mine, theirs):
    return ((mine - theirs).norm() / theirs.norm()).item()


@needs_node
@pytest.mark.parametrize("kind", BUILDS)
def test_gradients_are_torchs(tmp_path, kind):
    cases = [Case(seed) for seed in range(CASES)]
    for i, case in enumerate(cases):
        case.write(tmp_path, i)
    options = [case.options for case in cases]
    folder = str(tmp_path)
    losses = node("trainer", ONE_OF_EACH, folder=folder, cases=options, kind=kind, phases=PHASES)
    for i, case in enumerate(cases):
        numbers = read(tmp_path / f"out{i}")
        for phase, (nets, name_of_loss) in PHASES.items():
            parameters = [p for name in nets for p in getattr(case, name).parameters()]
            loss = case.loss(phase)
            gradients = dict(zip(parameters, torch.autograd.grad(loss, parameters), strict=True))
            for name in nets:
                expected = case.numbers(name, gradients.__getitem__)
                mine, numbers = numbers.split([len(expected), len(numbers) - len(expected)])
                assert relative(mine, expected) <= 1e-5, (i, phase, name)
            weight = case.options["weight"] if phase == "generation" else 1
            assert losses[i][name_of_loss] * weight == pytest.approx(loss.item(), rel=1e-5)
        assert torch.equal(numbers, torch.cat(case.weights()))  # rates of 0 move nothing


@needs_node
@pytest.mark.parametrize("kind", BUILDS)
def test_an_adam_step_is_torchs(tmp_path, kind):
    rates = {"reconstruction": 2e-3, "discriminator": 0, "generator": 0}
    cases = [Case(seed, rates=rates, beta1=0.5) for seed in range(5)]
    for i, case in enumerate(cases):
        case.write(tmp_path, i)
    options, folder = [case.options for case in cases], str(tmp_path)
    node("trainer", ONE_OF_EACH, folder=folder, cases=options, kind=kind, phases=PHASES)
    for i, case in enumerate(cases):
        parameters = [*case.encoder.parameters(), *case.decoder.parameters()]
        adam = Adam(parameters, 2e-3, (0.5, 0.999))
        case.loss("reconstruction").backward()
        before = case.weights()[0].detach().clone()
        adam.step()
        expected = case.weights()[0].detach()
        mine = read(tmp_path / f"out{i}")[-sum(map(len, case.weights())) :][: len(expected)]
        assert relative(mine, expected) <= 1e-5
        assert relative(mine - before, expected - before) <= 1e-2  # signs of gradients near 0


@needs_node
@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("joint", [False, True])
def test_several_updates_are_torchs(tmp_path, joint, looks):
    """Codes are kept from phase to phase: not beyond a move of Q, nor a look at other images."""
    rates = dict.fromkeys(("reconstruction", "discriminator", "generator"), 5e-3)
    cases = [Case(seed, rates=rates, beta1=0.5, joint=joint) for seed in range(3)]
    for i, case in enumerate(cases):
        case.write(tmp_path, i)
    options, folder = [case.options for case in cases], str(tmp_path)
    values = {"cases": options, "kind": "simd", "updates": 3, "looks": looks}
    node("trainer", UPDATES, folder=folder, **values)
    for i, case in enumerate(cases):
        before = torch.cat(case.weights()).detach()
        case.play(3)
        expected = torch.cat(case.weights()).detach()
        assert relative(read(tmp_path / f"out{i}") - before, expected - before) <= 1e-2


@needs_node
def test_training_reaches_what_torchs_does(tmp_path):
    """The joint step on 2,000 digits: reconstruction and match after 600 updates."""
    torch.manual_seed(0)
    train = data.mnist("train", "cpu").subset(slice(0, 2000))
    shown = data.mnist("test", "cpu").subset(slice(0, 1000))
    write(tmp_path, "x0", train.x)
    write(tmp_path, "x1", shown.x)
    values = {"folder": str(tmp_path), "options": {"seed": 1}, "updates": 620, "kind": "simd"}
    ran, losses = node("trainer", TRAINING, **values)
    mine = read(tmp_path / "codes").view(-1, 2)
    config = adversarial.JointConfig(
        hidden=(128, 128),
        discriminator_hidden=(128, 128),
        lr=2e-3,
        discriminator_lr=2e-3,
        noise=0.3,
    )
    model = adversarial.AAE(priors.Gaussian(2), config)
    training.fit(
        adversarial.joint_step,
        model,
        data.Minibatches(train, size=64),
        epochs=20,
        schedule=training.constant_then_linear,
        on_step=adversarial.anneal_noise,
        progress=False,
    )
    theirs = model.encode(shown.x).detach()
    over = [metrics.sliced_wasserstein_over_floor(z, priors.Gaussian(2)) for z in (mine, theirs)]
    assert ran == "simd" and losses["discriminator"] > 0.8
    assert max(over) < 6 and over[0] < 2 * over[1]
    assert 0.5 < losses["reconstruction"] / (784 * 0.5 * 0.05) < 1.5


BATCHES = """
const side = 6;
const images = Float32Array.from({ length: 36 }, (_, i) => i + 1); // every pixel differs
const options = { pixels: 36, hidden: [8], discriminatorHidden: [8], batch: 64, noise: 0.7 };
const prior = { sample: (n) => new Float32Array(2 * n) };
const make = (more) => Trainer.create({ ...options, ...more }, images, prior, [kind]);
const still = await make({ shift: 1 });
const noisy = await make({ pixelNoise: 0.5, noiseUntil: 0.8 });
const { floats } = noisy.ops;
const rows = (values, at) =>
  Array.from({ length: 64 }, (_, row) =>
    Array.from(values.subarray(at + 40 * row, at + 40 * row + 36)));
const moved = rows(still.ops.floats, still.target);
const [clean, off] = [noisy.target, noisy.x].map((at) => rows(floats, at));
const z = noisy.encode();
noisy.show(null, z);
const seen = Array.from({ length: 128 }, (_, i) => {
  const [row, j] = [i >> 1, i % 2];
  return floats[noisy.both + 8 * row + j] - floats[z + 8 * row + j];
});
const plan = [0, 0.25, 0.5, 0.75, 1].map((done) => {
  scheduled(noisy, done);
  return [noisy.decay, noisy.noise];
});
console.log(JSON.stringify({ moved, clean, off, seen, plan }));
"""


@needs_node
@pytest.mark.parametrize("kind", ["simd", "javascript"])
def test_batches_move_and_are_noisy_and_the_schedule_ends_both(kind):
    found = node("trainer", BATCHES, kind=kind)
    image = torch.arange(1.0, 37).view(6, 6)
    framed = torch.zeros(8, 8)
    framed[1:7, 1:7] = image
    places = [framed[1 - dy : 7 - dy, 1 - dx : 7 - dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    moved = torch.tensor(found["moved"]).view(64, 6, 6)
    which = [[torch.equal(one, place) for place in places].index(True) for one in moved]
    assert set(which) == set(range(9))
    clean, off = torch.tensor(found["clean"]), torch.tensor(found["off"])
    assert (clean == image.flatten()).all()
    assert (off - clean).std().item() == pytest.approx(0.5, rel=0.1)
    seen = torch.tensor(found["seen"])
    assert seen.std().item() == pytest.approx(0.7, rel=0.25) and abs(seen.mean()) < 0.2
    decay, noise = zip(*found["plan"], strict=True)
    assert decay == pytest.approx((1, 1, 1, 0.5, 0))
    assert noise == pytest.approx((0.7, 0.48125, 0.2625, 0.04375, 0))


MEASURES = """
const points = floatsOf(`${folder}/points`);
const match = new Match(PRIORS.gaussian, points.length / 2, randomNumbers(3));
const strokes = [[-1, 0, 1, 0], [0, 2]]; // a line, and a dot
const places = Float32Array.from([0, 0.09, 0, 0.11, 1.09, 0, 1.11, 0, 0.05, 2.05, 0.1, 2.1, 5, 5]);
const off = [];
for (let i = 0; i < places.length; i += 2)
  off.push(offTheInk(places.slice(i, i + 2), strokes, 0.1));
const all = offTheInk(places, strokes, 0.1);
console.log(JSON.stringify({ match: match.of(points), off, all }));
"""


@needs_node
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.0), (0.0, 1.6)])
def test_measures_are_the_packages(tmp_path, shift, scale):
    torch.manual_seed(0)
    z = shift + scale * torch.randn(800, 2)
    write(tmp_path, "points", z)
    found = node("session", MEASURES, folder=str(tmp_path))
    expected = metrics.sliced_wasserstein_over_floor(z, priors.Gaussian(2))
    assert found["match"] == pytest.approx(expected, rel=0.25)
    assert found["off"] == [0, 1, 0, 1, 0, 1, 1] and found["all"] == pytest.approx(4 / 7)


GAMES = """
const toy = twoPixelPictures(4096, randomNumbers(7)).pictures;
const random = randomNumbers(1);
const match = new Match(PRIORS.gaussian, 500, random);
const rates = { reconstruction: 5e-4, discriminator: 2e-3, generator: 2e-3 };
const small = { pixels: 2, hidden: [64, 64], discriminatorHidden: [64, 64], noise: 0, batch: 128 };
const found = {};
for (const [name, { weak, updates, ...changed }] of Object.entries(games)) {
  found[name] = [];
  for (const seed of [0, 1, 2]) {
    const own = { ...rates, discriminator: rates.discriminator * (weak ? 0.01 : 1) };
    const options = { ...small, joint: false, weight: 1, rates: own, ...changed, seed };
    const trainer = await Trainer.create(options, toy, PRIORS.gaussian, ["simd"]);
    for (let i = 0; i < updates; i++) trainer.update();
    found[name].push({ match: match.of(trainer.codes(toy.slice(0, 1000))), ...trainer.losses });
  }
}
console.log(JSON.stringify(found));
"""
SOON = {"updates": 300}  # what these do is there after 200 updates, and stays
MISTAKES = {
    "right": {"updates": 600},
    "large λ": {"weight": 40, "updates": 600},
    "swapped": {"mistakes": {"swapped": True}, **SOON},
    "no generator": {"mistakes": {"noGenerator": True}, **SOON},
    "fools nobody": {"mistakes": {"foolsNobody": True}, **SOON},
    "strong": {"discriminatorUpdates": 20, "updates": 120},
    "weak": {"weak": True, "updates": 1000},
    "joined": {"mistakes": {"leaking": True}, **SOON},
}


@needs_node
def test_every_mistake_of_the_game_does_what_its_answer_says():
    """On pictures of two pixels, three seeds each: the explorer's hints and folded answers."""
    played = node("session", GAMES, games=MISTAKES)

    def lowest(game, name):
        return min(one[name] for one in played[game])

    def highest(game, name):
        return max(one[name] for one in played[game])

    assert highest("strong", "match") < 4.5
    for right in ("right", "large λ"):
        assert highest(right, "match") < 4.5
        assert lowest(right, "discriminator") > 1.2 and highest(right, "generator") < 0.85
    for fleeing in ("swapped", "fools nobody"):
        assert lowest(fleeing, "match") > 30
        assert highest(fleeing, "discriminator") < 0.1 and highest(fleeing, "generator") < 0.1
    assert lowest("no generator", "match") > 4.5
    assert highest("no generator", "discriminator") < 1.2
    assert lowest("weak", "match") > 4.5 and lowest("joined", "match") > 4.5
    assert lowest("weak", "discriminator") > 1.3 and highest("weak", "discriminator") < 1.45
    assert highest("joined", "discriminator") < 1


WEIGHTS = """
const [x, shown] = ["x0", "x1"].map((name) => floatsOf(`${folder}/${name}`));
const match = new Match(PRIORS.gaussian, shown.length / 784, randomNumbers(1));
const found = [];
for (const weight of [0, 1, 40]) {
  const rates = { reconstruction: 5e-4, discriminator: 2e-3, generator: 2e-3 };
  const trainer = await Trainer.create({ weight, rates }, x, PRIORS.gaussian, ["simd"]);
  let cost = 0;
  for (let i = 0; i < 700; i++) {
    trainer.update();
    cost = 0.98 * cost + 0.02 * trainer.losses.reconstruction;
  }
  found.push([cost, match.of(trainer.codes(shown))]);
}
console.log(JSON.stringify(found));
"""


@needs_node
def test_lambda_weighs_the_match_against_the_cost_in_the_joint_step(tmp_path):
    write(tmp_path, "x0", data.mnist("train", "cpu").subset(slice(0, 2000)).x)
    write(tmp_path, "x1", data.mnist("test", "cpu").subset(slice(0, 400)).x)
    none, one, large = node("session", WEIGHTS, folder=str(tmp_path))
    assert none[1] > 20 and one[1] < 8
    assert large[0] > 1.1 * one[0]


DRAWN = """
const images = Float32Array.from({ length: 784 * 40 }, (_, i) => (i % 7 ? 0 : 1));
const strokes = SHAPES["two ovals"];
const { points, middle, spread } = drawnPrior(strokes, 0.12);
const session = new Session();
const shown = { test: images.slice(0, 784 * 10) };
const begin = { options: OPTIONS, images, shown, prior: { points }, kinds: ["simd"] };
const { build } = await session.answer({ kind: "open", ...begin });
const look = { codes: true, match: true, ink: { strokes, reach: 0.06, middle, spread } };
const plan = { milliseconds: 1e6, count: 20, until: 20 };
const found = await session.answer({ kind: "run", ...plan, look });
await session.answer({ kind: "prior", prior: { points: drawnPrior(SHAPES.ring, 0.12).points } });
const more = { milliseconds: 0, from: 20, until: 10 };
const later = await session.answer({ kind: "run", ...more, look: {} });
const field = { extent: [-2, 2, -2, 2], side: 8 };
const seen = await session.answer({ kind: "see", look: { field, pulls: 4 } });
const numbers = [...found.codes.test, ...seen.field, ...seen.pulls];
const finite = [numbers.length, numbers.every(Number.isFinite)];
console.log(JSON.stringify([build, found.done, later.updates, found.match, found.ink, finite]));
"""


@needs_node
def test_a_drawn_prior_is_trained_on_and_can_be_redrawn():
    build, done, updates, match, ink, finite = node("painting", SHAPES_TOO + DRAWN)
    assert (build, done, updates) == ("simd", 20, 21)
    assert match["test"] > 1 and 0 <= ink["test"] <= 1
    assert finite == [20 + 64 + 8, True]


PACED = """
const watch = ({ update, picture, measurement }, until) => {
  const pace = new Pace();
  const seen = { picture: [], measurement: [] };
  let [now, looking] = [0, 0];
  while (now < until) {
    const what = pace.next(now);
    const took = { training: update * Math.max(1, Math.floor(30 / update)), looking: 0 };
    if (what) took.looking = what === "picture" ? picture : measurement;
    now += took.training + took.looking;
    looking += took.looking;
    if (what) seen.picture.push(now);
    if (what === "measurement") seen.measurement.push(now);
    pace.count(what, took);
  }
  const longest = (times) => Math.max(...times.map((at, i) => at - (times[i - 1] ?? 0)));
  const { picture: all, measurement: some } = seen;
  const rates = [all, some].map(({ length }) => (1000 * length) / now);
  return { rates, longest: [all, some].map(longest), share: looking / now };
};
console.log(JSON.stringify(cases.map((costs) => watch(costs, 30000))));
"""


@needs_node
def test_a_training_is_watched_within_a_share_of_its_time():
    """Costs in ms as measured: WebAssembly, plain JavaScript, and the same eight times as slow."""
    quick = {"update": 2.6, "picture": 1.5, "measurement": 8}
    plain = {"update": 19, "picture": 15, "measurement": 35}
    phone = {name: 8 * cost for name, cost in plain.items()}
    often, slower, slowest = node("painting", PACED, cases=[quick, plain, phone])
    assert often["rates"][0] > 12 and often["rates"][1] > 1.2 and often["share"] < 0.06
    assert slower["rates"][0] > 3 and slower["rates"][1] > 0.8 and 0.07 < slower["share"] < 0.11
    assert slower["longest"][0] <= 600 and slower["longest"][1] <= 1500
    assert slowest["longest"][0] <= 2500 and slowest["longest"][1] <= 5500  # it still moves
    assert slowest["share"] < 0.15


WATCHED = """
const images = Float32Array.from({ length: 784 * 40 }, (_, i) => (i % 7 ? 0 : 1));
const shown = { test: images.slice(0, 784 * 8), training: images.slice(0, 784 * 12) };
const session = new Session();
let clock = 0;
performance.now = () => clock;
const { update } = Trainer.prototype;
Trainer.prototype.update = function () {
  clock += 40;
  update.call(this);
};
const look = session.look.bind(session);
session.look = (what) => {
  if (what.codes) clock += cost;
  return look(what);
};
const asked = [];
const log = [];
const painting = new Painting({}, (state) => log.push(state), { kinds: ["simd"] });
Object.assign(painting, { images, shown });
painting.lab = {
  slice: 0,
  close() {},
  ask: async (message) => {
    asked.push(message.kind);
    log.push(message);
    if (asked.length === 1 + redrawn) painting.redraw(SHAPES.ring, 0.12); // within this run
    return session.answer(message);
  },
};
await painting.start(SHAPES["two ovals"], 0.12, 12);
const { trainer } = session;
const now = { match: session.matches, codes: session.codes() };
const { strokes, reach } = painting.ink;
const last = log.findLast(({ measured }) => measured).measured;
const exact = Object.entries(now.codes).every(
  ([name, z]) =>
    last.match[name] === now.match[name].of(z) &&
    last.ink[name] === offTheInk(onPaper(z, painting.ink), strokes, reach),
);
const runs = log.filter(({ kind }) => kind === "run");
const looks = runs.map(({ look }) => [look.codes, !!look.match]);
const drawn = log.findLast(({ codes }) => codes).codes;
const same = drawn.every((value, i) => value === onPaper(now.codes.test, painting.prior)[i]);
const kinds = log.map(({ kind, codes }) => kind ?? (codes ? "seen" : "said"));
console.log(JSON.stringify({ asked, kinds, looks, exact, same, updates: trainer.updates }));
"""


@needs_node
@pytest.mark.parametrize(
    ("cost", "redrawn", "looks"), [(0, 7, (8, 12)), (500, 7, (2, 4)), (500, 12, (2, 5))]
)
def test_the_painter_looks_at_what_it_shows_and_is_exact_at_the_end(cost, redrawn, looks):
    """By a clock of its own: an update takes 40 ms, a look so many as ``cost`` says."""
    found = node("painting", SHAPES_TOO + WATCHED, cost=cost, redrawn=redrawn)
    assert found["updates"] == found["asked"].count("run") == redrawn + 12  # 12 are the ring's
    assert found["asked"].count("prior") == 1 and found["asked"][-1] == "see"
    assert found["exact"] and found["same"]
    for codes, measured in found["looks"]:
        assert codes is True if measured else codes in (False, ["test"])
    seen = [kind for kind in found["kinds"] if kind != "said"]
    first = seen.index("seen")
    assert seen[first - 1] == "run" and seen[first - 2] == "run"  # asked for before it is painted
    looked = sum(bool(codes) for codes, _ in found["looks"])
    assert seen.count("seen") == looked + 1  # a reply without anything to see paints nothing
    assert looks[0] <= looked <= looks[1]


@needs_node
@pytest.mark.skipif(
    not (Path(os.environ.get("AAE_WABT", KERNEL)) / "node_modules" / "wabt").is_dir(),
    reason="npm's wabt is not installed: AAE_WABT names a folder that has it in node_modules",
)
def test_the_stored_kernel_is_the_sources(tmp_path):
    for name in ("widgets/kernel", "widgets/js"):
        shutil.copytree(KERNEL.parent.parent / name, tmp_path / name)
    modules = Path(os.environ.get("AAE_WABT", KERNEL)) / "node_modules"
    (tmp_path / "widgets/kernel/node_modules").symlink_to(modules.resolve())
    command = ["node", "build.mjs", "--check"]
    done = subprocess.run(command, cwd=tmp_path / "widgets/kernel", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_both_kernels_inlined_are_small():
    assert (bundle.FOLDER / "kernel_bytes.js").stat().st_size <= 10_000
