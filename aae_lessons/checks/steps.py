"""Probes of an update: it is judged by the weights it leaves, whatever it is made of.

An update is played on small networks, always the same ones. Each phase is first played alone, the
rates of the others being 0; then with stale gradients, then all phases together (in pairs, too,
where that goes wrong), then three updates in a row with batches of other sizes. The worked answer
and the mutants of the table are played in the same way. Where an answer draws noise, the noise is
read off what its networks were given, and the others are played with that same noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from aae_lessons.checks.misconceptions import Answer
from aae_lessons.checks.probes import Probe, close, holds
from aae_lessons.checks.stage import Stage, UpdateTrace
from aae_lessons.checks.step_causes import FROZEN, diagnosis
from aae_lessons.checks.trial import Trial

POISON, MANY = 50.0, 4000

# ------------------------------------------------------------------------------- the probes


def step_probes(
    trial: Trial, stage: Stage, keys: Sequence[str] = (), further: Sequence[Probe] = ()
) -> Iterator[Probe]:
    """Every probe of an update.

    Args:
        trial: of the learner's update.
        stage: where it is played.
        keys: the names of the losses that it returns, by default those of the phases; without
            any it returns one loss.
        further: probes before the last ones.
    """
    keys = keys or [phase for phase in stage.owners if phase]
    batches = [stage.batch(rows) for rows in (5, 2, 4)]
    first = stage.play(trial, batches[:1])
    _refuse_result(trial, first.results[0], keys)
    alone = list(stage.owners) if len(stage.owners) > 1 else []
    for phase in alone or [""]:
        yield _weights_probe(stage, batches[:1], [phase] if phase else [])
        if phase:
            yield _stale(stage, batches[:1], phase)
    if alone:
        yield from _together(trial, stage, batches[:1], alone)
    yield _stale(stage, batches[:1], "")
    yield from further
    yield from _left_as_they_were(stage, batches[:1])
    yield replace(_weights_probe(stage, batches, ()), explain=None, where="", **LATER)
    yield from _returned(stage, batches[:1], keys)


ORDER = {
    "cause": "another order",
    "says": "Each phase is right by itself; together they are not. Each phase has to use the "
    "networks as the phase before left them, in the order of the text.",
}
LATER = {
    "cause": "only the first update is right",
    "says": "The first update is right; the second or third, with batches of other sizes, is not. "
    "Is something kept from one call to the next, frozen, or a batch size written into the code?",
}


def _plays(
    stage: Stage,
    batches: Sequence[Sequence[Any]],
    phases: Collection[str] = (),
    poison: float | None = None,
) -> Probe:
    """The weights after updates; worked answer and mutants are played with the answer's noise."""

    def observe(answer: Answer) -> UpdateTrace:
        return stage.play(answer, batches, phases, poison)

    def expect(answer: Answer, got: UpdateTrace) -> UpdateTrace:
        noises = list(zip(*got.noises, strict=False)) if got.noises else []
        if not noises:
            return _remembered(stage, answer, batches, phases, poison)
        result = stage.play(answer, batches, phases, poison, noises[0])
        for noise in noises[1:]:
            if _same_weights(got, result):
                break
            result = stage.play(answer, batches, phases, poison, noise)
        return result

    return Probe(observe, expect=expect, same=_same_weights, show=False)


def _once(stage: Stage, batches: Sequence) -> Callable[[Answer], UpdateTrace]:
    """Plays an answer when it is first asked for; probes of one and the same play share it."""
    played: list[tuple[Answer, UpdateTrace]] = []

    def play(answer: Answer) -> UpdateTrace:
        if not played or played[0][0] is not answer:
            played[:] = [(answer, stage.play(answer, batches))]
        return played[0][1]

    return play


_PLAYED: dict[Any, UpdateTrace] = {}


def _remembered(stage: Stage, answer: Answer, batches: Sequence, *how: Any) -> UpdateTrace:
    """A worked answer or a mutant, played once: later checks of an exercise find it here."""
    values = [value for batch in batches for value in batch]
    inputs = [v.numpy().tobytes() if isinstance(v, Tensor) else v for v in values]
    key = id(stage), answer, *inputs, *map(str, how)
    if len(_PLAYED) > MANY:
        _PLAYED.clear()
    if key not in _PLAYED:
        _PLAYED[key] = stage.play(answer, batches, *how)
    return _PLAYED[key]


def _weights_probe(stage: Stage, batches: Sequence, phases: Collection[str]) -> Probe:
    name = next(iter(phases), "") if len(phases) == 1 else ""

    def explain(got: UpdateTrace, expected: UpdateTrace) -> tuple[str, str]:
        return diagnosis(stage, name, got, expected)

    where = f"In the {name} phase: " if name else ""
    return replace(_plays(stage, batches, phases), explain=explain, where=where)


