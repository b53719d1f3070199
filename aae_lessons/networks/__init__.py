"""The networks: multilayer perceptrons, as in the paper, and convolutional ones for pictures.

Every encoder takes flattened images (B, C·H·W), every decoder returns logits of that shape, so
that a lesson can exchange one for the other. There is no batch norm: in a discriminator it
freezes the game at 50 %, on a code it fakes a match of moments.
"""

from aae_lessons.networks.autoencoders import ClassStyleAutoencoder, CodeAutoencoder
from aae_lessons.networks.convolutional import conv_decoder, conv_encoder
from aae_lessons.networks.corruption import Corruption, anneal_noise
from aae_lessons.networks.draws import gumbel_softmax, reparameterise
from aae_lessons.networks.layers import (
    FEW_OUTPUTS,
    SLOPE,
    Discriminator,
    Float32Linear,
    append_label,
    check_network,
    leaky_relu,
    mlp,
    normal_weights,
)

__all__ = [
    "FEW_OUTPUTS",
    "SLOPE",
    "ClassStyleAutoencoder",
    "CodeAutoencoder",
    "Corruption",
    "Discriminator",
    "Float32Linear",
    "anneal_noise",
    "append_label",
    "check_network",
    "conv_decoder",
    "conv_encoder",
    "gumbel_softmax",
    "leaky_relu",
    "mlp",
    "normal_weights",
    "reparameterise",
]
