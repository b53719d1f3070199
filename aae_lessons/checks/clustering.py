"""Lesson 6: codes with cluster heads and the hinge between them; two errors; the update; a run."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.clustering_errors import clustering_error, one_to_one_error
from aae_lessons.checks.clustering_run import broken_run, mended_run
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.stage import Stage, discriminator, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.two_codes import REGULARISED, priors

__all__ = [
    "apart",
    "broken_run",
    "clustering_error",
    "head_code",
    "mended_run",
    "one_to_one_error",
    "step",
]
K, D, PIXELS = 4, 2, 6


def _head_code(y, z, heads):
    return y @ heads + z


HEAD_CODE = """
6.1 a code with cluster heads
read: lesson 6, section 6.14 (paper §7)
hint: Row k of W_C is the place of cluster k. Which place does a soft y mean?
hint: A mixture of the rows, weighted by y, is a matrix product: (B, K) @ (K, d).
hint: Then add the style: y @ heads + z.
hard head: You take the head of the most likely cluster only. The code mixes the heads by y, y @
    W_C, so that a gradient reaches y; an argmax has none.
    y @ heads + z → heads[y.argmax(1)] + z
mean over the clusters: You take the mean over the K clusters. y's entries sum to 1 already: a sum,
    weighted by y.
    y @ heads + z → (y[:, :, None] * heads).mean(1) + z
style forgotten: The style z is missing: add it.
    y @ heads + z → y @ heads
heads forgotten: That is the style alone. Where is the head of the image's cluster?
    y @ heads + z → z * 1
concatenated: You put head and style side by side. Here they are added, so that a code stays a
    point in d dimensions (§7).
    y @ heads + z → torch.cat([y @ heads, z], 1)
y next to z: You put y and z side by side, as for a decoder of (y, z). With cluster heads the code
    has d dimensions: head plus style (§7).
    y @ heads + z → torch.cat([y, z], 1)
softmax applied again: You apply a softmax to y, which is one already: the heads are mixed nearly
    evenly.
    y @ heads + z → y.softmax(1) @ heads + z
one head for the batch: You average the heads over the batch. Each image has a mixture of its own.
    y @ heads + z → (y @ heads).mean(0) + z
style subtracted: You subtract the style. The code is head *plus* style.
    y @ heads + z → y @ heads - z
gradient cut: No gradient flows back to y, z or the heads. All three are learned.
    y @ heads + z → y @ heads.detach() + z
gradient cut: No gradient flows back to y: its mixture of heads is cut from the graph. All three
    arguments are learned.
    y @ heads + z → y.detach() @ heads + z
"""


def _head_code_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, k, dims in ((7, 5, 2), (1, 3, 4), (4, 12, 1), (3, 3, 3)):
        y = (2 * torch.randn(rows, k)).softmax(1)
        yield from values(y, torch.randn(rows, dims), 3 * torch.randn(k, dims))


head_code = exercise(_head_code, _head_code_probes, HEAD_CODE)


def _apart(heads, distance):
    i, j = torch.triu_indices(len(heads), len(heads), offset=1)
    return (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum()


APART = """
6.4 heads pushed apart
read: lesson 6, section 6.14 (paper §7)
hint: How many pairs of different heads are there? K(K − 1)/2, not K².
hint: torch.triu_indices(K, K, offset=1) gives i and j of every pair once.
hint: max(0, distance − d) is (distance - d).relu(), d being the norm of a difference.
diagonal left in: You also count each head's distance to itself, which is 0: a constant that no
    head can lower. Only pairs of different heads count.
    .sum() → .sum() + len(heads) * distance
diagonal left in: You sum over all i and j: each pair counts twice, and each head's distance to
    itself, which is 0, as well. Only pairs i < j count.
    (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum()
    → 2 * (distance - (heads[i] - heads[j]).norm(dim=1)).relu().sum() + len(heads) * distance
each pair twice: Twice too large: (i, j) and (j, i) are one pair.
    return (distance → return 2 * (distance
mean over pairs: You take the mean over the pairs. Take their sum.
    .sum() → .mean()
squared distance: You compare squared distances with the distance: the root is missing.
    (heads[i] - heads[j]).norm(dim=1) → (heads[i] - heads[j]).square().sum(1)
absolute differences: You add up absolute differences (the 1-norm). ‖w_i − w_j‖ is the Euclidean
    norm.
    .norm(dim=1) → .abs().sum(1)
pulled together: Your loss is large where heads are far apart: descending it pulls them together.
    distance - (heads[i] - heads[j]).norm(dim=1) → (heads[i] - heads[j]).norm(dim=1) - distance
sign lost: Your loss is negative: descending it pulls the heads together.
    return (distance → return -(distance
no hinge: Pairs that are far apart already make your loss negative, and go on being pushed without
    end. From the distance on they cost nothing: max(0, …).
    .relu() →
hinge of the sum: You add up first and cut off below 0 afterwards: far pairs then pay for near
    ones. Each pair has a hinge of its own.
    .relu().sum() → .sum().relu()
hinge squared: You square the hinge. The paper's grows linearly.
    .relu() → .relu().square()
gradient not finite: The value is right, its gradient is not a number: the root of a head's
    distance to itself has an infinite slope at 0, even if you cross it out afterwards. Choose the
    pairs i < j before you take roots.
    i, j = → d = (heads[:, None] - heads[None]).square().sum(2).sqrt(); i, j =
    (heads[i] - heads[j]).norm(dim=1) → d[i, j]
gradient cut: No gradient flows back to the heads. Did .item() or .detach() cut it?
    heads[j]).norm → heads[j]).detach().norm
wrong gradient: The value is right, its gradient is half of what it should be: one of the two heads
    of a pair is detached. Both are pushed.
    heads[j]) → heads[j].detach())
"""


def _some_near(k: int, dims: int, distance: float) -> Tensor:
    """(k, dims) heads, of which some are near by every norm, and most are farther apart."""
    for _ in range(300):
        heads = 1.5 * torch.randn(k, dims)
        norms = F.pdist(heads), F.pdist(heads, p=1), F.pdist(heads).square()
        if norms[0].mean() > distance and all((norm < distance).any() for norm in norms):
            break
    return heads


def _apart_probes(_trial: Trial) -> Iterator[Probe]:
    yield from values(_some_near(6, 2, 2.0), 2.0)
    for k, dims, distance in ((4, 3, 3.5), (2, 1, 5.0), (9, 2, 0.7)):
        yield from values(1.5 * torch.randn(k, dims), distance)
    yield from values(torch.eye(3) * 9, 2.0)  # all far apart: 0, and no push


apart = exercise(_apart, _apart_probes, APART)


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
        """y, (B, K), rows that sum to 1, and the style z, (B, d)."""
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
    batch=lambda rows: (torch.rand(rows, PIXELS), *priors(rows, K, D)),
)
STEP = """
6.5 the update without labels, with cluster heads
read: lesson 6, sections 6.4 and 6.14
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

step = exercise(_step, lambda trial: step_probes(trial, STAGE), STEP, REGULARISED=REGULARISED)
