"""The digits that travel with an explorer which trains in the browser."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from aae_lessons import data
from aae_lessons.widgets import packing

TRAINING, SHOWN = 2000, 400


class PackedDigits(NamedTuple):
    """MNIST for a page, at 4 bits per pixel and deflated.

    Args:
        training: the first 2,000 training digits, about 175 kB.
        training_labels: their classes, one byte each.
        shown: the first 400 test digits.
        shown_labels: their classes, one byte each.
    """

    training: bytes
    training_labels: bytes
    shown: bytes
    shown_labels: bytes


@cache
def packed() -> PackedDigits:
    """The digits of every page; 2,000 at 4 bits cost nothing in how well codes match a prior."""
    parts = []
    for split, count in (("train", TRAINING), ("test", SHOWN)):
        chosen = data.mnist(split, "cpu").subset(slice(0, count))
        parts += [packing.nibbles(chosen.x), bytes(chosen.labels.tolist())]
    return PackedDigits(*parts)
