"""One-hot vectors: the prior of a class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import check_int, check_labels, check_matrix


@dataclass(frozen=True)
class Categorical:
    """One-hot vectors of ``classes`` equally likely classes: the prior of y (AAE §5)."""

    classes: int = 10

    def __post_init__(self) -> None:
        check_int(self.classes, "classes", at_least=2)

    @property
    def dim(self) -> int:
        """The length of a one-hot vector: K."""
        return self.classes

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` one-hot rows, (n, K), classes equally likely."""
        check_int(n, "n")
        return self.sample_given(torch.randint(self.classes, (n,), device=device))

    def sample_given(self, label: Tensor) -> Tensor:
        """The one-hot vector of each label, (n, classes); of any class where it is -1."""
        check_labels(label, "label", self.classes, unlabelled=True)
        anything = torch.randint_like(label, self.classes)
        return F.one_hot(torch.where(label < 0, anything, label), self.classes).float()

    def log_prob(self, y: Tensor) -> Tensor:
        """log p(y) in nats, (n,), of one-hot rows ``y`` (n, classes)."""
        check_matrix(y, "y", columns=self.classes)
        return y.new_full((len(y),), -math.log(self.classes))
