"""The losses of a discriminator and of the generator, its opponent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import check, check_same_shape


def discriminator_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """−mean log D(z_prior) − mean log(1 − D(z)), in nats, with D = sigmoid(logits).

    Prior samples are the *real* ones (AAE §2). A discriminator that can't tell says D = ½
    everywhere: the loss is then 2 log 2 = 1.386.

    Args:
        logits_real: of prior samples, (B,).
        logits_fake: of codes, (B,).
    """
    _logits(logits_real, "logits_real")
    _logits(logits_fake, "logits_fake")
    return F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()


def two_sample_loss(
    discriminator: Callable[..., Tensor], z_prior: Tensor, z: Tensor, *conditions: Tensor
) -> Tensor:
    """:func:`discriminator_loss` of prior samples and codes that pass D together, as one batch.

    Args:
        discriminator: (2B, d), and the conditions, to logits, (2B,).
        z_prior: prior samples, (B, d).
        z: codes, (B, d), detached. In this course's steps the encoder would not be updated
            otherwise either, because :func:`descend` differentiates with respect to its
            optimizer's own weights only. A plain ``backward()`` without ``detach`` would also
            compute gradients of the encoder, leave them in its ``.grad``, and free the graph
            that the generator's phase still needs.
        conditions: what else D sees of each row, (B, …): its label, or its class. Prior sample i
            and code i have the same.
    """
    check_same_shape(z_prior, z, "z_prior", "z")
    rows = torch.cat([z_prior, z])
    logits = discriminator(rows, *(torch.cat([c, c]) for c in conditions))
    return discriminator_loss(*logits.split(len(z)))


def generator_loss(logits_fake: Tensor) -> Tensor:
    """−mean log D(z), in nats: small where the discriminator takes codes for prior samples.

    The non-saturating form (Goodfellow et al. 2014, §3). At D = ½ it is log 2 = 0.693.

    Args:
        logits_fake: of codes, (B,).
    """
    _logits(logits_fake, "logits_fake")
    return F.softplus(-logits_fake).mean()


def _logits(value: Tensor, name: str) -> None:
    ok = isinstance(value, Tensor) and value.is_floating_point()
    ok = ok and value.dim() == 1 and len(value) > 0
    check(ok, name, value, "a floating-point tensor of shape (B,), one logit per code")
