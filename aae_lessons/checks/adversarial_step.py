"""Lesson 2: the update of an AAE, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from aae_lessons.checks.misconceptions import Wrong, mutant
from aae_lessons.checks.probes import Probe, holds
from aae_lessons.checks.stage import Parts, Stage, discriminator, mlp
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


STAGE = Stage(
    model=lambda: Parts(
        encoder=mlp(PIXELS, 4, D, scale=3),
        decoder=mlp(D, PIXELS),
        discriminator=discriminator(D, PIXELS),
    ),
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


TOGETHER = Wrong(
    "phases not apart",
    "the losses of several phases move the networks at once. Each phase stands alone: its "
    "forward, its loss, and its own zero_grad(), backward(), step(), before the next begins.",
    (_phases_apart,),
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
    yield from step_probes(trial, STAGE, further=[holds(_detached, "detach missing", "")])


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


def _mended_step(encoder, decoder, discriminator, optimizers, x, z_prior):
    x_hat = decoder(encoder(x)).sigmoid()
    reconstruction = 0.5 * (x - x_hat).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    reconstruction.backward()
    optimizers["reconstruction"].step()

    real, fake = discriminator(z_prior), discriminator(encoder(x).detach())
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss.backward()
    optimizers["discriminator"].step()

    generator = F.softplus(-discriminator(encoder(x))).mean()
    optimizers["generator"].zero_grad()
    generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": loss.detach(),
        "generator": generator.detach(),
    }


MENDED_AAE_STEP = """
2.6 find three mistakes in an AAE's update
read: lesson 2, sections 2.4 and 2.12
hint: Both losses fall to zero, so both players win. Who is called real?
hint: Mend that, run it again, and look: the discriminator wins now. Who moves the encoder, and in
    which direction? Follow its .grad from phase to phase.
hint: One line to change, one detach() and one zero_grad() to add.
real and fake swapped: A mistake is still there. In the broken run both players win: both losses
    fall to zero, and the codes run away from the prior. In a game one side's gain is the other's
    loss, so these two pull on the same side. {SWAPPED}
    discriminator(z_prior), discriminator(encoder(x).detach())
    → discriminator(encoder(x).detach()), discriminator(z_prior)
another phase leaks: A mistake is still there. Curves hardly show this one; the code does. What is
    in the encoder's .grad when the generator's backward() adds to it? What the reconstruction
    phase left, so that phase counts twice.
    optimizers["generator"].zero_grad() → pass
detach and zero_grad missing: Mistakes are still there. With these the discriminator wins: its loss
    sinks below 2 log 2 and the generator's climbs above log 2. The encoder helps its opponent: its
    .grad holds what the discriminator's phase left there, and the generator's step uses it.
    discriminator(encoder(x).detach()) → discriminator(encoder(x))
    optimizers["generator"].zero_grad() → pass
detach missing: A mistake is still there, and no curve can show it, because zero_grad() throws the
    gradient away in time: the discriminator's phase computes one for the encoder, which would make
    codes easier to recognise. It takes time, and it waits for somebody to drop a zero_grad().
    Where does a detach() belong?
    discriminator(encoder(x).detach()) → discriminator(encoder(x))
logits taken for pixels: you compare the image with the decoder's logits; x_hat = sigmoid(logits).
    decoder(encoder(x)).sigmoid() → decoder(encoder(x))
{COSTS}
encoder does not move: the encoder does not move: is its code detached on the way to the decoder?
    decoder(encoder(x)) → decoder(encoder(x).detach())
{OTHER_DISCRIMINATOR}
prior samples never shown: The discriminator never sees z_prior, the prior's samples that the step
    is given.
    discriminator(z_prior) → discriminator(torch.randn_like(z_prior))
{GENERATOR}
"""
mended_aae_step = exercise(
    _mended_step,
    aae_probes,
    MENDED_AAE_STEP,
    TOGETHER,
    counterpart=aae_step,
    LOGITS="discriminator(encoder(x))",
)
broken_step = mutant(_mended_step, mended_aae_step.wrong[0], mended_aae_step.wrong[2])
