"""Objectives: hand-computed values, known optima, gradients, and independent implementations."""

import math

import ot
import pytest
import torch
from torch import nn

from aae_lessons import objectives
from aae_lessons.objectives import (
    binary_cross_entropy,
    descend,
    discriminator_loss,
    entropy,
    generator_loss,
    inverse_multiquadratics,
    mmd,
    random_directions,
    rbf,
    sliced_wasserstein,
    squared_error,
)


def rand(*shape):
    return torch.rand(*shape, dtype=torch.float64)


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


# ------------------------------------------------------------------------ hand-computed


def test_squared_error_sums_over_pixels_and_means_over_the_batch():
    logits = torch.zeros(2, 3)  # x_hat = ½ everywhere
    x = torch.tensor([[1.0, 1.0, 1.0], [0.5, 0.5, 0.0]])
    assert squared_error(logits, x).item() == pytest.approx(0.5 * (0.75 + 0.25) / 2)


def test_binary_cross_entropy_sums_over_pixels_and_means_over_the_batch():
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])  # x_hat = ½, ¾ and ½, ½
    x = torch.tensor([[1.0, 0.0], [0.3, 1.0]])
    expected = (math.log(2) + math.log(4) + 2 * math.log(2)) / 2
    assert binary_cross_entropy(logits, x).item() == pytest.approx(expected)


def test_costs_are_least_at_the_image_itself():
    x = 0.1 + 0.8 * rand(4, 6)
    best = x.logit()
    assert squared_error(best, x).item() == pytest.approx(0, abs=1e-12)
    for cost in (squared_error, binary_cross_entropy):
        worse = [cost(best + 0.1 * randn(4, 6), x) for _ in range(20)]
        assert all(value > cost(best, x) for value in worse)


def test_adversarial_losses_by_hand():
    real, fake = torch.tensor([math.log(3), 0.0]), torch.tensor([-math.log(3), math.log(9)])
    # D(real) = ¾, ½;  D(fake) = ¼, 9/10
    expected = -(math.log(3 / 4) + math.log(1 / 2)) / 2 - (math.log(3 / 4) + math.log(1 / 10)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(expected)
    assert generator_loss(fake).item() == pytest.approx(-(math.log(1 / 4) + math.log(0.9)) / 2)


def test_adversarial_losses_where_nothing_can_be_told():
    even = torch.zeros(5)
    assert discriminator_loss(even, even).item() == pytest.approx(2 * math.log(2))
    assert generator_loss(even).item() == pytest.approx(math.log(2))


def test_the_best_constant_discriminator_says_one_half():
    logit = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    discriminator_loss(logit, logit).backward()
    assert logit.grad.item() == pytest.approx(0, abs=1e-12)


def test_prior_samples_are_the_real_ones():
    high, low = torch.full((4,), 5.0), torch.full((4,), -5.0)
    assert discriminator_loss(high, low) < 0.02 < 9 < discriminator_loss(low, high)
    assert generator_loss(high) < 0.01 < 4 < generator_loss(low)


def test_adversarial_losses_stay_finite_far_out():
    far = torch.tensor([1e4, -1e4])
    assert discriminator_loss(far, far).item() == pytest.approx(1e4)
    assert generator_loss(far).item() == pytest.approx(5e3)


def test_kernels_by_hand():
    square = torch.tensor([0.0, 2.0, 8.0])
    torch.testing.assert_close(rbf(2.0)(square), torch.exp(-square / 8))
    kernel = inverse_multiquadratics(3, std=2.0, scales=(0.5, 1.0))  # C = 12, 24
    torch.testing.assert_close(kernel(square), 12 / (12 + square) + 24 / (24 + square))
    assert inverse_multiquadratics(2)(torch.zeros(1)).item() == pytest.approx(7)


def test_mmd_by_hand():
    z, z_prior = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])
    k = lambda square: 1 / (1 + square)  # noqa: E731
    within = 1 / 2 + 1 / 5
    between = (1 + 1 / 5 + 1 / 2 + 1 / 2) / 4
    assert mmd(z, z_prior, k).item() == pytest.approx(within - 2 * between)


