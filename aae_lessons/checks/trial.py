"""One answer on trial: calling it safely, and saying what is wrong with it.

A refusal is raised, never only printed: :class:`CheckFailed` shows as a few clean lines without a
traceback, and makes pytest, nbval and nbgrader see a failure.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from aae_lessons.checks import comparison, guards
from aae_lessons.checks.misconceptions import row

if TYPE_CHECKING:
    from aae_lessons.checks.core import Exercise

FITS = (
    "Two sizes don't fit. Does a number stand in your code (of pixels, latent dimensions, "
    "classes) that should come from the shape of an argument?"
)
ADVICE = {  # part of an error message of torch -> what a learner should hear as well
    "same device": "One tensor is on another device. Make new ones with device=x.device.",
    "does not require grad": (
        "Its gradient was cut: by detach(), .item(), no_grad() or numpy, or by a "
        "requires_grad_(False) that was never undone?"
    ),
    "must match the size": FITS,
    "shapes cannot be multiplied": FITS,
    "'NoneType'": "Something you use is None. Does each of your functions end with a return?",
}
RAISED = {  # part of an error message of torch -> its cause, and what a learner should hear
    "through the graph a second time": (
        "graph used up",
        "A backward() uses up the graph it runs through, and here a second one needs it. Does the "
        "discriminator's phase see detached codes? Is x encoded anew after the reconstruction "
        "phase, and are the codes given to the discriminator anew after its own update?",
    ),
    "modified by an inplace operation": (
        "weights moved under the graph",
        "An optimizer has moved weights which a loss that was computed before still needs. Go "
        "phase by phase: forward, loss, descend; and only then the next forward.",
    ),
}


class Misused(Exception):
    """Raised by a network or function of a check that is used for something else."""

    def __init__(self, cause: str, says: str) -> None:
        super().__init__(says)
        self.cause, self.says = cause, says


class CheckFailed(AssertionError):
    """An answer that was refused.

    Args:
        message: all that the learner reads.
        cause: the name of the misconception.
        says: its explanation alone.
    """

    def __init__(self, message: str, cause: str, says: str = "") -> None:
        super().__init__(message)
        self.cause, self.says = cause, says

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return str(self).splitlines()


class Trial:
    """One answer under test."""

    def __init__(self, exercise: Exercise, answer: Callable) -> None:
        self.exercise, self.answer, self.warned = exercise, answer, []
        if not callable(answer):
            self.refuse("not a function", f"The check takes the function itself, not {answer!r}.")

    def refuse(
        self, cause: str, says: str = "", got: object = None, expected: object = None
    ) -> NoReturn:
        """Raises :class:`CheckFailed`: what was tested, got and expected, why, where to read.

        Without ``says`` the exercise's table has a row of this cause, which says it.
        """
        says = says or row(self.exercise.wrong, cause).says
        lines = [f"Exercise {self.exercise.name}, {self.exercise.title}: not yet ({cause})."]
        if expected is not None:
            place = comparison.largest_difference(got, expected)
            lines += [
                f"  got       {comparison.short(got, place)}",
                f"  expected  {comparison.short(expected, place)}",
            ]
        for part in says.splitlines():
            lines += textwrap.wrap(part, 96, initial_indent="  ", subsequent_indent="  ")
        for warning in self.warned[:1]:
            text = f"torch warned: {warning}"
            lines += textwrap.wrap(text, 96, initial_indent="  ", subsequent_indent="    ")
        lines += [f"  Read: {self.exercise.read}. Next: hint(), three times, then solution()."]
        raise CheckFailed("\n".join(lines), cause, says) from None

    def __call__(self, *inputs: Any, changes_inputs: bool = False) -> Any:
        """The answer's result for some inputs; every way not to have one is refused by name."""
        before = [comparison.copy_of(value) for value in inputs]
        try:
            with guards.warnings_noted(self.warned):
                result = self.answer(*inputs)
        except CheckFailed:
            raise
        except Misused as misused:
            self.refuse(misused.cause, misused.says)
        except (Exception, SystemExit) as error:
            self._fits(inputs)
            self.explain(error)
        if result is None:
            says = (
                "Your function returned None. Does it end with a return? (To print a value is not "
                "to return it.)"
            )
            self.refuse("nothing returned", says)
        if result is Ellipsis:
            self._not_attempted()
        if not changes_inputs and not all(map(comparison.unchanged, before, inputs)):
            says = (
                "Your function changes the tensor it was given. An operation whose name ends in "
                "an underscore, or an assignment to a slice, works in place."
            )
            self.refuse("input changed in place", says)
        return result

    def explain(self, error: BaseException) -> NoReturn:
        """Refuses for an exception: at the learner's line, if it came from there."""
        names, file = _home(self.answer)
        frames = list(traceback.walk_tb(error.__traceback__))
        mine = [(frame, line) for frame, line in frames if frame.f_globals is names]
        what = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" …")
        advice = next((says for part, says in ADVICE.items() if part in str(error)), "")
        if not mine:
            says = f"The check can't use what your function does or returns. {what}. {advice}"
            self.refuse("of no use", says)
        frame, number = mine[-1]
        if isinstance(error, NotImplementedError) and frame is frames[-1][0]:
            if file in (None, frame.f_code.co_filename):
                self._not_attempted()
            says = f"Your code calls {frame.f_code.co_name}(), which is not written yet."
            self.refuse("another exercise comes first", says)
        code = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
        device = f"At line {number}: {code}" if code else f"At line {number} of your code."
        for part, (cause, says) in RAISED.items():
            if part in str(error):
                self.refuse(cause, f"{says}\n{device}")
        says = f"Your code stopped with {what}. {advice}".rstrip()
        self.refuse("your code raised", f"{says}\n{device}")

    def _fits(self, inputs: Sequence[Any]) -> None:
        """The answer must take as many arguments as the check has."""
        try:
            signature = inspect.signature(self.answer)
        except (TypeError, ValueError):  # a built-in function may have none
            return
        try:
            signature.bind(*inputs)
        except TypeError:
            says = "Your function takes other arguments than asked. Leave its def line as it was."
            self.refuse("wrong arguments", says, str(signature), f"{len(inputs)} arguments")

    def _not_attempted(self) -> NoReturn:
        message = f"Exercise {self.exercise.name}, {self.exercise.title}: not attempted."
        raise CheckFailed(message, "not attempted") from None

    # ---------------------------------------------------------------- comparing results

    def tensor(self, got: Any, shape: Sequence[int], like: Tensor | None = None) -> Tensor:
        """``got``, which must be a tensor of this shape, on the device of ``like`` (or the CPU's).

        A scalar has the shape ``()``.
        """
        if not isinstance(got, Tensor):
            says = f"A torch tensor is expected, and this is a {type(got).__name__}."
            self.refuse("not a tensor", says, type(got).__name__, "Tensor")
        if tuple(got.shape) != tuple(shape):
            says = (
                "The shape is wrong. Which dimension did you reduce, or forget to reduce? A shape "
                "can also come from broadcasting (B,) with (B, 1)."
            )
            self.refuse("wrong shape", says, tuple(got.shape), tuple(shape))
        device = torch.device("cpu") if like is None else like.device
        if got.device != device:
            says = "The result is on another device than the input. Make new tensors there."
            self.refuse("wrong device", says, got.device, device)
        return got


def _home(answer: Callable) -> tuple[Mapping[str, Any] | None, str | None]:
    """The names that the answer's code sees (its notebook's), and the file (cell) it is in."""
    function = inspect.unwrap(answer)
    while isinstance(function, functools.partial):
        function = function.func
    if hasattr(function, "__code__"):
        return function.__globals__, function.__code__.co_filename
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    return (None if module is None else vars(module)), None
