"""Checks of lesson 6: the error of a clustering, by heads and one-to-one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from aae_lessons.checks.core import Exercise, Mistake, Trial


def _as_scalar(got: object) -> object:
    """A plain number counts as a scalar tensor."""
    if isinstance(got, bool) or not isinstance(got, int | float):
        return got
    return torch.tensor(float(got))


def _telling(draw: Callable, right: Callable, mistakes: Sequence[Mistake]) -> tuple[Tensor, ...]:
    """Inputs for which the right answer and every mistake give different values."""
    while True:
        inputs = draw()
        values = [float(right(*inputs)), *(float(m.result(*inputs)) for m in mistakes)]
        if min(b - a for a, b in itertools.pairwise(sorted(values))) > 1e-3:
            return inputs


# ------------------------------------------------------------- 6.2 clustering error by heads


def _clustering_error(y: Tensor, label: Tensor, y_test: Tensor, label_test: Tensor) -> Tensor:
    head = y.argmax(0)  # (K,): the validation image with the highest q(y_k|x)
    name = label[head]  # (K,): its label names the cluster
    return (name[y_test.argmax(1)] != label_test).float().mean()


def _counts(y: Tensor, label: Tensor) -> Tensor:
    """Images of each class in each cluster, (K, classes)."""
    votes = torch.zeros(y.shape[1], int(label.max()) + 1)
    return votes.index_put_((y.argmax(1), label), torch.ones(len(y)), accumulate=True)


def _by_majority(y: Tensor, label: Tensor, y_test: Tensor, label_test: Tensor) -> Tensor:
    name = _counts(y, label).argmax(1)
    return (name[y_test.argmax(1)] != label_test).float().mean()


def _among_members(y: Tensor, label: Tensor, y_test: Tensor, label_test: Tensor) -> Tensor:
    members = y.argmax(1)[:, None] == torch.arange(y.shape[1])
    return _clustering_error(y * members, label, y_test, label_test)


HEAD_MISTAKES = (
    Mistake(
        "cluster named by majority",
        "You name a cluster by the most frequent label in it. That needs every label; the "
        "paper's rule needs one for each cluster: that of its head, the validation image with "
        "the highest q(y_k|x).",
        _by_majority,
    ),
    Mistake(
        "heads from the test images",
        "You look for the heads among the test images. Their labels are for the error only: the "
        "heads come from the validation images.",
        lambda y, label, y_test, label_test: _clustering_error(
            y_test, label_test, y_test, label_test
        ),
    ),
    Mistake(
        "error of the validation images",
        "That is the error on the validation images, which gave the names. Use the test images.",
        lambda y, label, y_test, label_test: _clustering_error(y, label, y, label),
    ),
    Mistake(
        "majority of the test images",
        "You name a cluster by the most frequent label of the test images in it: the least "
        "possible error, and it needs every test label. The head's label names the cluster.",
        lambda y, label, y_test, label_test: _by_majority(y_test, label_test, y_test, label_test),
    ),
    Mistake(
        "heads among a cluster's members",
        "You look for a head among the images assigned to its cluster. The paper takes the "
        "highest q(y_k|x) over all validation images, wherever they are assigned.",
        _among_members,
    ),
    Mistake(
        "one-to-one matching",
        "You match clusters and labels one to one (Hungarian method). That is the error of "
        "exercise 6.3; here several clusters may have the same name, that of their heads.",
        lambda y, label, y_test, label_test: _one_to_one_error(_counts(y_test, label_test)),
    ),
    Mistake(
        "argmax over the wrong dimension",
        "y.argmax(1) is the cluster of each image. A head is the image of each cluster: the "
        "largest entry of a column.",
        lambda y, label, y_test, label_test: (
            (label[y.argmax(1)][y_test.argmax(1)] != label_test).float().mean()
        ),
    ),
    Mistake(
        "cluster number taken for a label",
        "You compare cluster numbers with labels. Cluster 3 need not hold the threes: its "
        "head's label names it.",
        lambda y, label, y_test, label_test: (y_test.argmax(1) != label_test).float().mean(),
    ),
    Mistake(
        "accuracy, not error",
        "That is the share of right ones. The error is the share of wrong ones.",
        lambda *inputs: 1 - _clustering_error(*inputs),
    ),
    Mistake(
        "percent",
        "That is in percent. Return a share, 0 to 1.",
        lambda *inputs: 100 * _clustering_error(*inputs),
    ),
)


def _images(n: int, home: Tensor) -> tuple[Tensor, Tensor]:
    """q(y|x) and labels of n images; nothing is sure in cluster 0, seven in ten are at home."""
    cluster = torch.randperm(n) % 6
    sure = torch.where(cluster == 0, 0.3, 0.5 + 0.4 * torch.rand(n))
    y = (0.8 + 0.4 * torch.rand(n, 6)).scatter(1, cluster[:, None], 0.0)
    y = (1 - sure)[:, None] * y / y.sum(1, keepdim=True)
    y = y.scatter(1, cluster[:, None], sure[:, None])
    return y, torch.where(torch.rand(n) < 0.7, home[cluster], torch.randint(4, (n,)))


def _draw_clusters() -> tuple[Tensor, ...]:
    """q(y|x) and labels of 120 validation and 300 test images: 6 clusters, 4 classes."""
    home = torch.tensor([2, 0, 3, 1, 0, 2])
    elsewhere = torch.tensor([2, 0, 3, 3, 0, 2])  # cluster 3 is another one in the test images
    (y, label), (y_test, label_test) = _images(120, home), _images(300, elsewhere)
    # the head of cluster 0 is not a member of it, that of cluster 2 has an unusual label
    y[0] = torch.tensor([0.44, 0.52, 0.01, 0.01, 0.01, 0.01])
    y[1] = torch.tensor([0.01, 0.01, 0.95, 0.01, 0.01, 0.01])
    label[:2] = torch.tensor([3, 1])
    rows, columns = torch.randperm(120), torch.randperm(6)
    return y[rows][:, columns], label[rows], y_test[:, columns], label_test


def _test_clustering_error(trial: Trial) -> None:
    inputs = _telling(_draw_clusters, _clustering_error, HEAD_MISTAKES)
    got = _as_scalar(trial(*inputs))
    trial.equal(got, _clustering_error(*inputs), inputs, HEAD_MISTAKES)


clustering_error = Exercise(
    name="6.2",
    title="the clustering error by heads",
    read="lesson 6, section 6.3 (paper §6)",
    hints=(
        "For each cluster one validation image: the one of highest q(y_k|x). Which dimension?",
        "y.argmax(0) has K positions. The labels there are the names of the clusters.",
        "A test image is in cluster y_test.argmax(1); compare that cluster's name with its label.",
    ),
    answer=_clustering_error,
    test=_test_clustering_error,
)

# ------------------------------------------------------------------ 6.3 the one-to-one error


def _one_to_one_error(counts: Tensor) -> Tensor:
    cluster, label = linear_sum_assignment(counts.numpy(), maximize=True)
    return 1 - counts[cluster, label].sum() / counts.sum()


def _best(counts: Tensor) -> Tensor:
    """Images of the best one-to-one matching, by trying all."""
    clusters, classes = counts.shape
    return max(
        counts[list(rows), range(classes)].sum()
        for rows in itertools.permutations(range(clusters), classes)
    )


def _greedy(counts: Tensor) -> Tensor:
    left, result = counts.clone(), torch.zeros(())
    for _ in range(counts.shape[1]):
        row, column = divmod(int(left.argmax()), left.shape[1])
        result = result + counts[row, column]
        left[row], left[:, column] = -1, -1
    return result


def _matched_only(counts: Tensor) -> Tensor:
    clusters, classes = counts.shape
    rows = max(
        itertools.permutations(range(clusters), classes),
        key=lambda rows: counts[list(rows), range(classes)].sum(),
    )
    return 1 - _best(counts) / counts[list(rows)].sum()


MATCH_MISTAKES = (
    Mistake(
        "many-to-one",
        "You give each cluster its most frequent label, and several clusters may have the same. "
        "That is many-to-one, and lower. One-to-one: each label names one cluster at most.",
        lambda counts: 1 - counts.max(1).values.sum() / counts.sum(),
    ),
    Mistake(
        "one cluster for several labels",
        "You give each label its most frequent cluster, and several labels may have the same.",
        lambda counts: 1 - counts.max(0).values.sum() / counts.sum(),
    ),
    Mistake(
        "greedy matching",
        "You match the largest count first, then the next. That can cost more at the end than it "
        "wins at the start; the best matching looks at all pairs together (Hungarian method).",
        lambda counts: 1 - _greedy(counts) / counts.sum(),
    ),
    Mistake(
        "worst matching",
        "You minimise the number of right images: linear_sum_assignment minimises a cost unless "
        "it is told maximize=True.",
        lambda counts: 1 + _best(-counts) / counts.sum(),
    ),
    Mistake(
        "unmatched clusters left out",
        "You divide by the images in matched clusters. Those in clusters without a name are "
        "errors, not absent.",
        _matched_only,
    ),
    Mistake(
        "cluster number taken for a label",
        "You count the diagonal: cluster 3 need not hold the threes.",
        lambda counts: 1 - counts.diagonal().sum() / counts.sum(),
    ),
    Mistake(
        "accuracy, not error",
        "That is the share of right ones. The error is the share of wrong ones.",
        lambda counts: _best(counts) / counts.sum(),
    ),
)


def _draw_counts() -> tuple[Tensor]:
    """Images of 4 classes in 5 clusters, (5, 4); the largest count is not in the best matching."""
    counts = torch.tensor(
        [[20, 18, 0, 0], [17, 2, 0, 0], [0, 0, 15, 0], [0, 0, 0, 12], [0, 0, 9, 0]]
    )
    counts = (counts + torch.randint(3, counts.shape)).float()
    return (counts[torch.randperm(5)][:, torch.randperm(4)],)


def _test_one_to_one(trial: Trial) -> None:
    def right(counts: Tensor) -> Tensor:
        return 1 - _best(counts) / counts.sum()

    inputs = _telling(_draw_counts, right, MATCH_MISTAKES)
    trial.equal(_as_scalar(trial(*inputs)), right(*inputs), inputs, MATCH_MISTAKES)


one_to_one_error = Exercise(
    name="6.3",
    title="the one-to-one error",
    read="lesson 6, section 6.3",
    hints=(
        "Choose for each label one cluster, no cluster twice, so that most images are right.",
        "scipy.optimize.linear_sum_assignment finds it. Does it minimise or maximise?",
        "All images count below the line, those in clusters without a name as well.",
    ),
    answer=_one_to_one_error,
    test=_test_one_to_one,
)
