"""An exercise: a check with its hints, its worked answer and the table of its mistakes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from aae_lessons.checks import guards, progress
from aae_lessons.checks.misconceptions import Wrong, source_of, uses
from aae_lessons.checks.probes import Probe, run_probes
from aae_lessons.checks.trial import CheckFailed, Trial

TIME_LIMIT = 10.0  # seconds for one check


@dataclass(eq=False, repr=False)
class Exercise:
    """A check with its hints and its worked answer; call it with the learner's answer.

    Args:
        name: of the exercise, as ``1.2``.
        title: what is asked, in a few words.
        read: where the lesson explains it.
        hints: three, each saying more than the one before.
        answer: the worked answer, a function; its source is what ``solution()`` shows.
        test: ``test(trial)`` raises through ``trial`` where the answer is wrong, or yields probes.
        wrong: the rows of its table: foreseeable wrong answers.
        called: the answer's name in the notebook; by default that of ``answer``.
        counterpart: for an exercise that mends broken code, the one that asks for such code from
            scratch: the answer accepted there mends nothing, so it is refused here.
    """

    name: str
    title: str
    read: str
    hints: Sequence[str]
    answer: Callable
    test: Callable[[Trial], Iterator[Probe] | None]
    wrong: Sequence[Wrong] = ()
    called: str = ""
    counterpart: Exercise | None = None
    shown: int = field(default=0, init=False)
    accepted: Callable | None = field(default=None, init=False)

    def __call__(self, answer: Callable, seed: int = 0) -> None:
        """Checks an answer. Prints one line if it is right, raises :class:`CheckFailed` if not."""
        trial = Trial(self, answer)
        with guards.quiet(), guards.settled(seed):
            try:
                with guards.time_limit(TIME_LIMIT):
                    probes = self.test(trial)
                    if isinstance(probes, Iterator):
                        run_probes(trial, probes)
            except CheckFailed:
                raise
            except guards.TookTooLong:
                says = f"Still running after {TIME_LIMIT:g} s. Is there a loop that never ends?"
                trial.refuse("took too long", says)
            except Exception as error:
                trial.explain(error)
        if (
            self.counterpart
            and answer is not self.answer
            and uses(answer, self.counterpart.accepted)
        ):
            says = (
                f"This is your answer to {self.counterpart.name}. It is right, but nothing was "
                "mended: copy the broken code of this exercise and change the lines that are "
                "wrong."
            )
            trial.refuse("another exercise's answer", says)
        self.accepted = answer
        progress.note(self.name)
        _print(f"Exercise {self.name}, {self.title}: right.")

    def __repr__(self) -> str:
        return (
            f"Exercise {self.name}, {self.title}: call it with your function; .hint() gives the "
            "next hint, .solution() the worked answer."
        )

    def hint(self) -> None:
        """Prints the next of the three hints; after the last it begins again."""
        if self.shown == len(self.hints):
            _print("That was the last hint. The worked answer: solution(). Hints again: hint().")
            self.shown = 0
            return
        self.shown += 1
        _print(f"Hint {self.shown} of {len(self.hints)}. {self.hints[self.shown - 1]}")

    def solution(self) -> None:
        """Prints the worked answer."""
        source = source_of(self.answer)
        if self.called:
            source = re.sub(r"def \w+\(", f"def {self.called}(", source, count=1)
        _print(re.sub(r"(?<![\w.])_(?=[a-z]\w*\()", "", source))  # names as a notebook has them


def _print(text: str) -> None:
    """Prints on any terminal: what its encoding does not have becomes a question mark."""
    try:
        print(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding))
