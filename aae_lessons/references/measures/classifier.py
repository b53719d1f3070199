"""Measures of the digit classifier."""

from __future__ import annotations

from torch import nn

from aae_lessons import metrics
from aae_lessons.data import ImageSet


def measure(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Measures the test error of a classifier, in percent."""
    return {"test_error_percent": metrics.error_percent(test.x, test.labels, model)}
