"""The networks: multilayer perceptrons, as in the paper, and convolutional ones for pictures.

Every encoder takes flattened images (B, C·H·W), every decoder returns logits of that shape, so
that a lesson can exchange one for the other. There is no batch norm: in a discriminator it
freezes the game at 50 %, on a code it fakes a match of moments.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.arguments import check, check_int, check_matrix, check_number

SLOPE = 0.2  # of leaky ReLU below zero: no unit dies


def leaky_relu() -> nn.Module:
    """Leaky ReLU with slope 0.2 below zero."""
    return nn.LeakyReLU(SLOPE)


class Float32Linear(nn.Linear):
    """A last layer: its outputs are in single precision, even where autocast uses bfloat16.

    Losses, codes and a discriminator's logits depend on small differences that bfloat16 rounds
    away. Without autocast this is a linear layer like any other.

    Args:
        exact: multiply in single precision too. For layers with few outputs that costs next to
            nothing; a decoder's last layer is wide, and only its result is converted.
    """

    def __init__(self, inputs: int, outputs: int, exact: bool = True) -> None:
        super().__init__(inputs, outputs)
        self.exact = exact

    def forward(self, input: Tensor) -> Tensor:
        kind = input.device.type
        if not torch.is_autocast_enabled(kind):
            return super().forward(input)
        if not self.exact:
            return super().forward(input).float()
        with torch.autocast(kind, enabled=False):
            return super().forward(input.float())


FEW_OUTPUTS = 128  # up to this many, a last layer multiplies in single precision


def mlp(sizes: Sequence[int], activation: Callable[[], nn.Module] = leaky_relu) -> nn.Sequential:
    """Linear layers with an activation between them, none after the last.

    The last layer's outputs are in single precision always; see :class:`Float32Linear`.

    Args:
        sizes: of input, hidden layers and output: ``(784, 256, 256, 2)``.
        activation: makes one activation module, such as ``nn.ReLU``.
    """
    check(len(sizes) >= 2, "sizes", tuple(sizes), "two sizes or more: input … output")
    for size in sizes:
        check_int(size, "sizes")
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), activation()]
    last = Float32Linear(*sizes[-2:], exact=sizes[-1] <= FEW_OUTPUTS)
    return nn.Sequential(*layers, last)


class Discriminator(nn.Module):
    """An mlp with a single logit: (B, inputs) -> (B,). Positive means "a prior sample".

    Args:
        inputs: what it sees of each code: D, and the label's one-hot vector where it is told it.
        hidden: sizes of the hidden layers.
        activation: as for :func:`mlp`.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int] = (256, 256),
        activation: Callable[[], nn.Module] = leaky_relu,
    ) -> None:
        super().__init__()
        self.layers = mlp((inputs, *hidden, 1), activation)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).squeeze(1)


def check_network(network: nn.Module | None, name: str, inputs: int, outputs: int | None) -> None:
    """Refuses a network of one's own that has other inputs or outputs: one trial, two rows.

    Args:
        network: None for a network that the model made itself.
        name: of the argument.
        inputs: (B, inputs) goes in.
        outputs: (B, outputs) comes out; None for (B,).
    """
    if network is None:
        return
    check(isinstance(network, nn.Module), name, network, "a torch.nn.Module")
    expected = (2,) if outputs is None else (2, outputs)
    was_training = network.training
    x = next((p.new_zeros(2, inputs) for p in network.parameters()), torch.zeros(2, inputs))
    try:
        with torch.no_grad(), torch.random.fork_rng():
            shape: object = tuple(network.eval()(x).shape)
    except (RuntimeError, ValueError) as error:
        shape = str(error).splitlines()[0]
    network.train(was_training)
    check(shape == expected, name, shape, f"outputs {expected} of inputs (2, {inputs})")


def normal_weights(network: nn.Module, std: float = 0.01) -> nn.Module:
    """Draws every weight from N(0, std²), sets every bias to 0 (AAE, appendix A); returns it."""
    check_number(std, "std", above=0)
    for parameter_name, parameter in network.named_parameters():
        if parameter_name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=std)
    return network


