"""How good generated images are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.arguments import check, check_callable, check_finite, check_matrix, check_sizes


@torch.no_grad()
def sample_quality(x: Tensor, classifier: nn.Module) -> dict[str, float]:
    """What the fixed classifier makes of images.

    Args:
        x: images, (n, 784).
        classifier: images -> class logits, (n, K).

    Returns:
        ``confidence``: mean largest probability, 1/K … 1. ``coverage``: exp(entropy of the mean
        prediction) / K, 1/K where all images are of one class, 1 where all classes are equal.
    """
    check_matrix(x, "x")
    check_callable(classifier, "classifier", "a function of images")
    logits = classifier(x)
    check_matrix(logits, "classifier(x)", rows=len(x))
    probabilities = F.softmax(logits, dim=1)
    mean = probabilities.mean(0)
    return {
        "confidence": probabilities.amax(1).mean().item(),
        "coverage": torch.special.entr(mean).sum().exp().item() / len(mean),
    }


@torch.no_grad()
def sharpness(x: Tensor, shape: tuple[int, int] = (28, 28)) -> float:
    """Variance of the Laplacian of an image's pixels, mean over images: low where they blur.

    (The measure of WAE, Table 1, there of CelebA samples in grey.)

    Args:
        x: images, (n, H·W), in [0, 1].
        shape: (H, W).
    """
    check_sizes(shape, "shape", length=2)
    check_matrix(x, "x", columns=shape[0] * shape[1])
    laplacian = x.new_tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).view(1, 1, 3, 3)
    edges = F.conv2d(x.view(-1, 1, *shape), laplacian)
    return edges.flatten(1).var(1, correction=0).mean().item()


def frechet_distance(features_a: Tensor, features_b: Tensor) -> float:
    """‖μ_a − μ_b‖² + tr(C_a + C_b − 2 (C_a C_b)^½): the squared Fréchet distance of two samples.

    (Heusel et al. 2017, arXiv:1706.08500; there in Inception's features, here in those of the
    digit classifier, so that the values compare with each other only.)

    Args:
        features_a, features_b: (n, F) and (m, F), n and m at least 2.
    """
    check_matrix(features_a, "features_a")
    check_matrix(features_b, "features_b", columns=features_a.shape[1])
    for value, name in ((features_a, "features_a"), (features_b, "features_b")):
        check(len(value) > 1, name, value, "two rows or more")
        check_finite(value, name)
    # on the CPU: Apple's accelerators have no float64, and no kernel for eigenvalues
    a, b = features_a.detach().cpu().double(), features_b.detach().cpu().double()
    covariance_a, covariance_b = a.T.cov(), b.T.cov()
    # the eigenvalues of a product of two covariances are real and not negative
    roots = torch.linalg.eigvals(covariance_a @ covariance_b).real.clamp(min=0).sqrt().sum()
    traces = covariance_a.trace() + covariance_b.trace() - 2 * roots
    return ((a.mean(0) - b.mean(0)).square().sum() + traces).item()
