"""Lesson 4: the update of an autoencoder with a softmax code, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.misconceptions import mutant, row
from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise

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
STEP = """
4.5 the whole update with a softmax code
read: lesson 4, section 4.3
hint: Three phases, each of three moves: forward, loss, descend (zero_grad, backward, step).
hint: Both the decoder and the discriminator see y = softmax(logits), over the classes.
hint: Real: y_prior. Fake: y.detach() for the discriminator, y itself for the generator.
decoder sees the logits: your decoder is given the encoder's logits. The code is y =
    softmax(logits): what passes round the softmax is not regularised, and y need not hold
    anything.
    y = model.encoder(x).softmax(1) ⏎ x_hat → y = model.encoder(x) ⏎ x_hat
hard code: you give argmax's one-hot vector to the decoder. An argmax has no gradient, so the
    encoder learns nothing: the code is the soft y.
    model.decoder(y) → model.decoder(F.one_hot(y.argmax(1), y.shape[1]).float())
softmax over the batch: your softmax runs over the batch (dimension 0). Each image's K entries
    should sum to 1: dimension 1.
    softmax(1) → softmax(0)
logits taken for pixels: you compare the image with the decoder's logits; x_hat = sigmoid(logits).
    model.decoder(y).sigmoid() → model.decoder(y)
{COSTS}
D_cat sees the logits: your discriminator is given logits as codes and one-hot rows as prior
    samples. Any network tells those apart. It should see y = softmax(logits).
    y = model.encoder(x).softmax(1) ⏎ real → y = model.encoder(x) ⏎ real
D_cat sees hard codes: your discriminator is given argmax's one-hot vectors. Those look like prior
    samples already: its loss sits at 2 log 2 as if all were matched, and y never has to sharpen.
    Balanced losses are not a match. Give it the soft y.
    y.detach() → F.one_hot(y.argmax(1), y.shape[1]).float()
{DISCRIMINATOR}
{GENERATOR}
generator moves nothing: its gradient is cut: the code is detached, or made hard by an argmax, on
    its way to the discriminator. Here the encoder is to learn.
    -model.discriminator(y) → -model.discriminator(y.detach())
another phase leaks: {LEAK}
    optimizers["generator"].zero_grad() → pass
detach and zero_grad missing: {LEAK_TWICE}
    y.detach() → y
    optimizers["generator"].zero_grad() → pass
    loss.backward() → loss.backward(retain_graph=True)
codes from before the reconstruction step: {OLD_CODES}
    optimizers["reconstruction"].step() → old = y.detach() ⏎ optimizers["reconstruction"].step()
    model.discriminator(y.detach()) → model.discriminator(old)
generator before the discriminator: the generator meets the discriminator as it was before this
    step's update. First the discriminator learns, then the generator.
    loss = F → {GENERATED} ⏎ loss = F
    # regularisation phase: the generator ⏎ {GENERATED} →
"""

GENERATED = 'generator = {FOOL} ⏎ optimizers["generator"].zero_grad() ⏎ generator.backward()'
step = exercise(
    _step,
    lambda trial: step_probes(trial, STAGE),
    STEP,
    LOGITS="model.discriminator(y)",
    GENERATED=GENERATED,
)

broken_step = mutant(
    _step, row(step.wrong, "decoder sees the logits"), row(step.wrong, "D_cat sees hard codes")
)


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


MENDED_STEP = """
4.6 find two mistakes in a step with D_cat
read: lesson 4, sections 4.2 and 4.3
hint: Compare the step with the one of exercise 4.5: what does each network see?
hint: The discriminator's loss is balanced from the start. What makes its task so hopeless?
hint: The decoder must see y, and the discriminator the soft y, detached.
"""
mended_step = exercise(
    _step, step.test, MENDED_STEP, *step.wrong, called="mended_step", counterpart=step
)
