"""Answers to the exercises of lesson 6: wrong ones by the name of their mistake, right ones."""

import itertools

import torch
from answers._steps import (
    by_functional_gradients,
    descender,
    detach_all,
    half_square,
    passing,
    told_apart,
)
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

from aae_lessons.checks import clustering as check

CHECKS = {
    "head_code": check.head_code,
    "clustering_error": check.clustering_error,
    "one_to_one_error": check.one_to_one_error,
    "apart": check.apart,
    "step": check.step,
    "mended_run": check.mended_run,
}


def added_in_place(y, z, heads):
    return z.add_(y @ heads)


# ---------------------------------------------------------------------- errors of a clustering


def named(name, y_test, label_test):
    return (name[y_test.argmax(1)] != label_test).float().mean()


def by_heads(y, label, y_test, label_test):
    return named(label[y.max(0).indices], y_test, label_test)


def heads_by_loops(y, label, y_test, label_test):
    names = {}
    for k in range(y.shape[1]):
        names[k] = int(label[max(range(len(y)), key=lambda n: float(y[n, k]))])
    wrong = 0
    for row, right in zip(y_test.tolist(), label_test.tolist(), strict=True):
        wrong += names[row.index(max(row))] != right
    return wrong / len(y_test)


def heads_by_einsum(y, label, y_test, label_test):
    classes = int(max(label.max(), label_test.max())) + 1
    name = F.one_hot(label.gather(0, y.topk(1, dim=0).indices[0]), classes).double()
    member = F.one_hot(y_test.argmax(1), y_test.shape[1]).double()
    right = torch.einsum("nk,kc,nc->", member, name, F.one_hot(label_test, classes).double())
    return 1 - right / len(label_test)


def matched(counts):
    return linear_sum_assignment(-counts.numpy())


def by_permutations(counts):
    best = 0.0
    for rows in itertools.permutations(range(len(counts)), counts.shape[1]):
        best = max(best, sum(counts[r, c].item() for c, r in enumerate(rows)))
    return 1 - best / counts.sum().item()


def by_columns(counts):
    columns, rows = linear_sum_assignment(counts.T.double().numpy(), maximize=True)
    mask = torch.zeros_like(counts, dtype=torch.bool)
    mask[rows, columns] = True
    return counts.double()[~mask].sum() / counts.double().sum()


# ---------------------------------------------------------------------------------- the hinge


def hinge_of(change):
    return lambda heads, distance: change(F.pdist(heads), distance)


def by_cdist(heads, distance):
    return torch.triu((distance - torch.cdist(heads, heads)).relu(), diagonal=1).sum()


def by_pairs(heads, distance):
    total = 0.0
    for a, b in itertools.combinations(heads.double(), 2):
        total = total + torch.clamp(distance - torch.dist(a, b), min=0)
    return total


# ----------------------------------------------------------------------------------- the step


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator")


def make_step(
    code=lambda model, y, z: y @ model.cluster_heads + z,
    apart_z=told_apart,
    pass_z=passing,
    no_zero=(),
    detach=True,
    order=ORDER,
    returned=detach_all,
):
    def step(model, optimizers, x, y_prior, z_prior):
        losses, descend = descender(optimizers, no_zero=no_zero)
        for phase in order:
            y, z = model.encode(x)
            if phase == "reconstruction":
                apart = F.relu(model.distance - F.pdist(model.cluster_heads)).sum()
                descend(phase, half_square(x, model.decoder(code(model, y, z))) + apart)
            elif phase == "generator":
                fooled_z = pass_z(model.discriminator_z(z))
                descend(phase, passing(model.discriminator_y(y)) + fooled_z)
            else:
                real, fake = (y_prior, y) if phase == "discriminator_y" else (z_prior, z)
                loss = told_apart if phase == "discriminator_y" else apart_z
                discriminator = getattr(model, phase)
                fake = discriminator(fake.detach() if detach else fake)
                descend(phase, loss(discriminator(real), fake))
        return returned(losses)

    return step


def functional_step(model, optimizers, x, y_prior, z_prior):
    """Both discriminators at once, codes used again, gradients by autograd.grad, float64."""

    def descend(loss, *names):
        by_functional_gradients(loss, *(optimizers[name] for name in names))

    y, z = model.encode(x)
    code = torch.einsum("bk,kd->bd", y, model.cluster_heads) + z
    gap = (model.decoder(code).sigmoid() - x).double()
    near = [
        (model.distance - (a - b).norm()).clamp(min=0)
        for a, b in itertools.combinations(model.cluster_heads, 2)
    ]
    first = gap.pow(2).sum() / (2 * len(x)) + torch.stack(near).sum().double()
    descend(first, "reconstruction")
    y, z = model.encode(x)
    of_y = told_apart(model.discriminator_y(y_prior), model.discriminator_y(y.detach()))
    of_z = told_apart(model.discriminator_z(z_prior), model.discriminator_z(z.detach()))
    descend(of_y + of_z, "discriminator_z", "discriminator_y")
    fakes = torch.cat([model.discriminator_y(y), model.discriminator_z(z)])
    last = F.softplus(-fakes).sum() / len(x)
    descend(last, "generator")
    return {name: value.detach() for name, value in zip(ORDER, (first, of_y, of_z, last))}  # noqa: B905


