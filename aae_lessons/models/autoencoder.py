"""Lesson 1: the plain autoencoder, which puts no condition on its codes.

Principle:
    min over encoder Q, decoder G:  E[ c(x, G(Q(x))) ]

    The one equation of the course with λ = 0: codes may lie anywhere, so it is unknown where to
    draw new ones from.

Reference:
    Makhzani et al. 2015, "Adversarial Autoencoders", §1 and §2 (what the AAE adds to this).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_matrix, check_number
from aae_lessons.data import Batch
from aae_lessons.networks import mlp
from aae_lessons.objectives import Cost, adam, descend, reads, squared_error


@dataclass(frozen=True)
class Config:
    """Settings of the autoencoder and of :func:`train_step`.

    Args:
        dim: d, number of latent dimensions.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        pixels: number of pixels of an image.
        cost: c(logits, x), summed over pixels, mean over the batch.
        lr: Adam's learning rate.
        beta1: Adam's decay of its first moment.
    """

    dim: int = 2
    hidden: tuple[int, ...] = (256, 256)
    pixels: int = 784
    cost: Cost = squared_error
    lr: float = 5e-4
    beta1: float = 0.5

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.lr, "lr", above=0)


class Autoencoder(nn.Module):
    """x -> encoder -> z -> decoder -> logits, with x_hat = sigmoid(logits)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        self.encoder = mlp((config.pixels, *config.hidden, config.dim))
        self.decoder = mlp((config.dim, *reversed(config.hidden), config.pixels))

    def optimizers(self) -> dict[str, Adam]:
        """What :func:`train_step` descends with, by phase."""
        return optimizers(self)

    def encode(self, x: Tensor) -> Tensor:
        """Codes z, (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of codes ``z``, (B, d)."""
        check_matrix(z, "z", columns=self.config.dim)
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(self.encode(x))


def optimizers(model: Autoencoder) -> dict[str, Adam]:
    """One Adam, for the one phase."""
    return {"reconstruction": adam(model.config.lr, model.config.beta1, model)}


@reads(Config)
def train_step(model: Autoencoder, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update. Returns the loss of its one phase, ``reconstruction``, in nats per image."""
    z = model.encode(batch.x)
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])
    return {"reconstruction": reconstruction.detach()}
