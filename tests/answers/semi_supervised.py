"""Answers to the exercises of lesson 5: wrong ones by the name of their mistake, right ones."""

import itertools
import random

import numpy as np
import torch
from answers import _steps as steps
from torch.nn import functional as F

from aae_lessons.checks import semi_supervised as check
from aae_lessons.data import balanced_subset

# ---------------------------------------------------------------------------- label splits


def by_permutations(labels, held_out, n, seed):
    generator = torch.Generator().manual_seed(seed)
    pool, chosen = labels[: len(labels) - held_out], []
    for k in range(10):
        rows = (pool == k).nonzero()[:, 0]
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[: n // 10]])
    return torch.cat(chosen)


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


# ---------------------------------------------------------------------------------- epochs


def turning(n, labelled, size):
    turns = [labelled[torch.randperm(len(labelled))] for _ in range(n // len(labelled) + 2)]
    order, turns = torch.randperm(n), torch.cat(turns)
    return [(order[i * size :][:size], turns[i * size :][:size]) for i in range(n // size)]


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


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator", "classification")


def make_step(detach=True):
    def step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
        losses, descend = steps.descender(optimizers)

        def codes():
            y_logits, z = model.class_logits_and_style(model.corrupt(x))
            return y_logits.softmax(1), z

        for phase in ORDER:
            if phase == "reconstruction":
                descend(phase, steps.half_square(x, model.decoder(torch.cat(codes(), 1))))
            elif phase == "generator":
                y, z = codes()
                fakes = model.discriminator_y(y), model.discriminator_z(z)
                descend(phase, sum(map(steps.passing, fakes)))
            elif phase == "classification":
                y_logits, _ = model.class_logits_and_style(model.corrupt(labelled_x))
                descend(phase, F.cross_entropy(y_logits, label))
            else:
                which = "yz".index(phase[-1])
                code = codes()[which].detach() if detach else codes()[which]
                discriminator, real = getattr(model, phase), (y_prior, z_prior)[which]
                descend(phase, steps.told_apart(discriminator(real), discriminator(code)))
        return steps.detach_all(losses)

    return step


def functional_step(model, optimizers, x, labelled_x, label, y_prior, z_prior):
    """One noise for all phases, both discriminators at once, gradients by autograd.grad."""
    seen, noisy = {}, model.corrupt(torch.cat([x, labelled_x]))
    noisy_x, noisy_labelled = noisy.split([len(x), len(labelled_x)])

    def descend(loss, *names):
        steps.by_functional_gradients(loss, *(optimizers[name] for name in names))

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


EDITS = {
    "balanced_labels": """
not positions: floats
    torch.cat(chosen) → torch.cat(chosen).float()
wrong shape: half as many
    n // 10 → n // 20
""",
    "classification": """
gradient cut: of the logits
    logits[known] → logits.detach()[known]
input changed in place: labels below 0
    known = label >= 0 → label[label < 0] = 0; known = label >= 0
your code raised: a label of −1
    label >= 0 → label >= -1
not a tensor: a number
    label[known]) → label[known]).item()
""",
    "epoch": """
pairs expected: batches of images alone
    (order[part], turns[part]) → order[part]
wrong shape: one round of labels
    range(rounds) → range(1)
""",
    "step": """
noisy input as target and mean over pixels: two at once
    (x - x_hat).square().sum(1).mean() → (model.corrupt(x) - x_hat).square().mean()
discriminator_z moves nothing: no step
    optimizers[phase].step() → phase == "discriminator_z" or optimizers[phase].step()
classification moves nothing: no step
    optimizers[phase].step() → phase == "classification" or optimizers[phase].step()
another classification loss: a margin
    F.cross_entropy(y_logits, label) → F.multi_margin_loss(y_logits, label)
stale gradients: of the reconstruction
    optimizers[phase].zero_grad() → phase == "reconstruction" or optimizers[phase].zero_grad()
another order: the classification first
    losses = {} → losses, first = {}, model.class_logits_and_style(model.corrupt(labelled_x))[0]
    # reconstruction phase: → descend("classification", F.cross_entropy(first, label)) ⏎ #
    y_logits, _ = → return losses ⏎ y_logits, _ =
loss not detached: all of them
    loss.detach() → loss
a dict of losses expected: their values
    return losses → return tuple(losses.values())
""",
}
WRONG = {
    "epoch": {"your code raised": broken_generator, "not attempted": unwritten_generator},
    "mended_step": {"noisy input as target and mean over pixels": check.broken_step},
}
RIGHT = {
    "balanced_labels": {
        "permutations": by_permutations,
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
        "rounds of permutations": turning,
    },
    "step": {
        "encoded afresh": make_step(),
        "undetached but zeroed": make_step(detach=False),
        "functional gradients, both judges at once": functional_step,
    },
}
RIGHT["mended_step"] = RIGHT["step"]
