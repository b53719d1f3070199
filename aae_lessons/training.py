"""The training loop: it knows nothing of any model, only a step and where its state is.

A step is a function ``step(model, optimizers, batch) -> {phase: loss}``; this module calls it
once per minibatch, shows the losses, keeps a history, and writes checkpoints from which a killed
run continues (on a CPU, with the same weights to the last bit as a run that was never killed).
Nothing here waits for the device but every ``log_every`` steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from aae_lessons.arguments import check, check_int, check_number
from aae_lessons.devices import matmul_precision
from aae_lessons.files import save_atomically

Optimizers = Mapping[str, Optimizer]
Losses = dict[str, Tensor]
Step = Callable[[nn.Module, Optimizers, Any], Losses]
Schedule = Callable[[float], float]


class Batches(Protocol):
    """What :func:`fit` draws from: :class:`aae_lessons.data.Minibatches`, or one's own."""

    def __len__(self) -> int: ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]: ...


class NonFiniteLoss(FloatingPointError):
    """A loss became nan or infinite; the message names its phase."""


@dataclass
class History:
    """What a run left behind.

    ``steps[i]`` is the number of updates done when point i was noted, ``losses[phase][i]`` the
    mean of that phase's loss since the point before, ``snapshots[e]`` what the snapshot
    function returned after e epochs (``snapshots[0]``: before the first update).
    """

    steps: list[int] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    snapshots: list[Any] = field(default_factory=list)


# ---------------------------------------------------------------------------- schedules


def constant(done: float) -> float:
    """The rates stay as they are."""
    return 1.0


def constant_then_linear(done: float) -> float:
    """Full rates for half the run, then linearly down to zero at its end.

    An adversarial game circles its solution at a distance that grows with the rate; without
    the descent the run stops wherever on that circle it happens to be.
    """
    return min(1.0, 2.0 * (1.0 - done))


def step_decay(*at: float) -> Schedule:
    """A schedule that divides the rates by ten at each of these shares of the run, 0 … 1."""
    for share in at:
        check_number(share, "at", at_least=0)

    def schedule(done: float) -> float:
        return 0.1 ** sum(done >= share for share in at)

    schedule.__doc__ = f"divided by ten after {', '.join(f'{share:.3g}' for share in at)} of it"
    return schedule


# -------------------------------------------------------------------------------- fit


