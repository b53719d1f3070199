"""Lesson 6: the update without labels, with cluster heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.two_codes import REGULARISED

K, D, PIXELS = 4, 2, 6


def _head_code(y, z, heads):
    return y @ heads + z


def _apart(heads, distance):
    i, j = torch.triu_indices(len(heads), len(heads), offset=1)
    return (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum()


def _step(model, optimizers, x, y_prior, z_prior):
    losses = {}

    def descend(phase, loss):
        optimizers[phase].zero_grad()
        loss.backward()
        optimizers[phase].step()
        losses[phase] = loss.detach()

    # reconstruction phase: from head plus style, the heads being pushed apart
    y, z = model.encode(x)
    x_hat = model.decoder(_head_code(y, z, model.cluster_heads)).sigmoid()
    cost = 0.5 * (x - x_hat).square().sum(1).mean()
    descend("reconstruction", cost + _apart(model.cluster_heads, model.distance))

    # regularisation phase: the two discriminators …
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


class Small(nn.Module):
    """x -> (y, z) -> y @ cluster_heads + z -> x_hat's logits, and two discriminators."""

    distance = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 5, K + D, scale=3), mlp(D, PIXELS)
        self.discriminator_y = discriminator(K, PIXELS)
        self.discriminator_z = discriminator(D, PIXELS)
        self.cluster_heads = nn.Parameter(torch.randn(K, D))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y, (B, K), rows that sum to 1, and the style z, (B, D)."""
        y_logits, z = self.encoder(x).split([K, D], dim=1)
        return y_logits.softmax(1), z


STAGE = Stage(
    model=Small,
    owners={
        "reconstruction": ("encoder", "decoder", "cluster_heads"),
        "discriminator_y": ("discriminator_y",),
        "discriminator_z": ("discriminator_z",),
        "generator": ("encoder",),
    },
    batch=lambda rows: (
        torch.rand(rows, PIXELS),
        torch.eye(K)[torch.randint(K, (rows,))],
        torch.randn(rows, D),
    ),
)
STEP = """
6.5 the update without labels, with cluster heads
read: lesson 6, sections 6.4 and 6.9
hint: Four losses, each descended by the optimizer of its name: forward, loss, descend.
hint: Reconstruction: the cost of y @ W_C + z, plus the hinge that pushes the heads apart.
hint: The discriminators see y and z, not their sum; detach both for them.
heads not pushed apart: the hinge of exercise 6.4 is missing.
    cost + _apart(model.cluster_heads, model.distance) → cost
each pair twice: you push each pair of heads twice: pairs i < j only.
    cost + _apart → cost + 2 * _apart
heads pulled together: you subtract the hinge. Add it.
    cost + _apart → cost - _apart
another distance: you push the heads apart up to another distance than model.distance.
    model.distance → 2 * model.distance
hard head: you take the head of the most likely cluster. An argmax has no gradient: mix the heads
    by y.
    _head_code(y, z, model.cluster_heads) → (model.cluster_heads[y.argmax(1)] + z)
style forgotten: the decoder sees the heads only. The code is head plus style.
    _head_code(y, z, model.cluster_heads) → (y @ model.cluster_heads)
heads forgotten: the decoder sees the style only. The code is head plus style.
    _head_code(y, z, model.cluster_heads) → z
heads do not learn: the heads are detached in the code: they are weights, and the reconstruction
    moves them.
    _head_code(y, z, model.cluster_heads) → _head_code(y, z, model.cluster_heads.detach())
logits taken for pixels: you compare the image with the decoder's logits; x_hat = sigmoid(logits).
    ).sigmoid() → )
{COSTS}
D_z sees head plus style: the discriminator of z is given head plus style. Only the style has to be
    Gaussian; the sum is one cloud for each cluster, and forcing it into one Gaussian would undo
    the clusters.
    z.detach() → _head_code(y, z, model.cluster_heads).detach()
    or discriminator_z(z)) → discriminator_z(_head_code(y, z, model.cluster_heads)))
{REGULARISED}
codes from before the reconstruction step: {OLD_CODES}
    # reconstruction phase: → old_y, old_z = model.encode(x) ⏎ # reconstruction:
    y.detach() → old_y.detach()
    z.detach() → old_z.detach()
"""

step = exercise(
    _step,
    lambda trial: step_probes(trial, STAGE, list(STAGE.owners)),
    STEP,
    REGULARISED=REGULARISED,
)