def _same_weights(got: UpdateTrace, expected: UpdateTrace) -> bool:
    """Equal within a thousandth of the longest move, in each weight matrix and bias."""
    start = got.start
    for a, b in zip(got.weights, expected.weights, strict=True):
        if not torch.equal(a.isfinite(), b.isfinite()):
            return False
        a, b = a.nan_to_num(0, 0, 0), b.nan_to_num(0, 0, 0)
        if (a - b).abs().max() > 1e-3 * (b - start).abs().max() + 1e-6:
            return False  # in this way most mutants are told apart, and quickly
        sizes = [p.numel() for p in got.model.parameters()]
        apart, moved = (a - b).abs().split(sizes), (b - start).abs().split(sizes)
        if not all(d.max() <= 1e-3 * m.max() + 1e-6 for d, m in zip(apart, moved, strict=True)):
            return False
    return True


def _together(
    trial: Trial, stage: Stage, batches: Sequence, phases: Sequence[str]
) -> Iterator[Probe]:
    """All phases in one update; only where they go wrong, each pair first, to say which."""

    def probe(some: Collection[str]) -> Probe:
        return replace(_weights_probe(stage, batches, some), explain=None, where="", **ORDER)

    whole = replace(probe(()), observe=_once(stage, batches))
    got = whole.observe(trial)
    if not whole.same(got, whole.reference(trial.exercise.answer, got)):
        yield from map(probe, itertools.combinations(phases, 2))
    yield whole


def _stale(stage: Stage, batches: Sequence, phase: str) -> Probe:
    the = f"the {phase} phase" if phase else "it"
    says = (
        f"Gradients that were there before your update change {the}: backward() adds to what is "
        "in .grad. zero_grad() belongs before every backward()."
    )
    probe = _plays(stage, batches, [phase] if phase else [], POISON)
    where = f"In the {phase} phase: " if phase else ""
    return replace(probe, cause="stale gradients", says=says, where=where)


def same_after(stage: Stage, batches: Sequence, cause: str, says: str, key: str) -> Probe:
    """The weights after an update, and one of its losses, in other circumstances."""

    def same(got: UpdateTrace, expected: UpdateTrace) -> bool:
        mine, right = (torch.as_tensor(played.results[0][key]) for played in (got, expected))
        return _same_weights(got, expected) and close(mine, right, 1e-3)

    return replace(_plays(stage, batches), cause=cause, says=says, same=same)


def _left_as_they_were(stage: Stage, batches: Sequence) -> Iterator[Probe]:
    play = _once(stage, batches)

    def thawed(answer: Answer) -> bool:
        return all(p.requires_grad for p in play(answer).model.parameters())

    def training(answer: Answer) -> bool:
        return all(m.training for m in play(answer).model.modules())

    yield holds(thawed, *FROZEN)
    says = "Your update leaves a network in evaluation mode: call train() again before it returns."
    yield holds(training, "left in evaluation mode", says)


# ------------------------------------------------------------------------ what is returned


def _refuse_result(trial: Trial, result: Any, keys: Sequence[str]) -> None:
    if keys and not (isinstance(result, Mapping) and set(result) == set(keys)):
        says = f"Return a dict with these losses and no others: {', '.join(keys)}."
        got = list(result) if isinstance(result, Mapping) else type(result).__name__
        trial.refuse("a dict of losses expected", says, got, list(keys))
    if not keys:
        trial.tensor(result, ())
    for key in keys:
        if not isinstance(result[key], Tensor) or result[key].shape != ():
            says = f"The {key} loss should be a tensor with one number, detached."
            trial.refuse("not a scalar tensor", says, result[key], "a scalar tensor")


def _returned(stage: Stage, batches: Sequence, keys: Sequence[str]) -> Iterator[Probe]:
    play = _once(stage, batches)
    probe = replace(_plays(stage, batches), observe=play)
    for key in keys or [""]:
        name = f"{key} loss" if key else "loss"

        def pick(played: UpdateTrace, key: str = key) -> Tensor:
            return played.results[0][key] if key else played.results[0]

        def same(got: UpdateTrace, expected: UpdateTrace, pick: Callable = pick) -> bool:
            return close(pick(got), pick(expected), 1e-4, 1e-6)

        says = f"The update is right; what it returns as its {name} is another number."
        cause = "another loss returned"
        yield replace(probe, cause=cause, says=says, same=same)

        def detached(answer: Answer, pick: Callable = pick) -> bool:
            return not pick(play(answer)).requires_grad

        says = (
            f"The {name} that you return is still attached to its graph: a history of such losses "
            "keeps every batch in memory. Return .detach() of it."
        )
        yield holds(detached, "loss not detached", says)
