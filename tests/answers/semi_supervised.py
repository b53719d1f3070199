"""Answers to the exercises of lesson 5: wrong ones by the name of their mistake, right ones."""

import itertools
import math
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


def unbalanced(labels, held_out, n, seed):
    generator = torch.Generator().manual_seed(seed)
    known = (labels[:-held_out] >= 0).nonzero().flatten()
    return known[torch.randperm(len(known), generator=generator)[:n]]


def with_global_seed(labels, held_out, n, seed):
    torch.manual_seed(seed)
    pool = labels[:-held_out]
    rows = [(pool == k).nonzero().flatten() for k in range(10)]
    return torch.cat([r[torch.randperm(len(r))[: n // 10]] for r in rows])


def without_seed(labels, held_out, n, seed):
    pool = labels[:-held_out]
    rows = [(pool == k).nonzero().flatten().tolist() for k in range(10)]
    return torch.tensor([i for r in rows for i in random.sample(r, n // 10)])


def mask_of(labels, held_out, n, seed):
    mask = torch.zeros(len(labels), dtype=torch.bool)
    mask[split()(labels, held_out, n, seed)] = True
    return mask


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


def naive(logits, label):
    logits, label = only(known, logits, label)
    return -logits.softmax(1)[torch.arange(len(label)), label].log().mean()


def padded(logits, label):
    logits, label = only(known, logits, label)
    return -(logits.softmax(1)[torch.arange(len(label)), label] + 1e-9).log().mean()


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


def labelled_epoch(n, labelled, size):
    turns = labelled[torch.randperm(len(labelled))]
    return pairs(torch.randperm(n), turns, size, len(labelled) // size)


def cycled(n, labelled, size):
    order = torch.randperm(n)[: n // size * size].view(-1, size)
    batches = labelled[torch.randperm(len(labelled))].view(-1, size)
    return list(zip(order, itertools.cycle(batches), strict=False))


def turning(shuffle=torch.randperm, rounds=5, source=lambda n, labelled: labelled, extra=0):
    def epoch(n, labelled, size):
        pool = source(n, labelled)
        turns = torch.cat([pool[torch.randperm(len(pool))] for _ in range(rounds)])
        return pairs(shuffle(n), turns, size, n // size + extra)

    return epoch


def by_chance(n, labelled, size):
    turns = labelled[torch.randint(len(labelled), (n,))]
    return pairs(torch.randperm(n), turns, size, n // size)


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


def swapped(real, fake):
    return apart(fake, real)


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


def none_of(fake):
    return 0 * fake.sum()


STEP_WRONG = {
    "mean over pixels": make_step(cost=mean_square),
    "noisy input as target": make_step(target="noisy"),
    "mean over pixels and noisy target": make_step(cost=mean_square, target="noisy"),
    "clean input": make_step(noisy=False),
    "logits taken for y": make_step(decoded=raw, judged=raw),
    "logits taken for pixels": make_step(cost=lambda x, l: ((x - l) ** 2).sum(1).mean() / 2),  # noqa: E741
    "real and fake swapped": make_step(apart_y=swapped, apart_z=swapped),
    "halved": make_step(apart_z=lambda real, fake: apart(real, fake) / 2),
    "z not regularised": make_step(pass_z=none_of),
    "y not regularised": make_step(pass_y=none_of),
    "saturating": make_step(
        pass_y=lambda f: F.logsigmoid(-f).mean(), pass_z=lambda f: F.logsigmoid(-f).mean()
    ),
    "generator calls its codes fake": make_step(
        pass_y=lambda f: F.softplus(f).mean(), pass_z=lambda f: F.softplus(f).mean()
    ),
    "softmax before cross_entropy": make_step(
        classified=lambda logits, label: F.cross_entropy(logits.softmax(1), label)
    ),
    "sum over the batch": make_step(
        classified=lambda logits, label: F.cross_entropy(logits, label, reduction="sum")
    ),
    "discriminator_z moves nothing": make_step(skip=("discriminator_z",)),
    "classification moves nothing": make_step(skip=("classification",)),
    "another phase leaks": make_step(detach=False, no_zero=("generator",)),
    "another classification loss": make_step(
        classified=lambda logits, label: F.multi_margin_loss(logits, label)
    ),
    "stale gradients": make_step(no_zero=("reconstruction",)),
    "another order": make_step(order=(ORDER[4], *ORDER[:4])),
    "loss not detached": make_step(returned=dict),
    "a loss for each phase wanted": make_step(returned=lambda losses: tuple(losses.values())),
    "nothing returned": make_step(returned=lambda losses: None),
    "not attempted": not_attempted,
}

WRONG = {
    "balanced_labels": {
        "not balanced": unbalanced,
        "drawn from the held-out images": split(cut=False),
        "images without a label": split(classes=lambda labels: labels % 10),
        "n of each class": split(each=1),
        "seed not used": split(seeded=False),
        "another split for the same seed": without_seed,
        "global random state changed": with_global_seed,
        "the same image twice": split(replace=True),
        "a mask, not positions": mask_of,
        "labels, not positions": lambda labels, *rest: labels[split()(labels, *rest)],
        "not positions": lambda labels, *rest: split()(labels, *rest).float(),
        "wrong shape": split(each=20),
        "not attempted": not_attempted,
    },
    "classification": {
        "softmax before cross_entropy": lambda logits, label: F.cross_entropy(
            logits.softmax(1), label, ignore_index=-1
        ),
        "mean over all images": lambda logits, label: F.cross_entropy(
            logits, label, ignore_index=-1, reduction="none"
        ).mean(),
        "no label taken for a class": lambda logits, label: (
            -F.log_softmax(logits, 1)[torch.arange(len(label)), label].mean()
        ),
        "no label taken for zero": lambda logits, label: F.cross_entropy(logits, label.relu()),
        "sum over the batch": lambda logits, label: F.cross_entropy(
            logits, label, ignore_index=-1, reduction="sum"
        ),
        "log forgotten": lambda logits, label: F.nll_loss(*only(known, logits, label)),
        "probability without its log": lambda logits, label: F.nll_loss(
            *only(known, logits.softmax(1), label)
        ),
        "sign lost": lambda logits, label: -F.cross_entropy(*only(known, logits, label)),
        "bits, not nats": lambda logits, label: by_einsum(logits, label) / math.log(2),
        "softmax, then log": naive,
        "gradient cut": lambda logits, label: by_einsum(logits.detach(), label),
        "input changed in place": relabel,
        "your code raised": F.cross_entropy,
        "not a tensor": lambda logits, label: by_einsum(logits, label).item(),
        "not attempted": not_attempted,
    },
    "epoch": {
        "epoch over the labelled images": labelled_epoch,
        "shuffles frozen": cycled,
        "labels not equally often": by_chance,
        "not shuffled": turning(torch.arange),
        "an image twice": turning(lambda n: torch.randint(n, (n,))),
        "images without a label": turning(source=lambda n, labelled: torch.arange(24)),
        "the same order each epoch": seeded,
        "ragged last batch": turning(rounds=6, extra=1),
        "wrong number of updates": turning(extra=-1),
        "pairs wanted": lambda n, labelled, size: list(torch.randperm(n)[:120].view(-1, size)),
        "wrong shape": turning(rounds=1),
        "your code raised": broken_generator,
        "not attempted": unwritten_generator,
    },
    "step": STEP_WRONG,
    "mended_step": {
        "mean over pixels and noisy target": semi_supervised_step.broken_step,
        "noisy input as target": make_step(target="noisy"),
        "mean over pixels": make_step(cost=mean_square),
        "softmax before cross_entropy": STEP_WRONG["softmax before cross_entropy"],
        "clean input": make_step(noisy=False),
        "not attempted": not_attempted,
    },
}
WRONG["balanced_labels"]["the first of each class"] = split(first=True)
WRONG["classification"]["log of a padded softmax"] = padded
WRONG["step"]["only D_y swapped"] = make_step(apart_y=swapped)
WRONG["step"]["classification not zeroed"] = make_step(no_zero=("classification",))
WRONG["step"]["generator not zeroed"] = make_step(no_zero=("generator",))
WRONG["step"]["decoder sees the logits"] = make_step(decoded=raw)
WRONG["step"]["D_y sees the logits"] = make_step(judged=raw)
MESSAGE = {
    ("balanced_labels", "the first of each class"): "seed not used",
    ("classification", "log of a padded softmax"): "softmax, then log",
    ("step", "only D_y swapped"): "real and fake swapped",
    ("step", "classification not zeroed"): "another phase leaks",
    ("step", "generator not zeroed"): "another phase leaks",
    ("step", "decoder sees the logits"): "logits taken for y",
    ("step", "D_y sees the logits"): "logits taken for y",
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
