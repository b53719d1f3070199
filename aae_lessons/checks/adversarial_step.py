"""Lesson 2: the update of an AAE, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F

from aae_lessons.checks.misconceptions import row, wrong
from aae_lessons.checks.probes import Probe, holds
from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

PHASES = ("reconstruction", "discriminator", "generator")
PIXELS, D = 6, 3


def _aae_step(encoder, decoder, discriminator, optimizers, x, z_prior):
    # reconstruction phase
    x_hat = decoder(encoder(x)).sigmoid()
    reconstruction = 0.5 * (x - x_hat).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    reconstruction.backward()
    optimizers["reconstruction"].step()

    # regularisation phase, discriminator. Detached: no gradient for the encoder is computed
    # that nobody uses or that could be left in .grad, and the generator can use z's graph again.
    z = encoder(x)
    real, fake = discriminator(z_prior), discriminator(z.detach())
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss.backward()
    optimizers["discriminator"].step()

    # regularisation phase, generator
    generator = F.softplus(-discriminator(z)).mean()
    optimizers["generator"].zero_grad()
    generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": loss.detach(),
        "generator": generator.detach(),
    }


class Three(nn.Module):
    """Encoder 6-4-3, decoder 3-6 and a discriminator of codes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 4, D, scale=3), mlp(D, PIXELS)
        self.discriminator = discriminator(D, PIXELS)


STAGE = Stage(
    model=Three,
    owners={
        "reconstruction": ("encoder", "decoder"),
        "discriminator": ("discriminator",),
        "generator": ("encoder",),
    },
    batch=lambda rows: (torch.rand(rows, PIXELS), torch.randn(rows, D)),
    call=lambda step, model, optimizers, batch: step(
        model.encoder, model.decoder, model.discriminator, optimizers, *batch
    ),
)


def _phases_apart(encoder, decoder, discriminator, optimizers, x, z_prior):
    z = encoder(x)
    reconstruction = 0.5 * (x - decoder(z).sigmoid()).square().sum(1).mean()
    real, fake = discriminator(z_prior), discriminator(z)
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    generator = F.softplus(-fake).mean()
    for optimizer in optimizers.values():
        optimizer.zero_grad()
    (reconstruction + loss + generator).backward()
    for optimizer in optimizers.values():
        optimizer.step()
    losses = {"reconstruction": reconstruction, "discriminator": loss, "generator": generator}
    return {name: value.detach() for name, value in losses.items()}


TOGETHER = wrong(
    "phases not apart",
    "the losses of several phases move the networks at once. Each phase stands alone: its "
    "forward, its loss, and its own zero_grad(), backward(), step(), before the next begins.",
    _phases_apart,
)


def _detached(answer: Callable) -> bool:
    """No gradient reaches the encoder while the discriminator learns, thrown away or not."""
    events: list[str] = []

    def noting(encoder, decoder, discriminator, optimizers, *batch):
        for p in encoder.parameters():
            p.register_hook(lambda _: events.append("gradient"))
        for phase, optimizer in optimizers.items():
            original = optimizer.step
            optimizer.step = lambda closure=None, phase=phase, original=original: (
                original(closure),
                events.append(phase),
            )[0]
        return answer(encoder, decoder, discriminator, optimizers, *batch)

    STAGE.play(noting, [STAGE.batch(5)])
    here = events[events.index("reconstruction") : events.index("discriminator")]
    return "gradient" not in here


def aae_probes(trial: Trial) -> Iterator[Probe]:
    """The probes of exercise 2.5: the AAE's step, phase by phase."""
    missing = row(trial.exercise.wrong, "detach missing")
    further = [holds(_detached, missing.cause, missing.says)]
    yield from step_probes(trial, STAGE, PHASES, further)


AAE_STEP = """
2.5 the whole update of an AAE
read: lesson 2, section 2.4
hint: Three phases, each of three moves: forward, loss, descend (zero_grad, backward, step).
hint: The discriminator's optimizer holds the discriminator's weights only. Which gradient would be
    computed for nobody, and left in .grad, if the codes were not detached?
hint: The discriminator of the generator's phase can be given the code z of the phase before:
    between the two the encoder has not moved. The code of the reconstruction phase is stale.
logits taken for pixels: you compare the image with the decoder's logits; x_hat = sigmoid(logits).
    decoder(encoder(x)).sigmoid() → decoder(encoder(x))
{COSTS}
encoder does not move: the encoder does not move: is its code detached on the way to the decoder?
    decoder(encoder(x)) → decoder(encoder(x).detach())
{DISCRIMINATOR}
codes standardised: you give the codes mean 0 and variance 1 before the discriminator sees them, as
    batch norm would. That fakes a match of moments: the decoder still gets the codes as they are.
    discriminator(z.detach()) → discriminator(((z - z.mean(0)) / z.std(0)).detach())
{GENERATOR}
generator moves nothing: its gradient is cut: codes are detached for the discriminator's phase
    only. Here the encoder is to learn.
    F.softplus(-discriminator(z)).mean() → F.softplus(-discriminator(z.detach())).mean()
another phase leaks: {LEAK}
    optimizers["generator"].zero_grad() → pass
detach and zero_grad missing: {LEAK_TWICE}
    discriminator(z.detach()) → discriminator(encoder(x))
    optimizers["generator"].zero_grad() → pass
prior samples never shown: The discriminator never sees z_prior, the prior's samples that the step
    is given.
    discriminator(z_prior) → discriminator(torch.randn_like(z_prior))
codes from before the reconstruction step: {OLD_CODES}
    x_hat = → old = encoder(x).detach(); x_hat =
    discriminator(z.detach()) → discriminator(old)
generator before the discriminator: the generator meets the discriminator as it was before this
    step's update. First the discriminator learns, then the generator.
    {GENERATED} → pass
    loss = F → {GENERATED} ⏎ loss = F
detach missing: The step moves what it should, because zero_grad() throws a gradient away in time.
    But the discriminator's phase still computes one for the encoder, which nobody uses and which
    would make codes easier to recognise. Give the discriminator z.detach().
    discriminator(z.detach()) → discriminator(encoder(x))
"""
GENERATED = 'generator = {FOOL} ⏎ optimizers["generator"].zero_grad() ⏎ generator.backward()'
aae_step = exercise(
    _aae_step, aae_probes, AAE_STEP, TOGETHER, LOGITS="discriminator(z)", GENERATED=GENERATED
)
