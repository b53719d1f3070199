"""Lesson 2: an update of an AAE with three mistakes."""

from __future__ import annotations

import torch  # noqa: F401 (an edit of the table draws with it)
from torch.nn import functional as F

from aae_lessons.checks.adversarial_step import TOGETHER, aae_probes, aae_step
from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.tables import exercise


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
read: lesson 2, sections 2.4 and 2.9
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
