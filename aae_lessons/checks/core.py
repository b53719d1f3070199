"""What every check is made of: calling a learner's answer safely, and saying what is wrong.

A check *raises*; it never only prints. :class:`CheckFailed` shows as a few clean lines without a
traceback, and makes pytest, nbval and nbgrader see a failure.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import signal
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from aae_lessons.checks import progress

TIME_LIMIT = 10.0  # seconds for one check


class CheckFailed(AssertionError):
    """An answer that was refused; ``cause`` is the name of the misconception."""

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return str(self).splitlines()


class TookTooLong(BaseException):
    """Not an Exception, so that an ``except Exception`` in the answer can't swallow it."""


@dataclass(frozen=True)
class Mistake:
    """A foreseeable wrong answer.

    Args:
        name: of the misconception, in a few words.
        says: what the learner should hear.
        result: what such an answer returns for the check's inputs.
    """

    name: str
    says: str
    result: Callable[..., Any]


@dataclass
class Exercise:
    """A check with its hints and its worked answer; call it with the learner's answer.

    Args:
        name: of the exercise, as ``1.2``.
        title: what is asked, in a few words.
        read: where the lesson explains it.
        hints: three, each saying more than the one before.
        answer: the worked answer, a function; its source is what ``solution()`` shows.
        test: ``test(trial)`` raises through ``trial`` where the answer is wrong.
    """

    name: str
    title: str
    read: str
    hints: Sequence[str]
    answer: Callable
    test: Callable[[Trial], None]
    shown: int = field(default=0, init=False)

    def __call__(self, answer: Callable, seed: int = 0) -> None:
        """Checks an answer. Prints one line if it is right, raises :class:`CheckFailed` if not."""
        trial = Trial(self, answer)
        with torch.random.fork_rng(), _quiet(), _limit(trial, TIME_LIMIT):
            torch.manual_seed(seed)
            self.test(trial)
        progress.note(self.name)
        print(f"Exercise {self.name}, {self.title}: right.")

    def hint(self) -> None:
        """Prints the next of the three hints."""
        if self.shown == len(self.hints):
            print("That was the last hint. The worked answer: solution()")
            return
        self.shown += 1
        print(f"Hint {self.shown} of {len(self.hints)}. {self.hints[self.shown - 1]}")

    def solution(self) -> None:
        """Prints the worked answer."""
        print(textwrap.dedent(inspect.getsource(self.answer)).rstrip())


class Trial:
    """One answer under test."""

    def __init__(self, exercise: Exercise, answer: Callable) -> None:
        self.exercise, self.answer = exercise, answer
        if not callable(answer):
            self.refuse("not a function", f"The check wants the function itself, not {answer!r}.")

    def refuse(self, cause: str, says: str, got: object = None, want: object = None) -> None:
        """Raises :class:`CheckFailed`: what was tested, got and expected, why, where to read."""
        lines = [f"Exercise {self.exercise.name}, {self.exercise.title}: not yet ({cause})."]
        if want is not None:
            lines += [f"  got       {_short(got)}", f"  expected  {_short(want)}"]
        lines += textwrap.wrap(says, 96, initial_indent="  ", subsequent_indent="  ")
        lines += [f"  Read: {self.exercise.read}. Next: hint(), three times, then solution()."]
        raise CheckFailed("\n".join(lines), cause) from None

    def __call__(self, *inputs: Any, changes_inputs: bool = False) -> Any:
        """The answer's result for some inputs; every way not to have one is refused by name."""
        before = [_copy(value) for value in inputs]
        try:
            result = self.answer(*inputs)
        except NotImplementedError:
            self._not_attempted()
        except CheckFailed:
            raise
        except Exception as error:
            self._broke(error)
        if result is None:
            says = "Your function returned None. Does it end with a return?"
            self.refuse("nothing returned", says)
        if result is Ellipsis:
            self._not_attempted()
        if not changes_inputs:
            self._unchanged(before, inputs)
        return result

    def _not_attempted(self) -> None:
        message = f"Exercise {self.exercise.name}, {self.exercise.title}: not attempted."
        raise CheckFailed(message, "not attempted") from None

    def _broke(self, error: Exception) -> None:
        file = self.answer.__code__.co_filename if hasattr(self.answer, "__code__") else None
        frames = traceback.extract_tb(error.__traceback__)
        mine = [frame for frame in frames if frame.filename == file] or frames[-1:]
        where = f"line {mine[-1].lineno}: {mine[-1].line}" if mine[-1].line else "in your code"
        says = f"Your code stopped with {type(error).__name__}: {error}. It was at {where}"
        self.refuse("your code raised", says)

    def _unchanged(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        for a, b in zip(before, after, strict=True):
            if isinstance(a, Tensor) and not torch.equal(a, b):
                says = (
                    "Your function changes the tensor it was given. An operation whose name ends "
                    "in an underscore, or an assignment to a slice, works in place."
                )
                self.refuse("input changed in place", says)

    # ---------------------------------------------------------------- comparing results

    def tensor(self, got: Any, shape: Sequence[int], like: Tensor | None = None) -> Tensor:
        """``got``, which must be a tensor of this shape (and on the device of ``like``)."""
        if not isinstance(got, Tensor):
            says = f"A torch tensor is wanted, and this is a {type(got).__name__}."
            self.refuse("not a tensor", says, type(got).__name__, "Tensor")
        if tuple(got.shape) != tuple(shape):
            says = (
                "The shape is wrong. Which dimension did you reduce, or forget to reduce? A shape "
                "can also come from broadcasting (B,) with (B, 1)."
            )
            self.refuse("wrong shape", says, tuple(got.shape), tuple(shape))
        if like is not None and got.device != like.device:
            says = "The result is on another device than the input. Make new tensors there."
            self.refuse("wrong device", says, got.device, like.device)
        return got

    def equal(
        self,
        got: Any,
        want: Tensor,
        inputs: Sequence[Any] = (),
        mistakes: Sequence[Mistake] = (),
        otherwise: str = "The value is wrong.",
    ) -> None:
        """``got`` must be ``want``; if it is what a foreseeable mistake gives, say which."""
        if isinstance(got, Tensor) and got.shape == want.shape and _close(got, want):
            return
        for mistake in mistakes:
            wrong = mistake.result(*inputs)
            if isinstance(got, Tensor) and got.shape == wrong.shape and _close(got, wrong):
                self.refuse(mistake.name, mistake.says, got, want)
        got = self.tensor(got, want.shape, want)
        self.refuse("wrong value", otherwise, got, want)


def _close(a: Tensor, b: Tensor) -> bool:
    a, b = a.detach().double().cpu(), b.detach().double().cpu()
    return torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        if value.numel() > 4:
            return f"tensor of shape {tuple(value.shape)}, first value {value.flatten()[0]:.4g}"
        numbers = [f"{v:.4g}" for v in value.detach().flatten().tolist()]
        return numbers[0] if value.dim() == 0 else f"[{', '.join(numbers)}]"
    return str(value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warning and no bar on stderr: nbgrader scores a check that writes there as zero."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _limit(trial: Trial, seconds: float) -> Iterator[None]:
    """Stops an endless loop (where the system has timers, and in the main thread only)."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_signal: int, _frame: object) -> None:
        raise TookTooLong

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except TookTooLong:
        says = f"It was still running after {seconds:.0f} s. Is there a loop that never ends?"
        trial.refuse("took too long", says)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
