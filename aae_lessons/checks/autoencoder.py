"""Checks of lesson 1: costs and their reductions, an autoencoder's step, and what to measure."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Mistake, Trial

# ------------------------------------------------------------------- 1.1 squared error


def _squared_error(logits: Tensor, x: Tensor) -> Tensor:
    x_hat = logits.sigmoid()
    return 0.5 * (x - x_hat).square().sum(1).mean()


COST_MISTAKES = (
    Mistake(
        "mean over pixels",
        "You take the mean over all pixels. The cost is a sum over the pixels of an image, and a "
        "mean over the images only: with a mean the gradient is hundreds of times smaller.",
        lambda logits, x: 0.5 * (x - logits.sigmoid()).square().mean(),
    ),
    Mistake(
        "mean over pixels",
        "You take the mean over all pixels (and leave out the ½). The cost is a sum over the "
        "pixels of an image, and a mean over the images only.",
        lambda logits, x: (x - logits.sigmoid()).square().mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the images as well. Then the loss, and with it the step, grows with the "
        "batch size. Take the mean over the images.",
        lambda logits, x: 0.5 * (x - logits.sigmoid()).square().sum(),
    ),
    Mistake(
        "logits taken for pixels",
        "You compare the image with the logits. The reconstruction is x_hat = sigmoid(logits).",
        lambda logits, x: 0.5 * (x - logits).square().sum(1).mean(),
    ),
    Mistake(
        "half forgotten",
        "Twice too large: the ½ is missing.",
        lambda logits, x: (x - logits.sigmoid()).square().sum(1).mean(),
    ),
    Mistake(
        "root taken",
        "You take a square root: that is a distance, and its gradient another one. The cost is "
        "the squared error.",
        lambda logits, x: 0.5 * (x - logits.sigmoid()).norm(dim=1).mean(),
    ),
)


def _test_cost(trial: Trial) -> None:
    logits, x = torch.randn(7, 12), torch.rand(7, 12)
    got = trial(logits, x)
    trial.equal(got, _squared_error(logits, x), (logits, x), COST_MISTAKES)
    logits.requires_grad_()
    got = trial(logits, x)
    if not got.requires_grad:
        says = "No gradient flows back through your cost. Did .item(), .detach() or numpy cut it?"
        trial.refuse("gradient cut", says)
    gradient = torch.autograd.grad(got, logits)[0]
    trial.equal(gradient, torch.autograd.grad(_squared_error(logits, x), logits)[0])


cost = Exercise(
    name="1.1",
    title="the squared error of a reconstruction",
    read="lesson 1, section 1.2",
    hints=(
        "The decoder gives logits. What turns them into pixels between 0 and 1?",
        "Which dimension is the pixels', which the images'? One is summed, the other averaged.",
        "(x - x_hat).square().sum(1) has one number an image.",
    ),
    answer=_squared_error,
    test=_test_cost,
)


# --------------------------------------------------------------- 1.2 binary cross-entropy


def _cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    # −x log σ(l) − (1 − x) log(1 − σ(l)) = softplus(l) − x·l
    return (F.softplus(logits) - x * logits).sum(1).mean()


def _bce(logits: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


ENTROPY_MISTAKES = (
    Mistake(
        "mean over pixels",
        "You take the mean over all pixels: that is the default reduction of torch's function. "
        "Sum over the pixels, then take the mean over the images.",
        lambda logits, x: _bce(logits, x).mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the images as well (reduction='sum'). Take the mean over the images.",
        lambda logits, x: _bce(logits, x).sum(),
    ),
    Mistake(
        "sigmoid applied twice",
        "You apply the sigmoid, and then a function that applies it again. A function 'with "
        "logits' wants the logits as they are.",
        lambda logits, x: _bce(logits.sigmoid(), x).sum(1).mean(),
    ),
    Mistake(
        "sign lost",
        "The sign is turned round: a log-likelihood is wanted negative, so that lower is better.",
        lambda logits, x: -_bce(logits, x).sum(1).mean(),
    ),
    Mistake(
        "only the ink counted",
        "You leave out the term of the white pixels, (1 − x) log(1 − x_hat).",
        lambda logits, x: -(x * F.logsigmoid(logits)).sum(1).mean(),
    ),
    Mistake(
        "bits, not nats",
        "You use the logarithm to base 2. The course counts in nats (natural logarithm).",
        lambda logits, x: _bce(logits, x).sum(1).mean() / math.log(2),
    ),
)


def _test_entropy(trial: Trial) -> None:
    logits, x = torch.randn(7, 12), torch.rand(7, 12)
    got = trial(logits, x)
    trial.equal(got, _cross_entropy(logits, x), (logits, x), ENTROPY_MISTAKES)
    logits, x = torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 1.0]])
    got = trial(logits, x)
    if not bool(torch.as_tensor(got).isfinite().all()) or not torch.allclose(
        got.double(), torch.tensor(400.0).double()
    ):
        says = (
            "Right for small logits, wrong for large ones: sigmoid(200) is 1 in floating point, "
            "and log(1 − 1) is −∞. Work on the logits: softplus, or a function 'with logits'."
        )
        trial.refuse("sigmoid, then log", says, got, torch.tensor(400.0))


cross_entropy = Exercise(
    name="1.2",
    title="binary cross-entropy on logits",
    read="lesson 1, section 1.2",
    hints=(
        "Write −x log x_hat − (1 − x) log(1 − x_hat) for one pixel first.",
        "log(sigmoid(l)) is −softplus(−l). What is log(1 − sigmoid(l))?",
        "F.binary_cross_entropy_with_logits(..., reduction='none') is one number a pixel.",
    ),
    answer=_cross_entropy,
    test=_test_entropy,
)


# ------------------------------------------------------------------- 1.3 an autoencoder's step


def _step(encoder: nn.Module, decoder: nn.Module, optimizer, x: Tensor) -> Tensor:
    optimizer.zero_grad()
    loss = _squared_error(decoder(encoder(x)), x)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _networks() -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    encoder, decoder = nn.Linear(12, 2), nn.Linear(2, 12)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    return encoder, decoder, torch.optim.SGD(parameters, 0.1)


def _weights(*networks: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for n in networks for p in n.parameters()])


def _after(trial, step, x: Tensor, poison: float | None, updates: int) -> tuple[Tensor, Tensor]:
    """Weights and last loss after some updates from one fixed start."""
    torch.manual_seed(1)
    encoder, decoder, optimizer = _networks()
    loss = None
    for _ in range(updates):
        for p in [*encoder.parameters(), *decoder.parameters()]:
            p.grad = None if poison is None else torch.full_like(p, poison)
        loss = step(encoder, decoder, optimizer, x)
    return _weights(encoder, decoder), loss


def _test_step(trial: Trial) -> None:
    x = torch.rand(7, 12)
    expected, want_loss = _after(trial, _step, x, None, 1)
    torch.manual_seed(1)
    start = _weights(*_networks()[:2])
    got, loss = _after(trial, trial, x, None, 1)
    half = len(_weights(nn.Linear(12, 2)))
    if torch.equal(got, start):
        says = "No weight has moved. backward() makes gradients, optimizer.step() uses them."
        trial.refuse("nothing moved", says)
    if torch.equal(got[:half], start[:half]):
        says = (
            "The decoder moves, the encoder does not: its gradient was cut on the way. detach()?"
        )
        trial.refuse("encoder does not move", says)
    poisoned, _ = _after(trial, trial, x, 1e3, 1)
    if not torch.allclose(poisoned, got):
        says = (
            "Gradients that were there before your step change it: they add up from step to step. "
            "optimizer.zero_grad() belongs before backward()."
        )
        trial.refuse("stale gradients", says)
    wrong = _after(trial, _uphill, x, None, 1)[0]
    if torch.allclose(got, wrong):
        trial.refuse("uphill", "Your step goes up the loss: a sign is turned round.")
    mean = _after(trial, _mean_step, x, None, 1)[0]
    if torch.allclose(got, mean):
        trial.refuse("mean over pixels", COST_MISTAKES[0].says)
    if not torch.allclose(got, expected, atol=1e-6):
        says = "The weights move, but not by one descent of the squared error of exercise 1.1."
        trial.refuse("another step", says, got, expected)
    trial.equal(loss, want_loss, otherwise="The step is right; its return value is not the loss.")
    if loss.requires_grad:
        says = (
            "The loss you return still hangs on its graph: a history of such losses keeps every "
            "batch in memory. Return loss.detach()."
        )
        trial.refuse("loss not detached", says)


def _uphill(encoder: nn.Module, decoder: nn.Module, optimizer, x: Tensor) -> Tensor:
    optimizer.zero_grad()
    (-_squared_error(decoder(encoder(x)), x)).backward()
    optimizer.step()
    return torch.zeros(())


def _mean_step(encoder: nn.Module, decoder: nn.Module, optimizer, x: Tensor) -> Tensor:
    optimizer.zero_grad()
    (_squared_error(decoder(encoder(x)), x) / x.shape[1]).backward()
    optimizer.step()
    return torch.zeros(())


step = Exercise(
    name="1.3",
    title="one update of an autoencoder",
    read="lesson 1, section 1.4, and aae_lessons/models/autoencoder.py",
    hints=(
        "Forward, loss, descend: three moves.",
        "To descend is three calls: zero_grad, backward, step. In which order?",
        "Return loss.detach(): a number to look at, not a graph to keep.",
    ),
    answer=_step,
    test=_test_step,
)


# ------------------------------------------------------------------- 1.4 find the mistake


def _history(update) -> Tensor:
    """Losses of 60 updates on a small problem, (60,)."""
    torch.manual_seed(2)
    encoder, decoder = nn.Linear(12, 2), nn.Linear(2, 12)
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.01)
    x = (torch.rand(32, 2) @ torch.rand(2, 12)).clamp(0, 1)
    return torch.stack([update(encoder, decoder, optimizer, x).detach() for _ in range(60)])


def broken_step(encoder: nn.Module, decoder: nn.Module, optimizer, x: Tensor) -> Tensor:
    """Exercise 1.4: this update has two mistakes. Its loss falls, rises, and falls again."""
    x_hat = decoder(encoder(x)).sigmoid()
    loss = 0.5 * (x - x_hat).square().sum()
    loss.backward()
    optimizer.step()
    return loss.detach()


def broken_curve() -> Tensor:
    """The losses of 60 updates with :func:`broken_step`, (60,)."""
    return _history(broken_step)


def _test_mended(trial: Trial) -> None:
    x = torch.rand(7, 12)
    poisoned = _after(trial, trial, x, 1e3, 1)[0]
    clean, _ = _after(trial, trial, x, None, 1)
    if not torch.allclose(poisoned, clean):
        says = (
            "One mistake is still there. The curve swings as if the step had a momentum that "
            "nobody asked for: gradients of earlier updates are still in .grad when backward() "
            "adds to them."
        )
        trial.refuse("stale gradients", says)
    twice = torch.cat([x, x])
    double, _ = _after(trial, trial, twice, None, 1)
    if not torch.allclose(double, clean, atol=1e-5):
        says = (
            "One mistake is still there. Give the step every image twice: nothing new, and yet "
            "the step is twice as long. Over which dimension should there be a mean?"
        )
        trial.refuse("sum over the batch", says)
    _test_step(trial)


mended_step = Exercise(
    name="1.4",
    title="find two mistakes in an update",
    read="lesson 1, sections 1.2 and 1.4",
    hints=(
        "Compare the step line by line with the one of exercise 1.3.",
        "What is in .grad before backward() is called for the second time?",
        "Which sum runs over pixels and images, and which should?",
    ),
    answer=_step,
    test=_test_mended,
)
