"""Lesson 5: the semi-supervised update, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.misconceptions import Wrong, mutant, row
from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.two_codes import REGULARISED, priors

K, D, PIXELS = 3, 2, 6


def _step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    losses = {}

    def descend(phase, loss):
        optimizers[phase].zero_grad()
        loss.backward()
        optimizers[phase].step()
        losses[phase] = loss.detach()

    # reconstruction phase: the clean image is the target
    y_logits, z = model.class_logits_and_style(model.corrupt(x))
    x_hat = model.decoder(torch.cat([y_logits.softmax(1), z], dim=1)).sigmoid()
    descend("reconstruction", 0.5 * (x - x_hat).square().sum(1).mean())

    # regularisation phase: the two discriminators …
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


class Small(nn.Module):
    """x -> (y logits, z) -> x_hat's logits, a discriminator for y and one for z."""

    def __init__(self, hidden: Sequence[int] = (5,)) -> None:
        super().__init__()
        self.encoder = mlp(PIXELS, *hidden, K + D, scale=3)
        self.decoder = mlp(K + D, PIXELS)
        self.discriminator_y = discriminator(K, PIXELS)
        self.discriminator_z = discriminator(D, PIXELS)

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and z, (B, d)."""
        y_logits, z = self.encoder(x).split([K, D], dim=1)
        return y_logits, z

    heads = class_logits_and_style  # as student notebooks before this one call it: hand-ins do

    def corrupt(self, x: Tensor) -> Tensor:
        """Images with noise; here always the same noise, so that a check can foresee it."""
        return x + 0.3 * torch.arange(PIXELS, dtype=x.dtype).mul(1.7).cos()


def _batch(rows: int) -> tuple[Tensor, ...]:
    labelled = max(rows - 1, 1)
    label = torch.randperm(labelled) % K
    images = torch.rand(rows, PIXELS), torch.rand(labelled, PIXELS)
    return *images, label, *priors(rows, K, D)


STAGE = Stage(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder"),
        "discriminator_y": ("discriminator_y",),
        "discriminator_z": ("discriminator_z",),
        "generator": ("encoder",),
        "classification": ("encoder",),
    },
    batch=_batch,
)
STEP = """
5.4 the semi-supervised update
read: lesson 5, section 5.3
hint: Five losses, each descended by the optimizer of its name: forward, loss, descend.
hint: The encoder always sees model.corrupt(...); the target is always the clean x.
hint: Detach y and z for the discriminators only; the generator's loss is a sum of two.
noisy input as target: the noisy image is the target too, so the network learns to rebuild noise.
    The target is the clean x.
    (x - x_hat) → (model.corrupt(x) - x_hat)
mean over pixels: you take the mean over pixels, with the rate that was meant for their sum. On
    MNIST that gradient is hundreds of times too small: the decoder hardly learns.
    .square().sum(1).mean() → .square().mean()
clean input: the encoder is given the clean image. In training it sees model.corrupt(x).
    style(model.corrupt(x)) ⏎ x_hat → style(x) ⏎ x_hat
    or style(model.corrupt(x)) ⏎ y = → style(x) ⏎ y =
    or model.corrupt(labelled_x) → labelled_x
logits taken for y: The decoder: the logits of y are used as the code. The code is y =
    softmax(logits).
    cat([y_logits.softmax(1) → cat([y_logits
logits taken for y: the logits of y are used as the code. The code is y = softmax(logits).
    y = y_logits.softmax(1) → y = y_logits
softmax over the batch: your softmax runs over the images (dimension 0). It belongs over the
    classes.
    y_logits.softmax(1) → y_logits.softmax(0)
style before class: the decoder is given z first and then y. The order is y, then z.
    [y_logits.softmax(1), z] → [z, y_logits.softmax(1)]
hard code: the decoder is given argmax's one-hot vector, which has no gradient: y learns nothing.
    [y_logits.softmax(1), z] → [F.one_hot(y_logits.argmax(1), y_logits.shape[1]), z]
logits taken for pixels: you compare the image with the decoder's logits; x_hat = sigmoid(logits).
    dim=1)).sigmoid() → dim=1))
{OTHER_COSTS}
{REGULARISED}
softmax before cross_entropy: cross_entropy takes logits and applies the softmax itself. Given y it
    can't come near 0: its curve ends on a plateau.
    F.cross_entropy(y_logits, label) → F.cross_entropy(y_logits.softmax(1), label)
sum over the batch: you sum over the labelled images. Take the mean.
    F.cross_entropy(y_logits, label) → F.cross_entropy(y_logits, label, reduction='sum')
another phase leaks: The encoder's .grad still holds what another phase left there, and the
    classification's step uses it once more. zero_grad() belongs before every backward().
    optimizers[phase].zero_grad() → phase == "classification" or optimizers[phase].zero_grad()
codes from before the reconstruction step: {OLD_CODES}
    # reconstruction phase: the clean image is the target ⏎ y_logits, z
    → old_logits, old = model.class_logits_and_style(model.corrupt(x)) ⏎ y_logits, z
    y.detach() → old_logits.softmax(1).detach()
    z.detach() → old.detach()
"""

step = exercise(_step, lambda trial: step_probes(trial, STAGE), STEP, REGULARISED=REGULARISED)

broken_step = mutant(
    _step,
    Wrong("", "", (("    # reconstruction phase: the", "    x = model.corrupt(x)\n    # the"),
                   ("y_logits, z = model.class_logits_and_style(model.corrupt(x))",
                    "y_logits, z = model.class_logits_and_style(x)"))),
    row(step.wrong, "mean over pixels"),
    row(step.wrong, "softmax before cross_entropy"),
)  # fmt: skip

MENDED_STEP = """
5.5 find three mistakes in a semi-supervised step
read: lesson 5, sections 5.3 and 5.11
hint: One mistake is in the target, one in a reduction, one in what a loss is given.
hint: Why does the classification loss stop at a level well above 0? What is its least value?
hint: x is overwritten by its noisy version; .mean() runs over pixels too; a softmax is extra.
"""
mended_step = exercise(
    _step, step.test, MENDED_STEP, *step.wrong, called="mended_step", counterpart=step
)


def broken_curves(update: Callable = broken_step, updates: int = 300) -> dict[str, list[float]]:
    """A small run: the losses by phase, and the clean images' squared error ("clean")."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = Small(hidden=())  # as small as can be
        torch.manual_seed(2)
        kinds = torch.rand(K, PIXELS).round()

        def images(label: Tensor) -> Tensor:
            return (kinds[label] + 0.15 * torch.randn(len(label), PIXELS)).clamp(0, 1)

        label, x = torch.arange(12) % K, images(torch.arange(60) % K)
        labelled_x = images(label)
        rates = dict.fromkeys(STAGE.owners, 0.1) | {"reconstruction": 0.05, "classification": 1.0}
        optimizers, seen = STAGE.optimizers(model, rates), {}
        for _ in range(updates):
            values = dict(update(model, optimizers, x, labelled_x, label, *priors(60, K, D)))
            with torch.no_grad():
                y_logits, z = model.class_logits_and_style(x)
                x_hat = model.decoder(torch.cat([y_logits.softmax(1), z], 1)).sigmoid()
                values["clean"] = 0.5 * (x - x_hat).square().sum(1).mean()
            for name, value in values.items():
                seen.setdefault(name, []).append(float(value))
    return seen