def fit(
    step: Step,
    model: nn.Module,
    batches: Batches,
    epochs: int,
    *,
    optimizers: Optimizers | None = None,
    schedule: Schedule = constant,
    on_step: Callable[[nn.Module, float], None] | None = None,
    snapshot: Callable[[nn.Module], Any] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    log_every: int = 50,
    cuda_graph: bool | None = None,
    precision: str = "highest",
    progress: bool = True,
) -> History:
    """Trains ``model`` in place for ``epochs`` passes over ``batches``.

    Args:
        step: ``step(model, optimizers, batch)`` does one update and returns
            ``{phase: detached scalar loss}``.
        model: what is trained.
        batches: its length, and ``epoch(number, start)``.
        epochs: how many.
        optimizers: by phase; ``model.optimizers()`` if there are none. Their learning rates are
            multiplied by ``schedule(share of the run done)``.
        schedule: factor of the rates, such as :func:`constant_then_linear`.
        on_step: ``on_step(model, share of the run done)``, called before every update: for what
            else changes during a run, such as a noise level or a temperature. It fills a
            buffer of the model; a number in Python would be frozen in a CUDA graph.
        snapshot: called with the model before the first and after every epoch; what it returns
            (numbers, tensors, and lists or dicts of these) goes to ``History.snapshots``. The
            random state is put back after it, so that looking does not change the run.
        checkpoint: a file to continue from if it is there, and to write to.
        checkpoint_every: updates between two checkpoints; one more is written at the end.
        log_every: updates between two points of the history.
        cuda_graph: replay the whole update as one CUDA graph; by default on CUDA only.
        precision: "highest" (single precision), "medium", "bfloat16", or "fast", which chooses
            by the processor; see :func:`aae_lessons.devices.matmul_precision`.
        progress: show a bar with the current losses.

    Raises:
        ValueError: unusable arguments, or a checkpoint of another run or that can't be read.
        NonFiniteLoss: a loss became nan or infinite, noticed within ``log_every`` updates;
            nothing is written after that.
    """
    check_int(epochs, "epochs")
    check_int(checkpoint_every, "checkpoint_every")
    check_int(log_every, "log_every")
    check_int(len(batches), "batches")
    on_cuda = next(model.parameters()).is_cuda
    cuda_graph = on_cuda if cuda_graph is None else cuda_graph
    check(
        on_cuda or not cuda_graph,
        "cuda_graph",
        cuda_graph,
        "False: the model is not on a CUDA device",
    )
    optimizers = _optimizers(step, model, optimizers)
    device = next(model.parameters()).device

    run = _Run(model, optimizers, epochs * len(batches), checkpoint)
    run.restore()
    if cuda_graph:
        step = CapturedStep(step, optimizers)
    start = run.done
    bar = tqdm(total=run.total, initial=start, disable=not progress, leave=False, unit="step")
    with bar, matmul_precision(precision, device):
        if start == 0:
            run.take(snapshot)
        while run.done < run.total:
            epoch, position = divmod(run.done, len(batches))
            for batch in batches.epoch(epoch, position):
                _set_rates(optimizers, schedule(run.done / run.total))
                if on_step is not None:
                    on_step(model, run.done / run.total)
                run.note(step(model, optimizers, batch))
                at_end = run.done == run.total
                if run.done % log_every == 0 or at_end:
                    bar.set_postfix({k: f"{v:.3f}" for k, v in run.log().items()}, refresh=False)
                    bar.update(run.done - bar.n)
                if run.done % len(batches) == 0:
                    run.take(snapshot)
                if run.done % checkpoint_every == 0 or at_end:
                    run.save()
    return run.history


def _optimizers(step: Step, model: nn.Module, optimizers: Optimizers | None) -> Optimizers:
    """What ``step`` descends with; refuses the configuration of another algorithm."""
    own = getattr(model, "optimizers", None)
    algorithm, config = getattr(step, "config", None), getattr(model, "config", None)
    if algorithm is not None:
        name = f"{algorithm.__module__.removeprefix('aae_lessons.models.')}.{algorithm.__name__}"
        expected = f"a model of {name}, which {getattr(step, '__name__', 'this step')} reads"
        check(type(config) is algorithm, "model", config, expected)
    if optimizers is None:
        check(callable(own), "optimizers", None, "a dict by phase: this model makes none itself")
        return own()
    ok = isinstance(optimizers, Mapping) and len(optimizers) > 0
    ok = ok and all(isinstance(o, Optimizer) for o in optimizers.values())
    check(ok, "optimizers", optimizers, "a dict of optimizers by phase")
    if algorithm is not None and callable(own):
        phases = set(own())
        check(phases <= set(optimizers), "optimizers", sorted(optimizers), f"{sorted(phases)}")
    return optimizers


def _set_rates(optimizers: Optimizers, factor: float) -> None:
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            rate = group.setdefault("initial_lr", float(group["lr"])) * factor
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


CHECKPOINT_KEYS = {"done", "total", "model", "optimizers", "history", "sums", "counted"}
CHECKPOINT_KEYS |= {"random_cpu", "random_cuda"}


