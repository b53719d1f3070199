"""Which phase moves which network, which side is real, the paper's recipe, and that it learns."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from aae_lessons import data
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.models import semi_supervised
from aae_lessons.models.semi_supervised import Config, SemiSupervisedAAE
from aae_lessons.objectives import discriminator_loss
from aae_lessons.references.recipes import semi_supervised_parts
from aae_lessons.training import fit

SMALL = Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3)
MOVES = {
    "reconstruction": {"encoder", "decoder"},
    "discriminator_y": {"discriminator_y"},
    "discriminator_z": {"discriminator_z"},
    "generator": {"encoder"},
    "classification": {"encoder"},
}
INFORMED = replace(SMALL, class_informed=True)
KINDS = pytest.mark.parametrize("config", [SMALL, INFORMED], ids=["marginal", "class_informed"])
REACHES = MOVES | {"generator": {"encoder", "discriminator_y", "discriminator_z"}}


def make(config=SMALL):
    model = SemiSupervisedAAE(config)
    return model, model.optimizers()


def make_batch(n=16):
    return SemiSupervisedBatch(torch.rand(n, 12), torch.rand(8, 12), torch.arange(8) % 4)


def moved(model, before):
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


@KINDS
@pytest.mark.parametrize("phase", MOVES)
def test_each_phase_moves_its_networks_and_no_others(phase, config):
    model, optimizers = make(config)
    for name, optimizer in optimizers.items():
        optimizer.param_groups[0]["lr"] *= name == phase
    before = copy.deepcopy(model.state_dict())
    semi_supervised.train_step(model, optimizers, make_batch())
    assert moved(model, before) == MOVES[phase]


@KINDS
def test_no_loss_reaches_a_network_that_it_should_not(watch_descents, config):
    """The test that a removed detach() fails."""
    model, optimizers = make(config)
    reached = watch_descents(semi_supervised, model, optimizers)
    semi_supervised.train_step(model, optimizers, make_batch())
    assert reached == REACHES


def test_told_the_class_the_discriminator_sees_a_style_that_depends_on_it():
    """z is a sign, and y says which: each alone is matched to its prior, together they are not."""
    sign = torch.tensor([0, 1]).repeat(200)
    y, z = F.one_hot(sign, 4).float(), (2.0 * sign - 1)[:, None].expand(-1, 3)
    fake, real = z, z[torch.randperm(400)]
    result = {}
    for name, config in (("marginal", SMALL), ("class_informed", INFORMED)):
        torch.manual_seed(0)
        model, _ = make(config)
        adam = torch.optim.Adam(model.discriminator_z.parameters(), 1e-2)
        for _ in range(150):
            logits = model.style_logits(torch.cat([real, fake]), y.repeat(2, 1))
            loss = discriminator_loss(*logits.split(400))
            semi_supervised.descend(loss, adam)
        result[name] = loss.item()
    assert result["marginal"] == pytest.approx(2 * math.log(2), abs=0.02)
    assert result["class_informed"] < 1.2


def test_the_discriminator_of_z_is_shown_y_only_where_asked():
    z, y, other = torch.rand(5, 3), torch.eye(4)[[0, 1, 2, 3, 0]], torch.eye(4)[[1, 1, 1, 1, 1]]
    marginal, informed = make(SMALL)[0], make(INFORMED)[0]
    assert torch.equal(marginal.style_logits(z, y), marginal.style_logits(z, other))
    assert not torch.equal(informed.style_logits(z, y), informed.style_logits(z, other))
    with pytest.raises(ValueError, match=r"^y"):
        informed.style_logits(z, y[:, :3])


def test_the_informed_discriminator_of_z_sees_each_style_with_its_own_class():
    model, optimizers = make(replace(INFORMED, noise=0.0))
    seen, real = [], model.discriminator_z.forward
    model.discriminator_z.forward = lambda rows: seen.append(rows.detach()) or real(rows)
    codes, encode = [], model.encode
    model.encode = lambda x: codes.append(encode(x)) or codes[-1]
    semi_supervised.train_step(model, optimizers, make_batch())
    y, z = codes[1]  # of the regularization phase
    both, fake = seen
    assert torch.equal(both[:16, :4], y) and torch.equal(both[16:], torch.cat([y, z], 1))
    assert torch.equal(fake, torch.cat([y, z], 1))


def test_poisoned_stale_gradients_change_nothing():
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan):
        torch.manual_seed(0)
        model, optimizers = make()
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            semi_supervised.train_step(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


PARTS = {
    "y": semi_supervised_parts.class_discriminator_step,
    "z": semi_supervised_parts.style_discriminator_step,
}


@pytest.mark.parametrize("code", PARTS)
def test_with_one_discriminator_all_else_is_the_whole_update(code):
    """Same noise, same losses but for the generator's, and the other discriminator stays."""
    model, optimizers = make()
    optimizers["generator"].param_groups[0]["lr"] = 0.0  # its loss differs, as it should
    whole = copy.deepcopy(model)
    before, batch = copy.deepcopy(model.state_dict()), make_batch()
    whole_optimizers = whole.optimizers()
    whole_optimizers["generator"].param_groups[0]["lr"] = 0.0
    torch.manual_seed(2)
    expected = semi_supervised.train_step(whole, whole_optimizers, batch)
    torch.manual_seed(2)
    losses = PARTS[code](model, optimizers, batch)
    other = {"y": "z", "z": "y"}[code]
    assert set(expected) - set(losses) == {f"discriminator_{other}"}
    for name in set(losses) - {"generator"}:
        assert losses[name] == expected[name], name
    assert 0 < losses["generator"] < expected["generator"]
    assert moved(model, before) == {"encoder", "decoder", f"discriminator_{code}"}
    for name, weights in model.state_dict().items():
        if not name.startswith(f"discriminator_{other}"):
            assert torch.equal(weights, whole.state_dict()[name]), name


