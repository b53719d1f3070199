"""Ablations of lessons 5 and 6: the learner plans the experiment, and a small run gives numbers.

The checks give the learner's plan a run that only looks its error up in a table, by its parts and
the seed. So what is checked is the plan: one part away at a time, equal seeds, means.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from aae_lessons.checks import clustering as clusters
from aae_lessons.checks import semi_supervised_step as few_labels
from aae_lessons.checks.clustering_errors import one_to_one_error
from aae_lessons.checks.probes import Probe, close, holds
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.two_codes import priors

SEEDS = (0, 1, 2)
SEED_ROWS = """
one seed only: You use one seed. A single run differs from the next by chance: take the mean over
    all seeds.
    for seed in seeds) / len(seeds) → for seed in seeds[:1])
median over the seeds: You take the median over the seeds. Take the mean.
    sum(run → sorted(run
    for seed in seeds) / len(seeds) → for seed in seeds)[len(seeds) // 2]
other seeds for each variant: Each variant has seeds of its own: then chance is compared with
    chance. Use the same seeds for all.
    , seed) for → , seed + len({VARIANT})) for
"""


def _numbers(result: object) -> object:
    """A dict of numbers as a sorted list, so that its order does not matter."""
    if not isinstance(result, Mapping):
        return result
    return [(str(name), torch.tensor(float(result[name]))) for name in sorted(result)]


def _alike(got: object, expected: object) -> bool:
    return close(got, expected, rtol=1e-4, atol=1e-5)


def _probe(observe: Callable, cause: str, says: str) -> Probe:
    return Probe(lambda answer: _numbers(observe(answer)), cause, says, same=_alike, show=False)


def _seeds_probe(run: Callable, *inputs: Any) -> Probe:
    """Whether all runs that an answer makes have one of the seeds, the last of its inputs."""

    def condition(answer: Callable) -> bool:
        used: set[int] = set()

        def noted(*inputs: Any, **named: Any) -> float:
            used.add(inspect.signature(run).bind(*inputs, **named).arguments["seed"])
            return run(*inputs, **named)

        answer(noted, *inputs)
        return used <= set(inputs[-1])

    return holds(condition, "other seeds for each variant", "")


def _compare_variants(run, seeds):
    variants = {
        "everything": (True, True),
        "without reconstruction": (False, True),
        "without adversaries": (True, False),
        "labels alone": (False, False),
    }
    return {
        name: sum(run(reconstruction, adversaries, seed) for seed in seeds) / len(seeds)
        for name, (reconstruction, adversaries) in variants.items()
    }


def _table(reconstruction: bool, adversaries: bool, seed: int) -> float:
    """An error that depends on every argument, so that any other plan gives other numbers."""
    return 0.3 - 0.11 * bool(reconstruction) - 0.07 * bool(adversaries) + 0.013 * (seed % 7)


def _ablation_probes(_trial: Trial) -> Iterator[Probe]:
    says = "The numbers are not those of the four variants, each a mean over all seeds."
    yield _seeds_probe(_table, [5, 0, 2])
    for seeds in ([5, 0, 2], [3, 11], [5]):  # of the first, the mean is not the median
        yield _probe(lambda f, seeds=seeds: f(_table, seeds), "another experiment", says)


SEMI_SUPERVISED = """
5.8 an ablation: what the other phases add to the labels
read: lesson 5, sections 5.3 and 5.5
hint: Four variants: each of the two parts is there or not.
hint: For each variant: the mean of run(...) over the same seeds.
hint: A dict from the variant's name to its two booleans, and one comprehension over it.
sum over the seeds: You add up the errors of the seeds. Take their mean.
    / len(seeds) →
