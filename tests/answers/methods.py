"""Answers to the exercises of lesson 8: right ones, written otherwise than the worked ones."""

import torch
from torch.nn import functional as F

from aae_lessons.methods import catgan, m2, vat

# --------------------------------------------------------------------------- right answers


def direction_by_the_package(predict, x, d, xi):
    r = (xi * d).clone().requires_grad_()
    vat.divergence(predict(x).detach(), predict(x + r)).backward()
    return vat.unit(r.grad)


def direction_image_by_image(predict, x, d, xi):
    rows = []
    for i in range(len(x)):
        clean = torch.distributions.Categorical(logits=predict(x[i : i + 1]).detach())
        r = (xi * d[i : i + 1]).detach().requires_grad_()
        other = torch.distributions.Categorical(logits=predict(x[i : i + 1] + r))
        torch.distributions.kl_divergence(clean, other).sum().backward()
        rows.append(r.grad[0] / r.grad.norm())
    return torch.stack(rows)


def sum_by_a_loop(row_losses, logits):
    log_q = logits - logits.logsumexp(1, keepdim=True)
    total = 0.0
    for k in range(logits.shape[1]):
        total = total + log_q[:, k].exp() * (row_losses[:, k] + log_q[:, k])
    return total.mean()


def entropies_by_distributions(real, fake):
    def entropy(p):
        return torch.distributions.Categorical(probs=p).entropy()

    p = real.softmax(1)
    even = entropy(p.mean(0))
    return (entropy(p) - even).mean() - entropy(fake.softmax(1)).mean()


def combine_by_weights(z_noisy, u, a):
    mean, v = (
        b[0] / (1 + torch.exp(-(b[1] * u + b[2]))) + b[3] * u + b[4] for b in (a[:5], a[5:])
    )
    return z_noisy * v + mean * (1 - v)


def tsvm_by_relu(w, labelled, sign, unlabelled, c, c_star):
    hinges = F.relu(1 - sign * labelled)
    inside = sum(torch.exp(-3 * f**2) for f in unlabelled) / len(unlabelled)
    return (w @ w) / 2 + c * (hinges @ hinges) + c_star * inside


def vat_by_kl_div(clean, perturbed, labelled, label, weight):
    smoothness = F.kl_div(
        perturbed.log_softmax(1), clean.detach().softmax(1), reduction="batchmean"
    )
    picked = labelled.log_softmax(1)[torch.arange(len(label)), label]
    return weight * smoothness - picked.mean()


RIGHT = {
    "direction": {"the package's": direction_by_the_package, "rows": direction_image_by_image},
    "sum_over_classes": {"the package's": m2.unlabelled_loss, "a loop": sum_by_a_loop},
    "entropies": {
        "the package's": lambda real, fake: (
            catgan.mean_entropy(real) - catgan.entropy_of_mean(real) - catgan.mean_entropy(fake)
        ),
        "distributions": entropies_by_distributions,
    },
    "combinator": {"weights of z̃ and μ": combine_by_weights},
    "tsvm": {"inner products": tsvm_by_relu},
    "mended_vat": {"kl_div": vat_by_kl_div},
    "without_a_label": {
        "rounded": lambda: [1.31, 0.873, 0.881],
        "tensors": lambda: (
            2 - torch.tensor(2.0).log(),
            -torch.tensor([-1.0, -3.0]).logsumexp(0),
            torch.tensor([-1.0, -3.0]).softmax(0)[0],
        ),
    },
}

# ---------------------------------------------------- wrong answers that no table knows


def direction_of_the_logits(predict, x, d, xi):
    r = (xi * d).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(predict(x + r).square().sum(), r)
    return F.normalize(gradient, dim=1)


WRONG = {
    "without_a_label": {
        "numbers expected": lambda: (1.31, 0.873),
        "in another order": lambda: (0.873, 1.31, 0.881),
        "wrong value": lambda: (1.31, 0.9, 0.881),
    },
    "direction": {"wrong value": direction_of_the_logits},
    "sum_over_classes": {
        "wrong value": lambda losses, logits: (
            (logits.softmax(1) * losses.amin(1, True)).sum(1).mean()
        )
    },
    "entropies": {
        "wrong value": lambda real, fake: real.mean() - fake.mean(),
        "wrong shape": lambda real, fake: torch.special.entr(real.softmax(1)).sum(1),
    },
    "combinator": {"wrong value": lambda z_noisy, u, a: z_noisy + u},
    "mended_vat": {"wrong value": lambda clean, perturbed, labelled, label, weight: clean.mean()},
}
