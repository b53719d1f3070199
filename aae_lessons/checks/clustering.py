"""Checks of lesson 6: codes with cluster heads, the hinge between them, two errors, the step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from aae_lessons.checks.clustering_errors import clustering_error, one_to_one_error
from aae_lessons.checks.clustering_run import mended_run
from aae_lessons.checks.clustering_step import step
from aae_lessons.checks.core import Exercise, Mistake, Trial

__all__ = ["apart", "clustering_error", "head_code", "mended_run", "one_to_one_error", "step"]


# ----------------------------------------------------------- 6.1 a code with cluster heads


def _head_code(y: Tensor, z: Tensor, heads: Tensor) -> Tensor:
    return y @ heads + z


CODE_MISTAKES = (
    Mistake(
        "hard head",
        "You take the head of the most likely cluster only. The code mixes the heads by y, "
        "y @ W_C, so that a gradient reaches y; an argmax has none.",
        lambda y, z, heads: heads[y.argmax(1)] + z,
    ),
    Mistake("style forgotten", "The style z is missing: add it.", lambda y, z, heads: y @ heads),
    Mistake(
        "heads forgotten",
        "That is the style alone. Where is the head of the image's cluster?",
        lambda y, z, heads: z.clone(),
    ),
    Mistake(
        "concatenated",
        "You put head and style side by side. Here they are added, so that a code stays a point "
        "in D dimensions (§7).",
        lambda y, z, heads: torch.cat([y @ heads, z], 1),
    ),
    Mistake(
        "y beside z",
        "You put y and z side by side, as for a decoder of (y, z). With cluster heads the code "
        "has D dimensions: head plus style (§7).",
        lambda y, z, heads: torch.cat([y, z], 1),
    ),
    Mistake(
        "softmax applied again",
        "You apply a softmax to y, which is one already: the heads are mixed nearly evenly.",
        lambda y, z, heads: y.softmax(1) @ heads + z,
    ),
    Mistake(
        "one head for the batch",
        "You average the heads over the batch. Each image has a mixture of its own.",
        lambda y, z, heads: (y @ heads).mean(0) + z,
    ),
)


def _test_head_code(trial: Trial) -> None:
    inputs = (2 * torch.randn(7, 5)).softmax(1), torch.randn(7, 2), 3 * torch.randn(5, 2)
    trial.equal(trial(*inputs), _head_code(*inputs), inputs, CODE_MISTAKES)
    y, z, heads = (value.requires_grad_() for value in inputs)
    got = trial(y, z, heads)
    reached = got.requires_grad and torch.autograd.grad(got.sum(), inputs, allow_unused=True)
    if not reached or any(gradient is None for gradient in reached):
        says = "No gradient flows back to y, z or the heads. All three are learned."
        trial.refuse("gradient cut", says)


head_code = Exercise(
    name="6.1",
    title="a code with cluster heads",
    read="lesson 6, section 6.9 (paper §7)",
    hints=(
        "Row k of W_C is the place of cluster k. Which place does a soft y mean?",
        "A mixture of the rows, weighted by y, is a matrix product: (B, K) @ (K, D).",
        "Then add the style: y @ heads + z.",
    ),
    answer=_head_code,
    test=_test_head_code,
)

# ------------------------------------------------------------------ 6.4 heads pushed apart


def _apart(heads: Tensor, distance: float) -> Tensor:
    i, j = torch.triu_indices(len(heads), len(heads), offset=1)
    return (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum()


def _hinges(change: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """Sum over pairs i < j of a changed hinge of their distance."""

    def loss(heads: Tensor, distance: float) -> Tensor:
        i, j = torch.triu_indices(len(heads), len(heads), offset=1)
        return change((heads[i] - heads[j]).norm(dim=1), distance).sum()

    return loss


APART_MISTAKES = (
    Mistake(
        "diagonal left in",
        "You also count each head's distance to itself, which is 0: a constant that no head can "
        "lower. Only pairs of different heads count.",
        lambda heads, distance: _apart(heads, distance) + len(heads) * distance,
    ),
    Mistake(
        "diagonal left in",
        "You sum over all i and j: each pair counts twice, and each head's distance to itself, "
        "which is 0, as well. Only pairs i < j count.",
        lambda heads, distance: 2 * _apart(heads, distance) + len(heads) * distance,
    ),
    Mistake(
        "each pair twice",
        "Twice too large: (i, j) and (j, i) are one pair.",
        lambda heads, distance: 2 * _apart(heads, distance),
    ),
    Mistake(
        "mean over pairs",
        "You take the mean over the pairs. Their sum is wanted.",
        lambda heads, distance: _apart(heads, distance) / (len(heads) * (len(heads) - 1) / 2),
    ),
    Mistake(
        "squared distance",
        "You compare squared distances with the distance: the root is missing.",
        _hinges(lambda d, distance: (distance - d.square()).relu()),
    ),
    Mistake(
        "pulled together",
        "Your loss is large where heads are far apart: descending it pulls them together.",
        _hinges(lambda d, distance: (d - distance).relu()),
    ),
    Mistake(
        "no hinge",
        "Pairs that are far apart already make your loss negative, and go on being pushed "
        "without end. From the distance on they cost nothing: max(0, …).",
        _hinges(lambda d, distance: distance - d),
    ),
    Mistake(
        "hinge squared",
        "You square the hinge. The paper's grows linearly.",
        _hinges(lambda d, distance: (distance - d).relu().square()),
    ),
)


def _test_apart(trial: Trial) -> None:
    heads = 1.5 * torch.randn(6, 2)
    inputs = heads, 2.0
    trial.equal(trial(*inputs), _apart(*inputs), inputs, APART_MISTAKES)
    got = trial(heads.requires_grad_(), 2.0)
    if not got.requires_grad:
        says = "No gradient flows back to the heads. Did .item() or .detach() cut it?"
        trial.refuse("gradient cut", says)
    gradient = torch.autograd.grad(got, heads)[0]
    if not bool(gradient.isfinite().all()):
        says = (
            "The value is right, its gradient is not a number: the root of a head's distance to "
            "itself has an infinite slope at 0, even if you cross it out afterwards. Choose the "
            "pairs i < j before you take roots."
        )
        trial.refuse("root of zero", says)
    expected = torch.autograd.grad(_apart(heads, 2.0), heads)[0]
    trial.equal(gradient, expected, otherwise="The value is right, its gradient is another one.")


apart = Exercise(
    name="6.4",
    title="heads pushed apart",
    read="lesson 6, section 6.9 (paper §7)",
    hints=(
        "How many pairs of different heads are there? K(K − 1)/2, not K².",
        "torch.triu_indices(K, K, offset=1) gives i and j of every pair once.",
        "max(0, distance − d) is (distance - d).relu(), d being the norm of a difference.",
    ),
    answer=_apart,
    test=_test_apart,
)
