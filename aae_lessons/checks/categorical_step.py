"""Lesson 4: the update of an autoencoder with a softmax code, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant, wrong
from aae_lessons.checks.probes import run_probes
from aae_lessons.checks.shared import (
    LEAK,
    LEAK_TWICE,
    OLD_CODES,
    cost_rows,
    discriminator_rows,
    generator_rows,
)
from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes

K, PIXELS = 4, 6


def _step(model, optimizers, x, y_prior):
    # reconstruction phase
    y = model.encoder(x).softmax(1)
    x_hat = model.decoder(y).sigmoid()
    reconstruction = 0.5 * (x - x_hat).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    reconstruction.backward()
    optimizers["reconstruction"].step()

    # regularisation phase: the discriminator
    y = model.encoder(x).softmax(1)
    real, fake = model.discriminator(y_prior), model.discriminator(y.detach())
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss.backward()
    optimizers["discriminator"].step()

    # regularisation phase: the generator
    generator = F.softplus(-model.discriminator(y)).mean()
    optimizers["generator"].zero_grad()
    generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": loss.detach(),
        "generator": generator.detach(),
    }


class Small(nn.Module):
    """encoder: x -> K logits; decoder: y -> image logits; discriminator: y -> (B,) logits."""

    def __init__(self, hidden: Sequence[int] = (5,), scale: float = 4.0) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, *hidden, K, scale=scale), mlp(K, PIXELS)
        self.discriminator = discriminator(K, PIXELS)


def _batch(rows: int) -> tuple[Tensor, Tensor]:
    return torch.rand(rows, PIXELS), torch.eye(K)[torch.randint(K, (rows,))]


STAGE = Stage(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder"),
        "discriminator": ("discriminator",),
        "generator": ("encoder",),
    },
    batch=_batch,
)
HARD = "F.one_hot(y.argmax(1), y.shape[1]).float()"
SECOND = """    optimizers["reconstruction"].step()

    # regularisation phase: the discriminator
    y = model.encoder(x).softmax(1)
"""
FOOL = "F.softplus(-model.discriminator(y)).mean()"
OVER_BATCH = (
    "your softmax runs over the batch (dimension 0). Each image's K entries should sum to 1: "
    "dimension 1."
)
SEES_LOGITS = wrong(
    "decoder sees the logits",
    "your decoder is given the encoder's logits. The code is y = softmax(logits): what passes "
    "round the softmax is not regularised, and y need not hold anything.",
    ("    y = model.encoder(x).softmax(1)\n    x_hat", "    y = model.encoder(x)\n    x_hat"),
)
SEES_HARD = wrong(
    "D_cat sees hard codes",
    "your discriminator is given argmax's one-hot vectors. Those look like prior samples already: "
    "its loss sits at 2 log 2 as if all were matched, and y never has to sharpen. Balanced losses "
    "are not a match. Give it the soft y.",
    ("y.detach()", HARD),
)
ROWS = (
    SEES_LOGITS,
    wrong(
        "hard code",
        "you give argmax's one-hot vector to the decoder. An argmax has no gradient, so the "
        "encoder learns nothing: the code is the soft y.",
        ("model.decoder(y)", f"model.decoder({HARD})"),
    ),
    wrong("softmax over the batch", OVER_BATCH, ("softmax(1)", "softmax(0)")),
    wrong(
        "logits taken for pixels",
        "you compare the image with the decoder's logits; x_hat = sigmoid(logits).",
        ("model.decoder(y).sigmoid()", "model.decoder(y)"),
    ),
    *cost_rows(),
    wrong(
        "D_cat sees the logits",
        "your discriminator is given logits as codes and one-hot rows as prior samples. Any "
        "network tells those apart. It should see y = softmax(logits).",
        ("    y = model.encoder(x).softmax(1)\n    real", "    y = model.encoder(x)\n    real"),
    ),
    SEES_HARD,
    *discriminator_rows(),
    *generator_rows(FOOL, "model.discriminator(y)"),
    wrong(
        "generator moves nothing",
        "its gradient is cut: the code is detached, or made hard by an argmax, on its way to the "
        "discriminator. Here the encoder is to learn.",
        (FOOL, "F.softplus(-model.discriminator(y.detach())).mean()"),
    ),
    wrong("another phase leaks", LEAK, ('    optimizers["generator"].zero_grad()\n', "")),
    wrong(
        "detach and zero_grad missing",
        LEAK_TWICE,
        ("y.detach()", "y"),
        ('    optimizers["generator"].zero_grad()\n', ""),
        ("    loss.backward()", "    loss.backward(retain_graph=True)"),
    ),
    wrong(
        "codes from before the reconstruction step",
        OLD_CODES,
        (SECOND, '    old = y.detach()\n' + SECOND),
        ("model.discriminator(y.detach())", "model.discriminator(old)"),
    ),
    wrong(
        "generator before the discriminator",
        "the generator meets the discriminator as it was before this step's update. First the "
        "discriminator learns, then the generator.",
        ("    loss = F", '    generator = F.softplus(-model.discriminator(y)).mean()\n'
         '    optimizers["generator"].zero_grad()\n    generator.backward()\n    loss = F'),
        ('\n    # regularisation phase: the generator\n    generator = '
         'F.softplus(-model.discriminator(y)).mean()\n    optimizers["generator"].zero_grad()\n'
         "    generator.backward()\n", ""),
    ),
)  # fmt: skip

step = Exercise(
    name="4.5",
    title="the whole update with a softmax code",
    read="lesson 4, section 4.3",
    hints=(
        "Three phases, each of three moves: forward, loss, descend (zero_grad, backward, step).",
        "Both the decoder and the discriminator see y = softmax(logits), over the classes.",
        "Real: y_prior. Fake: y.detach() for the discriminator, y itself for the generator.",
    ),
    answer=_step,
    test=run_probes(lambda trial: step_probes(trial, STAGE, list(STAGE.owners))),
    wrong=ROWS,
)

# -------------------------------------------------------------------- 4.6 find the mistakes

broken_step = mutant(_step, SEES_LOGITS, SEES_HARD)


def broken_curves(update: Callable = broken_step, updates: int = 400) -> dict[str, list[float]]:
    """A small run: the losses by phase, and y's mean largest probability ("largest")."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = Small(hidden=(), scale=3)  # as small as can be
        torch.manual_seed(2)
        kinds = torch.rand(K, PIXELS).round()
        x = (kinds[torch.arange(64) % K] + 0.15 * torch.randn(64, PIXELS)).clamp(0, 1)
        rates = {"reconstruction": 0.05, "discriminator": 0.5, "generator": 0.5}
        optimizers, seen = STAGE.optimizers(model, rates), {}
        for _ in range(updates):
            values = dict(update(model, optimizers, x, torch.eye(K)[torch.randint(K, (64,))]))
            with torch.no_grad():
                values["largest"] = model.encoder(x).softmax(1).max(1).values.mean()
            for name, value in values.items():
                seen.setdefault(name, []).append(float(value))
    return seen


mended_step = Exercise(
    name="4.6",
    title="find two mistakes in a step with D_cat",
    read="lesson 4, sections 4.2 and 4.3",
    hints=(
        "Compare the step with the one of exercise 4.5: what does each network see?",
        "The discriminator's loss is balanced from the start. What makes its task so hopeless?",
        "The decoder must see y, and the discriminator the soft y, detached.",
    ),
    answer=_step,
    test=step.test,
    wrong=ROWS,
    called="mended_step",
    counterpart=step,
)
