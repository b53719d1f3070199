"""How fast is one update of the AAE? Beside a textbook loop, and beside its own floor.

One full update of the paper's algorithm (reconstruction, discriminator, generator) on MNIST, with
784-1000-1000-2 and back, a discriminator 2-1000-1000-1, ReLU, batch 100, one CPU thread:

ours      ``adversarial.train_step`` on minibatches from memory, as in every lesson.
textbook  the same update as tutorials write it: a DataLoader that turns each image into a PIL
          picture, ToTensor and Normalize; a forward pass of the encoder in every phase; real and
          fake codes through the discriminator one after the other; gradients for all networks in
          every phase; three Adams that loop over their parameters; subnormal numbers kept.
floor     what the update can't do without: its matrix products, and a fused Adam over the
          parameters it moves (the encoder twice: it is in two phases), replayed alone.
bfloat16  ours and the floor once more, with the factors of matrix products rounded to bfloat16
          (``training.fit(..., precision="medium")``): only a gain where the processor has units
          for it, and not the same arithmetic, so it has ratios of its own.

All take turns in one process, pinned to one core where the system allows it; times are the
thread's CPU time, so that other programs disturb them less, and rounds that took much longer on
the clock than on the CPU are dropped. The figures are medians over the rounds. "Old" is after 1200
updates of ours and of the textbook, when many of Adam's moments have become subnormal; the row
"kept" is our own update with subnormal numbers kept: whether they cost time depends on the
processor.

    python benchmarks/step.py            # the table, in about a minute on an idle core
    python benchmarks/step.py --old      # and again after 1200 updates, some minutes more
    python benchmarks/step.py --json     # ratio_fresh, over_floor_fresh and medians in ms, the
                                         # same for bfloat16, and for "old"
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from aae_lessons import data, devices
from aae_lessons.models import adversarial
from aae_lessons.priors import Gaussian

BATCH = 100
HIDDEN = (1000, 1000)
OLD = 1200
OURS = ("ours", "ours_kept", "ours_bfloat16")
DISTURBED = 1.5  # times as long on the clock as on the CPU: another program ran
CONFIG = adversarial.Config(
    hidden=HIDDEN,
    discriminator_hidden=HIDDEN,
    reconstruction_lr=1e-3,
    discriminator_lr=1e-3,
    generator_lr=1e-3,
)
Update = Callable[[], object]


# ------------------------------------------------------------------------------ textbook


class Pictures(Dataset):
    """MNIST one picture at a time, as torchvision's own class gives it."""

    def __init__(self, images: data.ImageSet) -> None:
        self.images = images.images.squeeze(1).numpy()
        self.transform = transforms.Compose(
            [transforms.ToPILImage(), transforms.ToTensor(), transforms.Normalize((0.0,), (1.0,))]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Tensor:
        return self.transform(self.images[i])


def textbook_optimizers(model: adversarial.AAE) -> dict[str, Adam]:
    """Three Adams that loop over their parameters."""
    fast = model.optimizers()
    return {
        phase: Adam(
            adam.param_groups[0]["params"], 1e-3, (CONFIG.beta1, 0.999), foreach=False, fused=False
        )
        for phase, adam in fast.items()
    }


def textbook_step(model: adversarial.AAE, adams: dict[str, Adam], x: Tensor) -> dict[str, Tensor]:
    """The same update as ``adversarial.train_step``, the way tutorials write it."""
    ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
    bce = F.binary_cross_entropy_with_logits
    network = model.discriminator.layers

    model.zero_grad()
    x_hat = torch.sigmoid(model.decoder(model.encoder(x)))
    reconstruction = 0.5 * ((x - x_hat) ** 2).sum(1).mean()
    reconstruction.backward()
    adams["reconstruction"].step()

    model.zero_grad()
    real = network(model.prior.sample(len(x)))
    fake = network(model.encoder(x).detach())
    discriminator = bce(real, ones) + bce(fake, zeros)
    discriminator.backward()
    adams["discriminator"].step()

    model.zero_grad()
    generator = bce(network(model.encoder(x)), ones)
    generator.backward()
    adams["generator"].step()
    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


def forever(loader: DataLoader) -> Iterator[Tensor]:
    while True:
        for x in loader:
            yield x.flatten(1)


# --------------------------------------------------------------------------------- floor


def products(model: adversarial.AAE) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The (left, right, out) of every matrix product of one update, outputs allocated.

    A layer of n inputs and m outputs on B rows costs B·n·m three times: forward, gradient of the
    weights, gradient of the input. What an update needs of these: encoder and decoder forward,
    both gradients of all their layers but the encoder's first input; encoder forward again; the
    discriminator forward and back on 2B rows, without the gradient of its input; on B rows
    forward and back to its input, without weights; and back through the encoder.
    """

    def layers(network: nn.Module) -> list[nn.Linear]:
        return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]

    encoder, decoder, discriminator = (
        layers(n) for n in (model.encoder, model.decoder, model.discriminator)
    )
    result: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(rows: int, inner: int, columns: int) -> None:
        left, right = torch.randn(rows, inner), torch.randn(inner, columns)
        result.append((left, right, torch.empty(rows, columns)))

    def run(network: list[nn.Linear], rows: int, weights: bool, first_input: bool, forward=True):
        for i, layer in enumerate(network):
            n, m = layer.in_features, layer.out_features
            if forward:
                add(rows, n, m)
            if weights:
                add(m, rows, n)
            if i or first_input:
                add(rows, m, n)

    run(encoder, BATCH, weights=True, first_input=False)
    run(decoder, BATCH, weights=True, first_input=True)
    run(encoder, BATCH, weights=True, first_input=False)
    run(discriminator, 2 * BATCH, weights=True, first_input=False)
    run(discriminator, BATCH, weights=False, first_input=True)
    return result


def floor_update(model: adversarial.AAE) -> Update:
    """Replays the products and a fused Adam over as many parameters as an update moves."""
    work = products(model)
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    moved = [*encoder, *encoder, *decoder, *model.discriminator.parameters()]
    copies = [nn.Parameter(p.detach().clone()) for p in moved]
    for p in copies:
        p.grad = torch.randn_like(p) * 1e-3
    adam = Adam(copies, 1e-3, fused=True)

    def update() -> None:
        for left, right, out in work:
            torch.mm(left, right, out=out)
        adam.step()

    return update


# ----------------------------------------------------------------------------- measuring


def updates() -> dict[str, Update]:
    """One closure for each contender, each with a model of its own."""
    train = data.mnist("train", "cpu")
    torch.manual_seed(0)
    first = with_relu(adversarial.AAE(Gaussian(2), CONFIG))
    models = {name: copy.deepcopy(first) for name in (*OURS, "textbook")}
    fast = {name: models[name].optimizers() for name in OURS}
    slow = textbook_optimizers(models["textbook"])
    minibatches = data.Minibatches(train, BATCH)
    ours = (batch for epoch in range(10**6) for batch in minibatches.epoch(epoch))
    theirs = forever(DataLoader(Pictures(train), BATCH, shuffle=True, drop_last=True))

    def update(name: str) -> Update:
        return lambda: adversarial.train_step(models[name], fast[name], next(ours))

    return {
        **{name: update(name) for name in OURS},
        "textbook": lambda: textbook_step(models["textbook"], slow, next(theirs)),
        "floor": floor_update(first),
        "floor_bfloat16": floor_update(first),
    }


def with_relu(model: adversarial.AAE) -> adversarial.AAE:
    """The paper's units: their exact zeros are what lets Adam's moments become subnormal."""
    for network in (model.encoder, model.decoder, model.discriminator.layers):
        for i, layer in enumerate(network):
            if isinstance(layer, nn.LeakyReLU):
                network[i] = nn.ReLU()
    return model


def seconds(name: str, update: Update, n: int) -> tuple[float, bool]:
    """CPU seconds of an update, and whether nothing else ran on the core meanwhile."""
    torch.set_flush_denormal(name not in ("textbook", "ours_kept"))
    with devices.matmul_precision("medium" if name.endswith("bfloat16") else "highest"):
        clock, started = time.perf_counter(), time.thread_time()
        for _ in range(n):
            update()
        took, on_clock = time.thread_time() - started, time.perf_counter() - clock
    return took / n, on_clock < DISTURBED * took


def medians(contenders: dict[str, Update], rounds: int, n: int) -> dict[str, float]:
    """Median milliseconds per update, the contenders taking turns; one round is not counted.

    Disturbed rounds are dropped, unless fewer than half of them would be left.
    """
    taken: dict[str, list[tuple[float, bool]]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, update in contenders.items():
            taken[name].append(seconds(name, update, n))
    result = {}
    for name, times in taken.items():
        quiet = [t for t, calm in times[1:] if calm]
        counted = quiet if 2 * len(quiet) >= rounds else [t for t, _ in times[1:]]
        result[name] = 1000 * statistics.median(counted)
    return result


def pin() -> None:
    """Keeps this process on one core, where the system can (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def aged_as(age: str, ms: dict[str, float]) -> dict[str, float]:
    """Milliseconds, and ours by kind of product against textbook and floor."""
    result = {f"{name}_{age}_ms": value for name, value in ms.items()}
    for kind in ("", "_bfloat16"):
        ours = ms[f"ours{kind}"]
        result[f"ratio_{age}{kind}"] = ours / ms["textbook"]
        result[f"over_floor_{age}{kind}"] = ours / ms[f"floor{kind}"]
    return result


def measure(rounds: int = 5, n: int = 4, old: int = 0) -> dict[str, float]:
    """Fresh and, if ``old`` is above 0, again after so many updates of each contender."""
    torch.set_num_threads(1)
    contenders = updates()
    fresh = medians(contenders, rounds, n)
    result = aged_as("fresh", fresh)
    if old:
        for name in (*OURS, "textbook"):
            seconds(name, contenders[name], max(1, old - (rounds + 1) * n))
        aged = medians(contenders, rounds, n)
        result |= aged_as("old", aged) | {"subnormals_cost": aged["ours_kept"] / aged["ours"]}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--old", action="store_true", help="also after 1200 updates")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    pin()
    result = measure(args.rounds, old=OLD if args.old else 0)
    if args.json:
        print(json.dumps({key: round(value, 4) for key, value in result.items()}, indent=1))
        return
    head = ("ms per update", "ours", "textbook", "floor", "ours/textbook", "ours/floor")
    print(f"{head[0]:17}" + "".join(f"{word:>14}" for word in head[1:]))
    for kind in ("", "_bfloat16"):
        for age in ("fresh", "old") if args.old else ("fresh",):
            row = [result[f"{n}_{age}_ms"] for n in (f"ours{kind}", "textbook", f"floor{kind}")]
            shares = (result[f"ratio_{age}{kind}"], result[f"over_floor_{age}{kind}"])
            cells = [f"{ms:14.1f}" for ms in row] + [f"{share:14.3f}" for share in shares]
            print(f"{age + kind.replace('_', ', '):17}" + "".join(cells))
    if args.old:
        cost = result["subnormals_cost"]
        print(f"with subnormal numbers kept, an old update takes {cost:.2f} times ours")


if __name__ == "__main__":
    main()
