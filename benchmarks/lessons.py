"""How far is every lesson's step from its own floor, in single precision?

A step can't do without its matrix products and its optimizers. The products of one update are
recorded while it runs, forward and backward; then they are replayed on tensors of the same sizes
and layouts, followed by a step of an optimizer of the same kind over what each phase moves. The
update and its floor take turns on one pinned core; times are the thread's CPU time.

The floor holds nothing else: no elementwise work (costs, activations and their gradients), no
draws, no copying of the minibatch, no bias gradients. Part of ``over_floor`` is therefore what the
mathematics asks for, not waste, and more so the smaller the networks are. WAE-MMD has the most:
its kernel sums seven scales over three matrices of pairwise distances, coordinate by coordinate.

    python benchmarks/lessons.py           # a row per lesson: milliseconds, and over_floor
    python benchmarks/lessons.py --json
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable

import step as measuring
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from aae_lessons import data
from aae_lessons.references.recipes import RECIPES

RUNS = (
    "autoencoder",
    "adversarial-gaussian",
    "adversarial-phases-5e-4",
    "variational-gaussian",
    "categorical-adversarial",
    "semi-supervised-100-augmented",
    "clustering-30-agreement",
    "wasserstein-squared-adversarial",
    "wasserstein-squared-mmd",
)
WARM_UP = 20  # updates before products are recorded


class Products(TorchDispatchMode):
    """Keeps tensors like the factors of every matrix product that runs within it."""

    def __init__(self) -> None:
        super().__init__()
        self.factors: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        which = {"aten::addmm": slice(1, 3), "aten::mm": slice(0, 2)}.get(func._schema.name)
        if which is not None:
            left, right = (torch.empty_strided(f.shape, f.stride()) for f in args[which])
            self.factors.append((left.normal_(0, 0.1), right.normal_(0, 0.1)))
        return func(*args, **(kwargs or {}))


def update_and_floor(name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """One update of a reference run's recipe, and the replay of what it can't do without."""
    recipe, images = RECIPES[name], data.mnist("train", "cpu")
    if recipe.labels:
        images = data.hide_labels(images, data.balanced_subset(images.labels, recipe.labels, 0))
    batches = recipe.batches(images, recipe.batch, seed=0)
    endless = itertools.chain.from_iterable(batches.epoch(e) for e in itertools.count())
    torch.manual_seed(0)
    model = recipe.build()
    optimizers = recipe.optimizers(model) if recipe.optimizers else model.optimizers()

    def update() -> None:
        recipe.step(model, optimizers, next(endless))

    for _ in range(WARM_UP):
        update()
    with Products() as products:
        update()
    replayed = [like(optimizer) for optimizer in optimizers.values()]
    outputs = [torch.mm(left, right) for left, right in products.factors]

    def floor() -> None:
        for (left, right), out in zip(products.factors, outputs, strict=True):
            torch.mm(left, right, out=out)
        for optimizer in replayed:
            optimizer.step()

    return update, floor


def like(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """An optimizer of the same kind and settings over copies of its parameters."""
    groups = []
    for group in optimizer.param_groups:
        copies = [nn.Parameter(p.detach().clone()) for p in group["params"]]
        for p in copies:
            p.grad = 1e-3 * torch.randn_like(p)
        groups.append({**group, "params": copies})
    return type(optimizer)(groups)


def measure(names: tuple[str, ...] = RUNS, rounds: int = 5, n: int = 5) -> dict[str, dict]:
    """Milliseconds of an update and of its floor, and their ratio, by reference run."""
    torch.set_num_threads(1)
    result = {}
    for name in names:
        update, floor = update_and_floor(name)
        ms = measuring.medians({"ours": update, "floor": floor}, rounds, n)
        result[name] = {**ms, "over_floor": ms["ours"] / ms["floor"]}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    measuring.pin()
    result = measure()
    if as_json:
        print(json.dumps(result, indent=1))
        return
    print(f"{'run':34}{'update, ms':>12}{'floor, ms':>12}{'over floor':>12}")
    for name, row in result.items():
        print(f"{name:34}{row['ours']:12.2f}{row['floor']:12.2f}{row['over_floor']:12.2f}")


if __name__ == "__main__":
    main()