class _Run:
    """Where a run stands: everything that a checkpoint holds."""

    def __init__(self, model, optimizers: Optimizers, total: int, path: str | Path | None) -> None:
        self.model, self.optimizers, self.total = model, optimizers, total
        self.path = None if path is None else Path(path)
        self.done = 0
        self.history = History()
        self.sums: Losses = {}
        self.counted = 0

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
                    "lower that phase's rate, or look at its inputs"
                )
        self.history.steps.append(self.done)
        for phase, value in point.items():
            self.history.losses.setdefault(phase, []).append(value)
        self.sums, self.counted = {}, 0
        return point

    def take(self, snapshot: Callable[[nn.Module], Any] | None) -> None:
        if snapshot is not None:
            with torch.random.fork_rng():
                self.history.snapshots.append(snapshot(self.model))

    def save(self) -> None:
        if self.path is None:
            return
        for phase, loss in self.sums.items():
            if not bool(loss.isfinite()):
                raise NonFiniteLoss(f"the {phase} loss is not finite; no checkpoint is written")
        cuda = torch.cuda.is_available()
        save_atomically(
            {
                "done": self.done,
                "total": self.total,
                "model": self.model.state_dict(),
                "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
                "history": vars(self.history),
                "sums": self.sums,
                "counted": self.counted,
                "random_cpu": torch.get_rng_state(),
                "random_cuda": torch.cuda.get_rng_state_all() if cuda else [],
            },
            self.path,
        )

    def restore(self) -> None:
        if self.path is None or not self.path.exists():
            return
        result = self._read()
        self._require_same_run(result)
        self.model.load_state_dict(result["model"])
        for phase, optimizer in self.optimizers.items():
            optimizer.load_state_dict(result["optimizers"][phase])
        self.done, self.counted = result["done"], result["counted"]
        here = next(self.model.parameters()).device
        self.sums = {phase: loss.to(here) for phase, loss in result["sums"].items()}
        self.history = History(**result["history"])
        torch.set_rng_state(result["random_cpu"])
        if result["random_cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(result["random_cuda"])

    def _require_same_run(self, result: dict[str, Any]) -> None:
        lengths = f"one of a run of {result['total']} updates"
        check(result["total"] == self.total, "checkpoint", lengths, f"{self.total} updates")
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

    def _read(self) -> dict[str, Any]:
        try:
            result = torch.load(self.path, map_location="cpu", weights_only=True)
            if not isinstance(result, dict) or not result.keys() >= CHECKPOINT_KEYS:
                raise TypeError("another kind of file")
            return result
        except Exception as error:
            raise ValueError(
                f"checkpoint: {self.path} can't be read as a checkpoint of this course; "
                "expected one that fit wrote, or a path where no file is"
            ) from error


# -------------------------------------------------------------------------- CUDA graph


class CapturedStep:
    """A step whose whole update is captured as one CUDA graph, then replayed.

    On a GPU a step of so small a network is bound by the launches of some hundred kernels; a
    graph launches them at once. The first ``warmup`` calls run as they are (they are real
    updates); the next one is captured. Batches must keep their shape, the step must not wait
    for the device, and the optimizers must be able to run inside a graph (fused Adam or SGD).
    """

    def __init__(self, step: Step, optimizers: Optimizers, warmup: int = 3) -> None:
        self.step, self.left = step, warmup
        self.graph: torch.cuda.CUDAGraph | None = None
        for optimizer in optimizers.values():
            for group in optimizer.param_groups:
                rate = float(group["lr"])
                group.setdefault("initial_lr", rate)
                group["lr"] = torch.tensor(rate, device=group["params"][0].device)
                if "capturable" in group:
                    group["capturable"] = True

    def __call__(self, model: nn.Module, optimizers: Optimizers, batch: Any) -> Losses:
        if self.left > 0:
            self.left -= 1
            return self._warm_up(model, optimizers, batch)
        if self.graph is None:
            self.batch = type(batch)(*(tensor.clone() for tensor in batch))
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.losses = self.step(model, optimizers, self.batch)
        for mine, inputs in zip(self.batch, batch, strict=True):
            mine.copy_(inputs)
        self.graph.replay()
        return self.losses

    def _warm_up(self, model: nn.Module, optimizers: Optimizers, batch: Any) -> Losses:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = self.step(model, optimizers, batch)
        torch.cuda.current_stream().wait_stream(stream)
        return losses
