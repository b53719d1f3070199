"""The classifier two-sample test: can a fresh discriminator tell codes from a prior?"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.optim import Adam

from aae_lessons.arguments import check, check_instance, check_int
from aae_lessons.metrics.match import check_codes
from aae_lessons.networks import Discriminator
from aae_lessons.objectives import descend, discriminator_loss
from aae_lessons.priors import HasDensity, Prior


def c2st_accuracy(
    z: Tensor, prior: Prior, seed: int = 0, updates: int = 2000, *, density: bool = False
) -> float:
    """How well a fresh discriminator tells held-out codes from prior samples: 0.5 … 1.

    One half of the codes trains it (against fresh prior samples in every update), the other
    half tests it: 0.5 is a perfect match. The discriminator that a model was trained with
    can't be used for this: the encoder was trained against it.

    Args:
        z: codes of images that the model was not trained on, (n, d), n at least 20.
        prior: P_Z.
        seed: of the halves, the discriminator and the prior samples.
        updates: of the discriminator, batch 256, Adam 1e-3 falling linearly to zero.
        density: whether the discriminator also sees log p(z), standardised by prior samples and
            cut off at -6 and 3. For priors with gaps, which it finds too slowly in z alone;
            needs a prior with ``log_prob``.

    Returns:
        Accuracy on the test half and 20,000 prior samples, each side counting the same.
    """
    check_codes(z, prior, at_least=20, seed=seed)
    check_int(updates, "updates")
    check(isinstance(density, bool), "density", density, "True or False")
    if density:
        check_instance(prior, "prior", HasDensity, "one with log_prob, as density=True asks")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        seen = Tensor.detach
        if density:
            seen = _with_log_density(cast(HasDensity, prior), like=z)
        z = seen(z)
        order = torch.randperm(len(z), device=z.device)
        train, test = z[order[: len(z) // 2]], z[order[len(z) // 2 :]]
        classifier = Discriminator(z.shape[1], (128, 128)).to(z.device)
        adam = Adam(classifier.parameters(), 1e-3, fused=True)
        for i in range(updates):
            adam.param_groups[0]["lr"] = 1e-3 * (1 - i / updates)
            codes = train[torch.randint(len(train), (256,), device=z.device)]
            both = torch.cat([seen(prior.sample(256, z.device).to(z)), codes])
            descend(discriminator_loss(*classifier(both).split(256)), adam)
        with torch.no_grad():
            real = (classifier(seen(prior.sample(20_000, z.device).to(z))) > 0).float().mean()
            fake = (classifier(test) <= 0).float().mean()
    return ((real + fake) / 2).item()


def _with_log_density(prior: HasDensity, like: Tensor) -> Callable[[Tensor], Tensor]:
    """A function that appends log p(z), standardised and cut off, to codes (n, d): (n, d + 1)."""
    usual = prior.log_prob(prior.sample(10_000, like.device).to(like))

    def appended(z: Tensor) -> Tensor:
        standardised = (prior.log_prob(z.detach()) - usual.mean()) / usual.std()
        return torch.cat([z.detach(), standardised.clamp(-6, 3)[:, None]], dim=1)

    return appended
