"""The Ladder network: images without labels are denoised at every layer.

Principle:
    An encoder runs twice, clean (z) and with noise at every layer (z̃). A decoder estimates each
    layer's clean z from the noisy one and from the signal of the layer above, u:

        min  −log P(ỹ = label | labelled x)  +  Σ_l λ_l ‖ ẑ_BN^(l) − z^(l) ‖² / m_l

    The lateral connections carry the details, so that the upper layers can keep the class.

Reference:
    Rasmus et al. 2015, "Semi-Supervised Learning with Ladder Networks", arXiv:1507.02672:
    Algorithm 1 (encoder, decoder, cost), eq. (2) (the combinator g), §4.1 (sizes, noise, λ). The
    factor γ of the softmax layer and the initial values are those of the authors' code.

Note:
    Test images are normalised by running averages of unlabelled images' clean pass; no term of
    the objective uses one of labelled images. Section and equation numbers are from memory.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_labels, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._layers import moments_of, normalise
from aae_lessons.objectives import descend, reads

MOMENTUM = 0.01  # of the running statistics


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        hidden: sizes of the hidden layers.
        pixels: number of pixels of an image.
        noise: standard deviation of the Gaussian noise on the input and on every z̃.
        weights: λ of each layer's denoising cost, from the input up, the authors' for 100 labels;
            for 1000: 2000, 20, 0.1 … with hidden noise 0.2; for all: 1000, 1, 0.01 ….
        lr: Adam's learning rate.
    """

    classes: int = 10
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    pixels: int = 784
    noise: float = 0.3
    weights: tuple[float, ...] = (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1)
    lr: float = 0.002

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.noise, "noise", at_least=0)
        layers = len(self.hidden) + 2
        check(len(self.weights) == layers, "weights", self.weights, f"{layers}, one per layer")


class Combinator(nn.Module):
    """ẑ = g(z̃, u): the denoising function, with ten parameters for each unit (eq. 2).

    The best estimate of a Gaussian z, given its mean μ(u), is linear in z̃: the form of g.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        a = torch.zeros(10, units)
        a[[1, 6]] = 1.0  # a2 and a7
        self.a = nn.Parameter(a)

    def forward(self, z_noisy: Tensor, u: Tensor) -> Tensor:
        """Estimates ẑ, (B, m), of noisy activations and the signal from above, both (B, m)."""
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = self.a
        mean = a1 * (a2 * u + a3).sigmoid() + a4 * u + a5
        v = a6 * (a7 * u + a8).sigmoid() + a9 * u + a10
        return (z_noisy - mean) * v + mean


class Ladder(nn.Module):
    """An encoder without biases, batch-normalised, and a decoder with lateral connections."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        sizes = (config.pixels, *config.hidden, config.classes)
        self.encoder = nn.ModuleList(_weights(i, o) for i, o in itertools.pairwise(sizes))
        self.beta = nn.ParameterList(torch.zeros(m) for m in sizes[1:])
        self.gamma = nn.Parameter(torch.ones(config.classes))
        self.decoder = nn.ModuleList(_weights(o, i) for i, o in itertools.pairwise(sizes))
        self.combinators = nn.ModuleList(Combinator(m) for m in sizes)
        self.means = nn.ParameterList(nn.Parameter(torch.zeros(m), False) for m in sizes[1:])
        self.variances = nn.ParameterList(nn.Parameter(torch.ones(m), False) for m in sizes[1:])

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def activation(self, z: Tensor, layer: int) -> Tensor:
        """h of a layer's z, (B, m): ReLU(z + β), and γ(z + β) for the logits of the last."""
        shifted = z + self.beta[layer - 1]
        return self.gamma * shifted if layer == len(self.encoder) else shifted.relu()

    def noisy_pass(self, x: Tensor, parts: list[int]) -> tuple[list[Tensor], Tensor]:
        """The noisy encoder (Algorithm 1): z̃ of every layer, and the logits.

        Each of the ``parts`` of the batch (labelled, unlabelled) is normalised by itself.
        """
        z_noisy = [h := self._noise(x)]
        for layer, weights in enumerate(self.encoder, 1):
            normal = [normalise(u, *moments_of(u)) for u in weights(h).float().split(parts)]
            z_noisy.append(self._noise(torch.cat(normal)))
            h = self.activation(z_noisy[-1], layer)
        return z_noisy, h

    def clean_pass(self, x: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """The clean encoder (Algorithm 1): z of each layer, its mean and variance before BN."""
        z, moments, h = [x], [(x.new_zeros(()), x.new_ones(()))], x  # x is not normalised
        for layer, weights in enumerate(self.encoder, 1):
            u = weights(h).float()
            moments.append(moments_of(u))
            z.append(normalise(u, *moments[-1]))
            h = self.activation(z[-1], layer)
        return z, moments

    def denoise(self, z_noisy: list[Tensor], logits: Tensor) -> list[Tensor]:
        """The decoder (Algorithm 1): ẑ of every layer, from the noisy z̃ and the noisy softmax."""
        u = logits.softmax(1)
        z_hat = []
        for layer in reversed(range(len(z_noisy))):
            u = normalise(u, *moments_of(u))
            z_hat.append(self.combinators[layer](z_noisy[layer], u))
            if layer:
                u = self.decoder[layer - 1](z_hat[-1]).float()
        return z_hat[::-1]

    @torch.no_grad()
    def track(self, moments: list[tuple[Tensor, Tensor]]) -> None:
        """Moves the running statistics, by which test images are normalised."""
        for layer, (mean, variance) in enumerate(moments[1:]):
            self.means[layer].lerp_(mean, MOMENTUM)
            self.variances[layer].lerp_(variance, MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits, (B, K), of images ``x``, (B, 784): the clean encoder."""
        check_matrix(x, "x", columns=self.config.pixels)
        h = x
        for layer, weights in enumerate(self.encoder, 1):
            statistics = self.means[layer - 1], self.variances[layer - 1]
            h = self.activation(normalise(weights(h).float(), *statistics), layer)
        return h

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)

    def _noise(self, z: Tensor) -> Tensor:
        return z + self.config.noise * torch.randn_like(z)


def _weights(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=inputs**-0.5)
    return layer


def optimizers(model: Ladder) -> dict[str, Adam]:
    """One Adam: encoder, decoder and combinators descend one objective."""
    learned = [p for p in model.parameters() if p.requires_grad]
    return {"ladder": Adam(learned, model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: Ladder, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (Algorithm 1). Returns both terms of the cost, in nats and as a weighted sum."""
    check_labels(batch.label, "label", model.config.classes)
    x, n = torch.cat([batch.labelled_x, batch.x]), len(batch.label)
    z_noisy, logits = model.noisy_pass(x, [n, len(batch.x)])
    classification = F.cross_entropy(logits[:n], batch.label)  # C_c of Algorithm 1

    z, moments = model.clean_pass(batch.x)
    model.track(moments)
    z_hat = model.denoise([each[n:] for each in z_noisy], logits[n:])
    denoising = classification.new_zeros(())  # C_d: Σ_l λ_l ‖ẑ_BN − z‖² / m_l, batch mean
    for weight, estimate, (mean, variance), target in zip(
        model.config.weights, z_hat, moments, z, strict=True
    ):
        denoising = denoising + weight * F.mse_loss(normalise(estimate, mean, variance), target)
    descend(classification + denoising, optimizers["ladder"])
    return {"classification": classification.detach(), "denoising": denoising.detach()}
