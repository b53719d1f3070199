"""Lesson 6: the clustering error by heads, and the one-to-one error."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def telling(exercise: Exercise, draw: Callable) -> tuple[Tensor, ...]:
    """Inputs for which the worked answer and every row's mutant give different values."""
    answers = [exercise.answer, *(mutant(exercise.answer, row) for row in exercise.wrong)]
    for _ in range(300):
        inputs = draw()
        values = []
        for answer in answers:
            with contextlib.suppress(Exception):
                values.append(float(answer(*inputs)))
        if min(b - a for a, b in itertools.pairwise(sorted(values))) > 1e-4:
            break
    return inputs


def _one_to_one_error(counts):
    cluster, label = linear_sum_assignment(counts.numpy(), maximize=True)
    return 1 - counts[cluster, label].sum() / counts.sum()


def _greedy(counts: Tensor) -> Tensor:
    left, result = counts.clone(), torch.zeros(())
    for _ in range(counts.shape[1]):
        row, column = divmod(int(left.argmax()), left.shape[1])
        result = result + counts[row, column]
        left[row], left[:, column] = -1, -1
    return 1 - result / counts.sum()


ONE_TO_ONE_ERROR = """
6.3 the one-to-one error
read: lesson 6, section 6.3
hint: Choose for each label one cluster, no cluster twice, so that most images are right.
hint: scipy.optimize.linear_sum_assignment finds it. Does it minimise or maximise?
hint: All images count below the line, those in clusters without a name as well.
many-to-one: You give each cluster its most frequent label, and several clusters may have the same.
    That is many-to-one, and lower. One-to-one: each label names one cluster at most.
    counts[cluster, label].sum() → counts.max(1).values.sum()
one cluster for several labels: You give each label its most frequent cluster, and several labels
    may have the same.
    counts[cluster, label].sum() → counts.max(0).values.sum()
greedy matching: You match the largest count first, then the next. That can cost more at the end
    than it wins at the start; the best matching looks at all pairs together (Hungarian method).
    cluster, label = → return _greedy(counts); cluster, label =
worst matching: You minimise the number of right images: linear_sum_assignment minimises a cost
    unless it is called with maximize=True.
    , maximize=True →
unmatched clusters left out: You divide by the images in matched clusters. Those in clusters
    without a name are errors, not absent.
    counts.sum() → counts[cluster].sum()
cluster number taken for a label: You count the diagonal: cluster 3 need not hold the threes.
    counts[cluster, label].sum() → counts.diagonal().sum()
accuracy, not error: That is the share of right ones. The error is the share of wrong ones.
    1 - counts → counts
percent: That is in percent. Return a share, 0 to 1.
    return 1 - counts → return 100 - 100 * counts
a number of images: That is a number of images. Return the share of the wrong ones, 0 to 1.
    1 - counts[cluster, label].sum() / counts.sum() → counts.sum() - counts[cluster, label].sum()
"""


def _draw_counts() -> tuple[Tensor]:
    """Images of 4 classes in 5 clusters, (5, 4); the largest count is not in the best matching."""
    counts = torch.tensor(
        [[20, 18, 0, 0], [17, 2, 0, 0], [0, 0, 15, 0], [0, 0, 0, 12], [0, 0, 9, 0]]
    )
    counts = (counts + torch.randint(3, counts.shape)).float()
    return (counts[torch.randperm(5)][:, torch.randperm(4)],)


def _one_to_one_probes(trial: Trial) -> Iterator[Probe]:
    share = partial(values, gradients=False, number=True)
    yield from share(*telling(trial.exercise, _draw_counts))
    for clusters, classes in ((3, 3), (6, 2), (6, 5)):
        counts = torch.randint(40, (clusters, classes)).float()
        yield from share(counts[torch.randperm(clusters)] + 1)


one_to_one_error = exercise(_one_to_one_error, _one_to_one_probes, ONE_TO_ONE_ERROR)


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


CLUSTERING_ERROR = """
6.2 the clustering error by heads
read: lesson 6, section 6.3 (paper §6)
hint: For each cluster one validation image: the one of highest q(y_k|x). Which dimension?
hint: y.argmax(0) has K positions. The labels there are the names of the clusters.
hint: A test image is in cluster y_test.argmax(1); compare that cluster's name with its label.
cluster named by majority: You name a cluster by the most frequent label in it. That needs every
    label; the paper's rule needs one for each cluster: that of its head, the validation image with
    the highest q(y_k|x).
    label[head] → _counts(y, label).argmax(1)
heads from the test images: You look for the heads among the test images. Their labels are for the
    error only: the heads come from the validation images.
    y.argmax(0) → y_test.argmax(0)
    label[head] → label_test[head]
error of the validation images: That is the error on the validation images, which gave the names.
    Use the test images.
    name[y_test.argmax(1)] != label_test → name[y.argmax(1)] != label
majority of the test images: You name a cluster by the most frequent label of the test images in
    it: the least possible error, and it needs every test label. The head's label names the
    cluster.
    label[head] → _counts(y_test, label_test).argmax(1)
heads among a cluster's members: You look for a head among the images assigned to its cluster. The
    paper takes the highest q(y_k|x) over all validation images, wherever they are assigned.
    y.argmax(0) → (y * (y.argmax(1)[:, None] == torch.arange(y.shape[1]))).argmax(0)
one-to-one matching: You match clusters and labels one to one (Hungarian method). That is the error
    of exercise 6.3; here several clusters may have the same name, that of their heads.
    head = → return _one_to_one(y_test, label_test); head =
argmax over the wrong dimension: y.argmax(1) is the cluster of each image. A head is the image of
    each cluster: the largest entry of a column.
    y.argmax(0) → y.argmax(1)
cluster number taken for a label: You compare cluster numbers with labels. Cluster 3 need not hold
    the threes: its head's label names it.
    name[y_test.argmax(1)] → y_test.argmax(1)
accuracy, not error: That is the share of right ones. The error is the share of wrong ones.
    != label_test → == label_test
percent: That is in percent. Return a share, 0 to 1.
    .mean() → .mean() * 100
a number of images: That is the number of wrong images. Return their share, 0 to 1.
    .mean() → .sum()
least likely image: Your heads are the *least* likely images of their clusters.
    y.argmax(0) → y.argmin(0)
"""


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


clustering_error = exercise(_clustering_error, _clustering_error_probes, CLUSTERING_ERROR)
