"""Answers to the exercises of lesson 6: wrong ones by the name of their mistake, right ones."""

import itertools

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

from aae_lessons.checks import clustering as check
from aae_lessons.checks import clustering_run

CHECKS = {
    "head_code": check.head_code,
    "clustering_error": check.clustering_error,
    "one_to_one_error": check.one_to_one_error,
    "apart": check.apart,
    "step": check.step,
    "mended_run": check.mended_run,
}


def not_attempted(*inputs):
    raise NotImplementedError


def added_in_place(y, z, heads):
    return z.add_(y @ heads)


# ---------------------------------------------------------------------- errors of a clustering


def named(name, y_test, label_test):
    return (name[y_test.argmax(1)] != label_test).float().mean()


def votes(y, label):
    counts = [label[y.argmax(1) == k].bincount(minlength=4) for k in range(y.shape[1])]
    return torch.stack(counts)


def by_heads(y, label, y_test, label_test):
    return named(label[y.max(0).indices], y_test, label_test)


def by_majority(y, label, y_test, label_test):
    return named(votes(y, label).argmax(1), y_test, label_test)


def among_members(y, label, y_test, label_test):
    own = y.argmax(1)
    names = []
    for k in range(y.shape[1]):
        rows = (own == k).nonzero()[:, 0]
        names.append(label[rows[y[rows, k].argmax()]] if len(rows) else torch.tensor(0))
    return named(torch.stack(names), y_test, label_test)


def by_hungarian(y, label, y_test, label_test):
    rows, columns = linear_sum_assignment(-votes(y_test, label_test).numpy())
    counts = votes(y_test, label_test)
    return 1 - counts[rows, columns].sum() / counts.sum()


def heads_by_loops(y, label, y_test, label_test):
    names = {}
    for k in range(y.shape[1]):
        names[k] = int(label[max(range(len(y)), key=lambda n: float(y[n, k]))])
    wrong = 0
    for row, right in zip(y_test.tolist(), label_test.tolist(), strict=True):
        wrong += names[row.index(max(row))] != right
    return wrong / len(y_test)


def heads_by_einsum(y, label, y_test, label_test):
    name = F.one_hot(label.gather(0, y.topk(1, dim=0).indices[0]), 4).double()
    member = F.one_hot(y_test.argmax(1), y_test.shape[1]).double()
    right = torch.einsum("nk,kc,nc->", member, name, F.one_hot(label_test, 4).double())
    return 1 - right / len(label_test)


def greedy(counts):
    left, result = counts.clone(), 0.0
    while left.max() >= 0:
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        result += counts[row, column]
        left[row, :] = -1
        left[:, column] = -1
    return 1 - result / counts.sum()


def matched(counts, sign=-1):
    return linear_sum_assignment(sign * counts.numpy())


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


def all_distances(heads):
    return (heads[:, None] - heads[None]).square().sum(2).sqrt()


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


def square(x, logits):
    return ((x - logits.sigmoid()) ** 2).sum(1).mean() / 2


def separate(model):
    return F.relu(model.distance - F.pdist(model.cluster_heads)).sum()


def added(model, y, z):
    return y @ model.cluster_heads + z


def hard_head(model, y, z):
    return model.cluster_heads[y.argmax(1)] + z


