"""Networks have the shapes they say, can be exchanged, and start as their settings say."""

import pytest
import torch
from torch import nn

from aae_lessons.models.classifier import DigitClassifier
from aae_lessons.networks import (
    Corruption,
    Discriminator,
    Float32Linear,
    conv_decoder,
    conv_encoder,
    leaky_relu,
    mlp,
    normal_weights,
)


def test_an_mlp_has_activations_between_its_layers_and_none_after_the_last():
    network = mlp((784, 32, 16, 2))
    kinds = [type(layer) for layer in network]
    assert kinds == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, Float32Linear]
    assert network(torch.rand(5, 784)).shape == (5, 2)
    assert [type(layer) for layer in mlp((3, 4, 5), nn.ReLU)] == [
        nn.Linear,
        nn.ReLU,
        Float32Linear,
    ]
    assert [type(layer) for layer in mlp((3, 4))] == [Float32Linear]


def test_leaky_relu_leaks_a_fifth():
    torch.testing.assert_close(leaky_relu()(torch.tensor([-1.0, 2.0])), torch.tensor([-0.2, 2.0]))


@pytest.mark.parametrize("inputs", [1, 2, 13])
@pytest.mark.parametrize("hidden", [(), (8,), (8, 8)])
def test_a_discriminator_has_one_logit_a_code(inputs, hidden):
    network = Discriminator(inputs, hidden)
    assert network(torch.randn(6, inputs)).shape == (6,)
    assert network(torch.randn(1, inputs)).shape == (1,)


def test_a_discriminator_has_no_batch_norm_and_sees_each_code_alone():
    network, z = Discriminator(2, (8,)), torch.randn(6, 2)
    torch.testing.assert_close(network(z)[:1], network(z[:1]))


def test_noise_is_fresh_and_as_large_as_asked():
    x = torch.rand(20_000, 12)
    noise = Corruption(0.3)(x) - x
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    assert Corruption(0.0)(x) is x


def test_jitter_moves_each_image_its_own_way_and_keeps_most_of_its_ink():
    x = torch.zeros(400, 1, 28, 28)
    x[:, :, 10:18, 10:18] = 1.0
    x = x.flatten(1)
    torch.manual_seed(0)
    moved_x = Corruption(0.0, jitter=0.1, shift=0.1)(x)
    assert moved_x.shape == x.shape and not torch.equal(moved_x[0], moved_x[1])
    assert 0.9 < moved_x.sum() / x.sum() < 1.1
    columns = moved_x.view(-1, 28, 28).sum(1) @ torch.arange(28.0) / moved_x.sum(1)
    assert columns.std().item() == pytest.approx(1.4, rel=0.25)  # .1 of half a side
    turned = Corruption(0.0, jitter=0.1)(x).view(-1, 28, 28)
    columns = turned.sum(1) @ torch.arange(28.0) / turned.sum((1, 2))
    assert columns.std() < 0.2  # a linear map leaves the middle where it is


def test_a_corruption_has_nothing_to_store():
    assert Corruption(0.3, 0.1, 0.03).state_dict() == {}


@pytest.mark.parametrize("name", ["noise", "jitter", "shift"])
def test_a_corruption_refuses_what_is_below_zero(name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        Corruption(**{"noise": 0.3, name: -0.1})


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (2, 8, 12)])
def test_convolutional_networks_take_the_place_of_mlps(shape):
    pixels = shape[0] * shape[1] * shape[2]
    x, z = torch.rand(3, pixels), torch.randn(3, 5)
    for encoder in (mlp((pixels, 8, 5)), conv_encoder(5, shape, width=4)):
        assert encoder(x).shape == (3, 5)
    for decoder in (mlp((5, 8, pixels)), conv_decoder(5, shape, width=4)):
        assert decoder(z).shape == (3, pixels)


def test_convolutional_encoder_sees_pixels_where_they_are():
    """Moving a blot by the encoder's stride moves its feature map by one."""
    features = conv_encoder(2, width=4)[:4]
    x = torch.zeros(2, 1, 28, 28)
    x[0, 0, 8:12, 8:12] = 1
    x[1, 0, 12:16, 8:12] = 1  # four pixels further down
    first, second = features(x.flatten(1))
    torch.testing.assert_close(first[:, 1:5], second[:, 2:6])
    assert not torch.equal(first, second)


def test_normal_weights_draws_weights_and_clears_biases():
    network = mlp((200, 300, 10))
    assert normal_weights(network, 0.05) is network
    for layer in (network[0], network[2]):
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.005)
        assert layer.weight.std().item() == pytest.approx(0.05, rel=0.05)
        assert (layer.bias == 0).all()


def test_normal_weights_reaches_convolutions_and_nested_networks():
    network = normal_weights(DigitClassifier(), 0.01)
    named = dict(network.named_parameters())
    assert all((p == 0).all() for name, p in named.items() if name.endswith("bias"))
    assert all(0 < p.std() < 0.02 for name, p in named.items() if name.endswith("weight"))


def test_the_digit_classifier_has_classes_and_features():
    network, x = DigitClassifier().eval(), torch.rand(4, 784)
    assert network(x).shape == (4, 10) and network.features(x).shape == (4, 64)
    torch.testing.assert_close(network[3](network.features(x)), network(x))


def test_noise_is_added_after_the_image_is_moved():
    """Noise of its own on every pixel: interpolation would spread it over its neighbours."""
    x = torch.zeros(400, 64)
    corrupted = Corruption(1.0, jitter=0.3, shift=0.1)(x).view(400, 8, 8)
    neighbours = (corrupted[:, :, 1:] * corrupted[:, :, :-1]).mean()
    assert abs(neighbours.item()) < 0.03
    assert corrupted.std().item() == pytest.approx(1.0, abs=0.03)
