"""Lesson 3: the update of a VAE, and a broken one.

What the decoder was given tells which ε an answer drew. With that same ε every right answer, and
every foreseeable wrong one, moves the weights exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Trial
from aae_lessons.checks.misconceptions import Wrong, mutant, wrong
from aae_lessons.checks.posterior import ROWS as DRAW_ROWS
from aae_lessons.checks.posterior import refuse_wrong_draws
from aae_lessons.checks.probes import Probe, judged_by
from aae_lessons.checks.shared import LOG_OF_SIGMOID, SIGMOID_TWICE
from aae_lessons.checks.stage import Seen, Stage, last, mlp
from aae_lessons.checks.steps import same_after, step_probes

PIXELS, D, MANY = 6, 3, 8000
TERMS = ("reconstruction", "kl")
Step = Callable[..., Mapping[str, Tensor]]


def _vae_step(encoder, decoder, optimizer, x, beta):
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    logits = decoder(z)
    # −log p(x|z) and KL(q(z|x) ‖ N(0, I)), in nats: sums in a row, mean over the rows
    pixels = F.softplus(logits) - x * logits
    dimensions = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)
    reconstruction, divergence = pixels.sum(1).mean(), dimensions.sum(1).mean()
    optimizer.zero_grad()
    (reconstruction + beta * divergence).backward()
    optimizer.step()
    return {"reconstruction": reconstruction.detach(), "kl": divergence.detach()}


class Pair(nn.Module):
    """Encoder 6-5-6 (3 dimensions) and decoder 3-6."""

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 5, 2 * D), mlp(D, PIXELS)
        with torch.no_grad():
            last(self.encoder).weight.mul_(2)
            last(self.decoder).bias.add_(bias * torch.tensor([1.0, -1.0] * 3))


def _noise(model: nn.Module, seen: Seen, batch: Sequence) -> list[Tensor]:
    """ε of each call of the decoder, by what the encoder gave last."""
    result, out = [torch.zeros(len(batch[0]), D)], None
    for name, given, output in seen.calls:
        if name == "encoder" and output.shape == (len(batch[0]), 2 * D):
            out = output
        if name == "decoder" and out is not None and given.shape == (len(batch[0]), D):
            mean, log_variance = out.chunk(2, dim=1)
            result.append((given - mean) * (-0.5 * log_variance).exp())
    return result[1:] or result


STAGE = Stage(
    model=Pair,
    owners={"": ("encoder", "decoder")},
    batch=lambda rows: (torch.rand(rows, PIXELS), 1.7 if rows % 2 else 0.4),
    call=lambda step, model, optimizers, batch: step(
        model.encoder, model.decoder, optimizers[""], *batch
    ),
    noise=_noise,
    rate=0.1,
)
SATURATED = replace(STAGE, model=lambda: Pair(200.0))
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
    wrong(
        "nothing moved",
        "No weight has moved. backward() makes gradients, optimizer.step() uses them; a "
        "zero_grad() between the two throws them away.",
        ("    optimizer.step()\n", ""),
    ),
    wrong(
        "stale gradients",
        "Gradients that were there before your step change it: zero_grad() is missing before "
        "backward().",
        ("    optimizer.zero_grad()\n", ""),
    ),
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


def _drawn(trial: Trial, answer: Callable, batch: Sequence, noise: Tensor | None = None) -> Tensor:
    """The codes that an answer decodes."""
    played = STAGE.play(answer, [batch], noise=None if noise is None else [noise])
    codes = played.given("decoder")
    if codes is None:
        trial.refuse("nothing decoded", "Your step never calls the decoder.")
    return codes


def _vae_probes(trial: Trial) -> Iterator[Probe]:
    batch = torch.rand(MANY, PIXELS), 1.7
    with torch.no_grad():
        encoder = STAGE.start().get_submodule("encoder")
        mean, log_variance = encoder(batch[0]).chunk(2, dim=1)
    z = trial.tensor(_drawn(trial, trial, batch), mean.shape)
    same = torch.equal(_drawn(trial, lambda *inputs: _seeded(trial, inputs), batch), z)
    if same and (z - mean).abs().max() > 1e-5:
        says = "Two updates draw the same noise. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)

    def codes(answer: Callable, noise: Tensor) -> Tensor:
        return _drawn(trial, answer, batch, noise)

    refuse_wrong_draws(trial, z, mean, log_variance, codes)
    yield from step_probes(trial, STAGE, TERMS, list(_saturated()))


def _seeded(trial: Trial, inputs: Sequence) -> object:
    torch.manual_seed(99)
    return trial(*inputs)


def _saturated() -> Iterator[Probe]:
    batch = torch.tensor([[0.0, 1.0] * 3] * 4) * 0.9 + 0.05, 1.7
    yield same_after(SATURATED, [batch], "sigmoid, then log", LOG_OF_SIGMOID, "reconstruction")


vae_step = Exercise(
    name="3.4",
    title="the whole update of a VAE",
    read="lesson 3, sections 3.2 and 3.4",
    hints=(
        "Five moves: posterior, draw, decode, the two terms, descend their weighted sum.",
        "Both terms are sums in a row (pixels; dimensions), and then a mean over the rows.",
        "reconstruction + beta * kl, one zero_grad, one backward, one step.",
    ),
    answer=_vae_step,
    test=judged_by(_vae_probes),
    wrong=(SWAPPED, INTERLEAVED, *DRAW_ROWS, *LOSS_ROWS),
)

# ------------------------------------------------------------------- 3.5 find the mistakes

LOG_VARIANCE = DRAW_ROWS[1]
broken_step = mutant(_vae_step, LOG_VARIANCE, PIXEL_MEAN)

mended_vae = Exercise(
    name="3.5",
    title="find two mistakes in a VAE's update",
    read="lesson 3, section 3.8",
    hints=(
        "The KL is 0 and all images are one. Which of the two terms is too weak, by which factor?",
        "In the printed line, σ is charged for and nothing of it is drawn. What multiplies ε?",
        "Sum over pixels, then the mean over images. And σ = exp(½ log σ²).",
    ),
    answer=_vae_step,
    test=vae_step.test,
    wrong=vae_step.wrong,
    called="mended_vae",
    beside=vae_step,
)
