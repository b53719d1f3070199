"""Checks of lesson 5: the semi-supervised update, by what it does."""

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

K, D, PIXELS = 3, 2, 6


class Small(nn.Module):
    """x -> (y logits, z) -> x_hat's logits, a discriminator for y and one for z."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder, self.decoder = nn.Linear(PIXELS, K + D), nn.Linear(K + D, PIXELS)
        self.discriminator_y, self.discriminator_z = discriminator(K), discriminator(D)
        with torch.no_grad():
            self.encoder.weight.mul_(3)

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and z, (B, D)."""
        y_logits, z = self.encoder(x).split([K, D], dim=1)
        return y_logits, z

    def corrupt(self, x: Tensor) -> Tensor:
        """Images with noise; here always the same noise, so that a check can foresee it."""
        return x + 0.3 * torch.arange(PIXELS, dtype=x.dtype).mul(1.7).cos()


def _step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    losses = {}

    def descend(phase, loss):
        optimizers[phase].zero_grad()
        loss.backward()
        optimizers[phase].step()
        losses[phase] = loss.detach()

    # reconstruction phase: the clean image is the target
    y_logits, z = model.class_logits_and_style(model.corrupt(x))
    logits = model.decoder(torch.cat([y_logits.softmax(1), z], dim=1))
    descend("reconstruction", 0.5 * (x - logits.sigmoid()).square().sum(1).mean())

    # regularization phase: the two discriminators …
    y_logits, z = model.class_logits_and_style(model.corrupt(x))
    y = y_logits.softmax(1)
    real, fake = model.discriminator_y(y_prior), model.discriminator_y(y.detach())
    descend("discriminator_y", F.softplus(-real).mean() + F.softplus(fake).mean())
    real, fake = model.discriminator_z(z_prior), model.discriminator_z(z.detach())
    descend("discriminator_z", F.softplus(-real).mean() + F.softplus(fake).mean())

    # … and the generator, for both codes
    fooled_y = F.softplus(-model.discriminator_y(y)).mean()
    fooled_z = F.softplus(-model.discriminator_z(z)).mean()
    descend("generator", fooled_y + fooled_z)

    # semi-supervised classification phase
    y_logits, _ = model.class_logits_and_style(model.corrupt(labelled_x))
    descend("classification", F.cross_entropy(y_logits, label))
    return losses


# --------------------------------------------------------------- losses, right and mistaken


def _rebuilt(cost=half_square, noisy_input=True, noisy_target=False, soft=True):
    def loss(model: Small, x: Tensor, *_: Tensor) -> Tensor:
        noisy = model.corrupt(x)
        y, z = model.class_logits_and_style(noisy if noisy_input else x)
        y = y.softmax(1) if soft else y
        return cost(noisy if noisy_target else x, model.decoder(torch.cat([y, z], 1)))

    return loss


def _codes(model: Small, x: Tensor, noisy: bool, soft: bool) -> tuple[Tensor, Tensor]:
    y, z = model.class_logits_and_style(model.corrupt(x) if noisy else x)
    return (y.softmax(1) if soft else y), z


def _judged(name: str, loss=tell_apart, noisy: bool = True, soft: bool = True):
    def of(model: Small, x: Tensor, _x: Tensor, _label: Tensor, *priors: Tensor) -> Tensor:
        which = "yz".index(name)
        discriminator = getattr(model, f"discriminator_{name}")
        code = _codes(model, x, noisy, soft)[which]
        return loss(discriminator(priors[which]), discriminator(code))

    return of


def _made(of_y=pass_for_real, of_z=pass_for_real, noisy: bool = True, soft: bool = True):
    def loss(model: Small, x: Tensor, *_: Tensor) -> Tensor:
        y, z = _codes(model, x, noisy, soft)
        return of_y(model.discriminator_y(y)) + of_z(model.discriminator_z(z))

    return loss


def _classified(loss=F.cross_entropy, noisy: bool = True):
    def of(model: Small, _x: Tensor, labelled_x: Tensor, label: Tensor, *_: Tensor) -> Tensor:
        return loss(
            model.class_logits_and_style(model.corrupt(labelled_x) if noisy else labelled_x)[0],
            label,
        )

    return of


