"""Lesson 8: the direction of virtual adversarial training, the Ladder's combinator."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _adversarial_direction(predict, x, d, xi):
    log_p = predict(x).log_softmax(1).detach()
    r = (xi * d).detach().requires_grad_()
    log_q = predict(x + r).log_softmax(1)
    kl = (log_p.exp() * (log_p - log_q)).sum(1).sum()
    (gradient,) = torch.autograd.grad(kl, r)
    return gradient / gradient.norm(dim=1, keepdim=True)


DIRECTION = """
8.1 the direction in which the prediction changes most
read: lesson 8, section 8.2
hint: The KL is 0 and flat at r = 0. Compute it at r = ξ·d, and its gradient by r.
hint: r = (xi * d).requires_grad_(); predict(x) is a constant: detach it.
hint: torch.autograd.grad(kl.sum(), r), then divide every row by its own norm.
no step along d: Your gradient is taken at r = 0, where the KL is smallest and its gradient
    vanishes: what you return is rounding. Take it at r = ξ·d.
    (xi * d).detach() → torch.zeros_like(d)
ξ left out: You step along d by its full length. The Hessian is felt at r = ξ·d.
    (xi * d) → d.clone()
not of length 1: Your rows are not of length 1. Return a direction; ε comes later.
    / gradient.norm(dim=1, keepdim=True) →
one length for the whole batch: You divide by the norm of the whole batch. Every image has a
    direction of its own.
    gradient.norm(dim=1, keepdim=True) → gradient.norm()
sign instead of length: You return the sign of the gradient. That is the worst direction for the
    largest pixel (L∞, as in the fast gradient sign method); here the length is that of L2.
    gradient / gradient.norm(dim=1, keepdim=True) → gradient.sign() / x.shape[1] ** 0.5
KL turned round: Your KL weighs by the perturbed prediction: KL(p(·|x+r) ‖ p(·|x)). It is the clean
    one that weighs.
    log_p.exp() * (log_p - log_q) → log_q.exp() * (log_q - log_p)
downhill: Your direction is the one opposite to the gradient.
    return gradient → return -gradient
direction of x: You added d to the gradient. The power method replaces d by Hd.
    return gradient / gradient.norm(dim=1, keepdim=True) → return F.normalize(d + gradient, dim=1)
"""


class _Small:
    """Predictions of a small smooth network, always the same one."""

    def __init__(self, inputs: int, classes: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.first = 0.5 * torch.randn(inputs, 6, generator=generator)
        self.second = 0.5 * torch.randn(6, classes, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        return (x @ self.first).tanh() @ self.second


def _direction_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, inputs, classes, xi in ((4, 3, 3, 0.8), (6, 5, 2, 0.3), (1, 2, 4, 1.5)):
        x, d = torch.randn(rows, inputs), F.normalize(torch.randn(rows, inputs), dim=1)
        network = _Small(inputs, classes, rows)
        yield from values(network, x, d, xi, gradients=False, rtol=1e-3, atol=1e-4)


direction = exercise(_adversarial_direction, _direction_probes, DIRECTION)


def _combine(z_noisy, u, a):
    mean = a[0] * (a[1] * u + a[2]).sigmoid() + a[3] * u + a[4]
    v = a[5] * (a[6] * u + a[7]).sigmoid() + a[8] * u + a[9]
    return (z_noisy - mean) * v + mean


COMBINATOR = """
8.4 the Ladder's combinator
read: lesson 8, section 8.5
hint: Two functions of u, μ and v, of one form; then the estimate from z̃, μ and v.
hint: μ = a₁·sigmoid(a₂u + a₃) + a₄u + a₅, and v with a₆ to a₁₀. a₁ is a[0].
hint: (z_noisy - mean) * v + mean
mean not added back: You shrink the distance to μ(u) but don't add μ(u) back: for v = 0 the
    estimate should be μ(u), and yours is 0.
    * v + mean → * v
v and 1 − v exchanged: For v = 1 the estimate should be the noisy z̃, for v = 0 it should be μ(u).
    Yours is the other way round.
    (z_noisy - mean) * v + mean → (mean - z_noisy) * v + z_noisy
tanh for the sigmoid: The function inside is the logistic sigmoid.
    .sigmoid() → .tanh()
linear part left out: The linear parts a₄u and a₉u are missing.
    + a[3] * u →
    + a[8] * u →
one set of parameters for both: You use a₁ to a₅ for v as well. It has parameters of its own, a₆ to
    a₁₀.
    a[5] → a[0]
    a[6] → a[1]
    a[7] → a[2]
    a[8] → a[3]
    a[9] → a[4]
parameters off by one: You use a₅ to a₉ for v. a₅ belongs to μ; v has a₆ to a₁₀, the rows 5 to 9 of
    a.
    a[5] * (a[6] * u + a[7]).sigmoid() + a[8] * u + a[9]
    → a[4] * (a[5] * u + a[6]).sigmoid() + a[7] * u + a[8]
z̃ and u exchanged: μ and v are functions of u, the signal from above; yours are functions of z̃.
    * u → * z_noisy
    (z_noisy - mean) → (u - mean)
parameters by columns: You read the parameters along the other axis. a has ten rows, one number per
    unit in each.
    mean = → a = a.reshape(a.shape[1], 10).T; mean =
"""


def _combinator_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, units in ((4, 3), (2, 7), (1, 1)):
        yield from values(
            torch.randn(rows, units), torch.randn(rows, units), torch.randn(10, units)
        )


combinator = exercise(_combine, _combinator_probes, COMBINATOR)