def test_the_classification_phase_moves_only_what_leads_to_y():
    """The style has no part in it: the last layer's rows of z stay as they are."""
    model, optimizers = make()
    before = copy.deepcopy(model.encoder[-1].weight)
    semi_supervised.baseline_step(model, optimizers, make_batch())
    change = (model.encoder[-1].weight - before).abs().sum(1)
    assert (change[:4] > 0).all() and (change[4:] == 0).all()


def test_the_step_does_sgd_with_the_papers_rates_and_momenta():
    _, optimizers = make()
    result = {
        k: (o.param_groups[0]["lr"], o.param_groups[0]["momentum"]) for k, o in optimizers.items()
    }
    assert result == {
        "reconstruction": (0.01, 0.9),
        "discriminator_y": (0.1, 0.1),
        "discriminator_z": (0.1, 0.1),
        "generator": (0.1, 0.1),
        "classification": (0.1, 0.9),
    }


def test_the_losses_are_those_of_the_paper(monkeypatch):
    """Without noise the first reconstruction and classification can be computed by hand."""
    config = Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3, noise=0.0)
    model, optimizers = make(config)
    batch = make_batch()
    y, z = model.encode(batch.x)
    x_hat = model.decoder(torch.cat([y, z], 1)).sigmoid()
    by_hand = 0.5 * (x_hat - batch.x).square().sum() / len(batch.x)
    for optimizer in optimizers.values():
        optimizer.param_groups[0]["lr"] = 0.0
    losses = semi_supervised.train_step(model, optimizers, batch)
    torch.testing.assert_close(losses["reconstruction"], by_hand.detach())
    logits = model.encoder(batch.labelled_x)[:, :4]
    by_hand = F.nll_loss(logits.log_softmax(1), batch.label).detach()
    torch.testing.assert_close(losses["classification"], by_hand)
    assert all(loss.dim() == 0 and not loss.requires_grad for loss in losses.values())