def _nothing(fake: Tensor) -> Tensor:
    return fake.sum() * 0


CLEAN = "the encoder is given the clean image. In training it sees model.corrupt(x)."
SWAPPED = (
    "your discriminator calls the encoder's codes real. In an AAE the prior's samples are the "
    "real ones (§2)."
)
SOFT = "it is given the logits of y. The code is y = softmax(logits)."
HALVED = "you average the discriminator's two halves; the loss is their sum."


def _of_discriminator(name: str) -> tuple[Fault, ...]:
    swapped = _judged(name, lambda real, fake: tell_apart(fake, real))
    halved = _judged(name, lambda real, fake: tell_apart(real, fake) / 2)
    return (
        Fault("real and fake swapped", SWAPPED, swapped),
        Fault("halved", HALVED, halved),
        Fault("clean input", CLEAN, _judged(name, noisy=False)),
        Fault("logits taken for y", SOFT, _judged(name, soft=False)),
    )


FAULTS = {
    "reconstruction": (
        Fault(
            "mean over pixels",
            "you take the mean over pixels, with the rate that was meant for their sum. On MNIST "
            "that gradient is hundreds of times too small: the decoder hardly learns.",
            _rebuilt(lambda x, logits: half_square(x, logits) / PIXELS),
        ),
        Fault(
            "noisy input as target",
            "the noisy image is the target too, so the network learns to rebuild noise. The "
            "target is the clean x.",
            _rebuilt(noisy_target=True),
        ),
        Fault(
            "mean over pixels and noisy target",
            "two mistakes. You take the mean over pixels where their sum is wanted, and the noisy "
            "image is the target where it should be the clean one.",
            _rebuilt(lambda x, logits: half_square(x, logits) / PIXELS, noisy_target=True),
        ),
        Fault("clean input", CLEAN, _rebuilt(noisy_input=False)),
        Fault("logits taken for y", f"the decoder: {SOFT}", _rebuilt(soft=False)),
        Fault(
            "logits taken for pixels",
            "you compare the image with the decoder's logits; x_hat = sigmoid(logits).",
            _rebuilt(lambda x, logits: 0.5 * (x - logits).square().sum(1).mean()),
        ),
    ),
    "discriminator_y": _of_discriminator("y"),
    "discriminator_z": _of_discriminator("z"),
    "generator": (
        Fault(
            "z not regularised",
            "only y is made to pass for prior samples. The loss is a sum over both codes.",
            _made(of_z=_nothing),
        ),
        Fault(
            "y not regularised",
            "only z is made to pass for prior samples. The loss is a sum over both codes.",
            _made(of_y=_nothing),
        ),
        Fault(
            "saturating",
            "you descend log(1 − D), which is flat where a discriminator is sure. Descend −log D.",
            _made(lambda f: -F.softplus(f).mean(), lambda f: -F.softplus(f).mean()),
        ),
        Fault(
            "generator calls its codes fake",
            "you make codes that are easier to call fake. They should pass for real.",
            _made(lambda f: F.softplus(f).mean(), lambda f: F.softplus(f).mean()),
        ),
        Fault("clean input", CLEAN, _made(noisy=False)),
        Fault("logits taken for y", SOFT, _made(soft=False)),
    ),
    "classification": (
        Fault(
            "softmax before cross_entropy",
            "cross_entropy takes logits and applies the softmax itself. Given y it can't come "
            "near 0: its curve ends on a plateau.",
            _classified(lambda logits, label: F.cross_entropy(logits.softmax(1), label)),
        ),
        Fault(
            "sum over the batch",
            "you sum over the labelled images. Take the mean.",
            _classified(lambda logits, label: F.cross_entropy(logits, label, reduction="sum")),
        ),
        Fault("clean input", CLEAN, _classified(noisy=False)),
    ),
}


