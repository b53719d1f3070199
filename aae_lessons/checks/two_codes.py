"""Rows of the updates that regularise two codes, y and z: those of lessons 5 and 6."""

from __future__ import annotations

from collections.abc import Sequence

from aae_lessons.checks.misconceptions import Wrong, wrong
from aae_lessons.checks.shared import (
    LEAK,
    LEAK_TWICE,
    discriminator_rows,
    generator_rows,
)

ZERO = "        optimizers[phase].zero_grad()\n"
FOOL_Y = "F.softplus(-model.discriminator_y(y)).mean()"
FOOL_Z = "F.softplus(-model.discriminator_z(z)).mean()"


def unzeroed(phase: str) -> tuple[str, str]:
    """The edit that leaves out one phase's zero_grad()."""
    return ZERO, f'        if phase != "{phase}":\n    {ZERO}'


def _of_both(rows: Sequence[Wrong]) -> tuple[Wrong, ...]:
    """Rows of the generator that hold for both of its halves."""
    return tuple(
        wrong(
            row.cause,
            row.says,
            *((f"F.softplus(-{fake}).mean()", row.new.replace("FAKE", fake))
              for fake in ("model.discriminator_y(y)", "model.discriminator_z(z)")),
        )
        for row in rows
    )  # fmt: skip


REGULARISED = (  # rows that clustering shares: there, too, are two codes
    *(row for of in "yz" for row in discriminator_rows(before=f'"discriminator_{of}", ')),
    wrong(
        "real and fake swapped",
        discriminator_rows()[0].says,
        (
            "F.softplus(-real).mean() + F.softplus(fake)",
            "F.softplus(real).mean() + F.softplus(-fake)",
        ),
    ),
    wrong(
        "z not regularised",
        "only y is made to pass for prior samples. The loss is a sum over both codes.",
        ("fooled_y + fooled_z", "fooled_y"),
    ),
    wrong(
        "y not regularised",
        "only z is made to pass for prior samples: y may stay soft, or use one class. The loss is "
        "a sum over both codes.",
        ("fooled_y + fooled_z", "fooled_z"),
    ),
    wrong(
        "halved",
        "you take the mean of the generator's two halves. The loss is their sum.",
        ("fooled_y + fooled_z", "0.5 * (fooled_y + fooled_z)"),
    ),
    *_of_both(generator_rows("", "FAKE")),
    wrong(
        "D_cat sees hard codes",
        "it is given argmax's one-hot vectors. Those look like prior samples already, so y never "
        "has to sharpen. Give it the soft y.",
        ("y.detach()", "F.one_hot(y.argmax(1), y.shape[1]).float()"),
    ),
    wrong(
        "generator moves nothing",
        "its gradient is cut: codes are detached for the discriminators only. Here the encoder is "
        "to learn.",
        (FOOL_Y, FOOL_Y.replace("(y)", "(y.detach())")),
        (FOOL_Z, FOOL_Z.replace("(z)", "(z.detach())")),
        ("loss.backward()", "loss.requires_grad and loss.backward()"),
    ),
    wrong("another phase leaks", LEAK, unzeroed("generator")),
    wrong(
        "detach and zero_grad missing",
        LEAK_TWICE,
        ("y.detach()", "y"),
        ("z.detach()", "z"),
        unzeroed("generator"),
        ("loss.backward()", "loss.backward(retain_graph=True)"),
    ),
)