STEP_WRONG = {
    "another discriminator_z loss": make_step(apart_z=lambda real, fake: (fake - real).mean()),
    "stale gradients": make_step(no_zero=("discriminator_y",)),
    "another order": make_step(order=(*ORDER[1:], ORDER[0])),
    "loss not detached": make_step(returned=dict),
    "a loss for each phase wanted": make_step(returned=lambda losses: {"loss": losses}),
    "your code raised": make_step(code=lambda model, y, z: torch.cat([y, z], 1)),
}

# ------------------------------------------------------------------------------------ the run


def make_run(returned=lambda errors: errors, epochs_of=range):
    def run(model, step, optimizers, schedulers, batches, epochs, error):
        errors = []
        for number in epochs_of(epochs):
            model.train()
            for batch in batches(number):
                step(model, optimizers, batch)
            for scheduler in schedulers:
                scheduler.step()
            model.eval()
            errors.append(error(model))
        return returned(errors)

    return run


def run_by_comprehension(model, step, optimizers, schedulers, batches, epochs, error):
    def one(number):
        model.train(True)
        _ = [step(model, optimizers, batch) for batch in batches(number)]
        model.train(False)
        with torch.inference_mode():
            result = error(model)
        _ = [scheduler.step() for scheduler in schedulers]
        return result

    return tuple(one(number) for number in range(epochs))


def run_by_while(model, step, optimizers, schedulers, batches, epochs, error):
    errors = [0.0] * epochs
    number = 0
    while number < epochs:
        for batch in iter(batches(number)):
            model.train()
            step(model, optimizers, batch)
        model.eval()
        errors[number] = error(model)
        model.train()
        for scheduler in schedulers:
            scheduler.step()
        number += 1
    return errors


WRONG = {
    "head_code": {
        "input changed in place": added_in_place,
        "your code raised": lambda y, z, heads: heads @ y + z,
        "wrong shape": lambda y, z, heads: (y @ heads + z).sum(1),
    },
    "clustering_error": {
        "wrong value": lambda *inputs: by_heads(*inputs) / 2,
        "your code raised": lambda y, k, y_test, k_test: k[y.argmax(0)] != k_test,
        "wrong shape": lambda y, k, y_test, k_test: (
            k[y.argmax(0)][y_test.argmax(1)] != k_test
        ).float(),
    },
    "one_to_one_error": {
        "wrong value": lambda counts: counts[matched(counts)].sum(),
    },
    "apart": {
        "wrong shape": hinge_of(lambda d, distance: (distance - d).relu()),
    },
    "step": STEP_WRONG,
    "mended_run": {
        "wrong number of updates": make_run(epochs_of=lambda epochs: range(1, epochs)),
        "an error for each epoch wanted": make_run(returned=min),
    },
}
WRONG["step"]["only the generator sees the sum"] = make_step(
    pass_z=lambda fake: F.softplus(fake).mean()
)
WRONG["mended_run"]["lowest errors"] = make_run(returned=sorted)
MESSAGE = {
    ("mended_run", "an error for each epoch wanted"): "the least error alone",
    ("mended_run", "lowest errors"): "an error for each epoch expected",
    ("mended_run", "wrong number of updates"): "an epoch left out",
    ("step", "a loss for each phase wanted"): "a dict of losses expected",
    ("step", "another discriminator_z loss"): "no logarithm",
    ("step", "another order"): "codes from before the reconstruction step",
    ("step", "only the generator sees the sum"): "another generator loss",
}
RIGHT = {
    "head_code": {
        "einsum": lambda y, z, heads: torch.einsum("bk,kd->bd", y, heads) + z,
        "broadcast and sum": lambda y, z, heads: z + (y[:, :, None] * heads).sum(1),
        "float64": lambda y, z, heads: torch.addmm(z.double(), y.double(), heads.double()),
    },
    "clustering_error": {
        "loops": heads_by_loops,
        "einsum, float64": heads_by_einsum,
        "max and mean": by_heads,
        "a number of numpy": lambda *inputs: by_heads(*inputs).numpy(),
    },
    "one_to_one_error": {
        "all permutations": by_permutations,
        "transposed, float64": by_columns,
        "negative counts": lambda counts: 1 - counts[matched(counts)].sum() / counts.sum(),
    },
    "apart": {
        "pdist": hinge_of(lambda d, distance: F.relu(distance - d).sum()),
        "cdist, upper triangle": by_cdist,
        "pairs, float64": by_pairs,
    },
    "step": {
        "encoded afresh": make_step(),
        "undetached but zeroed": make_step(detach=False),
        "functional gradients, both judges at once": functional_step,
    },
    "mended_run": {
        "comprehensions": run_by_comprehension,
        "while": run_by_while,
        "for": make_run(),
    },
}