def _inputs() -> tuple[Tensor, ...]:
    y_prior = torch.eye(K)[torch.randint(K, (5,))]
    return torch.rand(5, PIXELS), torch.rand(4, PIXELS), torch.tensor([0, 1, 2, 1]), y_prior, _z(5)


def _z(n: int) -> Tensor:
    return torch.randn(n, D)


TEST = PhasedStep(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder"),
        "discriminator_y": ("discriminator_y",),
        "discriminator_z": ("discriminator_z",),
        "generator": ("encoder",),
        "classification": ("encoder",),
    },
    losses={
        "reconstruction": _rebuilt(),
        "discriminator_y": _judged("y"),
        "discriminator_z": _judged("z"),
        "generator": _made(),
        "classification": _classified(),
    },
    faults=FAULTS,
    inputs=_inputs,
)

step = Exercise(
    name="5.4",
    title="the semi-supervised update",
    read="lesson 5, section 5.3, and aae_lessons/models/semi_supervised.py",
    hints=(
        "Five losses, each descended by the optimizer of its name: forward, loss, descend.",
        "The encoder always sees model.corrupt(...); the target is always the clean x.",
        "Detach y and z for the discriminators only; the generator's loss is a sum of two.",
    ),
    answer=_step,
    test=TEST,
)


# -------------------------------------------------------------------- 5.5 find the mistakes


def broken_step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    """Exercise 5.5: this update has three mistakes."""
    losses = {}

    def descend(phase, loss):
        optimizers[phase].zero_grad()
        loss.backward()
        optimizers[phase].step()
        losses[phase] = loss.detach()

    x = model.corrupt(x)
    y_logits, z = model.class_logits_and_style(x)
    logits = model.decoder(torch.cat([y_logits.softmax(1), z], dim=1))
    descend("reconstruction", 0.5 * (x - logits.sigmoid()).square().mean())

    y_logits, z = model.class_logits_and_style(x)
    y = y_logits.softmax(1)
    real, fake = model.discriminator_y(y_prior), model.discriminator_y(y.detach())
    descend("discriminator_y", F.softplus(-real).mean() + F.softplus(fake).mean())
    real, fake = model.discriminator_z(z_prior), model.discriminator_z(z.detach())
    descend("discriminator_z", F.softplus(-real).mean() + F.softplus(fake).mean())

    fooled_y = F.softplus(-model.discriminator_y(y)).mean()
    fooled_z = F.softplus(-model.discriminator_z(z)).mean()
    descend("generator", fooled_y + fooled_z)

    y_logits, _ = model.class_logits_and_style(model.corrupt(labelled_x))
    descend("classification", F.cross_entropy(y_logits.softmax(1), label))
    return losses


def broken_curves(update=broken_step, updates: int = 300) -> dict[str, list[float]]:
    """A small run: the losses by phase, and the clean images' squared error ("clean")."""
    torch.manual_seed(2)
    kinds = torch.rand(K, PIXELS).round()

    def images(label: Tensor) -> Tensor:
        return (kinds[label] + 0.15 * torch.randn(len(label), PIXELS)).clamp(0, 1)

    label, x = torch.arange(12) % K, images(torch.arange(60) % K)
    labelled_x = images(label)
    priors = [(torch.eye(K)[torch.randint(K, (60,))], _z(60)) for _ in range(updates)]
    batches = [(x, labelled_x, label, *pair) for pair in priors]
    rates = dict.fromkeys(TEST.owners, 0.1) | {"reconstruction": 0.05, "classification": 1.0}

    def watch(model: Small) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"clean": _rebuilt(noisy_input=False)(model, x)}

    return TEST.run(update, rates, batches, watch)


mended_step = Exercise(
    name="5.5",
    title="find three mistakes in a semi-supervised step",
    read="lesson 5, sections 5.3 and 5.8",
    hints=(
        "One mistake is in the target, one in a reduction, one in what a loss is given.",
        "Why does the classification loss stop at a level well above 0? What is its least value?",
        "x is overwritten by its noisy version; .mean() runs over pixels too; a softmax is extra.",
    ),
    answer=_step,
    test=TEST,
)
