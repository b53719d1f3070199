"""What is measured of a clustering: names from the validation images, errors on the test set."""

from __future__ import annotations

import torch
from torch import Tensor

from aae_lessons import clusters, metrics
from aae_lessons.data import ImageSet
from aae_lessons.models.cluster_heads import ClusterHeadAAE
from aae_lessons.models.clustering import ClusteringAAE
from aae_lessons.objectives import entropy
from aae_lessons.references.measures.common import validation_images

CHUNK = 2000  # images at a time


@torch.no_grad()
def probabilities(model: ClusteringAAE, x: Tensor) -> Tensor:
    """q(y|x), (n, K), of images ``x`` (n, 784), by the model as it is in use (no noise)."""
    training = model.training
    y = torch.cat([model.eval().encode(rows)[0] for rows in x.split(CHUNK)])
    model.train(training)
    return y


def validation_error(model: ClusteringAAE, x: Tensor) -> dict[str, float]:
    """The error by heads on the validation images themselves, watched while a model trains."""
    held_out = validation_images(x.device)
    y = probabilities(model, held_out.x)
    names = clusters.cluster_names(y, held_out.labels)
    return {
        "validation_error_percent": clusters.clustering_error_percent(y, held_out.labels, names),
        "clusters_in_use": float((clusters.cluster_sizes(y) > 0).sum()),
    }


def errors(model: ClusteringAAE, test: ImageSet) -> dict[str, float]:
    """Errors on the test images (read once, here), and how sure y is."""
    y = probabilities(model, test.x)
    held_out = validation_images(test.device)
    names = clusters.cluster_names(probabilities(model, held_out.x), held_out.labels)
    return {
        "clustering_error_percent": clusters.clustering_error_percent(y, test.labels, names),
        **validation_error(model, test.x),
        "one_to_one_error_percent": clusters.one_to_one_error_percent(y, test.labels),
        "classes_named": float(len(names.unique())),
        "mean_max_probability": y.amax(1).mean().item(),
        "entropy": entropy(y).item(),
    }


def measure(model: ClusteringAAE, test: ImageSet) -> dict[str, float]:
    """:func:`errors`, the reconstruction, and the match of z."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        z = model.sample_posterior(model.eval().encode(test.x)[1])
    return {
        **errors(model, test),
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, model.prior),
    }


def vote_error(model: ClusteringAAE, test: ImageSet) -> dict[str, float]:
    """The error on the test images if all validation images of a cluster vote on its name."""
    held_out = validation_images(test.device)
    counts = clusters.contingency(probabilities(model, held_out.x), held_out.labels)
    y = probabilities(model, test.x)
    error = clusters.clustering_error_percent(y, test.labels, counts.argmax(1))
    return {"vote_error_percent": error}


def errors_with_vote(model: ClusteringAAE, test: ImageSet) -> dict[str, float]:
    """:func:`errors` and :func:`vote_error`."""
    return errors(model, test) | vote_error(model, test)


def measure_with_vote(model: ClusteringAAE, test: ImageSet) -> dict[str, float]:
    """:func:`measure` and :func:`vote_error`."""
    return measure(model, test) | vote_error(model, test)


def cluster_heads(model: ClusterHeadAAE, test: ImageSet) -> dict[str, float]:
    """:func:`measure`, and how near the two nearest heads are."""
    nearest = clusters.pair_distances(model.cluster_heads.detach()).min().item()
    return {**measure(model, test), "nearest_heads": nearest}
