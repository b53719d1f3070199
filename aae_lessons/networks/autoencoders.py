"""What is the same in every autoencoder with one code, and in every one with class and style."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from aae_lessons.arguments import check, check_matrix
from aae_lessons.networks.draws import reparameterise
from aae_lessons.networks.layers import Float32Linear, check_network, mlp


class CodeAutoencoder(nn.Module):
    """An autoencoder with one code, deterministic or drawn from a Gaussian: x -> z -> x_hat.

    Args:
        prior: the distribution that the codes should have.
        config: with pixels, hidden and gaussian_posterior.
        encoder, decoder: your own networks in place of the layers of ``config``: images
            (B, pixels) to codes (B, d), or mean and log-variance (B, 2 d) side by side; codes to
            logits of images.
    """

    def __init__(
        self,
        prior: Any,
        config: Any,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.prior, self.config = prior, config
        outputs = prior.dim * (2 if config.gaussian_posterior else 1)
        own_encoder = check_network(encoder, "encoder", config.pixels, outputs)
        own_decoder = check_network(decoder, "decoder", prior.dim, config.pixels)
        self.encoder = own_encoder or mlp((config.pixels, *config.hidden, outputs))
        self.decoder = own_decoder or mlp((prior.dim, *reversed(config.hidden), config.pixels))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (B, d); a Gaussian posterior only."""
        gaussian = self.config.gaussian_posterior
        check(gaussian, "gaussian_posterior", gaussian, "True: this encoder is deterministic")
        check_matrix(x, "x", columns=self.config.pixels)
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def encode(self, x: Tensor) -> Tensor:
        """Codes z, (B, d), of images ``x``, (B, 784): draws where the posterior is Gaussian."""
        if self.config.gaussian_posterior:
            return reparameterise(*self.posterior(x))
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of codes ``z``, (B, d)."""
        check_matrix(z, "z", columns=self.prior.dim)
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(self.encode(x))


class ClassStyleEncoder(nn.Module):
    """Images (B, P) -> logits of y, (B, K), and style z, (B, d), with batch norm inside.

    The last batch norm gives each class's logit mean 0 and standard deviation ``logit_std`` over
    the batch: no class starts so far behind the others that its gradient vanishes.

    Args:
        config: with pixels P, hidden, classes K, dim d and logit_std.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        sizes = (config.pixels, *config.hidden)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        last = Float32Linear(sizes[-1], config.classes + config.dim)
        self.layers = nn.Sequential(*layers, last)
        self.normalise = nn.BatchNorm1d(config.classes, affine=False)
        self.sizes, self.logit_std = [config.classes, config.dim], config.logit_std

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y_logits, z = self.layers(x).split(self.sizes, dim=1)
        return self.logit_std * self.normalise(y_logits), z


class ClassStyleAutoencoder(nn.Module):
    """An autoencoder whose code has two parts: x -> (y, z) -> x_hat.

    What is the same in every such model. A subclass has ``config`` (with classes K, dim d and
    pixels), ``encoder`` (images -> logits of y, (B, K), and z, (B, d)) and ``decoder`` (codes
    (B, K + d), y and z side by side -> logits).
    """

    config: Any
    encoder: nn.Module
    decoder: nn.Module

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and the style z, (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities y, (B, K), and the style z, (B, d), of images ``x``, (B, 784)."""
        y_logits, z = self.class_logits_and_style(x)
        return y_logits.softmax(1), z

    def decoder_logits(self, y: Tensor, z: Tensor) -> Tensor:
        """Logits of the images, (B, 784), of y, (B, K), and z, (B, d)."""
        check_matrix(y, "y", columns=self.config.classes)
        check_matrix(z, "z", columns=self.config.dim, rows=len(y))
        return self.decoder(torch.cat([y, z], dim=1))

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of y, (B, K), and z, (B, d)."""
        return self.decoder_logits(y, z).sigmoid()

    def classify(self, x: Tensor) -> Tensor:
        """The class or cluster of highest q(y|x) of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self.class_logits_and_style(x)[0].argmax(1)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(*self.encode(x))
