"""Lesson 2: an update of an AAE with three mistakes."""

from __future__ import annotations

from collections.abc import Iterator

import torch  # noqa: F401 (an edit of the table draws with it)
from torch.nn import functional as F

from aae_lessons.checks.adversarial_step import (
    GENERATOR_ZERO,
    ROWS,
    TOGETHER,
    aae_probes,
    aae_step,
)
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import Wrong, mutant, wrong
from aae_lessons.checks.probes import run_probes
from aae_lessons.checks.shared import (
    SWAPPED,
    generator_rows,
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


HERE = "discriminator(encoder(x).detach())"
SIGNATURES = (  # what the curves say of a mistake that is still there
    wrong(
        "real and fake swapped",
        "A mistake is still there. In the broken run both players win: both losses fall to zero, "
        "and the codes run away from the prior. In a game one side's gain is the other's loss, so "
        f"these two pull on the same side. {SWAPPED}",
        (f"discriminator(z_prior), {HERE}", f"{HERE}, discriminator(z_prior)"),
    ),
    wrong(
        "another phase leaks",
        "A mistake is still there. Curves hardly show this one; the code does. What is in the "
        "encoder's .grad when the generator's backward() adds to it? What the reconstruction "
        "phase left, so that phase counts twice.",
        GENERATOR_ZERO,
    ),
    wrong(
        "detach and zero_grad missing",
        "Mistakes are still there. With these the discriminator wins: its loss sinks below 2 log "
        "2 and the generator's climbs above log 2. The encoder helps its opponent: its .grad "
        "holds what the discriminator's phase left there, and the generator's step uses it.",
        (HERE, "discriminator(encoder(x))"),
        GENERATOR_ZERO,
    ),
    wrong(
        "detach missing",
        "A mistake is still there, and no curve can show it, because zero_grad() throws the "
        "gradient away in time: the discriminator's phase computes one for the encoder, which "
        "would make codes easier to recognise. It takes time, and it waits for somebody to drop a "
        "zero_grad(). Where does a detach() belong?",
        (HERE, "discriminator(encoder(x))"),
    ),
)
broken_step = mutant(_mended_step, SIGNATURES[0], SIGNATURES[2])


def _for_mended() -> Iterator[Wrong]:
    """The rows of 2.5 whose edits fit the step of 2.6, and have no signature of their own."""
    known = {row.cause for row in SIGNATURES}
    for row in ROWS:
        texts = [edit[0] for edit in row.edits if not callable(edit)]
        if row.cause not in known and not any("z)" in text or "z." in text for text in texts):
            yield row
    yield from generator_rows(
        "F.softplus(-discriminator(encoder(x))).mean()", "discriminator(encoder(x))"
    )


mended_aae_step = Exercise(
    name="2.6",
    title="find three mistakes in an AAE's update",
    read="lesson 2, sections 2.4 and 2.9",
    hints=(
        "Both losses fall to zero, so both players win. Who is called real?",
        "Mend that, run it again, and look: the discriminator wins now. Who moves the encoder, "
        "and in which direction? Follow its .grad from phase to phase.",
        "One line to change, one detach() and one zero_grad() to add.",
    ),
    answer=_mended_step,
    test=run_probes(aae_probes),
    wrong=(*SIGNATURES, *_for_mended(), TOGETHER),
    counterpart=aae_step,
)
