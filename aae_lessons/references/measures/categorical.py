"""What is measured of a categorical code: how peaked it is, and what the decoder makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons import metrics
from aae_lessons.arguments import check
from aae_lessons.data import ImageSet
from aae_lessons.models.categorical import CategoricalAAE
from aae_lessons.objectives import entropy

BINS = 20
EDGES = [i / BINS for i in range(BINS + 1)]  # of the histograms of the largest probability
IN_USE = 0.005  # a class with a smaller share of the images counts as not used


@torch.no_grad()
def peaks(y: Tensor) -> dict[str, float]:
    """How peaked codes ``y``, (n, K), are, and how evenly they use the classes; nats.

    ``entropy`` is the mean over codes: 0 where each is one-hot. ``entropy_of_mean`` is that of
    their mean: log K where all classes have the same mean probability.
    """
    share = y.argmax(1).bincount(minlength=y.shape[1]) / len(y)
    return {
        "mean_max_probability": y.amax(1).mean().item(),
        "entropy": entropy(y).item(),
        "entropy_of_mean": entropy(y.mean(0, keepdim=True)).item(),
        "classes_used": int((share >= IN_USE).sum()),
    }


@torch.no_grad()
def measure(model: CategoricalAAE, test: ImageSet) -> dict[str, float]:
    """:func:`peaks` of the test images; squared error a pixel, from y and from its corner."""
    y = model.encode(test.x)
    return {
        **peaks(y),
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "reconstruction_mse_from_one_hot": (
            (model.decode(model.one_hot(y)) - test.x).square().mean().item()
        ),
    }


def several_codes(model: Any, test: ImageSet) -> dict[str, float]:
    """The match of several categorical codes, one by one and together; codes (B, L · K).

    ``dependence`` is the mean over pairs of codes of the mutual information of their classes in
    nats: 0 in the prior, where the codes are independent.
    ``c2st_accuracy_rounded`` is that of the codes' corners, which the softness of the codes can't
    influence.
    """
    with torch.no_grad():
        y = model.encode(test.x)
    parts = y.view(len(y), model.prior.codes, -1)
    classes = parts.argmax(2)
    rounded = F.one_hot(classes, parts.shape[2]).flatten(1).to(y.dtype)
    alone = [peaks(part) for part in parts.unbind(1)]
    return {
        **{name: sum(p[name] for p in alone) / len(alone) for name in alone[0]},
        "dependence": _dependence(classes),
        "c2st_accuracy": metrics.c2st_accuracy(y, model.prior),
        "c2st_accuracy_rounded": metrics.c2st_accuracy(rounded, model.prior),
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
    }


def _dependence(classes: Tensor) -> float:
    """Mean mutual information in nats over all pairs of columns of ``classes``, (n, L)."""
    from sklearn.metrics import mutual_info_score  # here: scikit-learn is slow to import

    pairs = list(itertools.combinations(classes.T.tolist(), 2))
    return float(sum(mutual_info_score(a, b) for a, b in pairs) / len(pairs))


@torch.no_grad()
def watch(model: CategoricalAAE, x: Tensor) -> dict[str, float]:
    """:func:`peaks` of images ``x``, the temperature, and a histogram of the largest
    probability: the share of images in each bin of ``EDGES``.
    """
    y = model.encode(x)
    bins = (y.amax(1) * BINS).long().clamp(max=BINS - 1).bincount(minlength=BINS) / len(y)
    shares = {_bin(low): share for low, share in zip(EDGES, bins.tolist(), strict=False)}
    return {**peaks(y), "temperature": model.temperature.item(), **shares}


def _bin(low: float) -> str:
    return f"share_from_{low:.2f}"


def histogram(history: Mapping[str, Sequence[float]]) -> Tensor:
    """The histograms that a record's history holds: (epochs + 1, BINS), rows that sum to 1."""
    names = [_bin(low) for low in EDGES[:-1]]
    missing = [name for name in names if name not in history]
    check(not missing, "history", sorted(history), "one that watch() noted")
    return torch.tensor([history[name] for name in names]).T
