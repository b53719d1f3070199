"""Lesson 6: the clustering error by heads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from aae_lessons.checks.clustering_matching import ACCURACY, one_to_one_error, telling
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.trial import Trial


def _clustering_error(y, label, y_test, label_test):
    head = y.argmax(0)
    name = label[head]
    return (name[y_test.argmax(1)] != label_test).float().mean()


def _counts(y: Tensor, label: Tensor) -> Tensor:
    """Images of each class in each cluster, (K, classes)."""
    votes = torch.zeros(y.shape[1], int(label.max()) + 1)
    return votes.index_put_((y.argmax(1), label), torch.ones(len(y)), accumulate=True)


def _one_to_one(y: Tensor, label: Tensor) -> Tensor:
    return one_to_one_error.answer(_counts(y, label))


NAMES = "label[head]"
HEAD_ROWS = (
    wrong(
        "cluster named by majority",
        "You name a cluster by the most frequent label in it. That needs every label; the paper's "
        "rule needs one for each cluster: that of its head, the validation image with the highest "
        "q(y_k|x).",
        (NAMES, "_counts(y, label).argmax(1)"),
    ),
    wrong(
        "heads from the test images",
        "You look for the heads among the test images. Their labels are for the error only: the "
        "heads come from the validation images.",
        ("y.argmax(0)", "y_test.argmax(0)"),
        (NAMES, "label_test[head]"),
    ),
    wrong(
        "error of the validation images",
        "That is the error on the validation images, which gave the names. Use the test images.",
        ("name[y_test.argmax(1)] != label_test", "name[y.argmax(1)] != label"),
    ),
    wrong(
        "majority of the test images",
        "You name a cluster by the most frequent label of the test images in it: the least "
        "possible error, and it needs every test label. The head's label names the cluster.",
        (NAMES, "_counts(y_test, label_test).argmax(1)"),
    ),
    wrong(
        "heads among a cluster's members",
        "You look for a head among the images assigned to its cluster. The paper takes the "
        "highest q(y_k|x) over all validation images, wherever they are assigned.",
        ("y.argmax(0)", "(y * (y.argmax(1)[:, None] == torch.arange(y.shape[1]))).argmax(0)"),
    ),
    wrong(
        "one-to-one matching",
        "You match clusters and labels one to one (Hungarian method). That is the error of "
        "exercise 6.3; here several clusters may have the same name, that of their heads.",
        lambda y, label, y_test, label_test: _one_to_one(y_test, label_test),
    ),
    wrong(
        "argmax over the wrong dimension",
        "y.argmax(1) is the cluster of each image. A head is the image of each cluster: the "
        "largest entry of a column.",
        ("y.argmax(0)", "y.argmax(1)"),
    ),
    wrong(
        "cluster number taken for a label",
        "You compare cluster numbers with labels. Cluster 3 need not hold the threes: its head's "
        "label names it.",
        ("name[y_test.argmax(1)]", "y_test.argmax(1)"),
    ),
    wrong("accuracy, not error", ACCURACY, ("!= label_test", "== label_test")),
    wrong("percent", "That is in percent. Return a share, 0 to 1.", (".mean()", ".mean() * 100")),
    wrong(
        "a number of images",
        "That is the number of wrong images. Return their share, 0 to 1.",
        (".mean()", ".sum()"),
    ),
    wrong(
        "least likely image",
        "Your heads are the *least* likely images of their clusters.",
        ("y.argmax(0)", "y.argmin(0)"),
    ),
)


def _images(n: int, home: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """q(y|x) and labels of n images; nothing is sure in cluster 0, seven in ten are at home."""
    clusters = len(home)
    cluster = torch.randperm(n) % clusters
    sure = torch.where(cluster == 0, 0.26 + 0.04 * torch.rand(n), 0.5 + 0.4 * torch.rand(n))
    y = (0.8 + 0.4 * torch.rand(n, clusters)).scatter(1, cluster[:, None], 0.0)
    y = (1 - sure)[:, None] * y / y.sum(1, keepdim=True)
    y = y.scatter(1, cluster[:, None], sure[:, None])
    return y, torch.where(torch.rand(n) < 0.7, home[cluster], torch.randint(classes, (n,)))


def _draw_clusters() -> tuple[Tensor, ...]:
    """q(y|x) and labels of 120 validation and 301 test images: 6 clusters, 4 classes."""
    home = torch.tensor([2, 0, 3, 1, 0, 2])
    elsewhere = torch.tensor([2, 0, 3, 3, 0, 2])  # cluster 3 is another one in the test images
    (y, label), (y_test, label_test) = _images(120, home, 4), _images(301, elsewhere, 4)
    # the head of cluster 0 is not a member of it, that of cluster 2 has an unusual label
    y[0] = torch.tensor([0.44, 0.52, 0.01, 0.01, 0.01, 0.01])
    y[1] = torch.tensor([0.01, 0.01, 0.95, 0.01, 0.01, 0.01])
    label[:2] = torch.tensor([3, 1])
    rows, columns = torch.randperm(120), torch.randperm(6)
    return y[rows][:, columns], label[rows], y_test[:, columns], label_test


def _clustering_error_probes(trial: Trial) -> Iterator[Probe]:
    share = partial(values, gradients=False, number=True)
    yield from share(*telling(trial.exercise, _draw_clusters))
    for n, tests, home, classes in (
        (50, 33, torch.arange(12) % 10, 10),
        (9, 1, torch.arange(3), 3),
    ):
        yield from share(*_images(n, home, classes), *_images(tests, home, classes))


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
    test=run_probes(_clustering_error_probes),
    wrong=HEAD_ROWS,
)
