"""Objectives: pure functions of tensors, each a scalar.

Reductions are the same everywhere: **sum over features, mean over the batch**. Whatever ends in a
sigmoid is given as logits; ``x_hat = sigmoid(logits)``.
"""

from aae_lessons.objectives.adversarial import (
    discriminator_loss,
    generator_loss,
    two_sample_loss,
)
from aae_lessons.objectives.costs import (
    Cost,
    absolute_error,
    binary_cross_entropy,
    perceptual_error,
    squared_error,
)
from aae_lessons.objectives.distances import (
    WAE_SCALES,
    Kernel,
    inverse_multiquadratics,
    mmd,
    random_directions,
    rbf,
    sliced_wasserstein,
)
from aae_lessons.objectives.information import (
    LogProb,
    entropy,
    gaussian_kl,
    gaussian_log_prob,
    monte_carlo_kl,
)
from aae_lessons.objectives.steps import (
    adam,
    descend,
    reads,
)

__all__ = [
    "WAE_SCALES",
    "Cost",
    "Kernel",
    "LogProb",
    "absolute_error",
    "adam",
    "binary_cross_entropy",
    "descend",
    "discriminator_loss",
    "entropy",
    "gaussian_kl",
    "gaussian_log_prob",
    "generator_loss",
    "inverse_multiquadratics",
    "mmd",
    "monte_carlo_kl",
    "perceptual_error",
    "random_directions",
    "rbf",
    "reads",
    "sliced_wasserstein",
    "squared_error",
    "two_sample_loss",
]
