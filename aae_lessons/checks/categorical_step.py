"""Checks of lesson 4: the update of an autoencoder with a softmax code, by what it does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.phased_step import (
    Fault,
    PhasedStep,
    discriminator,
    half_square,
    pass_for_real,
    tell_apart,
)

K, PIXELS = 4, 6


class Small(nn.Module):
    """encoder: x -> K logits; decoder: y -> image logits; discriminator: y -> (B,) logits."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder, self.decoder = nn.Linear(PIXELS, K), nn.Linear(K, PIXELS)
        self.discriminator = discriminator(K)
        with torch.no_grad():
            self.encoder.weight.mul_(3)


def _step(model, optimizers, x, y_prior):
    # reconstruction phase
    y = model.encoder(x).softmax(1)
    reconstruction = 0.5 * (x - model.decoder(y).sigmoid()).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    reconstruction.backward()
    optimizers["reconstruction"].step()

    # regularization phase: the discriminator
    y = model.encoder(x).softmax(1)
    real, fake = model.discriminator(y_prior), model.discriminator(y.detach())
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss.backward()
    optimizers["discriminator"].step()

    # regularization phase: the generator
    generator = F.softplus(-model.discriminator(y)).mean()
    optimizers["generator"].zero_grad()
    generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": loss.detach(),
        "generator": generator.detach(),
    }


# --------------------------------------------------------------- losses, right and mistaken


def _soft(model: Small, x: Tensor) -> Tensor:
    return model.encoder(x).softmax(1)


def _hard(model: Small, x: Tensor) -> Tensor:
    return F.one_hot(model.encoder(x).argmax(1), K).float()


def _over_batch(model: Small, x: Tensor) -> Tensor:
    return model.encoder(x).softmax(0)


def _logits(model: Small, x: Tensor) -> Tensor:
    return model.encoder(x)


def _rebuilt(code=_soft, cost=half_square):
    return lambda model, x, y_prior: cost(x, model.decoder(code(model, x)))


def _judged(code=_soft, loss=tell_apart):
    def of(model: Small, x: Tensor, y_prior: Tensor) -> Tensor:
        return loss(model.discriminator(y_prior), model.discriminator(code(model, x)))

    return of


def _made(code=_soft, loss=pass_for_real):
    return lambda model, x, y_prior: loss(model.discriminator(code(model, x)))


OVER_BATCH = (
    "your softmax runs over the batch (dimension 0). Each image's K entries should sum to 1: "
    "dimension 1."
)
FAULTS = {
    "reconstruction": (
        Fault(
            "mean over pixels",
            "you take the mean over pixels. Sum over pixels, mean over images.",
            _rebuilt(cost=lambda x, logits: half_square(x, logits) / PIXELS),
        ),
        Fault(
            "logits taken for pixels",
            "you compare the image with the decoder's logits; x_hat = sigmoid(logits).",
            _rebuilt(cost=lambda x, logits: 0.5 * (x - logits).square().sum(1).mean()),
        ),
        Fault(
            "decoder sees the logits",
            "your decoder is given the encoder's logits. The code is y = softmax(logits): what "
            "passes beside the softmax is not regularised, and y need not hold anything.",
            _rebuilt(_logits),
        ),
        Fault(
            "hard code",
            "you give argmax's one-hot vector to the decoder. An argmax has no gradient, so the "
            "encoder learns nothing: the code is the soft y.",
            _rebuilt(_hard),
        ),
        Fault("softmax over the batch", OVER_BATCH, _rebuilt(_over_batch)),
    ),
    "discriminator": (
        Fault(
            "real and fake swapped",
            "your discriminator calls the encoder's codes real. In an AAE the prior's samples "
            "are the real ones (§2).",
            _judged(loss=lambda real, fake: tell_apart(fake, real)),
        ),
        Fault(
            "halved",
            "you average the discriminator's two halves; the loss is their sum.",
            _judged(loss=lambda real, fake: tell_apart(real, fake) / 2),
        ),
        Fault(
            "D_cat sees the logits",
            "your discriminator is given logits as codes and one-hot rows as prior samples. Any "
            "network tells those apart. It should see y = softmax(logits).",
            _judged(_logits),
        ),
        Fault(
            "D_cat sees hard codes",
            "your discriminator is given argmax's one-hot vectors. Those look like prior samples "
            "already: its loss sits at 2 log 2 as if all were matched, and y never has to "
            "sharpen. Balanced losses are not a match. Show it the soft y.",
            _judged(_hard),
        ),
        Fault("softmax over the batch", OVER_BATCH, _judged(_over_batch)),
    ),
    "generator": (
        Fault(
            "saturating",
            "you descend log(1 − D), which is flat where the discriminator is sure. Descend "
            "−log D.",
            _made(loss=lambda fake: -F.softplus(fake).mean()),
        ),
        Fault(
            "generator calls its codes fake",
            "you make codes that are easier to call fake. They should pass for real.",
            _made(loss=lambda fake: F.softplus(fake).mean()),
        ),
        Fault(
            "D_cat sees the logits",
            "the discriminator is given the encoder's logits. It should see y = softmax(logits).",
            _made(_logits),
        ),
        Fault("softmax over the batch", OVER_BATCH, _made(_over_batch)),
    ),
}


