"""The Ladder network: an image without a label has to be denoised at every layer.

Principle:
    An encoder runs twice, clean (z) and with noise at every layer (z̃). A decoder goes back down
    and estimates each layer's clean z from the noisy one and from the layer above, u:

        min  −log P(ỹ = label | labelled x)  +  Σ_l λ_l ‖ ẑ_BN^(l) − z^(l) ‖² / m_l

    Class and position are both needed to rebuild the input, but the lateral connections carry the
    details, so the upper layers are free to keep what tells classes apart.

Reference:
    Rasmus et al. 2015, "Semi-Supervised Learning with Ladder Networks", arXiv:1507.02672:
    Algorithm 1 (the step), eq. (2)-(5) in §3 (encoder, decoder, combinator, cost), §4.1 (sizes,
    noise, λ). The factor γ of the softmax layer and the initial values are those of the authors'
    published code.

Note:
    Statistics for testing are running averages of the clean pass over the images without labels;
    the authors' code does much the same. The clean pass over *labelled* images is left out: no
    term of the objective uses it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check, check_int, check_labels, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.objectives import descend

MOMENTUM = 0.01  # of the running statistics: the mean over the last hundred updates or so
TINY = 1e-10  # added to variances, as in the authors' code


@dataclass(frozen=True)
class Config:
    """
    Args:
        classes: K.
        hidden: sizes of the hidden layers.
        pixels: of an image.
        noise: standard deviation of the Gaussian noise on the input and on every z̃.
        weights: λ of each layer's denoising cost, from the input up to the softmax layer. These
            are the authors' for 100 labels; for 1000: 2000, 20, 0.1 …; for all: 1000, 1, 0.01 ….
        lr: Adam's learning rate.
    """

    classes: int = 10
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    pixels: int = 784
    noise: float = 0.3
    weights: tuple[float, ...] = (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1)
    lr: float = 0.002

    def __post_init__(self) -> None:
        check_int(self.classes, "classes", at_least=2)
        check_number(self.noise, "noise", at_least=0)
        check_number(self.lr, "lr", above=0)
        layers = len(self.hidden) + 2
        check(len(self.weights) == layers, "weights", self.weights, f"{layers}, one per layer")
        for weight in self.weights:
            check_number(weight, "weights", at_least=0)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, from the input to the softmax."""
        return (self.pixels, *self.hidden, self.classes)