def test_prior_samples_are_the_real_ones():
    config = Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3)
    model, optimizers = make(config)
    for name in ("reconstruction", "generator", "classification"):
        optimizers[name].param_groups[0]["lr"] = 0.0
    for _ in range(300):
        semi_supervised.train_step(model, optimizers, make_batch())
    y, z = model.encode(torch.rand(200, 12))
    for discriminator, prior, codes in (
        (model.discriminator_y, model.prior_y, y),
        (model.discriminator_z, model.prior, z),
    ):
        assert discriminator(prior.sample(200)).mean() > discriminator(codes).mean() + 1


def test_noise_is_on_the_input_and_the_clean_image_is_the_target(monkeypatch):
    model, optimizers = make(Config(classes=4, dim=3, hidden=(16,), pixels=12, noise=0.3))
    x = torch.rand(20_000, 12)
    noise = model.corrupt(x) - x
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    targets = []
    cost = lambda logits, x: targets.append(x) or logits.sum()  # noqa: E731
    monkeypatch.setattr(model, "config", Config(**{**vars(model.config), "cost": cost}))
    batch = make_batch()
    semi_supervised.train_step(model, optimizers, batch)
    assert torch.equal(targets[0], batch.x)


def test_the_input_can_be_moved_too():
    x = torch.zeros(8, 784)
    x[:, 14 * 28 + 4 : 14 * 28 + 24] = 1.0
    frozen, moved = (
        make(Config(hidden=(8,), noise=0.0, jitter=jitter))[0].corrupt(x) for jitter in (0.0, 0.2)
    )
    assert torch.equal(frozen, x)
    assert ((moved - x).abs().sum(1) > 1).all() and not torch.equal(moved[0], moved[1])


def test_weights_start_small_and_biases_at_zero():
    model = SemiSupervisedAAE(Config(hidden=(200, 200)))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all()
        else:
            assert parameter.std().item() == pytest.approx(0.01, rel=0.2), name


def test_shapes():
    model, _ = make()
    x = torch.rand(5, 12)
    y, z = model.encode(x)
    assert y.shape == (5, 4) and z.shape == (5, 3)
    torch.testing.assert_close(y.sum(1), torch.ones(5))
    assert torch.equal(model.classify(x), y.argmax(1))
    assert model(x).shape == (5, 12)
    assert model(x).min() >= 0 and model(x).max() <= 1


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Config(classes=1), "classes"),
        (lambda: Config(dim=0), "dim"),
        (lambda: Config(noise=-0.1), "noise"),
        (lambda: Config(jitter=-0.1), "jitter"),
        (lambda: Config(shift=-0.1), "shift"),
        (lambda: Config(generator_lr=0.0), "generator_lr"),
        (lambda: make()[0].encode(torch.rand(2, 11)), "x"),
        (lambda: make()[0].decode(torch.rand(2, 4), torch.rand(3, 3)), "z"),
        (lambda: make()[0].decode(torch.rand(2, 3), torch.rand(2, 3)), "y"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


def test_a_short_run_learns_classes_from_few_labels(digits):
    """500 digits, 50 of them labelled: better than by chance, and better than it began."""
    keep = data.balanced_subset(digits.labels, 50, seed=0)
    batches = data.SemiSupervisedMinibatches(data.hide_labels(digits, keep), 50, 50)
    config = Config(hidden=(64, 64), weight_std=0.05)
    model, _ = make(config)
    history = fit(semi_supervised.train_step, model, batches, 20, progress=False, log_every=10)
    others = torch.ones(500, dtype=torch.bool)
    others[keep] = False
    wrong = (model.classify(digits.x) != digits.labels)[others].float().mean()
    assert wrong < 0.4
    assert history.losses["reconstruction"][-1] < 0.7 * history.losses["reconstruction"][0]
