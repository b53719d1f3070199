"""The state of a run: its history, and the checkpoint from which it continues."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aae_lessons.arguments import check
from aae_lessons.files import save_atomically
from aae_lessons.training.identity import digest, require_readable, require_same
from aae_lessons.training.types import Losses, Optimizers


class NonFiniteLoss(FloatingPointError):
    """A loss became nan or infinite; the message names its phase."""


@dataclass
class History:
    """What a run left behind.

    ``steps[i]`` is the number of updates done when point i was noted, ``losses[phase][i]`` the
    mean of that phase's loss since the point before, ``snapshots[e]`` what the snapshot
    function returned after e epochs (``snapshots[0]``: before the first update), and
    ``validation[phase][e]`` the mean loss on the held-out batches after e + 1 epochs.
    ``seconds`` and ``processor_seconds`` are what it took, over all parts of a run that was
    continued from checkpoints.
    """

    steps: list[int] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    snapshots: list[Any] = field(default_factory=list)
    validation: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)
    processor_seconds: float = field(default=0.0, compare=False)


CHECKPOINT_KEYS = {"done", "total", "model", "optimizers", "history", "sums", "counted"}
CHECKPOINT_KEYS |= {"random_cpu", "random_accelerator", "fingerprint", "sha256"}


class Run:
    """Where a run stands: everything that a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        optimizers: Optimizers,
        total: int,
        path: str | Path | None,
        fingerprint: dict[str, str],
    ) -> None:
        self.model, self.optimizers, self.total = model, optimizers, total
        self.path = None if path is None else Path(path)
        self.fingerprint = fingerprint
        self.done = 0
        self.history = History()
        self.sums: Losses = {}
        self.counted = 0
        self.clocks = time.perf_counter(), time.process_time()

    def note(self, losses: Losses) -> None:
        """Counts one update; adds its losses up on the device, without waiting for it."""
        self.done += 1
        self.counted += 1
        for phase, loss in losses.items():
            self.sums[phase] = self.sums[phase] + loss if phase in self.sums else loss.clone()

    def log(self) -> dict[str, float]:
        """Adds a point to the history: the mean losses since the last one."""
        if not self.counted:
            return {}
        means = (torch.stack(list(self.sums.values())) / self.counted).tolist()
        point = dict(zip(self.sums, means, strict=True))
        for phase, value in point.items():
            if not math.isfinite(value):
                first = self.done - self.counted + 1
                raise NonFiniteLoss(
                    f"the {phase} loss became {value} in updates {first} to {self.done}; "
                    "lower that phase's learning rate, or look at its inputs"
                )
        self.history.steps.append(self.done)
        for phase, value in point.items():
            self.history.losses.setdefault(phase, []).append(value)
        self.sums, self.counted = {}, 0
        return point

    def take(self, snapshot: Callable[[nn.Module], Any] | None) -> None:
        """Adds a snapshot of the model to the history; torch's random state stays as it was."""
        if snapshot is None:
            return
        with torch.random.fork_rng():
            taken = snapshot(self.model)
        if self.path is not None:
            require_readable(taken)
        self.history.snapshots.append(taken)

    def validate(self, losses: dict[str, float]) -> None:
        """Adds an epoch's losses on held-out batches to the history."""
        for phase, loss in losses.items():
            self.history.validation.setdefault(phase, []).append(loss)

    def _add_times(self) -> None:
        before, self.clocks = self.clocks, (time.perf_counter(), time.process_time())
        self.history.seconds += self.clocks[0] - before[0]
        self.history.processor_seconds += self.clocks[1] - before[1]

    def save(self) -> None:
        """Writes a checkpoint, with a hash of its state.

        Raises NonFiniteLoss where a loss since the last point is nan or infinite.
        """
        self._add_times()
        if self.path is None:
            return
        for phase, loss in self.sums.items():
            if not bool(loss.isfinite()):
                raise NonFiniteLoss(f"the {phase} loss is not finite; no checkpoint is written")
        state = {
            "done": self.done,
            "total": self.total,
            "fingerprint": self.fingerprint,
            "model": self.model.state_dict(),
            "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
            "history": vars(self.history),
            "sums": self.sums,
            "counted": self.counted,
            "random_cpu": torch.get_rng_state(),
            "random_accelerator": _random_states(),
        }
        save_atomically({**state, "sha256": digest(state)}, self.path)

    def restore(self, extend: bool) -> None:
        """Continues from the checkpoint, if there is one; see :func:`fit` for ``extend``."""
        if self.path is None or not self.path.exists():
            return
        result = self._read(self.path)
        self._require_same_run(result, extend)
        self.model.load_state_dict(result["model"])
        for phase, optimizer in self.optimizers.items():
            optimizer.load_state_dict(result["optimizers"][phase])
        self.done, self.counted = result["done"], result["counted"]
        here = next(self.model.parameters()).device
        self.sums = {phase: loss.to(here) for phase, loss in result["sums"].items()}
        self.history = History(**result["history"])
        torch.set_rng_state(result["random_cpu"])
        _restore_random_states(result["random_accelerator"])

    def _require_same_run(self, result: dict[str, Any], extend: bool) -> None:
        require_same(result["fingerprint"], self.fingerprint)
        finished = result["done"] == result["total"] < self.total
        lengths = f"one of a run of {result['total']} updates"
        expected = f"{self.total} updates" + ", or extend=True to go on" * finished
        fits = result["total"] == self.total or (extend and finished)
        check(fits, "checkpoint", lengths, expected)
        phases = tuple(result["optimizers"])
        fits = set(phases) == set(self.optimizers)
        check(fits, "checkpoint", f"optimizers {phases}", f"{tuple(self.optimizers)}")
        shapes = [
            {name: getattr(value, "shape", None) for name, value in state.items()}
            for state in (result["model"], self.model.state_dict())
        ]
        check(shapes[0] == shapes[1], "checkpoint", "weights of other shapes", "this model's")
        for phase, optimizer in self.optimizers.items():
            groups = (result["optimizers"][phase]["param_groups"], optimizer.param_groups)
            sizes = [[len(group["params"]) for group in each] for each in groups]
            got = f"{phase} parameters {sizes[0]}"
            check(sizes[0] == sizes[1], "checkpoint", got, f"{sizes[1]}")

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            result = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(result, dict) or not result.keys() >= CHECKPOINT_KEYS:
                raise TypeError("another kind of file")
            if digest({k: v for k, v in result.items() if k != "sha256"}) != result["sha256"]:
                raise ValueError("its content has changed since it was written")
            return result
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(
                f"checkpoint: {path} can't be read as a checkpoint of this course "
                f"({reason}); expected one that fit wrote, or a path where no "
                "file is"
            ) from error


def _random_states() -> list[Tensor]:
    """Of every accelerator there is: CUDA's cards, or Apple's."""
    if torch.cuda.is_available():
        return torch.cuda.get_rng_state_all()
    return [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else []


def _restore_random_states(states: list[Tensor]) -> None:
    """As many as this machine has use for: it may have fewer cards, or none."""
    if torch.cuda.is_available():
        for card, state in enumerate(states[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(state, card)
    elif states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states[0])
