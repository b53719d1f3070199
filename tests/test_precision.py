"""Arithmetic in bfloat16: what stays in single precision, and weights that change in a step."""

import pytest
import torch

from aae_lessons import devices
from aae_lessons.clusters import mutual_information
from aae_lessons.data import ImageSet, Minibatches, SemiSupervisedBatch
from aae_lessons.models import adversarial, clustering, semi_supervised, wasserstein
from aae_lessons.models.classifier import DigitClassifier
from aae_lessons.networks import conv_encoder, mlp
from aae_lessons.objectives import perceptual_error, random_directions, sliced_wasserstein
from aae_lessons.priors import Gaussian
from aae_lessons.training import fit


def bfloat16():
    return devices.matmul_precision("bfloat16")


def test_hidden_layers_are_in_bfloat16_and_outputs_in_single_precision():
    network, seen = mlp((12, 16, 16, 3)), []
    network[1].register_forward_hook(lambda *hook: seen.append(hook[-1].dtype))
    x = torch.rand(5, 12)
    with bfloat16():
        assert network(x).dtype == torch.float32
    assert seen == [torch.bfloat16]
    assert network(x).dtype == torch.float32 and seen[-1] == torch.float32


@pytest.mark.parametrize("network", [mlp((784, 16, 2)), mlp((784, 16, 784)), conv_encoder(2)])
def test_every_networks_output_is_in_single_precision(network):
    with bfloat16():
        assert network(torch.rand(2, 784)).dtype == torch.float32


def test_few_outputs_are_exact_in_the_last_product():
    """A logit is not rounded to 8 bits: two hidden rows that differ a little keep their order."""
    network = mlp((4, 8, 1))
    h = torch.rand(1000, 8).bfloat16().float()
    with bfloat16():
        result = network[-1](h.bfloat16())
    torch.testing.assert_close(result, network[-1](h))


def test_no_phase_computes_with_weights_from_before_another():
    """Autocast's cache of weights in bfloat16 would: it is off."""
    network, x = mlp((12, 16, 3)), torch.rand(5, 12)
    with bfloat16():
        before = network(x)
        with torch.no_grad():
            network[0].weight.mul_(2.0)
        after = network(x)
    with bfloat16():
        fresh = network(x)
    assert torch.equal(after, fresh) and not torch.equal(before, after)


@pytest.mark.parametrize(
    "loss",
    [
        lambda y: mutual_information(y, y.flip(1)),
        lambda y: sliced_wasserstein(y, y.flip(1), random_directions(4, 50, like=y)),
        lambda y: wasserstein.moment_error(y, y.flip(1)),
        lambda y: perceptual_error(lambda x: x @ torch.ones(4, 4))(y, y),
    ],
)
def test_losses_with_products_are_in_single_precision(loss):
    torch.manual_seed(1)
    y = torch.rand(64, 4).softmax(1)
    torch.manual_seed(2)
    expected = loss(y)
    torch.manual_seed(2)
    with bfloat16():
        assert torch.equal(loss(y), expected)


def images(n=400):
    return ImageSet(torch.randint(256, (n, 1, 4, 4), dtype=torch.uint8), torch.arange(n) % 10)


MODELS = {
    "adversarial": (
        lambda: adversarial.AAE(Gaussian(2), adversarial.Config((32,), (32,), 16)),
        adversarial.train_step,
    ),
    "clustering": (
        lambda: clustering.ClusteringAAE(
            clustering.JointConfig(4, 2, (32,), (16,), 16, jitter=0.0, shift=0.0)
        ),
        clustering.joint_step,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_run_in_bfloat16_ends_near_one_in_single_precision(name):
    losses = {}
    build, step = MODELS[name]
    for precision in ("highest", "bfloat16"):
        torch.manual_seed(0)
        model = build()
        history = fit(
            step, model, Minibatches(images(), 50), 10, precision=precision, progress=False
        )
        assert all(p.dtype == torch.float32 for p in model.parameters())
        losses[precision] = history.losses["reconstruction"][-1]
    assert losses["highest"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["highest"], rel=0.05)


def test_losses_of_a_semi_supervised_step_are_in_single_precision():
    config = semi_supervised.Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3)
    model = semi_supervised.SemiSupervisedAAE(config)
    batch = SemiSupervisedBatch(torch.rand(16, 12), torch.rand(8, 12), torch.arange(8) % 4)
    with bfloat16():
        losses = semi_supervised.train_step(model, model.optimizers(), batch)
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


def test_the_classifier_says_its_logits_in_single_precision():
    with bfloat16():
        assert DigitClassifier()(torch.rand(2, 784)).dtype == torch.float32


@pytest.mark.parametrize(
    ("units", "expected"),
    [((True, True), "bfloat16"), ((False, True), "bfloat16"), ((False, False), "highest")],
)
def test_fast_is_what_the_processor_has_units_for(monkeypatch, units, expected):
    for name, value in zip(
        ("_is_amx_tile_supported", "_is_avx512_bf16_supported"), units, strict=True
    ):
        monkeypatch.setattr(torch.cpu, name, lambda value=value: value)
    assert devices.fast_precision("cpu") == expected
    with devices.matmul_precision("fast"):
        assert torch.is_autocast_enabled("cpu") == (expected == "bfloat16")
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "highest"), ((9, 0), "bfloat16")])
def test_fast_is_what_the_card_has_units_for(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    assert devices.fast_precision("cuda") == expected
