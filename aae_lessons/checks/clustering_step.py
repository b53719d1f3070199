"""Checks of lesson 6: the update without labels, with cluster heads, by what it does."""

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

K, D, PIXELS = 4, 2, 6


class Small(nn.Module):
    """x -> (y, z) -> y @ cluster_heads + z -> x_hat's logits, and two discriminators."""

    distance = 3.0

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder, self.decoder = nn.Linear(PIXELS, K + D), nn.Linear(D, PIXELS)
        self.discriminator_y, self.discriminator_z = discriminator(K), discriminator(D)
        self.cluster_heads = nn.Parameter(torch.randn(K, D))
        with torch.no_grad():
            self.encoder.weight.mul_(3)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y, (B, K), rows that sum to 1, and the style z, (B, D)."""
        y_logits, z = self.encoder(x).split([K, D], dim=1)
        return y_logits.softmax(1), z


def _step(model, optimizers, x, y_prior, z_prior):
    losses = {}

    def descend(phase, loss):
        optimizers[phase].zero_grad()
        loss.backward()
        optimizers[phase].step()
        losses[phase] = loss.detach()

    # reconstruction phase: from head plus style, the heads being pushed apart
    y, z = model.encode(x)
    logits = model.decoder(y @ model.cluster_heads + z)
    i, j = torch.triu_indices(y.shape[1], y.shape[1], offset=1)
    between = (model.cluster_heads[i] - model.cluster_heads[j]).norm(dim=1)
    apart = (model.distance - between).relu().sum()
    descend("reconstruction", 0.5 * (x - logits.sigmoid()).square().sum(1).mean() + apart)

    # regularization phase: the two discriminators …
    y, z = model.encode(x)
    real, fake = model.discriminator_y(y_prior), model.discriminator_y(y.detach())
    descend("discriminator_y", F.softplus(-real).mean() + F.softplus(fake).mean())
    real, fake = model.discriminator_z(z_prior), model.discriminator_z(z.detach())
    descend("discriminator_z", F.softplus(-real).mean() + F.softplus(fake).mean())

    # … and the generator, for both codes
    fooled_y = F.softplus(-model.discriminator_y(y)).mean()
    fooled_z = F.softplus(-model.discriminator_z(z)).mean()
    descend("generator", fooled_y + fooled_z)
    return losses


# --------------------------------------------------------------- losses, right and mistaken


def _hinge(heads: Tensor, distance: float) -> Tensor:
    i, j = torch.triu_indices(len(heads), len(heads), offset=1)
    return (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum()


def _added(model: Small, y: Tensor, z: Tensor) -> Tensor:
    return y @ model.cluster_heads + z


def _rebuilt(code=_added, cost=half_square, hinges: float = 1.0, constant: float = 0.0):
    def loss(model: Small, x: Tensor, *_: Tensor) -> Tensor:
        apart = hinges * _hinge(model.cluster_heads, model.distance) + constant
        return cost(x, model.decoder(code(model, *model.encode(x)))) + apart

    return loss


def _hard(model: Small, y: Tensor, z: Tensor) -> Tensor:
    return model.cluster_heads[y.argmax(1)] + z


def _judged_y(loss=tell_apart, code=lambda y: y):
    return lambda model, x, y_prior, _: loss(
        model.discriminator_y(y_prior), model.discriminator_y(code(model.encode(x)[0]))
    )


def _judged_z(loss=tell_apart, code=lambda model, y, z: z):
    return lambda model, x, _, z_prior: loss(
        model.discriminator_z(z_prior), model.discriminator_z(code(model, *model.encode(x)))
    )


def _made(of_y=pass_for_real, of_z=pass_for_real, code=lambda model, y, z: z):
    def loss(model: Small, x: Tensor, *_: Tensor) -> Tensor:
        y, z = model.encode(x)
        judged = model.discriminator_z(code(model, y, z))
        return of_y(model.discriminator_y(y)) + of_z(judged)

    return loss


def _one_hot(y: Tensor) -> Tensor:
    return F.one_hot(y.argmax(1), K).float()


def _swapped(real: Tensor, fake: Tensor) -> Tensor:
    return tell_apart(fake, real)


def _halved(real: Tensor, fake: Tensor) -> Tensor:
    return tell_apart(real, fake) / 2


SWAPPED = (
    "your discriminator calls the encoder's codes real. In an AAE the prior's samples are the "
    "real ones (§2)."
)
HALVED = "you average the discriminator's two halves; the loss is their sum."
SUM = (
    "the discriminator of z is shown head plus style. Only the style has to be Gaussian; the sum "
    "is one cloud for each cluster, and forcing it into one Gaussian would undo the clusters."
)
FAULTS = {
    "reconstruction": (
        Fault(
            "heads not pushed apart", "the hinge of exercise 6.4 is missing.", _rebuilt(hinges=0)
        ),
        Fault(
            "each pair twice",
            "you push each pair of heads twice: pairs i < j only.",
            _rebuilt(hinges=2),
        ),
        Fault("heads pulled together", "you subtract the hinge. Add it.", _rebuilt(hinges=-1)),
        Fault(
            "hard head",
            "you take the head of the most likely cluster. An argmax has no gradient: mix the "
            "heads by y.",
            _rebuilt(_hard),
        ),
        Fault(
            "style forgotten",
            "the decoder sees the heads only. The code is head plus style.",
            _rebuilt(lambda model, y, z: y @ model.cluster_heads),
        ),
        Fault(
            "heads forgotten",
            "the decoder sees the style only. The code is head plus style.",
            _rebuilt(lambda model, y, z: z),
        ),
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
    ),
    "discriminator_y": (
        Fault("real and fake swapped", SWAPPED, _judged_y(_swapped)),
        Fault("halved", HALVED, _judged_y(_halved)),
        Fault(
            "D_cat sees hard codes",
            "it is shown argmax's one-hot vectors. Those look like prior samples already, so y "
            "never has to sharpen. Show it the soft y.",
            _judged_y(code=_one_hot),
        ),
    ),
    "discriminator_z": (
        Fault("real and fake swapped", SWAPPED, _judged_z(_swapped)),
        Fault("halved", HALVED, _judged_z(_halved)),
        Fault("D_z sees head plus style", SUM, _judged_z(code=_added)),
    ),
    "generator": (
        Fault("D_z sees head plus style", SUM, _made(code=_added)),
        Fault(
            "z not regularised",
            "only y is made to pass for prior samples. The loss is a sum over both codes.",
            _made(of_z=lambda fake: 0 * fake.sum()),
        ),
        Fault(
            "y not regularised",
            "only z is made to pass for prior samples: y may stay soft, or use one cluster. The "
            "loss is a sum over both codes.",
            _made(of_y=lambda fake: 0 * fake.sum()),
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
    ),
}


def _inputs() -> tuple[Tensor, ...]:
    y_prior = torch.eye(K)[torch.randint(K, (5,))]
    return torch.rand(5, PIXELS), y_prior, torch.randn(5, D)


TEST = PhasedStep(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder", "cluster_heads"),
        "discriminator_y": ("discriminator_y",),
        "discriminator_z": ("discriminator_z",),
        "generator": ("encoder",),
    },
    losses={
        "reconstruction": _rebuilt(),
        "discriminator_y": _judged_y(),
        "discriminator_z": _judged_z(),
        "generator": _made(),
    },
    faults=FAULTS,
    inputs=_inputs,
)

step = Exercise(
    name="6.5",
    title="the update without labels, with cluster heads",
    read="lesson 6, sections 6.4 and 6.8, and aae_lessons/models/clustering.py",
    hints=(
        "Four losses, each descended by the optimizer of its name: forward, loss, descend.",
        "Reconstruction: the cost of y @ W_C + z, plus the hinge that pushes the heads apart.",
        "The discriminators see y and z, not their sum; detach both for them.",
    ),
    answer=_step,
    test=TEST,
)
