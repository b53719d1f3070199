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

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.posterior import ROWS as DRAW_ROWS
from aae_lessons.checks.posterior import refuse_wrong_draws
from aae_lessons.checks.probes import Probe, run_probes
from aae_lessons.checks.shared import LARGE
from aae_lessons.checks.stage import CallRecorder, Stage, mlp
from aae_lessons.checks.steps import same_after, step_probes
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.variational_rows import INTERLEAVED, LOSS_ROWS, PIXEL_MEAN, SWAPPED

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
    call=lambda step, model, optimizers, batch: step(
        model.encoder, model.decoder, optimizers[""], *batch
    ),
    noise=_noise,
    rate=0.1,
)
SATURATED = replace(STAGE, model=lambda: Pair(200.0))


def _vae_probes(trial: Trial) -> Iterator[Probe]:
    batch = torch.rand(MANY, PIXELS), 1.7
    with torch.no_grad():
        mean, log_variance = STAGE.start().get_submodule("encoder")(batch[0]).chunk(2, dim=1)

    def decoded_codes(answer: Callable, noise: Tensor | None = None) -> Tensor:
        noises = None if noise is None else [noise]
        codes = STAGE.play(answer, [batch], noise=noises).last_input("decoder")
        if codes is None:
            trial.refuse("nothing decoded", "Your step never calls the decoder.")
        return codes

    z = trial.tensor(decoded_codes(trial), mean.shape)
    same = torch.equal(decoded_codes(lambda *inputs: _seeded(trial, inputs)), z)
    if same and (z - mean).abs().max() > 1e-5:
        says = "Two updates draw the same noise. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)

    refuse_wrong_draws(trial, z, mean, log_variance, decoded_codes)
    yield from step_probes(trial, STAGE, TERMS, list(_saturated()))


def _seeded(trial: Trial, inputs: Sequence) -> object:
    torch.manual_seed(99)
    return trial(*inputs)


def _saturated() -> Iterator[Probe]:
    batch = torch.tensor([[0.0, 1.0] * 3] * 4) * 0.9 + 0.05, 1.7
    yield same_after(SATURATED, [batch], "wrong for large logits", LARGE, "reconstruction")


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
    test=run_probes(_vae_probes),
    wrong=(SWAPPED, INTERLEAVED, *DRAW_ROWS, *LOSS_ROWS),
)

# ------------------------------------------------------------------- 3.5 find the mistakes

LOG_VARIANCE = DRAW_ROWS[1]
broken_step = mutant(_vae_step, LOG_VARIANCE, PIXEL_MEAN)

mended_vae = Exercise(
    name="3.5",
    title="find two mistakes in a VAE's update",
    read="lesson 3, section 3.10",
    hints=(
        "The KL is 0 and all images are one. Which of the two terms is too weak, by which factor?",
        "In the printed line, σ is charged for and nothing of it is drawn. What multiplies ε?",
        "Sum over pixels, then the mean over images. And σ = exp(½ log σ²).",
    ),
    answer=_vae_step,
    test=vae_step.test,
    wrong=vae_step.wrong,
    called="mended_vae",
    counterpart=vae_step,
)
