"""Multilayer perceptrons, the discriminator, and what is checked or drawn of any network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.arguments import (
    check,
    check_int,
    check_labels,
    check_number,
    check_sizes,
)

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
    check_sizes(sizes, "sizes")
    check(len(sizes) >= 2, "sizes", tuple(sizes), "two sizes or more: input … output")
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), activation()]
    last = Float32Linear(*sizes[-2:], exact=sizes[-1] <= FEW_OUTPUTS)
    return nn.Sequential(*layers, last)


class Discriminator(nn.Module):
    """An mlp with a single logit: (B, inputs) -> (B,). Positive means "a prior sample".

    Args:
        inputs: columns of its input: d, and those of the label's one-hot vector where it sees one.
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
        check_int(inputs, "inputs")
        check_sizes(hidden, "hidden")
        self.layers = mlp((inputs, *hidden, 1), activation)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).squeeze(1)


def append_label(z: Tensor, label: Tensor, classes: int) -> Tensor:
    """Codes with a one-hot vector of K + 1 classes after each, the last for "no label".

    Args:
        z: codes, (B, d).
        label: (B,), 0 … K-1, or -1 for "no label".
        classes: K.

    Returns:
        (B, d + K + 1).
    """
    check_labels(label, "label", classes, unlabelled=True)
    check(len(label) == len(z), "label", label, f"one label for each of {len(z)} codes")
    one_hot = F.one_hot(torch.where(label < 0, classes, label), classes + 1)
    return torch.cat([z, one_hot.to(z.dtype)], dim=1)


def check_network(
    network: nn.Module | None, name: str, inputs: int, outputs: int | None
) -> nn.Module | None:
    """``network``, unless it has other inputs or outputs: it is tried on two rows.

    Args:
        network: None for a network that the model made itself.
        name: of the argument.
        inputs: (B, inputs) goes in.
        outputs: (B, outputs) comes out; None for (B,).
    """
    if network is None:
        return None
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
    return network


def normal_weights(network: nn.Module, std: float = 0.01) -> nn.Module:
    """Draws every weight from N(0, std²), sets every bias to 0 (AAE, appendix A); returns it."""
    check_number(std, "std", above=0)
    for parameter_name, parameter in network.named_parameters():
        if parameter_name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.normal_(parameter, std=std)
    return network