least error over the seeds: You take the least error over the seeds. That is luck: take the mean.
    sum(run → min(run
    / len(seeds) →
{SEED_ROWS}
the two parts exchanged: run takes the reconstruction first, then the adversaries: the two variants
    with one part away are exchanged.
    run(reconstruction, adversaries → run(adversaries, reconstruction
"""
semi_supervised = exercise(
    _compare_variants, _ablation_probes, SEMI_SUPERVISED, SEED_ROWS=SEED_ROWS, VARIANT="name"
)


def small_run(reconstruction: bool, adversaries: bool, seed: int) -> float:
    """Test error of a small semi-supervised model after 150 updates with these phases."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stage, model = few_labels.STAGE, few_labels.Small()
        kinds = torch.rand(3, few_labels.PIXELS).round()
        label, test = torch.arange(6) % 3, torch.arange(300) % 3
        images = [(kinds[k] + 0.45 * torch.randn(len(k), 6)) for k in (label, test, test)]
        on = dict.fromkeys(stage.owners, 0.1 * adversaries)
        on |= {"reconstruction": 0.1 * reconstruction, "classification": 0.3}
        optimizers = stage.optimizers(model, on)
        for _ in range(150):
            batch = images[1], images[0], label, *priors(300, 3, 2)
            few_labels.step.answer(model, optimizers, *batch)
        with torch.no_grad():
            guess = model.class_logits_and_style(images[2])[0].argmax(1)
    return (guess != test).double().mean().item()


def small_clustering(aids: Collection[str], seed: int) -> float:
    """One-to-one error of a small clustering model after 200 updates with these aids."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stage, model = clusters.STAGE, clusters.Small()
        model.distance = 3.0 if "heads apart" in aids else 0.0
        kinds = torch.rand(3, clusters.PIXELS).round()
        label = torch.arange(240) % 3
        clean = kinds[label] + 0.2 * torch.randn(240, clusters.PIXELS)
        rates = {"reconstruction": 0.05}
        rates |= dict.fromkeys(("discriminator_y", "discriminator_z", "generator"), 0.0)
        if "adversaries" in aids:
            rates |= dict.fromkeys(("discriminator_y", "discriminator_z", "generator"), 0.1)
        optimizers = stage.optimizers(model, rates)
        for _ in range(200):
            noise = 0.3 * torch.randn_like(clean) * ("noise" in aids)
            clusters.step.answer(model, optimizers, clean + noise, *priors(240, 4, 2))
        with torch.no_grad():
            y = F.one_hot(model.encode(clean)[0].argmax(1), 4).double()
    return float(one_to_one_error.answer(y.T @ F.one_hot(label, 3).double()))


def _results(plan: Callable, *inputs: object) -> Mapping:
    """What a plan returns; nothing, and a line that says so, while it is not written yet."""
    try:
        return plan(*inputs)
    except NotImplementedError as error:
        if error.args:  # a stub has none, an operation that torch does not have names itself
            raise
        name = getattr(plan, "__name__", "plan")
        print(f"{name}() is not written yet. This cell runs it when it is.")
        return {}


def show_semi_supervised(plan: Callable) -> None:
    """Prints the errors of a plan's variants, by real runs."""
    for name, error in _results(plan, small_run, SEEDS).items():
        print(f"{name:<24} test error {100 * error:5.1f} %")


def _leave_one_out(run, aids, seeds):
    def mean_error(some):
        return sum(run(some, seed) for seed in seeds) / len(seeds)

    everything = mean_error(set(aids))
    return {aid: mean_error(set(aids) - {aid}) - everything for aid in aids}


def _looked_up(aids: Collection[str], seed: int) -> float:
    """An error of which each aid takes a part, two of them together more, the seed a little."""
    part = {"a": 0.11, "b": 0.05, "c": -0.02, "d": 0.07}
    both = 0.04 * ({"a", "b"} <= set(aids))
    return (
        0.5
        - sum(part[aid] for aid in set(aids))
        - both
        + 0.017 * (seed % 5) * (1 + len(set(aids)))
    )


def _leave_one_out_probes(_trial: Trial) -> Iterator[Probe]:
    yield _seeds_probe(_looked_up, ["a", "b", "c"], [0, 1, 4])
    says = "The numbers are not the rises of the mean error when one aid alone is left out."
    for aids, seeds in ((["a", "b", "c"], [0, 1, 4]), (["d", "a"], [4, 8]), (["c"], [3])):
        yield _probe(
            lambda f, aids=aids, seeds=seeds: f(_looked_up, list(aids), seeds),
            "another experiment",
            says,
        )


CLUSTERING = """
6.9 an ablation: which aid does the work
read: lesson 6, section 6.7
hint: What is compared with what? A run with all aids, and a run with all but one.
hint: set(aids) - {aid} are all the others.
hint: The mean error over the seeds without the aid, minus the mean error with all of them.
one aid alone: You try each aid by itself. What an aid does may depend on the others: leave one out
    and keep all others.
    mean_error(set(aids) - {aid}) - everything → mean_error({aid}) - everything
sign lost: The sign is turned round: a *rise* is the error without the aid minus the error with
    all.
    mean_error(set(aids) - {aid}) - everything → everything - mean_error(set(aids) - {aid})
errors, not rises: Those are the errors without each aid. Subtract the error with all of them.
    - everything for → for
aids removed one after the other: Aids that you have left out stay out. Leave out one at a time,
    with all others in place.
    set(aids) - {aid} → set(list(aids)[list(aids).index(aid) + 1 :])
    or set(aids) - {aid} → set(list(aids)[list(aids).index(aid) + 1 :])
    everything for aid → mean_error(set(list(aids)[list(aids).index(aid) :])) for aid
added to nothing: You add each aid to a run without any. What an aid does may depend on the others:
    leave one out of all.
    mean_error(set(aids) - {aid}) - everything → mean_error(set()) - mean_error({aid})
{SEED_ROWS}
compared with nothing: You compare with a run without any aid. Compare with the run that has all of
    them.
    mean_error(set(aids)) → mean_error(set())
"""
clustering = exercise(
    _leave_one_out, _leave_one_out_probes, CLUSTERING, SEED_ROWS=SEED_ROWS, VARIANT="some"
)


def show_clustering(plan: Callable) -> None:
    """Prints by how much the error rises without each aid, by real runs."""
    aids: Sequence[str] = ("heads apart", "adversaries", "noise")
    for name, rise in _results(plan, small_clustering, aids, SEEDS).items():
        print(f"without {name:<14} the error rises by {100 * rise:+5.1f} points")
