"""Clusters: heads, names and two kinds of error; two terms of a training objective.

A model without labels numbers its clusters arbitrarily. Before an error can be computed, each
cluster needs a class as its name. The paper names each by one labelled image, which we call its
*head*; a one-to-one matching of clusters and classes is stricter, and common elsewhere. The two
errors are not comparable.

Reference:
    Makhzani et al. 2015, §6 (the rule of the heads) and §7 (heads pushed apart); Kuhn 1955 (the
    one-to-one matching); Ji et al. 2019, arXiv:1807.06653 (agreement of two copies).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import (
    check,
    check_int,
    check_labels,
    check_matrix,
    check_number,
    check_same_shape,
)
from aae_lessons.devices import in_single_precision

CLASSES = 10
MIN_PROBABILITY = 1e-8  # the least probability of a pair of clusters, for its logarithm


def cluster_heads(q: Tensor) -> Tensor:
    """The head of each cluster k: the image n of highest q(y = k | x_n).

    Args:
        q: probabilities of the clusters, (n, K), K at least 2; in the paper, of the *validation*
            images.

    Returns:
        Row numbers, (K,), int64. A cluster that is no image's most probable one still has a
        head, and gives its name to no image; see :func:`cluster_sizes`.
    """
    _probabilities(q, "q")
    return q.argmax(0)


def cluster_names(q: Tensor, labels: Tensor, classes: int = CLASSES) -> Tensor:
    """The class that each cluster is named for, (K,): the label of its head.

    Args:
        q: as for :func:`cluster_heads`, (n, K).
        labels: classes of the same images, (n,).
        classes: how many there are.
    """
    heads = cluster_heads(q)
    _one_label_each(q, labels, classes)
    return labels[heads]


def cluster_sizes(q: Tensor) -> Tensor:
    """How many images each cluster holds, (K,): those it is the most probable one of.

    Args:
        q: probabilities of the clusters, (n, K).
    """
    _probabilities(q, "q")
    return q.argmax(1).bincount(minlength=q.shape[1])


def clustering_error_percent(
    q: Tensor, labels: Tensor, names: Tensor, classes: int = CLASSES
) -> float:
    """Percentage of images whose cluster is named for another class than theirs (§6).

    Args:
        q: probabilities of the clusters, (n, K); in the paper, of the *test* images.
        labels: classes of these images, (n,).
        names: class of each cluster, (K,), from :func:`cluster_names` on other images.
        classes: how many there are.
    """
    _probabilities(q, "q")
    _one_label_each(q, labels, classes)
    check_labels(names, "names", classes)
    check(len(names) == q.shape[1], "names", names, f"{q.shape[1]} names, one per cluster")
    return 100 * ((names[q.argmax(1)] != labels).sum().item() / len(q))


def contingency(q: Tensor, labels: Tensor, classes: int = CLASSES) -> Tensor:
    """How many images of each class each cluster holds: (K, classes), int64.

    Args:
        q: probabilities of the clusters, (n, K).
        labels: classes of the images, (n,).
        classes: how many there are.
    """
    _probabilities(q, "q")
    _one_label_each(q, labels, classes)
    cells = q.argmax(1) * classes + labels
    return cells.bincount(minlength=q.shape[1] * classes).view(-1, classes)


def one_to_one_error_percent(q: Tensor, labels: Tensor, classes: int = CLASSES) -> float:
    """Percentage of images outside the best one-to-one matching of clusters and classes.

    Each class gets at most one cluster and each cluster at most one class, so that the images
    of further clusters all count as wrong: with K above the number of classes it can't be 0
    unless clusters are empty. The matching looks at the labels of *these* images (Hungarian
    algorithm).

    Args:
        q: probabilities of the clusters, (n, K).
        labels: classes of the images, (n,).
        classes: how many there are.
    """
    from scipy.optimize import linear_sum_assignment  # here: scipy is slow to import

    counts = contingency(q, labels, classes).cpu()
    cluster, name = linear_sum_assignment(counts.numpy(), maximize=True)
    return 100 * (1 - counts[cluster, name].sum().item() / len(q))


# ------------------------------------------------------- what training may ask of clusters


@in_single_precision
def mutual_information(y: Tensor, y_other: Tensor) -> Tensor:
    """I(y; y') in nats between the clusters of two copies of the same images: 0 … log K.

    Of P = (Y'ᵀY + YᵀY') / 2B, the share of images that have one copy in cluster j and the other
    in cluster k. It is log K where all copies agree, every row is one-hot, and all clusters are
    equally large (Ji et al. 2019, eq. 1 to 3).

    Args:
        y, y_other: cluster probabilities, (B, K), row by row of the same image.
    """
    check_matrix(y, "y")
    check_matrix(y_other, "y_other")
    check_same_shape(y_other, y, "y_other", "y")
    pairs = y_other.T @ y / len(y)
    pairs = ((pairs + pairs.T) / 2).clamp(min=MIN_PROBABILITY)
    single = pairs.sum(1)
    return (pairs * (pairs.log() - single.log()[:, None] - single.log()[None])).sum()


def repulsion(heads: Tensor, distance: float) -> Tensor:
    """Σ over pairs of max(0, η − ‖w_j − w_k‖): 0 where every two heads are η apart (§7).

    Each pair counts once. A head and itself are no pair: with the diagonal, the sum could never
    fall below η K.

    Args:
        heads: W_C, (K, d).
        distance: η.
    """
    check_matrix(heads, "heads")
    check_number(distance, "distance", above=0)
    return F.relu(distance - pair_distances(heads)).sum()


def pair_distances(heads: Tensor) -> Tensor:
    """‖w_j − w_k‖ of every pair j < k of rows of ``heads``, (K, d): (K (K − 1) / 2,)."""
    if heads.device.type != "mps":  # pdist has no kernel there
        return F.pdist(heads)
    first, second = torch.triu_indices(len(heads), len(heads), 1, device=heads.device)
    return torch.linalg.vector_norm(heads[first] - heads[second], dim=1)


def _probabilities(q: Tensor, name: str) -> None:
    check_matrix(q, name)
    check(q.shape[1] >= 2, name, q, "two clusters (columns) or more")
    inside = bool((q.isfinite() & (q >= 0) & (q <= 1)).all())
    check(
        inside, name, "values that are nan or not in 0 … 1", "probabilities; softmax(1) of logits"
    )


def _one_label_each(q: Tensor, labels: Tensor, classes: int) -> None:
    check_int(classes, "classes")
    check_labels(labels, "labels", classes)
    check(len(labels) == len(q), "labels", labels, f"{len(q)} labels, one per row of q")
