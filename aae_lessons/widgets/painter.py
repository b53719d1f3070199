"""PriorPainter: draw a prior by hand, and watch the codes flow into it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bool, Bytes, Dict, Enum, Float, Int, TraitError, Unicode, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_labels, check_matrix, check_number, refusal
from aae_lessons.plots.style import MOST_CLASSES, new_figure
from aae_lessons.widgets import bundle, digits, drawn_shapes, packing
from aae_lessons.widgets.base import Explorer

POINTS = 6000
EVERY = 0.1  # seconds between two pictures of the codes, at least
CAPTION = (
    "Draw with the pointer, or focus the square: arrow keys move the pen, space puts it down and "
    "lifts it. Then press train: the drawing becomes a prior, known by its samples only, and the "
    "coloured codes of test digits flow into it. In the browser you can go on drawing meanwhile."
)
Show = Callable[[Tensor, float], None]
Train = Callable[[Tensor, Show], Any]


class Stopped(Exception):
    """Raised by ``show`` in the middle of a training that somebody stopped."""


class PriorPainter(Explorer):
    """A canvas whose drawing becomes a prior.

    It trains in the browser, with the joint step (λ = 30) of a 784-128-128-2 autoencoder on 2,000
    digits that travel with it (always MNIST, 28 × 28 grey), or in Python by ``train``, which may
    use any images. In the browser the discriminator sees sines and cosines of a code besides:
    without them it can't follow thin strokes.

    Args:
        train: ``train(points, show)``, called in a thread of its own when "train" is pressed.
            ``points``: (6000, 2), of the drawing, moved to mean 0 and scaled to standard
            deviation 1 over both axes (as :class:`aae_lessons.priors.Painted` expects).
            ``show(z, share)`` puts codes (n, 2) on the canvas when a share of the run is done,
            0 … 1. What it returns is kept in ``result``. None: the browser trains.
        labels: classes of the codes that ``train`` shows, (n,); None for one colour.
        strokes: a drawing to begin with; see the trait.
        brush: width of a stroke.
        caption: in place of the usual one.

    Traits:
        strokes: lists [x, y, x, y, …] of points in the square from -1 to 1.
        brush: width of a stroke, in the same units.
        place: "browser" or "kernel", where the next training happens; without a kernel, on a
            page, it is the browser.
        updates: of a training in the browser.
        expected: what a training in the browser reaches on each shape, measured beforehand.
        running, progress (0 … 1), status: of a training by ``train``.
    """

    _esm = bundle.script("painter")
    strokes = ListOf(ListOf(Float())).tag(sync=True)
    brush = Float(0.12).tag(sync=True)
    place = Enum(("browser", "kernel"), "browser").tag(sync=True)
    trains_in_kernel = Bool(False).tag(sync=True)
    updates = Int(3000).tag(sync=True)
    expected = Dict().tag(sync=True)
    training_digits = Bytes().tag(sync=True)
    shown_digits = Bytes().tag(sync=True)
    shown_labels = Bytes().tag(sync=True)
    codes = Bytes().tag(sync=True)
    labels = Bytes().tag(sync=True)
    running = Bool(False).tag(sync=True)
    progress = Float(0.0).tag(sync=True)
    status = Unicode().tag(sync=True)

    def __init__(
        self,
        train: Train | None = None,
        labels: Tensor | None = None,
        *,
        strokes: Sequence[Sequence[float]] = (),
        brush: float = 0.12,
        caption: str = "",
    ) -> None:
        trainable = train is None or callable(train)
        check(trainable, "train", train, "a function of points and show, or None")
        check_number(brush, "brush", above=0)
        if labels is not None:
            check_labels(labels, "labels", MOST_CLASSES)
        check_strokes(strokes)
        words = self.words(caption, CAPTION)
        self._train, self._labels, self._z = train, labels, None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.result: Any = None
        super().__init__(title="A prior drawn by hand", caption=words, brush=brush)
        self.strokes = [list(stroke) for stroke in strokes]
        self.trains_in_kernel = train is not None
        self.place = "browser" if train is None else "kernel"
        packed, self.expected = digits.packed(), drawn_shapes.expected()
        self.training_digits, self.shown_digits = packed.training, packed.shown
        self.shown_labels = packed.shown_labels
        if labels is not None:
            self.labels = bytes(labels.tolist())
        self.on_msg(self._pressed)

    @validate("strokes")
    def _points_in_pairs(self, proposal: dict) -> list[list[float]]:
        try:
            check_strokes(proposal["value"])
        except ValueError as error:
            raise TraitError(str(error)) from None
        return proposal["value"]

    def start(self) -> None:
        """Trains on the drawing as it is now; returns at once. :meth:`wait` waits for the end.

        Raises ValueError where there is no ``train``, nothing is drawn, or a training is running.
        """
        train = self._train
        if train is None:
            raise refusal("train", None, "a function: this painter has none")
        check(not self.running, "start", "a training that runs", "one at a time: stop it first")
        drawn = points(self.strokes, self.brush)
        self._middle, self._spread = drawn.mean(0), (drawn - drawn.mean(0)).square().mean().sqrt()
        self._stop.clear()
        self.running, self.progress, self.status, self.codes = True, 0.0, "training …", b""
        inputs = (drawn - self._middle) / self._spread
        self._began = time.perf_counter()
        self._thread = threading.Thread(target=self._run, args=(train, inputs), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the training when it next shows its codes."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until the training has ended, at most so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _pressed(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("kind") == "stop":
            self.stop()
        elif content.get("kind") == "train" and not self.running:
            try:
                self.start()
            except ValueError as error:
                self.status = str(error)

    def _run(self, train: Train, inputs: Tensor) -> None:
        torch.set_flush_denormal(True)  # it holds for one thread
        self._z, self._sent = None, 0.0
        try:
            self.result = train(inputs, self._show)
            words = f"done in {self._seconds():.0f} s"
        except Stopped:
            words = f"stopped after {self._seconds():.0f} s"
        except Exception as error:
            words = f"training failed: {error}"
        self._tell(words, running=False)

    def _show(self, z: Tensor, share: float) -> None:
        """Puts codes on the canvas: the ``show`` that a training is given."""
        check_matrix(z, "z", columns=2)
        expected = len(z) if self._labels is None else len(self._labels)
        check(len(z) == expected, "z", z, f"{expected} codes, one for each label")
        self._z, self._share = packing.finite(z, "z"), float(share)
        if time.perf_counter() - self._sent > EVERY:
            self._tell(f"{share:.0%} of the training, {self._seconds():.0f} s", running=True)
            self._sent = time.perf_counter()
        if self._stop.is_set():
            raise Stopped

    def _tell(self, words: str, running: bool) -> None:
        """All that changed, in one message."""
        with self.hold_sync():
            if self._z is not None:
                self.codes = packing.halves(self._z * self._spread + self._middle)
                self.progress = self._share
            self.status, self.running = words, running

    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def static(self) -> Figure:
        """The codes over the drawing, as far as there are any."""
        if not self.strokes:
            figure, axes = new_figure(1, 1, 4, 4)
            axes[0, 0].text(0.5, 0.5, "nothing drawn yet", ha="center")
            axes[0, 0].set(xticks=[], yticks=[])
            return figure
        drawn = points(self.strokes, self.brush, 2000)
        if self._z is None:
            nobody = torch.full((len(drawn),), -1)
            figure = plots.codes(drawn, nobody, title="Samples of the drawing")
            figure.legends[0].remove()  # which would call them codes
            return figure
        z = self._z * self._spread + self._middle
        labels = torch.zeros(len(z), dtype=torch.int64) if self._labels is None else self._labels
        return plots.codes(z, labels, prior=drawn, behind="drawing")


def check_strokes(strokes: object) -> None:
    """Refuses what is no list of strokes, [x, y, x, y, …] each; it may be empty."""
    expected = "lists [x, y, x, y, …] of numbers from -1 to 1"
    check(isinstance(strokes, list | tuple), "strokes", strokes, expected)
    for stroke in cast(Sequence[object], strokes):
        ok = isinstance(stroke, list | tuple) and len(stroke) > 1 and len(stroke) % 2 == 0
        ok = ok and all(isinstance(v, int | float) and abs(v) <= 1 for v in stroke)
        check(ok, "strokes", stroke, expected)


def points(
    strokes: Sequence[Sequence[float]], brush: float, n: int = POINTS, seed: int = 0
) -> Tensor:
    """Points of a drawing, evenly spread along its strokes and over their width: (n, 2).

    Args:
        strokes: lists [x, y, x, y, …]; one point alone is a dot.
        brush: width of a stroke.
        n: how many.
        seed: of the points.
    """
    check_strokes(strokes)
    check_number(brush, "brush", above=0)
    check(len(strokes) > 0, "strokes", "an empty drawing", "one stroke or more")
    lines = [torch.tensor(s, dtype=torch.float32).view(-1, 2) for s in strokes]
    begin = torch.cat([line[:-1] if len(line) > 1 else line for line in lines])
    end = torch.cat([line[1:] if len(line) > 1 else line for line in lines])
    generator = torch.Generator().manual_seed(seed)
    lengths = (end - begin).norm(dim=1).clamp(min=0.01 * brush)
    chosen = torch.multinomial(lengths, n, replacement=True, generator=generator)
    along, out, angle = torch.rand(3, n, 1, generator=generator)
    offset = 2 * math.pi * angle
    disk = brush / 2 * out.sqrt() * torch.cat([offset.cos(), offset.sin()], dim=1)
    return begin[chosen] + along * (end - begin)[chosen] + disk
