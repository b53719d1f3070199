"""Lesson 3: what may be wrong with the update of a VAE; its draws have rows of their own."""

from __future__ import annotations

from aae_lessons.checks.misconceptions import Wrong, wrong
from aae_lessons.checks.shared import DESCENT, LOG_OF_SIGMOID, SIGMOID_TWICE

BOTH = "pixels.sum(1).mean(), dimensions.sum(1).mean()"
SUM = "(reconstruction + beta * divergence).backward()"
CROSS_ENTROPY = "F.softplus(logits) - x * logits"
KL = "0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)"


def _descended(cause: str, says: str, new: str) -> Wrong:
    return wrong(cause, says, (SUM, f"({new}).backward()"))


def _reduced(cause: str, says: str, new: str) -> Wrong:
    return wrong(cause, says, (BOTH, new))


PIXEL_MEAN = _reduced(
    "mean over pixels",
    "You take the mean over pixels, while the KL is a sum over dimensions. That is a β too large "
    "by the number of pixels, and the posterior collapses onto the prior.",
    "pixels.mean(), dimensions.sum(1).mean()",
)
LOSS_ROWS = (
    _descended(
        "KL subtracted",
        "You subtract the KL: then posteriors are rewarded for running away from the prior. We "
        "minimise reconstruction *plus* KL; the ELBO, which is maximised, is minus that.",
        "reconstruction - beta * divergence",
    ),
    _descended(
        "uphill",
        "Your step goes up: the ELBO is maximised, so its negative is what an optimizer descends.",
        "-(reconstruction + beta * divergence)",
    ),
    PIXEL_MEAN,
    _reduced(
        "mean over pixels",
        "You take the mean over pixels, and over dimensions too. Both are sums, in nats for each "
        "image.",
        "pixels.mean(), dimensions.mean()",
    ),
    _reduced(
        "KL averaged over dimensions",
        "You take the mean of the KL over latent dimensions. It is a sum: each dimension's nats "
        "count in full.",
        "pixels.sum(1).mean(), dimensions.mean()",
    ),
    _reduced(
        "KL summed over the batch",
        "The KL is summed over the images, the reconstruction averaged: β then depends on the "
        "batch size. Take the mean over the images in both.",
        "pixels.sum(1).mean(), dimensions.sum()",
    ),
    _reduced(
        "sum over the batch",
        "You sum over the images: the step then grows with the batch. Sum over pixels and over "
        "dimensions, and take the mean over the images.",
        "pixels.sum(), dimensions.sum()",
    ),
    _reduced(
        "sum over the batch",
        "The reconstruction is summed over the images, the KL averaged: β then depends on the "
        "batch size. Take the mean over the images in both.",
        "pixels.sum(), dimensions.sum(1).mean()",
    ),
    _descended(
        "beta forgotten",
        "The KL enters with weight 1, whatever beta is.",
        "reconstruction + divergence",
    ),
    _descended(
        "beta on the reconstruction",
        "beta multiplies the reconstruction. It is the price of a nat of KL.",
        "beta * reconstruction + divergence",
    ),
    _descended(
        "KL left out",
        "The KL is not in what you descend. Without it this is an autoencoder with noise.",
        "reconstruction",
    ),
    _descended(
        "reconstruction left out",
        "The reconstruction is not in what you descend: nothing asks for the image.",
        "beta * divergence",
    ),
    wrong("half forgotten", "Your KL is twice too large: the ½ is missing.", (KL, KL[6:])),
    wrong(
        "the other direction",
        "That is KL(prior ‖ posterior). The posterior comes first: the average is over its draws.",
        (KL, "0.5 * ((1 + mean.square()) * (-log_variance).exp() - 1 + log_variance)"),
    ),
    wrong(
        "deviation for the variance",
        "In the KL you use σ where σ² stands. σ² = exp(log_variance), without a half.",
        (KL, "0.5 * ((0.5 * log_variance).exp() + mean.square() - 1 - log_variance)"),
    ),
    wrong(
        "sigmoid applied twice",
        SIGMOID_TWICE,
        ("logits = decoder(z)", "logits = decoder(z).sigmoid()"),
    ),
    wrong(
        "squared error",
        "You descend a squared error. Here −log p(x|z) is the cross-entropy of each pixel.",
        (CROSS_ENTROPY, "0.5 * (x - logits.sigmoid()).square()"),
    ),
    wrong(
        "squared error",
        "You descend a squared error, without its ½. Here −log p(x|z) is the cross-entropy of "
        "each pixel.",
        (CROSS_ENTROPY, "(x - logits.sigmoid()).square()"),
    ),
    wrong(
        "only the ink counted",
        "You leave out the term of the white pixels, (1 − x) log(1 − x_hat).",
        (CROSS_ENTROPY, "x * F.softplus(-logits)"),
    ),
    wrong(
        "gradient cut",
        "The reconstruction's gradient does not reach the encoder: the draw was cut out of the "
        "graph (sample(), torch.normal, detach). mean + σ·ε keeps it: that is the point of it.",
        ("decoder(z)", "decoder(z.detach())"),
    ),
    wrong(
        "KL by Monte Carlo",
        "You estimate the KL from the draw. It is unbiased, but the prior is Gaussian: the closed "
        "form is there, without that noise.",
        (KL, "0.5 * (z.square() - (z - mean).square() / log_variance.exp() - log_variance)"),
    ),
    wrong(
        "beta in the KL returned",
        "Return the KL itself, without beta.",
        ('"kl": divergence', '"kl": beta * divergence'),
    ),
    wrong(
        "total returned as the reconstruction",
        "Return the reconstruction alone: the KL is a term of its own in the dict.",
        ('"reconstruction": reconstruction.detach()',
         '"reconstruction": (reconstruction + beta * divergence).detach()'),
    ),
    wrong(
        "sigmoid, then log",
        LOG_OF_SIGMOID,
        (CROSS_ENTROPY, "-(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log())"),
    ),
    wrong(
        "sigmoid, then log",
        LOG_OF_SIGMOID + " torch's binary_cross_entropy stops at 100 for that reason.",
        (CROSS_ENTROPY, "F.binary_cross_entropy(logits.sigmoid(), x, reduction='none')"),
    ),
    *DESCENT,
)  # fmt: skip
SWAPPED = wrong(
    "mean and log-variance swapped",
    "You take the two halves in the wrong order: first comes the mean, then the log-variance.",
    ("mean, log_variance = encoder", "log_variance, mean = encoder"),
)
INTERLEAVED = wrong(
    "every other column",
    "You take every other column for the means. The first D columns are the means, the last D the "
    "log-variances: chunk(2, dim=1).",
    ("encoder(x).chunk(2, dim=1)", "encoder(x)[:, 0::2], encoder(x)[:, 1::2]"),
)
