"""Answers to the exercises of lesson 5: wrong ones by the name of their mistake, right ones."""

import itertools
import random

import numpy as np
import torch
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


def not_attempted(*inputs):
    raise NotImplementedError


# ---------------------------------------------------------------------------- label splits


def split(
    cut=True, seeded=True, first=False, each=10, replace=False, classes=lambda labels: labels
):
    def positions(labels, held_out, n, seed):
        generator = torch.Generator().manual_seed(seed if seeded else 7)
        pool = classes(labels[: len(labels) - held_out] if cut else labels)
        chosen = []
        for k in range(10):
            rows = (pool == k).nonzero()[:, 0]
            order = torch.randperm(len(rows), generator=generator)
            order = torch.arange(len(rows)) if first else order
            if replace:
                order = torch.randint(len(rows) // 10, (n,), generator=generator)
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


def only(rows, logits, label):
    return logits[rows(label)], label[rows(label)]


def known(label):
    return label >= 0


def by_log_sum_exp(logits, label):
    logits, label = only(known, logits.double(), label)
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


def turning(shuffle=torch.randperm, rounds=None, source=lambda n, labelled: labelled, extra=0):
    def epoch(n, labelled, size):
        pool = source(n, labelled)
        turns = torch.cat(
            [pool[torch.randperm(len(pool))] for _ in range(rounds or n // len(pool) + 2)]
        )
        return pairs(shuffle(n), turns, size, n // size + extra)

    return epoch


def seeded(n, labelled, size):
    turns = turning()(n, labelled, size)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    return [(order[i * size :][:size], pair[1]) for i, pair in enumerate(turns)]


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


def soft(logits):
    return logits.softmax(1)


def raw(logits):
    return logits


def square(x, logits):
    return ((x - logits.sigmoid()) ** 2).sum(1).mean() / 2


def mean_square(x, logits):
    return F.mse_loss(logits.sigmoid(), x) / 2


def apart(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def passing(fake):
    return -F.logsigmoid(fake).mean()


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator", "classification")


def make_step(
    cost=square,
    target="clean",
    noisy=True,
    decoded=soft,
    judged=soft,
    apart_y=apart,
    apart_z=apart,
    pass_y=passing,
    pass_z=passing,
    classified=F.cross_entropy,
    skip=(),
    no_zero=(),
    detach=True,
    order=ORDER,
    returned=lambda losses: {name: loss.detach() for name, loss in losses.items()},
):
    def step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
        losses, see = {}, model.corrupt if noisy else raw

        def codes(way):
            y_logits, z = model.class_logits_and_style(see(x))
            return way(y_logits), z

        def descend(name, loss):
            losses[name] = loss
            if name in skip:
                return
            if name not in no_zero:
                optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()

        for phase in order:
            if phase == "reconstruction":
                goal = x if target == "clean" else model.corrupt(x)
                descend(phase, cost(goal, model.decoder(torch.cat(codes(decoded), 1))))
            elif phase == "generator":
                y, z = codes(judged)
                loss = pass_y(model.discriminator_y(y)) + pass_z(model.discriminator_z(z))
                descend(phase, loss)
            elif phase == "classification":
                descend(phase, classified(model.class_logits_and_style(see(labelled_x))[0], label))
            else:
                which = "yz".index(phase[-1])
                code = codes(judged)[which]
                code = code.detach() if detach else code
                real = (y_prior, z_prior)[which]
                discriminator = getattr(model, phase)
                descend(phase, (apart_y, apart_z)[which](discriminator(real), discriminator(code)))
        return returned(losses)

    return step


def functional_step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    """One noise for all phases, both discriminators at once, gradients by autograd.grad."""
    seen, noisy = {}, model.corrupt(torch.cat([x, labelled_x]))
    noisy_x, noisy_labelled = noisy.split([len(x), len(labelled_x)])

    def descend(loss, *names):
        for name in names:
            parameters = [p for g in optimizers[name].param_groups for p in g["params"]]
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = gradient
        for name in names:
            optimizers[name].step()

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
    "not attempted": not_attempted,
}

WRONG = {
    "balanced_labels": {
        "not positions": lambda labels, *rest: split()(labels, *rest).float(),
        "wrong shape": split(each=20),
        "not attempted": not_attempted,
    },
    "classification": {
        "gradient cut": lambda logits, label: by_einsum(logits.detach(), label),
        "input changed in place": relabel,
        "your code raised": F.cross_entropy,
        "not a tensor": lambda logits, label: by_einsum(logits, label).item(),
        "not attempted": not_attempted,
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
        "not attempted": not_attempted,
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
