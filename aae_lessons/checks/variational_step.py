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

from aae_lessons.checks.misconceptions import mutant, row
from aae_lessons.checks.posterior import DRAWS, refuse_wrong_draws
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.shared import LARGE
from aae_lessons.checks.stage import CallRecorder, Stage, call_with_pair, mlp
from aae_lessons.checks.steps import same_after, step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

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
        self.encoder, self.decoder = mlp(PIXELS, 5, 2 * D, scale=2), mlp(D, PIXELS)
        *_, bias_of_pixels = self.decoder.parameters()
        with torch.no_grad():
            bias_of_pixels.add_(bias * torch.tensor([1.0, -1.0] * 3))


def _noise(model: nn.Module, seen: CallRecorder, batch: Sequence) -> list[Tensor]:
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
    call=call_with_pair,
    noise=_noise,
    rate=0.1,
)
SATURATED = replace(STAGE, model=lambda: Pair(200.0))


def _vae_probes(trial: Trial) -> Iterator[Probe]:
    batch = torch.rand(MANY, PIXELS), 1.7
    with torch.no_grad():
        mean, log_variance = STAGE.start().get_submodule("encoder")(batch[0]).chunk(2, dim=1)

    def decoded_codes(answer: Callable, noise: Tensor | None = None, seed: int = 7) -> Tensor:
        noises = None if noise is None else [noise]
        codes = STAGE.play(answer, [batch], noise=noises, seed=seed).last_input("decoder")
        if codes is None:
            trial.refuse("nothing decoded", "Your step never calls the decoder.")
        return codes

    z = trial.tensor(decoded_codes(trial), mean.shape)
    same = torch.equal(decoded_codes(trial, seed=99), z)
    if same and (z - mean).abs().max() > 1e-5:
        says = "Two updates draw the same noise. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)

    refuse_wrong_draws(trial, z, mean, log_variance, decoded_codes)
    batch = torch.tensor([[0.0, 1.0] * 3] * 4) * 0.9 + 0.05, 1.7
    far = same_after(SATURATED, [batch], "wrong for large logits", LARGE, "reconstruction")
    yield from step_probes(trial, STAGE, TERMS, [far])