def _inputs() -> tuple[Tensor, Tensor]:
    x = torch.rand(5, PIXELS)
    # rows of three classes: a prior sample that a permutation of the batch does not change
    return x, torch.eye(K)[torch.randint(K, (5,))]


TEST = PhasedStep(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder"),
        "discriminator": ("discriminator",),
        "generator": ("encoder",),
    },
    losses={"reconstruction": _rebuilt(), "discriminator": _judged(), "generator": _made()},
    faults=FAULTS,
    inputs=_inputs,
)

step = Exercise(
    name="4.5",
    title="the whole update with a softmax code",
    read="lesson 4, section 4.3, and aae_lessons/models/categorical.py",
    hints=(
        "Three phases, each of three moves: forward, loss, descend (zero_grad, backward, step).",
        "Both the decoder and the discriminator see y = softmax(logits), over the classes.",
        "Real: y_prior. Fake: y.detach() for the discriminator, y itself for the generator.",
    ),
    answer=_step,
    test=TEST,
)


# -------------------------------------------------------------------- 4.6 find the mistakes


def broken_step(model, optimizers, x, y_prior):
    """Exercise 4.6: this update has two mistakes."""
    logits = model.encoder(x)
    reconstruction = 0.5 * (x - model.decoder(logits).sigmoid()).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    reconstruction.backward()
    optimizers["reconstruction"].step()

    y = model.encoder(x).softmax(1)
    y_hard = F.one_hot(y.argmax(1), y.shape[1]).float()
    real, fake = model.discriminator(y_prior), model.discriminator(y_hard)
    loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss.backward()
    optimizers["discriminator"].step()

    generator = F.softplus(-model.discriminator(y)).mean()
    optimizers["generator"].zero_grad()
    generator.backward()
    optimizers["generator"].step()
    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": loss.detach(),
        "generator": generator.detach(),
    }


def broken_curves(update=broken_step, updates: int = 400) -> dict[str, list[float]]:
    """A small run: the losses by phase, and y's mean largest probability ("largest")."""
    torch.manual_seed(2)
    kinds = torch.rand(K, PIXELS).round()
    x = (kinds[torch.arange(64) % K] + 0.15 * torch.randn(64, PIXELS)).clamp(0, 1)
    batches = [(x, torch.eye(K)[torch.randint(K, (64,))]) for _ in range(updates)]
    rates = {"reconstruction": 0.05, "discriminator": 0.5, "generator": 0.5}

    def watch(model: Small) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"largest": _soft(model, x).max(1).values.mean()}

    return TEST.run(update, rates, batches, watch)


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
    test=TEST,
)
