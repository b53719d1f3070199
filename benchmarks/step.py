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

All take turns in one process; the figures are medians over the rounds. "Old" is after 1200
updates of ours and of the textbook, when many of Adam's moments have become subnormal.

    python benchmarks/step.py            # the table
    python benchmarks/step.py --json     # ratio_fresh, ratio_old, over_floor and medians in ms,
                                         # and the first three again for bfloat16
"""

from __future__ import annotations

import argparse
import copy
import json
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
OURS = ("ours", "ours_bfloat16")
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
    discriminator = model.discriminator.layers

    model.zero_grad()
    x_hat = torch.sigmoid(model.decoder(model.encoder(x)))
    reconstruction = 0.5 * ((x - x_hat) ** 2).sum(1).mean()
    reconstruction.backward()
    adams["reconstruction"].step()

    model.zero_grad()
    real = discriminator(model.prior.sample(len(x)))
    fake = discriminator(model.encoder(x).detach())
    discriminator = bce(real, ones) + bce(fake, zeros)
    discriminator.backward()
    adams["discriminator"].step()

    model.zero_grad()
    generator = bce(discriminator(model.encoder(x)), ones)
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


def seconds(name: str, update: Update, n: int) -> float:
    torch.set_flush_denormal(name != "textbook")
    with devices.matmul_precision("medium" if name.endswith("bfloat16") else "highest"):
        started = time.perf_counter()
        for _ in range(n):
            update()
        return (time.perf_counter() - started) / n


def medians(contenders: dict[str, Update], rounds: int, n: int) -> dict[str, float]:
    """Median milliseconds an update, the contenders taking turns; one round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, update in contenders.items():
            taken[name].append(1000 * seconds(name, update, n))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def ratios(fresh: dict[str, float], aged: dict[str, float], kind: str = "") -> dict[str, float]:
    """Ours, of one kind of product, against the textbook and against the floor of that kind."""
    ours, floor = f"ours{kind}", f"floor{kind}"
    return {
        "ratio_fresh": fresh[ours] / fresh["textbook"],
        "ratio_old": aged[ours] / aged["textbook"],
        "over_floor": fresh[ours] / fresh[floor],
        "over_floor_old": aged[ours] / aged[floor],
    }


def measure(rounds: int = 7, n: int = 10, old: int = OLD) -> dict[str, float]:
    """Fresh, then after ``old`` updates of ours and of the textbook."""
    torch.set_num_threads(1)
    contenders = updates()
    fresh = medians(contenders, rounds, n)
    done = (rounds + 1) * n
    for name in (*OURS, "textbook"):
        seconds(name, contenders[name], max(1, old - done))
    aged = medians(contenders, rounds, n)
    return {
        **ratios(fresh, aged),
        **{f"{key}_bfloat16": v for key, v in ratios(fresh, aged, "_bfloat16").items()},
        **{f"{name}_fresh_ms": ms for name, ms in fresh.items()},
        **{f"{name}_old_ms": ms for name, ms in aged.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    result = measure(args.rounds)
    if args.json:
        print(json.dumps({key: round(value, 4) for key, value in result.items()}, indent=1))
        return
    head = ("ms an update", "ours", "textbook", "floor", "ours/textbook", "ours/floor")
    print(f"{head[0]:17}" + "".join(f"{word:>14}" for word in head[1:]))
    for kind in ("", "_bfloat16"):
        for age in ("fresh", "old"):
            row = [result[f"{n}_{age}_ms"] for n in (f"ours{kind}", "textbook", f"floor{kind}")]
            over = result["over_floor" + ("_old" if age == "old" else "") + kind]
            cells = [f"{ms:14.1f}" for ms in row]
            cells += [f"{ratio:14.3f}" for ratio in (result[f"ratio_{age}{kind}"], over)]
            print(f"{age + kind.replace('_', ', '):17}" + "".join(cells))


if __name__ == "__main__":
    main()
