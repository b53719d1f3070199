"""Answers to the exercises of lesson 6: wrong ones by the name of their mistake, right ones."""

import itertools

import torch
from answers import _steps as steps
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

# ---------------------------------------------------------------------- errors of a clustering


def by_heads(y, label, y_test, label_test):
    return (label[y.max(0).indices][y_test.argmax(1)] != label_test).float().mean()


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


def by_cdist(heads, distance):
    return torch.triu((distance - torch.cdist(heads, heads)).relu(), diagonal=1).sum()


def by_pairs(heads, distance):
    total = 0.0
    for a, b in itertools.combinations(heads.double(), 2):
        total = total + torch.clamp(distance - torch.dist(a, b), min=0)
    return total


# ----------------------------------------------------------------------------------- the step


ORDER = ("reconstruction", "discriminator_y", "discriminator_z", "generator")


def make_step(detach=True):
    def step(model, optimizers, x, y_prior, z_prior):
        losses, descend = steps.descender(optimizers)
        for phase in ORDER:
            y, z = model.encode(x)
            if phase == "reconstruction":
                apart = F.relu(model.distance - F.pdist(model.cluster_heads)).sum()
                code = y @ model.cluster_heads + z
                descend(phase, steps.half_square(x, model.decoder(code)) + apart)
            elif phase == "generator":
                fakes = model.discriminator_y(y), model.discriminator_z(z)
                descend(phase, sum(map(steps.passing, fakes)))
            else:
                real, fake = (y_prior, y) if phase == "discriminator_y" else (z_prior, z)
                fake, discriminator = fake.detach() if detach else fake, getattr(model, phase)
                descend(phase, steps.told_apart(discriminator(real), discriminator(fake)))
        return steps.detach_all(losses)

    return step


def functional_step(model, optimizers, x, y_prior, z_prior):
    """Both discriminators at once, codes used again, gradients by autograd.grad, float64."""

    def descend(loss, *names):
        steps.by_functional_gradients(loss, *(optimizers[name] for name in names))

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
    of_y = steps.told_apart(model.discriminator_y(y_prior), model.discriminator_y(y.detach()))
    of_z = steps.told_apart(model.discriminator_z(z_prior), model.discriminator_z(z.detach()))
    descend(of_y + of_z, "discriminator_z", "discriminator_y")
    fakes = torch.cat([model.discriminator_y(y), model.discriminator_z(z)])
    last = F.softplus(-fakes).sum() / len(x)
    descend(last, "generator")
    return {name: value.detach() for name, value in zip(ORDER, (first, of_y, of_z, last))}  # noqa: B905


# ------------------------------------------------------------------------------------ the run


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


EDITS = {
    "head_code": """
input changed in place: the style
    y @ heads + z → z.add_(y @ heads)
your code raised: the product turned round
    y @ heads + z → heads @ y + z
wrong shape: summed over the dimensions
    y @ heads + z → (y @ heads + z).sum(1)
""",
    "clustering_error": """
wrong value: half of it
    .float().mean() → .float().mean() / 2
your code raised: names of validation images for test images
    name[y_test.argmax(1)] → name
wrong shape: an error for each image
    .float().mean() → .float()
""",
    "one_to_one_error": """
wrong value: a number of right images
    1 - counts[cluster, label].sum() / counts.sum() → counts[cluster, label].sum()
""",
    "apart": """
wrong shape: one for each pair
    .relu().sum() → .relu()
""",
    "step": """
stale gradients: of the discriminator of y
    optimizers[phase].zero_grad() → phase == "discriminator_y" or optimizers[phase].zero_grad()
codes from before the reconstruction step: the reconstruction last
    descend("reconstruction", cost + _apart(model.cluster_heads, model.distance)) → pass
    return losses
    → y, z = model.encode(x)
    ⏎ x_hat = model.decoder(_head_code(y, z, model.cluster_heads)).sigmoid()
    ⏎ cost = 0.5 * (x - x_hat).square().sum(1).mean()
    ⏎ descend("reconstruction", cost + _apart(model.cluster_heads, model.distance)) ⏎ return losses
loss not detached: all of them
    loss.detach() → loss
a dict of losses expected: other names
    return losses → return {"loss": losses}
your code raised: y next to z
    _head_code(y, z, model.cluster_heads) → torch.cat([y, z], 1)
another generator loss: passes as fake for z
    F.softplus(-model.discriminator_z(z)) → F.softplus(model.discriminator_z(z))
""",
    "mended_run": """
an error for each epoch expected: sorted
    return errors → return sorted(errors)
""",
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
        "negative counts": lambda counts: (
            1 - counts[linear_sum_assignment(-counts.numpy())].sum() / counts.sum()
        ),
    },
    "apart": {
        "pdist": lambda heads, distance: F.relu(distance - F.pdist(heads)).sum(),
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
    },
}
