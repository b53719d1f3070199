"""The label goes to the decoder, the style is matched to a Gaussian: phases, shapes, rates."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from aae_lessons import data
from aae_lessons.models import supervised
from aae_lessons.models.supervised import Config, SupervisedAAE

SMALL = Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3)
INFORMED = replace(SMALL, class_informed=True)
KINDS = pytest.mark.parametrize("config", [SMALL, INFORMED], ids=["marginal", "class_informed"])
MOVES = {
    "reconstruction": {"encoder", "decoder"},
    "discriminator_z": {"discriminator_z"},
    "generator": {"encoder"},
}


def moved(model, before):
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


def make(config=SMALL):
    model = SupervisedAAE(config)
    return model, model.optimizers()


@KINDS
@pytest.mark.parametrize("phase", MOVES)
def test_supervised_phases_move_their_networks(phase, config):
    model, optimizers = make(config)
    for name, optimizer in optimizers.items():
        optimizer.param_groups[0]["lr"] *= name == phase
    before = copy.deepcopy(model.state_dict())
    batch = data.Batch(torch.rand(16, 12), torch.arange(16) % 4)
    supervised.train_step(model, optimizers, batch)
    assert moved(model, before) == MOVES[phase]


def test_the_decoder_is_told_the_label():
    model, _ = make()
    z = torch.randn(4, 3)
    a, b = (model.decode(torch.full((4,), k), z) for k in (0, 1))
    assert not torch.allclose(a, b)
    with pytest.raises(ValueError, match=r"^label"):
        model.decode(torch.full((4,), 4), z)


def test_the_discriminator_of_style_is_told_the_label_only_where_asked():
    z, label, other = torch.rand(4, 3), torch.arange(4), torch.zeros(4, dtype=torch.int64)
    marginal, informed = make(SMALL)[0], make(INFORMED)[0]
    assert torch.equal(marginal.style_logits(z, label), marginal.style_logits(z, other))
    assert not torch.equal(informed.style_logits(z, label), informed.style_logits(z, other))
    with pytest.raises(ValueError, match=r"^label"):
        informed.style_logits(z, label + 4)


def test_the_discriminator_of_style_is_told_the_same_label_of_prior_samples_and_styles():
    model, optimizers = make(INFORMED)
    seen, discriminator = [], model.discriminator_z.forward
    model.discriminator_z.forward = lambda shown: seen.append(shown) or discriminator(shown)
    batch = data.Batch(torch.rand(16, 12), torch.arange(16) % 4)
    supervised.train_step(model, optimizers, batch)
    label_one_hot = F.one_hot(batch.label, 4).float()
    assert torch.equal(seen[0][:, :4], label_one_hot.repeat(2, 1)) and torch.equal(
        seen[1][:, :4], label_one_hot
    )


def test_supervised_rates_are_the_papers():
    _, optimizers = make()
    result = {
        name: (o.param_groups[0]["lr"], o.param_groups[0]["momentum"])
        for name, o in optimizers.items()
    }
    assert result == {
        "reconstruction": (0.01, 0.9),
        "discriminator_z": (0.1, 0.1),
        "generator": (0.1, 0.1),
    }
