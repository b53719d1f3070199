"""Answers to the exercises of lesson 5: wrong ones by the name of their mistake, right ones."""

import itertools
import random

import numpy as np
import torch
from answers._steps import (
    by_functional_gradients,
    descender,
    detach_all,
    half_square,
    passing,
    told_apart,
)
from torch.nn import functional as F

from aae_lessons.checks import semi_supervised as check
from aae_lessons.checks import semi_supervised_step
from aae_lessons.data import balanced_subset

CHECKS = {
    "balanced_labels": check.balanced_labels,
    "classification": check.classification,
    "epoch": check.epoch,
    "step": check.step,
    "mended_step": check.mended_step,
}


# ---------------------------------------------------------------------------- label splits


def split(each=10):
    def positions(labels, held_out, n, seed):
        generator = torch.Generator().manual_seed(seed)
        pool, chosen = labels[: len(labels) - held_out], []
        for k in range(10):
            rows = (pool == k).nonzero()[:, 0]
            order = torch.randperm(len(rows), generator=generator)
            chosen.append(rows[order[: n // each]])
        return torch.cat(chosen)

    return positions


def by_numpy(labels, held_out, n, seed):
    generator, pool = np.random.default_rng(seed), labels.numpy()[:-held_out]
    chosen = [generator.choice(np.flatnonzero(pool == k), n // 10, False) for k in range(10)]
    return torch.from_numpy(np.sort(np.concatenate(chosen)))


def by_walking(labels, held_out, n, seed):
    left, chosen = [n // 10] * 10, []
    order = torch.randperm(len(labels) - held_out, generator=torch.Generator().manual_seed(seed))
    for i in order.tolist():
        k = labels[i].item()
        if k >= 0 and left[k] > 0:
            left[k] -= 1
            chosen.append(i)
    return torch.tensor(chosen)


# --------------------------------------------------------------------- classification loss


def by_log_sum_exp(logits, label):
    logits, label = logits.double()[label >= 0], label[label >= 0]
    return (torch.logsumexp(logits, 1) - logits.gather(1, label[:, None])[:, 0]).sum() / len(label)


def by_einsum(logits, label):
    target = (label[:, None] == torch.arange(logits.shape[1])).to(logits)
    return -torch.einsum("bk,bk->", target, F.log_softmax(logits, 1)) / target.sum()


def relabel(logits, label):
    label[label < 0] = 0
    return F.cross_entropy(logits, label)


# ---------------------------------------------------------------------------------- epochs


def pairs(order, turns, size, updates):
    return [(order[i * size :][:size], turns[i * size :][:size]) for i in range(updates)]


def turning(rounds=None):
    def epoch(n, labelled, size):
        turns = [
            labelled[torch.randperm(len(labelled))]
            for _ in range(rounds or n // len(labelled) + 2)
        ]
        return pairs(torch.randperm(n), torch.cat(turns), size, n // size)

    return epoch


def by_generator(n, labelled, size):
    def go_round():
        while True:
            yield from labelled[torch.from_numpy(np.random.permutation(len(labelled)))].tolist()

    turns = go_round()
    for rows in torch.randperm(n).split(size):
        if len(rows) == size:
            yield rows, torch.tensor(list(itertools.islice(turns, size)))


def broken_generator(n, labelled, size):
    yield torch.randperm(n)[:size], undefined_name  # noqa: F821


def unwritten_generator(n, labelled, size):
    raise NotImplementedError
    yield


def by_lists(n, labelled, size):
    order, turns = random.sample(range(n), n), []
    while len(turns) < n:
        turns += random.sample(labelled.tolist(), len(labelled))
    starts = range(0, n - size + 1, size)
    return [(torch.tensor(order[i : i + size]), torch.tensor(turns[i : i + size])) for i in starts]


# ------------------------------------------------------------------------------- the step


def mean_square(x, logits):
    return F.mse_loss(logits.sigmoid(), x) / 2


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator", "classification")


def make_step(
    cost=half_square,
    target="clean",
    classified=F.cross_entropy,
    skip=(),
    no_zero=(),
    detach=True,
    order=ORDER,
    returned=detach_all,
):
    def step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
        losses, descend = descender(optimizers, skip, no_zero)

        def codes():
            y_logits, z = model.class_logits_and_style(model.corrupt(x))
            return y_logits.softmax(1), z

        for phase in order:
            if phase == "reconstruction":
                goal = x if target == "clean" else model.corrupt(x)
                descend(phase, cost(goal, model.decoder(torch.cat(codes(), 1))))
            elif phase == "generator":
                y, z = codes()
                descend(
                    phase, passing(model.discriminator_y(y)) + passing(model.discriminator_z(z))
                )
            elif phase == "classification":
                y_logits, _ = model.class_logits_and_style(model.corrupt(labelled_x))
                descend(phase, classified(y_logits, label))
            else:
                which = "yz".index(phase[-1])
                code = codes()[which].detach() if detach else codes()[which]
                discriminator, real = getattr(model, phase), (y_prior, z_prior)[which]
                descend(phase, told_apart(discriminator(real), discriminator(code)))
        return returned(losses)

    return step


def functional_step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    """One noise for all phases, both discriminators at once, gradients by autograd.grad."""
    seen, noisy = {}, model.corrupt(torch.cat([x, labelled_x]))
    noisy_x, noisy_labelled = noisy.split([len(x), len(labelled_x)])

    def descend(loss, *names):
        by_functional_gradients(loss, *(optimizers[name] for name in names))

    y_logits, z = model.class_logits_and_style(noisy_x)
    code = torch.cat([torch.exp(F.log_softmax(y_logits, 1)), z], -1)
    gap = (model.decoder(code).sigmoid() - x).double()
    loss = torch.einsum("bp,bp->", gap, gap) / (2 * len(x))
    descend(loss, "reconstruction")
    seen["reconstruction"] = loss.detach()

    y_logits, z = model.class_logits_and_style(noisy_x)
    y = F.softmax(y_logits, dim=-1)
    for name, discriminator, real, fake in (
        ("discriminator_z", model.discriminator_z, z_prior, z),
        ("discriminator_y", model.discriminator_y, y_prior, y),
    ):
        logits = discriminator(torch.cat([fake, real]).detach())
        goal = torch.cat([torch.zeros(len(fake)), torch.ones(len(real))])
        seen[name] = 2 * F.binary_cross_entropy_with_logits(logits, goal)
    descend(seen["discriminator_y"] + seen["discriminator_z"], *ORDER[1:3])
    fakes = torch.cat([model.discriminator_y(y), model.discriminator_z(z)])
    seen["generator"] = F.softplus(-fakes).sum() / len(x)
    descend(seen["generator"], "generator")
    picked = F.log_softmax(model.class_logits_and_style(noisy_labelled)[0], 1)[
        torch.arange(len(label)), label
    ]
    seen["classification"] = -picked.mean()
    descend(seen["classification"], "classification")
    return {name: loss.detach() for name, loss in seen.items()}


STEP_WRONG = {
    "mean over pixels and noisy target": make_step(cost=mean_square, target="noisy"),
    "discriminator_z moves nothing": make_step(skip=("discriminator_z",)),
    "classification moves nothing": make_step(skip=("classification",)),
    "another classification loss": make_step(
        classified=lambda logits, label: F.multi_margin_loss(logits, label)
    ),
    "stale gradients": make_step(no_zero=("reconstruction",)),
    "another order": make_step(order=(ORDER[4], *ORDER[:4])),
    "loss not detached": make_step(returned=dict),
    "a loss for each phase wanted": make_step(returned=lambda losses: tuple(losses.values())),
}

WRONG = {
    "balanced_labels": {
        "not positions": lambda labels, *rest: split()(labels, *rest).float(),
        "wrong shape": split(each=20),
    },
    "classification": {
        "gradient cut": lambda logits, label: by_einsum(logits.detach(), label),
        "input changed in place": relabel,
        "your code raised": F.cross_entropy,
        "not a tensor": lambda logits, label: by_einsum(logits, label).item(),
    },
    "epoch": {
        "pairs wanted": lambda n, labelled, size: list(torch.randperm(n)[:120].view(-1, size)),
        "wrong shape": turning(rounds=1),
        "your code raised": broken_generator,
        "not attempted": unwritten_generator,
    },
    "step": STEP_WRONG,
    "mended_step": {
        "mean over pixels and noisy target": semi_supervised_step.broken_step,
    },
}
MESSAGE = {
    ("epoch", "pairs wanted"): "pairs expected",
    (
        "mended_step",
        "mean over pixels and noisy target",
    ): "noisy input as target and mean over pixels",
    ("step", "a loss for each phase wanted"): "a dict of losses expected",
    ("step", "mean over pixels and noisy target"): "noisy input as target and mean over pixels",
}
RIGHT = {
    "balanced_labels": {
        "permutations": split(),
        "numpy, ascending": by_numpy,
        "walking over a shuffle": by_walking,
        "a list": lambda *inputs: by_walking(*inputs).tolist(),
        "an array of int32": lambda *inputs: by_numpy(*inputs).int().numpy(),
        "the package's": lambda labels, held_out, n, seed: balanced_subset(
            labels[:-held_out], n, seed
        ),
    },
    "classification": {
        "ignore_index": lambda logits, label: F.cross_entropy(logits, label, ignore_index=-1),
        "log-sum-exp, float64": by_log_sum_exp,
        "one-hot and einsum": by_einsum,
    },
    "epoch": {
        "a generator": by_generator,
        "Python's lists": by_lists,
        "rounds of permutations": turning(),
    },
    "step": {
        "encoded afresh": make_step(),
        "undetached but zeroed": make_step(detach=False),
        "functional gradients, both judges at once": functional_step,
    },
    "mended_step": {"encoded afresh": make_step(), "functional gradients": functional_step},
}
