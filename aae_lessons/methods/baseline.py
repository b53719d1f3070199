"""The supervised baseline of the Ladder paper: images without labels are not used.

Principle:
    min  −log p(label | labelled x), with batch norm and Gaussian noise at every layer: the best
    result in this network from labels alone.

Reference:
    Rasmus et al. 2015, arXiv:1507.02672, §4.1 (the network, the noise); the amounts of noise are
    those of the supervised command in the authors' published code.

Note:
    Section numbers are quoted from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_labels, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._layers import Noise, normalised_mlp
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        hidden: sizes of the hidden layers.
        pixels: number of pixels of an image.
        noise: standard deviation of the noise on the input, in training.
        hidden_noise: on every hidden layer, after its batch norm.
        lr: Adam's learning rate.
    """

    classes: int = 10
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    pixels: int = 784
    noise: float = 0.3
    hidden_noise: float = 0.5
    lr: float = 0.002

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.noise, "noise", at_least=0)
        check_number(self.hidden_noise, "hidden_noise", at_least=0)
        check_number(self.lr, "lr", above=0)


class Baseline(nn.Module):
    """A classifier with batch norm and noise: (B, 784) -> logits (B, K)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        sizes = (config.pixels, *config.hidden, config.classes)
        layers = normalised_mlp(sizes, noise=config.hidden_noise)
        self.layers = nn.Sequential(Noise(config.noise), layers)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits, (B, K), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.layers(x).float()

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)


def optimizers(model: Baseline) -> dict[str, Adam]:
    """One Adam for the classifier."""
    return {"classification": Adam(model.parameters(), model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: Baseline, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update by the labelled images alone. Returns the cross-entropy, in nats."""
    check_labels(batch.label, "label", model.config.classes)
    classification = F.cross_entropy(model(batch.labelled_x), batch.label)
    descend(classification, optimizers["classification"])
    return {"classification": classification.detach()}