def test_sliced_wasserstein_by_hand():
    z, z_prior = torch.tensor([[3.0], [0.0]]), torch.tensor([[1.0], [5.0]])
    one = torch.ones(1, 1)  # sorted: 0, 3 against 1, 5
    assert sliced_wasserstein(z, z_prior, one).item() == pytest.approx((1 + 4) / 2)


def test_sliced_wasserstein_of_a_shift_is_its_square_over_the_dimensions():
    z, shift = randn(100, 3), torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    shuffled = (z + shift)[torch.randperm(100)]
    theta = random_directions(3, 20_000, like=z)
    assert sliced_wasserstein(z, shuffled, theta).item() == pytest.approx(9 / 3, rel=0.03)
    assert sliced_wasserstein(z, z.flip(0), theta).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
def test_sliced_wasserstein_is_the_same_with_and_without_a_graph(kind):
    z, z_prior = randn(50, 2).to(kind), randn(50, 2).to(kind)
    theta = random_directions(2, 20, like=z)
    without = sliced_wasserstein(z, z_prior, theta)
    graph = sliced_wasserstein(z.clone().requires_grad_(), z_prior.clone().requires_grad_(), theta)
    assert graph.requires_grad and not without.requires_grad and without.item() > 0
    torch.testing.assert_close(without, graph.detach(), rtol=1e-6, atol=0)


def test_sliced_wasserstein_can_be_transformed():
    z, z_prior = randn(50, 2), randn(50, 2)
    theta = random_directions(2, 20, like=z)
    leaf = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sliced_wasserstein(leaf, z_prior, theta), leaf)
    transformed = torch.func.grad(lambda codes: sliced_wasserstein(codes, z_prior, theta))(z)
    torch.testing.assert_close(transformed, gradient)
    both = torch.func.vmap(lambda codes: sliced_wasserstein(codes, z_prior, theta))
    one = sliced_wasserstein(z, z_prior, theta)
    torch.testing.assert_close(both(torch.stack([z, z])), torch.stack([one, one]))


def test_entropy_of_sharp_even_and_mixed_rows():
    assert entropy(torch.eye(4)).item() == 0
    assert entropy(torch.full((3, 8), 1 / 8)).item() == pytest.approx(math.log(8))
    rows = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    expected = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) / 2
    assert entropy(rows).item() == pytest.approx(expected)


@pytest.mark.parametrize("dim", [1, 2, 3, 16])
def test_random_directions_are_unit_vectors_spread_evenly(dim):
    theta = random_directions(dim, 20_000)
    torch.testing.assert_close(theta.norm(dim=0), torch.ones(20_000))
    assert theta.mean(1).abs().max() < 0.04
    torch.testing.assert_close(theta @ theta.T / 20_000, torch.eye(dim) / dim, atol=0.02, rtol=0)


def test_random_directions_follow_their_generator(device):
    like = torch.zeros(1, dtype=torch.float64, device=device)
    first, again, plain = (
        random_directions(3, 5, torch.Generator().manual_seed(4), like=value)
        for value in (like, like, None)
    )
    assert first.dtype == torch.float64 and first.device == like.device
    assert torch.equal(first, again)
    torch.testing.assert_close(first.float().cpu(), plain)


# ----------------------------------------------------------------- independent references


def cases():
    """A hundred pairs of samples, their dimensions 1 … 64."""
    torch.manual_seed(7)
    for i in range(100):
        dim = 1 + (i * 63) // 99
        yield randn(2 + i % 20, dim), 0.5 + 1.5 * randn(2 + i % 20, dim)


def test_sliced_wasserstein_is_the_square_of_pots():
    for z, z_prior in cases():
        theta = random_directions(z.shape[1], 11, like=z)
        root = ot.sliced_wasserstein_distance(
            z.numpy(), z_prior.numpy(), projections=theta.numpy()
        )
        ours = sliced_wasserstein(z, z_prior, theta).item()
        assert ours == pytest.approx(float(root) ** 2, rel=1e-5)