class ClassStyleAutoencoder(nn.Module):
    """An autoencoder whose code has two parts: x -> (y, z) -> x_hat.

    What is the same in every such model. A subclass has ``config`` (with classes K, dim D and
    pixels), ``decoder`` (codes (B, K + D), y and z side by side -> logits), and ``heads``.
    """

    config: Any
    decoder: nn.Module

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and the style z, (B, D), of images ``x``, (B, 784)."""
        raise NotImplementedError

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities y, (B, K), and the style z, (B, D), of images ``x``, (B, 784)."""
        y_logits, z = self.class_logits_and_style(x)
        return y_logits.softmax(1), z

    def decoder_logits(self, y: Tensor, z: Tensor) -> Tensor:
        """Logits of the images, (B, 784), of y, (B, K), and z, (B, D)."""
        check_matrix(y, "y", columns=self.config.classes)
        check_matrix(z, "z", columns=self.config.dim, rows=len(y))
        return self.decoder(torch.cat([y, z], dim=1))

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of y, (B, K), and z, (B, D)."""
        return self.decoder_logits(y, z).sigmoid()

    def classify(self, x: Tensor) -> Tensor:
        """The class or cluster of highest q(y|x) of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self.class_logits_and_style(x)[0].argmax(1)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(*self.encode(x))


class Corruption(nn.Module):
    """What is done to the encoder's input in training: (B, 784) -> (B, 784), fresh every time.

    Each image is moved by a small affine map of its own, then gets noise on every pixel. The
    clean image stays the target (a denoising autoencoder; AAE, appendix A.2.1, has the noise).

    Args:
        noise: standard deviation of Gaussian noise on every pixel.
        jitter: standard deviation of the four entries of a random linear map: the image is
            turned, sheared, scaled. For square images.
        shift: of the map's two further entries, in halves of a side: .03 moves by 0.4 of 28
            pixels.
    """

    wobble: Tensor
    still: Tensor

    def __init__(self, noise: float, jitter: float = 0.0, shift: float = 0.0) -> None:
        super().__init__()
        for name, value in {"noise": noise, "jitter": jitter, "shift": shift}.items():
            check_number(value, name, at_least=0)
        self.noise, self.moves = noise, bool(jitter or shift)
        wobble = torch.tensor([jitter, jitter, shift])
        self.register_buffer("wobble", wobble, persistent=False)
        self.register_buffer("still", torch.eye(2, 3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.moves:
            side = round(x.shape[1] ** 0.5)
            move = self.still + self.wobble * torch.randn(len(x), 2, 3, device=x.device)
            grid = F.affine_grid(move, [len(x), 1, side, side], align_corners=False)
            x = F.grid_sample(x.view(-1, 1, side, side), grid, align_corners=False).flatten(1)
        return x + self.noise * torch.randn_like(x) if self.noise else x


def conv_encoder(
    outputs: int, shape: tuple[int, int, int] = (1, 28, 28), width: int = 32
) -> nn.Sequential:
    """Images (B, C·H·W) -> (B, outputs): two strided convolutions and one linear layer.

    Args:
        outputs: D, or more where the encoder has several heads.
        shape: (C, H, W), H and W divisible by 4.
        width: channels of the first convolution; the second has twice as many.
    """
    channels, height, breadth = _picture(shape)
    check_int(outputs, "outputs")
    check_int(width, "width")
    return nn.Sequential(
        nn.Unflatten(1, shape),
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.Flatten(),
        Float32Linear(2 * width * (height // 4) * (breadth // 4), outputs),
    )


def conv_decoder(
    inputs: int, shape: tuple[int, int, int] = (1, 28, 28), width: int = 32
) -> nn.Sequential:
    """Codes (B, inputs) -> logits (B, C·H·W): the mirror of :func:`conv_encoder`."""
    channels, height, breadth = _picture(shape)
    check_int(inputs, "inputs")
    check_int(width, "width")
    small = (2 * width, height // 4, breadth // 4)
    return nn.Sequential(
        nn.Linear(inputs, small[0] * small[1] * small[2]),
        nn.Unflatten(1, small),
        leaky_relu(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        nn.Flatten(),
    )


def _picture(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    ok = len(shape) == 3 and all(isinstance(s, int) and s > 0 for s in shape)
    ok = ok and shape[1] % 4 == 0 and shape[2] % 4 == 0
    check(ok, "shape", shape, "(C, H, W) with H and W divisible by 4")
    return shape


class DigitClassifier(nn.Sequential):
    """The judge of generated digits: images (B, 784) -> class logits (B, 10).

    ``features`` gives its last hidden layer, (B, 64): the space of the Fréchet distance.
    ``activations`` gives its second convolution's output, (B, 3136): the space of a perceptual
    cost.
    """

    def __init__(self) -> None:
        super().__init__(conv_encoder(64), leaky_relu(), nn.Dropout(0.5), Float32Linear(64, 10))

    def features(self, x: Tensor) -> Tensor:
        return self[1](self[0](x))

    def activations(self, x: Tensor) -> Tensor:
        return cast(nn.Sequential, self[0])[:6](x)