def apart(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def swapped(real, fake):
    return apart(fake, real)


def passing(fake):
    return -F.logsigmoid(fake).mean()


def one_hot(y):
    return F.one_hot(y.argmax(1), y.shape[1]).float()


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator")


def make_step(
    cost=square,
    code=added,
    separate=separate,
    judged_y=lambda y: y,
    judged_z=lambda model, y, z: z,
    apart_y=apart,
    apart_z=apart,
    pass_y=passing,
    pass_z=passing,
    skip=(),
    no_zero=(),
    detach=True,
    order=ORDER,
    returned=lambda losses: {name: loss.detach() for name, loss in losses.items()},
):
    def step(model, optimizers, x, y_prior, z_prior):
        losses = {}

        def descend(name, loss):
            losses[name] = loss
            if name in skip:
                return
            if name not in no_zero:
                optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()

        for phase in order:
            y, z = model.encode(x)
            if phase == "reconstruction":
                loss = cost(x, model.decoder(code(model, y, z))) + separate(model)
                descend(phase, loss)
            elif phase == "generator":
                fooled_z = pass_z(model.discriminator_z(judged_z(model, y, z)))
                descend(phase, pass_y(model.discriminator_y(y)) + fooled_z)
            elif phase == "discriminator_y":
                fake = judged_y(y).detach() if detach else judged_y(y)
                discriminator = model.discriminator_y
                descend(phase, apart_y(discriminator(y_prior), discriminator(fake)))
            else:
                fake = judged_z(model, y, z)
                fake = fake.detach() if detach else fake
                discriminator = model.discriminator_z
                descend(phase, apart_z(discriminator(z_prior), discriminator(fake)))
        return returned(losses)

    return step


def functional_step(model, optimizers, x, y_prior, z_prior):
    """Both discriminators at once, codes used again, gradients by autograd.grad, float64."""

    def descend(loss, *names):
        for name in names:
            parameters = [p for g in optimizers[name].param_groups for p in g["params"]]
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = gradient
        for name in names:
            optimizers[name].step()

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
    of_y = swapped(model.discriminator_y(y.detach()), model.discriminator_y(y_prior))
    of_z = swapped(model.discriminator_z(z.detach()), model.discriminator_z(z_prior))
    descend(of_y + of_z, "discriminator_z", "discriminator_y")
    fakes = torch.cat([model.discriminator_y(y), model.discriminator_z(z)])
    last = F.softplus(-fakes).sum() / len(x)
    descend(last, "generator")
    return {name: value.detach() for name, value in zip(ORDER, (first, of_y, of_z, last))}  # noqa: B905


def none_of(fake):
    return 0 * fake.sum()


def saturating(fake):
    return F.logsigmoid(-fake).mean()


STEP_WRONG = {
    "heads not pushed apart": make_step(separate=lambda model: 0.0),
    "each pair twice": make_step(separate=lambda model: 2 * separate(model)),
    "heads pulled together": make_step(separate=lambda model: -separate(model)),
    "hard head": make_step(code=hard_head),
    "style forgotten": make_step(code=lambda model, y, z: y @ model.cluster_heads),
    "heads forgotten": make_step(code=lambda model, y, z: z),
    "mean over pixels": make_step(cost=lambda x, logits: F.mse_loss(logits.sigmoid(), x) / 2),
    "logits taken for pixels": make_step(cost=lambda x, l: ((x - l) ** 2).sum(1).mean() / 2),  # noqa: E741
    "real and fake swapped": make_step(apart_y=swapped, apart_z=swapped),
    "halved": make_step(apart_y=lambda real, fake: apart(real, fake) / 2),
    "D_cat sees hard codes": make_step(judged_y=one_hot),
    "D_z sees head plus style": make_step(judged_z=added),
    "z not regularised": make_step(pass_z=none_of),
    "y not regularised": make_step(pass_y=none_of),
    "saturating": make_step(pass_y=saturating, pass_z=saturating),
    "generator calls its codes fake": make_step(
        pass_y=lambda f: F.softplus(f).mean(), pass_z=lambda f: F.softplus(f).mean()
    ),
    "generator moves nothing": make_step(skip=("generator",)),
    "another phase leaks": make_step(detach=False, no_zero=("generator",)),
    "another discriminator_z loss": make_step(apart_z=lambda real, fake: (fake - real).mean()),
    "stale gradients": make_step(no_zero=("discriminator_y",)),
    "another order": make_step(order=(*ORDER[1:], ORDER[0])),
    "loss not detached": make_step(returned=dict),
    "a loss for each phase wanted": make_step(returned=lambda losses: {"loss": losses}),
    "your code raised": make_step(code=lambda model, y, z: torch.cat([y, z], 1)),
    "not attempted": not_attempted,
}

# ------------------------------------------------------------------------------------ the run


def make_run(
    frozen=False,
    scheduled="epoch",
    train=True,
    evaluate=True,
    measured="after",
    returned=lambda errors: errors,
    epochs_of=range,
    number_of=lambda number: number,
):
    def run(model, step, optimizers, schedulers, batches, epochs, error):
        errors, kept = [], batches(0)

        def measure():
            if evaluate:
                model.eval()
            errors.append(error(model))

        for number in epochs_of(epochs):
            if measured == "before":
                measure()
            if train or number == 0:
                model.train()
            for batch in kept if frozen else batches(number_of(number)):
                step(model, optimizers, batch)
                if scheduled == "update":
                    for scheduler in schedulers:
                        scheduler.step()
            if scheduled == "epoch":
                for scheduler in schedulers:
                    scheduler.step()
            if measured == "after":
                measure()
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
        "hard head": lambda y, z, heads: heads[y.argmax(-1)] + z,
        "style forgotten": lambda y, z, heads: y @ heads,
        "heads forgotten": lambda y, z, heads: z * 1,
        "concatenated": lambda y, z, heads: torch.cat([y @ heads, z], -1),
        "y beside z": lambda y, z, heads: torch.hstack([y, z]),
        "softmax applied again": lambda y, z, heads: F.softmax(y, 1) @ heads + z,
        "one head for the batch": lambda y, z, heads: y.mean(0) @ heads + z,
        "gradient cut": lambda y, z, heads: y.detach() @ heads + z,
        "input changed in place": added_in_place,
        "your code raised": lambda y, z, heads: heads @ y + z,
        "wrong shape": lambda y, z, heads: (y @ heads + z).sum(1),
        "not attempted": not_attempted,
    },
    "clustering_error": {
        "cluster named by majority": by_majority,
        "heads from the test images": lambda y, k, y_test, k_test: by_heads(
            y_test, k_test, y_test, k_test
        ),
        "error of the validation images": lambda y, k, y_test, k_test: by_heads(y, k, y, k),
        "majority of the test images": lambda y, k, y_test, k_test: by_majority(
            y_test, k_test, y_test, k_test
        ),
        "heads among a cluster's members": among_members,
        "cluster number taken for a label": lambda y, k, y_test, k_test: (
            1 - (y_test.argmax(1) == k_test).float().mean()
        ),
        "accuracy, not error": lambda *inputs: 1 - by_heads(*inputs),
        "percent": lambda *inputs: 100 * by_heads(*inputs),
        "one-to-one matching": by_hungarian,
        "argmax over the wrong dimension": lambda y, k, *test: by_heads(y.T, k, *test),
        "wrong value": lambda *inputs: by_heads(*inputs) / 2,
        "not a tensor": lambda *inputs: by_heads(*inputs).numpy(),
        "your code raised": lambda y, k, y_test, k_test: k[y.argmax(0)] != k_test,
        "wrong shape": lambda y, k, y_test, k_test: (
            k[y.argmax(0)][y_test.argmax(1)] != k_test
        ).float(),
        "not attempted": not_attempted,
    },
    "one_to_one_error": {
        "many-to-one": lambda counts: 1 - counts.max(dim=1)[0].sum() / counts.sum(),
        "one cluster for several labels": lambda counts: 1 - counts.amax(0).sum() / counts.sum(),
        "greedy matching": greedy,
        "worst matching": lambda counts: 1 - counts[matched(counts, 1)].sum() / counts.sum(),
        "unmatched clusters left out": lambda counts: (
            1 - counts[matched(counts)].sum() / counts[matched(counts)[0]].sum()
        ),
        "cluster number taken for a label": lambda counts: 1 - counts.trace() / counts.sum(),
        "accuracy, not error": lambda counts: counts[matched(counts)].sum() / counts.sum(),
        "wrong value": lambda counts: counts[matched(counts)].sum(),
        "not attempted": not_attempted,
    },
    "apart": {
        "diagonal left in": lambda heads, distance: torch.triu(
            (distance - torch.cdist(heads, heads)).relu()
        ).sum(),
        "each pair twice": lambda heads, distance: 2 * by_cdist(heads, distance),
        "mean over pairs": hinge_of(lambda d, distance: (distance - d).relu().mean()),
        "squared distance": hinge_of(lambda d, distance: (distance - d**2).relu().sum()),
        "pulled together": hinge_of(lambda d, distance: (d - distance).relu().sum()),
        "no hinge": hinge_of(lambda d, distance: (distance - d).sum()),
        "hinge squared": hinge_of(lambda d, distance: (distance - d).relu().pow(2).sum()),
        "gradient cut": lambda heads, distance: by_cdist(heads.detach(), distance),
        "root of zero": lambda heads, distance: torch.triu(
            (distance - all_distances(heads)).relu(), 1
        ).sum(),
        "wrong shape": hinge_of(lambda d, distance: (distance - d).relu()),
        "not attempted": not_attempted,
    },
    "step": STEP_WRONG,
    "mended_run": {
        "shuffles frozen": clustering_run.broken_run,
        "schedulers never stepped": make_run(scheduled="never"),
        "schedulers stepped at the wrong time": make_run(scheduled="update"),
        "measured in training mode": make_run(evaluate=False),
        "not back in training mode": make_run(train=False),
        "measured at the wrong time": make_run(measured="before"),
        "wrong number of updates": make_run(epochs_of=lambda epochs: range(1, epochs)),
        "another order of batches": make_run(number_of=lambda number: number + 1),
        "an error for each epoch wanted": make_run(returned=min),
        "nothing returned": make_run(returned=lambda errors: None),
        "not attempted": not_attempted,
    },
}
WRONG["apart"]["all of the square"] = lambda heads, distance: (
    (distance - torch.cdist(heads, heads)).relu().sum()
)
WRONG["step"]["generator not zeroed"] = make_step(no_zero=("generator",))
WRONG["step"]["only the generator sees the sum"] = make_step(
    pass_z=lambda fake: F.softplus(fake).mean()
)
WRONG["mended_run"]["only the shuffles mended"] = make_run(scheduled="never", evaluate=False)
WRONG["mended_run"]["lowest errors"] = make_run(returned=sorted)
MESSAGE = {
    ("apart", "all of the square"): "diagonal left in",
    ("step", "generator not zeroed"): "another phase leaks",
    ("step", "only the generator sees the sum"): "another generator loss",
    ("mended_run", "only the shuffles mended"): "schedulers never stepped",
    ("mended_run", "lowest errors"): "an error for each epoch wanted",
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