def naive_mmd(z, z_prior, k):
    def mean(a, b, same):
        values = [
            k(sum((u - v) ** 2 for u, v in zip(p, q, strict=True)))
            for i, p in enumerate(a)
            for j, q in enumerate(b)
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    return mean(z, z, True) + mean(z_prior, z_prior, True) - 2 * mean(z, z_prior, False)


def test_mmd_is_the_double_loop_over_pairs():
    for z, z_prior in cases():
        z_prior, dim = z_prior[: len(z_prior) // 2 + 1], z.shape[1]  # sizes may differ
        constants = [2 * dim * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        expected = naive_mmd(
            z.tolist(), z_prior.tolist(), lambda d, cs=constants: sum(c / (c + d) for c in cs)
        )
        ours = mmd(z, z_prior, inverse_multiquadratics(dim)).item()
        assert ours == pytest.approx(expected, rel=1e-5, abs=1e-12)
        width = math.sqrt(dim)
        expected = naive_mmd(
            z.tolist(), z_prior.tolist(), lambda d, w=width: math.exp(-d / (2 * w**2))
        )
        assert mmd(z, z_prior, rbf(width)).item() == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_mmd_has_finite_gradients_with_the_energy_kernel():
    """Its square root has no derivative at 0, where every row stands next to itself."""
    z, z_prior = randn(6, 2).requires_grad_(), randn(6, 2)
    energy = lambda square: -square.sqrt()  # noqa: E731
    value = mmd(z, z_prior, energy)
    expected = naive_mmd(z.tolist(), z_prior.tolist(), lambda square: -math.sqrt(square))
    assert value.item() == pytest.approx(expected, rel=1e-4)
    value.backward()
    assert z.grad.isfinite().all() and z.grad.abs().sum() > 0


def test_mmd_is_unbiased():
    """Between samples of one distribution its mean is 0, and about half of them are negative."""
    kernel = inverse_multiquadratics(2)
    result = torch.stack([mmd(randn(20, 2), randn(20, 2), kernel) for _ in range(400)])
    assert result.mean().abs() < 4 * result.std() / 20
    assert 0.3 < (result < 0).double().mean() < 0.8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_objectives_keep_dtype_and_device(dtype, device):
    z, z_prior = (torch.randn(6, 2, dtype=dtype, device=device) for _ in range(2))
    theta = random_directions(2, 5, like=z)
    result = [
        sliced_wasserstein(z, z_prior, theta),
        mmd(z, z_prior, inverse_multiquadratics(2)),
        discriminator_loss(z[:, 0], z[:, 1]),
        squared_error(z, z_prior),
        binary_cross_entropy(z, z_prior.sigmoid()),
        entropy(z.softmax(1)),
    ]
    assert all(v.dtype == dtype and v.device == z.device and v.dim() == 0 for v in result)


# ------------------------------------------------------------------------------ gradients

GRADIENTS = {
    "squared_error": lambda: (lambda a, x=rand(3, 4): squared_error(a, x), randn(3, 4)),
    "binary_cross_entropy": lambda: (
        lambda a, x=rand(3, 4): binary_cross_entropy(a, x),
        randn(3, 4),
    ),
    "discriminator_loss": lambda: (lambda a: discriminator_loss(a[:4], a[4:]), randn(8)),
    "generator_loss": lambda: (generator_loss, randn(5)),
    "mmd, imq": lambda: (
        lambda a, b=randn(4, 3): mmd(a, b, inverse_multiquadratics(3)),
        randn(5, 3),
    ),
    "mmd, -√s, equal rows": lambda: (
        lambda a, b=randn(4, 3): mmd(torch.cat([a, a[:1], b[:1]]), b, lambda s: -s.sqrt()),
        randn(5, 3),
    ),
    "mmd, rbf": lambda: (lambda a, b=randn(4, 3): mmd(a, b, rbf(1.0)), randn(5, 3)),
    "sliced_wasserstein": lambda: (
        lambda a, b=randn(5, 3), t=random_directions(3, 4).double(): sliced_wasserstein(a, b, t),
        randn(5, 3),
    ),
    "entropy": lambda: (entropy, 0.1 + rand(3, 4)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_those_of_finite_differences(name):
    function, at = GRADIENTS[name]()
    assert torch.autograd.gradcheck(function, at.requires_grad_())


# -------------------------------------------------------------------------------- descend


def test_adam_holds_the_parameters_of_its_networks_and_no_others():
    encoder, decoder, other = (torch.nn.Linear(2, 3) for _ in range(3))
    (group,) = objectives.adam(0.01, 0.5, encoder, decoder).param_groups
    expected = [*encoder.parameters(), *decoder.parameters()]
    assert [id(p) for p in group["params"]] == [id(p) for p in expected]
    assert not {id(p) for p in group["params"]} & {id(p) for p in other.parameters()}
    assert (group["lr"], group["betas"], group["fused"]) == (0.01, (0.5, 0.999), True)


def test_descend_takes_one_step_of_its_optimizer():
    p = nn.Parameter(torch.tensor([1.0, 2.0]))
    descend(p.square().sum(), torch.optim.SGD([p], lr=0.1))
    torch.testing.assert_close(p.detach(), torch.tensor([0.8, 1.6]))


@pytest.mark.parametrize("stale", [7.0, math.nan])
def test_descend_drops_stale_gradients(stale):
    p = nn.Parameter(torch.tensor([1.0, 2.0]))
    p.grad = torch.full((2,), stale)
    descend(p.square().sum(), torch.optim.SGD([p], lr=0.1))
    torch.testing.assert_close(p.detach(), torch.tensor([0.8, 1.6]))


@pytest.mark.parametrize("before", [None, 3.0])
def test_descend_leaves_other_networks_alone(before):
    mine, other = nn.Linear(2, 2), nn.Linear(2, 1)
    kept = {name: p.detach().clone() for name, p in other.named_parameters()}
    for p in other.parameters():
        p.grad = None if before is None else torch.full_like(p, before)
    descend(other(mine(torch.randn(4, 2))).sum(), torch.optim.SGD(mine.parameters(), lr=0.1))
    for name, p in other.named_parameters():
        assert torch.equal(p, kept[name])
        assert p.grad is None if before is None else (p.grad == before).all()


# --------------------------------------------------------------------------------- errors


def test_broadcasting_never_hides_a_mistake():
    with pytest.raises(ValueError, match="same shape"):
        squared_error(torch.zeros(4, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="logits_real"):
        discriminator_loss(torch.zeros(4, 1), torch.zeros(4))
    with pytest.raises(ValueError, match="same shape"):
        sliced_wasserstein(torch.zeros(4, 2), torch.zeros(3, 2), torch.ones(2, 5))


def test_both_samples_pass_the_discriminator_as_one_batch_with_their_own_conditions():
    z_prior, z, y = torch.randn(6, 2), torch.randn(6, 2), torch.randn(6, 3)
    calls, network = [], torch.nn.Linear(5, 1)

    def discriminator(rows, condition):
        calls.append(len(rows))
        return network(torch.cat([rows, condition], 1)).squeeze(1)

    loss = objectives.two_sample_loss(discriminator, z_prior, z, y)
    apart = objectives.discriminator_loss(discriminator(z_prior, y), discriminator(z, y))
    torch.testing.assert_close(loss, apart)
    assert calls == [12, 6, 6]
    swapped = objectives.two_sample_loss(discriminator, z_prior, z, y.roll(1, 0))
    assert not torch.allclose(loss, swapped)
    with pytest.raises(ValueError, match=r"^z_prior and z: got shapes"):
        objectives.two_sample_loss(discriminator, z_prior[:5], z, y)


def test_all_losses_of_the_module_are_covered_here():
    named = {"squared_error", "binary_cross_entropy", "discriminator_loss", "generator_loss"}
    named |= {"random_directions", "sliced_wasserstein", "inverse_multiquadratics", "rbf", "mmd"}
    named |= {"entropy", "adam", "descend", "two_sample_loss"}
    named |= {"reads"}  # in test_training.py
    named |= {"gaussian_log_prob", "gaussian_kl", "monte_carlo_kl"}  # in test_variational.py
    named |= {"absolute_error", "perceptual_error"}  # in test_wasserstein.py
    public = {
        name
        for name, value in vars(objectives).items()
        if (getattr(value, "__module__", None) or "").startswith(objectives.__name__)
        and name[0] != "_"
    }
    assert public <= named, f"write tests for {public - named}"