VAE_STEP = """
3.4 the whole update of a VAE
read: lesson 3, sections 3.2 and 3.4
hint: Five moves: posterior, draw, decode, the two terms, descend their weighted sum.
hint: Both terms are sums in a row (pixels; dimensions), and then a mean over the rows.
hint: reconstruction + beta * kl, one zero_grad, one backward, one step.
mean and log-variance swapped: You take the two halves in the wrong order: first comes the mean,
    then the log-variance.
    mean, log_variance = encoder → log_variance, mean = encoder
every other column: You take every other column for the means. The first d columns are the means,
    the last d the log-variances: chunk(2, dim=1).
    encoder(x).chunk(2, dim=1) → encoder(x)[:, 0::2], encoder(x)[:, 1::2]
{DRAWS}
KL subtracted: You subtract the KL: then posteriors are rewarded for running away from the prior.
    We minimise reconstruction *plus* KL; the ELBO, which is maximised, is minus that.
    reconstruction + beta * → reconstruction - beta *
uphill: Your step goes up: the ELBO is maximised, so its negative is what an optimizer descends.
    reconstruction + beta * divergence → -(reconstruction + beta * divergence)
mean over pixels: You take the mean over pixels, while the KL is a sum over dimensions. That is a β
    too large by the number of pixels, and the posterior collapses onto the prior.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.mean(), dimensions.sum(1).mean()
mean over pixels: You take the mean over pixels, and over dimensions too. Both are sums, in nats
    for each image.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.mean(), dimensions.mean()
KL averaged over dimensions: You take the mean of the KL over latent dimensions. It is a sum: each
    dimension's nats count in full.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.sum(1).mean(), dimensions.mean()
KL summed over the batch: The KL is summed over the images, the reconstruction averaged: β then
    depends on the batch size. Take the mean over the images in both.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.sum(1).mean(), dimensions.sum()
sum over the batch: You sum over the images: the step then grows with the batch. Sum over pixels
    and over dimensions, and take the mean over the images.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.sum(), dimensions.sum()
sum over the batch: The reconstruction is summed over the images, the KL averaged: β then depends
    on the batch size. Take the mean over the images in both.
    pixels.sum(1).mean(), dimensions.sum(1).mean() → pixels.sum(), dimensions.sum(1).mean()
beta forgotten: The KL enters with weight 1, whatever beta is.
    (reconstruction + beta * divergence).backward() → (reconstruction + divergence).backward()
beta on the reconstruction: beta multiplies the reconstruction. It is the price of a nat of KL.
    reconstruction + beta * divergence → beta * reconstruction + divergence
KL left out: The KL is not in what you descend. Without it this is an autoencoder with noise.
    (reconstruction + beta * divergence).backward() → (reconstruction).backward()
reconstruction left out: The reconstruction is not in what you descend: nothing asks for the image.
    (reconstruction + beta * divergence).backward() → (beta * divergence).backward()
half forgotten: Your KL is twice too large: the ½ is missing.
    0.5 * (log_variance.exp() → (log_variance.exp()
the other direction: That is KL(prior ‖ posterior). The posterior comes first: the average is over
    its draws.
    log_variance.exp() + mean.square() - 1 - → (1 + mean.square()) * (-log_variance).exp() - 1 +
deviation for the variance: In the KL you use σ where σ² stands. σ² = exp(log_variance), without a
    half.
    (log_variance.exp() → ((0.5 * log_variance).exp()
sigmoid applied twice: {SIGMOID_TWICE}
    logits = decoder(z) → logits = decoder(z).sigmoid()
squared error: You descend a squared error. Here −log p(x|z) is the cross-entropy of each pixel.
    F.softplus(logits) - x * logits → 0.5 * (x - logits.sigmoid()).square()
squared error: You descend a squared error, without its ½. Here −log p(x|z) is the cross-entropy of
    each pixel.
    F.softplus(logits) - x * logits → (x - logits.sigmoid()).square()
only the ink counted: You leave out the term of the white pixels, (1 − x) log(1 − x_hat).
    F.softplus(logits) - x * logits → x * F.softplus(-logits)
gradient cut: The reconstruction's gradient does not reach the encoder: the draw was cut out of the
    graph (sample(), torch.normal, detach). mean + σ·ε keeps it: that is the point of it.
    decoder(z) → decoder(z.detach())
KL by Monte Carlo: You estimate the KL from the draw. It is unbiased, but the prior is Gaussian:
    the closed form is there, without that noise.
    log_variance.exp() + mean.square() - 1 → z.square() - (z - mean).square() / log_variance.exp()
beta in the KL returned: Return the KL itself, without beta.
    "kl": divergence → "kl": beta * divergence
total returned as the reconstruction: Return the reconstruction alone: the KL is a term of its own
    in the dict.
    reconstruction.detach() → (reconstruction + beta * divergence).detach()
sigmoid, then log: {LOG_OF_SIGMOID}
    F.softplus(logits) - x * logits
    → -(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log())
sigmoid, then log: {LOG_OF_SIGMOID} torch's binary_cross_entropy stops at 100 for that reason.
    F.softplus(logits) - x * logits → F.binary_cross_entropy(logits.sigmoid(), x, reduction='none')
{DESCENT}
"""
vae_step = exercise(_vae_step, _vae_probes, VAE_STEP, DRAWS=DRAWS)

broken_step = mutant(
    _vae_step,
    row(vae_step.wrong, "log-variance for the deviation"),
    row(vae_step.wrong, "mean over pixels"),
)

MENDED_VAE = """
3.5 find two mistakes in a VAE's update
read: lesson 3, section 3.5
hint: The KL is 0 and all images are one. Which of the two terms is too weak, by which factor?
hint: In the printed line, σ is charged for and nothing of it is drawn. What multiplies ε?
hint: Sum over pixels, then the mean over images. And σ = exp(½ log σ²).
"""
mended_vae = exercise(
    _vae_step,
    vae_step.test,
    MENDED_VAE,
    *vae_step.wrong,
    called="mended_vae",
    counterpart=vae_step,
)