class Combinator(nn.Module):
    """ẑ = g(z̃, u): the denoising function, with ten parameters for each unit (§3.2, eq. 3-4).

    If z were Gaussian with a mean μ(u) and a variance that the layer above knows, the best
    estimate would be linear in z̃: that is the form of g.
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
        self.config = config
        sizes = config.sizes
        self.encoder = nn.ModuleList(_weights(i, o) for i, o in itertools.pairwise(sizes))
        self.beta = nn.ParameterList(torch.zeros(m) for m in sizes[1:])
        self.gamma = nn.Parameter(torch.ones(config.classes))
        self.decoder = nn.ModuleList(_weights(o, i) for i, o in itertools.pairwise(sizes))
        self.combinators = nn.ModuleList(Combinator(m) for m in sizes)
        for layer, m in enumerate(sizes[1:], 1):
            self.register_buffer(f"mean_{layer}", torch.zeros(m))
            self.register_buffer(f"variance_{layer}", torch.ones(m))

    def activation(self, z: Tensor, layer: int) -> Tensor:
        """h of a layer's z, (B, m): ReLU(z + β), and γ(z + β) for the logits of the last."""
        shifted = z + self.beta[layer - 1]
        return self.gamma * shifted if layer == len(self.encoder) else shifted.relu()

    def noisy_pass(self, x: Tensor, parts: list[int]) -> tuple[list[Tensor], Tensor]:
        """The corrupted encoder (Algorithm 1): every layer's z̃ and the logits.

        Each of the ``parts`` of the batch (labelled, unlabelled) is normalised by itself.
        """
        h = self._noise(x)
        z_noisy = [h]
        for layer, weights in enumerate(self.encoder, 1):
            normal = [_normalise(u, *_moments(u)) for u in weights(h).float().split(parts)]
            z_noisy.append(self._noise(torch.cat(normal)))
            h = self.activation(z_noisy[-1], layer)
        return z_noisy, h

    def clean_pass(self, x: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """The clean encoder (Algorithm 1): every layer's z, and mean and variance before BN.

        The input layer has mean 0 and variance 1: it isn't normalised.
        """
        z, moments = [x], [(x.new_zeros(()), x.new_ones(()))]
        h = x
        for layer, weights in enumerate(self.encoder, 1):
            u = weights(h).float()
            moments.append(_moments(u))
            z.append(_normalise(u, *moments[-1]))
            h = self.activation(z[-1], layer)
        return z, moments

    def denoise(self, z_noisy: list[Tensor], logits: Tensor) -> list[Tensor]:
        """The decoder (Algorithm 1): ẑ of every layer, from the noisy z̃ and the noisy softmax."""
        u = logits.softmax(1)
        z_hat = []
        for layer in reversed(range(len(z_noisy))):
            u = _normalise(u, *_moments(u))
            z_hat.append(self.combinators[layer](z_noisy[layer], u))
            if layer:
                u = self.decoder[layer - 1](z_hat[-1]).float()
        return z_hat[::-1]

    @torch.no_grad()
    def track(self, moments: list[tuple[Tensor, Tensor]]) -> None:
        """Moves the running statistics, by which test images are normalised."""
        for layer, (mean, variance) in enumerate(moments[1:], 1):
            getattr(self, f"mean_{layer}").lerp_(mean, MOMENTUM)
            getattr(self, f"variance_{layer}").lerp_(variance, MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits, (B, K), of images ``x``, (B, 784): the clean encoder."""
        check_matrix(x, "x", columns=self.config.pixels)
        h = x
        for layer, weights in enumerate(self.encoder, 1):
            mean, variance = getattr(self, f"mean_{layer}"), getattr(self, f"variance_{layer}")
            h = self.activation(_normalise(weights(h).float(), mean, variance), layer)
        return h

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)

    def _noise(self, z: Tensor) -> Tensor:
        return z + self.config.noise * torch.randn_like(z) if self.config.noise else z


def _weights(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=inputs**-0.5)
    return layer


def _moments(u: Tensor) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(u, 0, correction=0)
    return mean, variance


def _normalise(u: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    return (u - mean) * (variance + TINY).rsqrt()


def optimizers(model: Ladder) -> dict[str, Adam]:
    """One Adam: encoder, decoder and combinators descend one objective."""
    return {"ladder": Adam(model.parameters(), model.config.lr, fused=True)}


def train_step(
    model: Ladder, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (Algorithm 1). Returns both terms of the cost, in nats and as a weighted sum."""
    check_labels(batch.label, "label", model.config.classes)
    n = len(batch.label)
    parts = [n, len(batch.x)]
    z_noisy, logits = model.noisy_pass(torch.cat([batch.labelled_x, batch.x]), parts)
    classification = F.cross_entropy(logits[:n], batch.label)  # −log P(ỹ = label), eq. (2)

    z, moments = model.clean_pass(batch.x)
    model.track(moments)
    z_hat = model.denoise([each[n:] for each in z_noisy], logits[n:])
    denoising = sum(  # eq. (5): Σ_l λ_l ‖ẑ_BN − z‖² / m_l, mean over the batch
        weight * F.mse_loss(_normalise(estimate, mean, variance), target)
        for weight, estimate, (mean, variance), target in zip(
            model.config.weights, z_hat, moments, z, strict=True
        )
    )
    descend(classification + denoising, optimizers["ladder"])
    return {"classification": classification.detach(), "denoising": denoising.detach()}
