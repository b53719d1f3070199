"""Ten seeds of lesson 2's AAE in one process: does a leading seed axis save time on a CPU?

The weights of ten models are stacked (``torch.func.stack_module_state``), and one update of
``adversarial.joint_step`` is computed for all of them at once: every matrix product is a batch of
ten, every optimizer is one fused Adam over the stacked weights. Each seed keeps its own minibatch.
Before anything is timed, the stacked update is compared with ten separate ones.

    python benchmarks/seeds.py          # in about ten seconds of CPU time
    python benchmarks/seeds.py --again  # anew, not from results/seeds.json

Times are multiples of one seed's. For the lesson's 256 units a layer and for 32: the narrower the
layers are, the more of an update is calls of small operations, which a seed axis shares, and the
less is matrix products, which are ten times as many however they are arranged.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import step as measuring
import torch
from results import Results, machine
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import data, devices
from aae_lessons.models import adversarial
from aae_lessons.objectives import descend
from aae_lessons.priors import Gaussian

SEEDS, BATCH = 10, 128
WIDTHS = (256, 32)


class Stacked:
    """Several models of one architecture as one, with a leading axis for the seed.

    Args:
        models: AAEs of the same configuration, on a Gaussian prior.
    """

    def __init__(self, models: Sequence[adversarial.AAE]) -> None:
        self.config, self.prior = models[0].config, models[0].prior
        self.encode, encoder = stacked([m.encoder for m in models])
        self.decode, decoder = stacked([m.decoder for m in models])
        self.discriminate, discriminator = stacked([m.discriminator for m in models])
        betas = (self.config.beta1, 0.999)
        self.weights = {"autoencoder": [*encoder, *decoder], "discriminator": discriminator}
        rates = {"autoencoder": self.config.lr, "discriminator": self.config.discriminator_lr}
        self.adams = {k: Adam(w, rates[k], betas, fused=True) for k, w in self.weights.items()}

    def update(self, x: Tensor, z_prior: Tensor) -> None:
        """One ``joint_step`` of every seed; x: (S, B, 784), z_prior: (S, B, d).

        Losses are summed over the seeds: no weight of one seed has a gradient from another's.
        """
        z = self.encode(x)
        logits = self.discriminate(torch.cat([z_prior, z.detach()], 1))
        real, fake = logits.split(x.shape[1], 1)
        discriminator = F.softplus(-real).mean(1).sum() + F.softplus(fake).mean(1).sum()
        descend(discriminator, self.adams["discriminator"])

        errors = (x - self.decode(z).sigmoid()).square().sum(2)
        generator = F.softplus(-self.discriminate(z)).mean(1).sum()
        loss = 0.5 * errors.mean(1).sum() + self.config.weight * generator
        descend(loss, self.adams["autoencoder"])


def stacked(networks: Sequence[nn.Module]) -> tuple[Callable[[Tensor], Tensor], list[Tensor]]:
    """A function of (S, B, inputs) that applies network s to part s, and the stacked weights."""
    weights, buffers = stack_module_state(list(networks))
    frozen = networks[0]

    def apply(w: dict[str, Tensor], b: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(frozen, (w, b), (x,))

    run = vmap(apply)
    return (lambda x: run(weights, buffers, x)), list(weights.values())


def models(n: int, units: int) -> list[adversarial.AAE]:
    hidden = (units, units)
    config = adversarial.JointConfig(hidden=hidden, discriminator_hidden=hidden)
    result = []
    for seed in range(n):
        torch.manual_seed(seed)
        result.append(adversarial.AAE(Gaussian(2), config))
    return result


def minibatches(n: int) -> list[data.Batch]:
    """One for each seed."""
    train = data.mnist("train", "cpu")
    return [next(iter(data.Minibatches(train, BATCH, seed).epoch(0))) for seed in range(n)]


def largest_difference(n: int = 3, units: int = 32, updates: int = 3) -> float:
    """Between any weight after some stacked updates and after separate ones, in double precision.

    In single precision, Adam turns the last bits of the smallest gradients into visible steps.
    """
    separate, together = ([m.double() for m in models(n, units)] for _ in range(2))
    stack, batches = Stacked(together), minibatches(n)
    batches = [data.Batch(batch.x.double(), batch.label) for batch in batches]
    optimizers = [adversarial.joint_optimizers(model) for model in separate]
    for k in range(updates):
        draws = []
        for seed, model in enumerate(separate):
            torch.manual_seed(1000 * k + seed)
            draws.append(model.sample_prior(batches[seed].label).double())
            torch.manual_seed(1000 * k + seed)
            adversarial.joint_step(model, optimizers[seed], batches[seed])
        stack.update(torch.stack([batch.x for batch in batches]), torch.stack(draws))
    largest = 0.0
    for part in ("autoencoder", "discriminator"):
        rows = [optimizer[part].param_groups[0]["params"] for optimizer in optimizers]
        for several, *one in zip(stack.weights[part], *rows, strict=True):
            largest = max(largest, (several - torch.stack(one)).abs().max().item())
    return largest


def measure(units: int, rounds: int = 5, n: int = 2) -> dict[str, float]:
    """Milliseconds of an update of one seed, and what ten take in both ways, in multiples."""
    torch.set_num_threads(1)
    devices.choose("cpu")
    separate, batches = models(SEEDS, units), minibatches(SEEDS)
    optimizers = [adversarial.joint_optimizers(model) for model in separate]
    together, x = Stacked(models(SEEDS, units)), torch.stack([batch.x for batch in batches])

    def one() -> None:
        adversarial.joint_step(separate[0], optimizers[0], batches[0])

    def in_turn() -> None:
        for model, own, batch in zip(separate, optimizers, batches, strict=True):
            adversarial.joint_step(model, own, batch)

    def stack() -> None:
        together.update(x, torch.randn(SEEDS, BATCH, together.prior.dim))

    contenders = {"one": one, "in turn": in_turn, "stacked": stack}
    ms = measuring.medians(contenders, rounds, n)
    return {
        "one seed, ms": ms["one"],
        "ten in turn, times one": ms["in turn"] / ms["one"],
        "ten stacked, times one": ms["stacked"] / ms["one"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--again", action="store_true", help="drop the results that are stored")
    args = parser.parse_args()
    measuring.pin()
    results = Results("seeds", {"machine": machine()}, args.again)
    results.once("equality", lambda: {"largest difference of a weight": largest_difference()})
    for units in WIDTHS:
        results.once(f"{units} units", lambda u=units: measure(u))
    print(table(results))


def table(results: Results) -> str:
    """A row for each width, as Markdown."""
    names = [f"{units} units" for units in WIDTHS]
    measures = list(results[names[0]])
    lines = [f"| layers of | {' | '.join(measures)} |", f"|---|{'---:|' * len(measures)}"]
    for name in names:
        values = " | ".join(f"{value:.1f}" for value in results[name].values())
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
