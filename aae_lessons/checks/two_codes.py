"""What the updates that regularise two codes, y and z, share: those of lessons 5 and 6."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from aae_lessons.checks import shared
from aae_lessons.checks.tables import table


def priors(rows: int, k: int, dim: int) -> tuple[Tensor, Tensor]:
    """Draws of Cat(k), one-hot, (rows, k), and of N(0, I), (rows, dim)."""
    return torch.eye(k)[torch.randint(k, (rows,))], torch.randn(rows, dim)


CODES = "model.discriminator_y(y)", "model.discriminator_z(z)"


def _for_both(edit: re.Match[str]) -> str:
    """An edit of the generator's loss, once for each of its halves."""
    text = edit[0].replace("{FOOL}", shared.FOOL)
    return "".join(text.replace("{LOGITS}", code) for code in CODES)


OF_BOTH = re.sub(r"    .*→.*\n", _for_both, shared.GENERATOR)
TEXT = """
real and fake swapped: {SWAPPED}
    F.softplus(-real).mean() + F.softplus(fake) → F.softplus(real).mean() + F.softplus(-fake)
z not regularised: only y is made to pass for prior samples. The loss is a sum over both codes.
    fooled_y + fooled_z → fooled_y
y not regularised: only z is made to pass for prior samples: y may stay soft, or use one class. The
    loss is a sum over both codes.
    fooled_y + fooled_z → fooled_z
halved: you take the mean of the generator's two halves. The loss is their sum.
    fooled_y + fooled_z → 0.5 * (fooled_y + fooled_z)
{OF_BOTH}
D_cat sees hard codes: it is given argmax's one-hot vectors. Those look like prior samples already,
    so y never has to sharpen. Give it the soft y.
    y.detach() → F.one_hot(y.argmax(1), y.shape[1]).float()
generator moves nothing: its gradient is cut: codes are detached for the discriminators only. Here
    the encoder is to learn.
    -model.discriminator_y(y) → -model.discriminator_y(y.detach())
    -model.discriminator_z(z) → -model.discriminator_z(z.detach())
    loss.backward() → loss.requires_grad and loss.backward()
another phase leaks: {LEAK}
    optimizers[phase].zero_grad() → phase == "generator" or optimizers[phase].zero_grad()
detach and zero_grad missing: {LEAK_TWICE}
    y.detach() → y
    z.detach() → z
    optimizers[phase].zero_grad() → phase == "generator" or optimizers[phase].zero_grad()
    loss.backward() → loss.backward(retain_graph=True)
"""
REGULARISED = (  # rows that clustering shares: there, too, are two codes
    *table(shared.DISCRIMINATOR, BEFORE='"discriminator_y", '),
    *table(shared.DISCRIMINATOR, BEFORE='"discriminator_z", '),
    *table(TEXT, OF_BOTH=OF_BOTH),
)
