"""Checks of lesson 2: the whole update of an AAE, written from scratch, and a broken one mended.

A step is checked by what it does. Each phase is played alone, then in pairs, then all together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.adversarial_game import (
    BATCH,
    CODE,
    PHASES,
    PIXELS,
    SCALES,
    WRONG_LOSSES,
    Scene,
    World,
    same,
)
from aae_lessons.checks.core import CheckFailed, Exercise, Trial

# ------------------------------------------------------------- 2.5 an update from scratch


def _step(encoder, decoder, discriminator, optimizers, x, z_prior):
    # reconstruction phase
    x_hat = decoder(encoder(x)).sigmoid()
    loss_reconstruction = 0.5 * (x - x_hat).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    loss_reconstruction.backward()
    optimizers["reconstruction"].step()

    # regularization phase, discriminator: detached, because this phase must not move the encoder
    z = encoder(x)
    real, fake = discriminator(z_prior), discriminator(z.detach())
    loss_discriminator = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss_discriminator.backward()
    optimizers["discriminator"].step()

    # regularization phase, generator
    loss_generator = F.softplus(-discriminator(z)).mean()
    optimizers["generator"].zero_grad()
    loss_generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": loss_reconstruction.detach(),
        "discriminator": loss_discriminator.detach(),
        "generator": loss_generator.detach(),
    }


def _right(scene: Scene, phases: Collection[str]) -> list[Tensor]:
    """What the worked answer makes of the weights, by these phases alone."""
    return scene.play(_step, phases)[0].weights()


def _test_phase(scene: Scene, phase: str, start: list[Tensor]) -> None:
    """One phase alone: what moves, by which loss, and whether old gradients matter."""
    refuse, expected = scene.trial.refuse, _right(scene, {phase})
    got = scene.attempt({phase})[0].weights()
    if not same(got, expected):
        if same(got, start):
            says = (
                f"The {phase} phase moves nothing. Are its backward() and the step() of "
                f'optimizers["{phase}"] there, and does no detach() cut its gradient?'
            )
            refuse(f"{phase} moves nothing", says)
        if phase == "reconstruction" and torch.equal(got[0], start[0]):
            says = "In the reconstruction phase the encoder does not move: is its code detached?"
            refuse("encoder does not move", says)
        for cause, says, loss_of in WRONG_LOSSES[phase]:
            if same(got, scene.descended(loss_of, phase)):
                refuse(cause, says)
        _test_scale(scene, phase, torch.cat(got), torch.cat(expected), torch.cat(start))
        says = f"The {phase} phase moves the right networks, but descends another loss."
        refuse(f"another {phase} loss", says)
    if not same(scene.attempt({phase}, poison=50.0)[0].weights(), expected):
        says = (
            f"Gradients from before your step change its {phase} phase. zero_grad() belongs "
            "before every backward()."
        )
        refuse("stale gradients", says)


def _test_scale(scene: Scene, phase: str, got: Tensor, expected: Tensor, start: Tensor) -> None:
    """Is it the right step, times some factor?"""
    got, expected = got - start, expected - start
    factor = ((got @ expected) / (expected @ expected)).item()
    if (got - factor * expected).norm() > 1e-3 * got.norm():
        return
    for scaled, known, cause, says in SCALES:
        if scaled == phase and abs(factor / known - 1) < 1e-3:
            scene.trial.refuse(cause, f"In the {phase} phase: {says}")
    says = (
        f"The {phase} phase takes the right direction, times {factor:.3g}. A phase has one loss "
        "and an optimizer of its own: Adam would divide such a weight out again (section 2.4), "
        "and SGD takes it for another rate. Leave it out."
    )
    scene.trial.refuse("weight on a lone loss", says)


OLD_CODES = (
    "codes from before the reconstruction step",
    "Codes are judged that the encoder made before the reconstruction phase moved it. Reconstruct "
    "first; then encode x anew.",
)
PAIRS = {
    ("reconstruction", "discriminator"): OLD_CODES,
    ("reconstruction", "generator"): OLD_CODES,
    ("discriminator", "generator"): (
        "generator before the discriminator",
        "The generator meets the discriminator as it was before this step's update. First the "
        "discriminator learns, then the generator.",
    ),
}


def _test_step(trial: Trial) -> None:
    scene = Scene(trial, torch.rand(BATCH, PIXELS), torch.randn(BATCH, CODE))
    world, result = scene.attempt()
    if not isinstance(result, Mapping) or set(result) != set(PHASES):
        says = f"Return a dict with the losses of the three phases: {', '.join(PHASES)}."
        trial.refuse("three losses wanted", says)
    start = World(dict.fromkeys(PHASES, 0.0)).weights()
    if (
        world.discriminator.seen
        and not (torch.cat(world.discriminator.seen) == scene.z_prior[0]).all(1).any()
    ):
        says = "The discriminator never sees z_prior, the prior's samples that the step is given."
        trial.refuse("prior samples never shown", says)
    for phase in PHASES:
        _test_phase(scene, phase, start)
    for pair, (cause, says) in PAIRS.items():
        if not same(scene.attempt(pair)[0].weights(), _right(scene, pair)):
            trial.refuse(cause, says)
    _test_detached(trial, world.events)
    for phase, expected in scene.play(_step)[1].items():
        otherwise = f"The step is right; what it returns as its {phase} loss is not that loss."
        trial.equal(result[phase], expected, otherwise=otherwise)
        if result[phase].requires_grad:
            says = f"The {phase} loss still hangs on its graph. Return .detach() of each."
            trial.refuse("loss not detached", says)


def _test_detached(trial: Trial, events: list[str]) -> None:
    """No gradient may reach the encoder while the discriminator learns, zeroed later or not."""
    phase = events[events.index("reconstruction") : events.index("discriminator")]
    if "gradient of the encoder" in phase:
        says = (
            "The step moves what it should, because zero_grad() throws a gradient away in time. "
            "But the discriminator's phase still sends one into the encoder, which would make "
            "codes easier to catch. Show it z.detach()."
        )
        trial.refuse("detach missing", says)


aae_step = Exercise(
    name="2.5",
    title="the whole update of an AAE",
    read="lesson 2, section 2.3, and aae_lessons/models/adversarial.py",
    hints=(
        "Three phases, each of three moves: forward, loss, descend (zero_grad, backward, step).",
        "Which networks may the discriminator's phase move? Which detach() keeps it to that?",
        "The code z of the discriminator's phase can be judged again by the generator's: between "
        "the two the encoder has not moved. That of the reconstruction's phase can't.",
    ),
    answer=_step,
    test=_test_step,
)


# ------------------------------------------------------------------- 2.6 find the mistakes


def broken_step(encoder, decoder, discriminator, optimizers, x, z_prior):
    """Exercise 2.6: this update has three mistakes."""
    x_hat = decoder(encoder(x)).sigmoid()
    loss_reconstruction = 0.5 * (x - x_hat).square().sum(1).mean()
    optimizers["reconstruction"].zero_grad()
    loss_reconstruction.backward()
    optimizers["reconstruction"].step()

    real, fake = discriminator(encoder(x)), discriminator(z_prior)
    loss_discriminator = F.softplus(-real).mean() + F.softplus(fake).mean()
    optimizers["discriminator"].zero_grad()
    loss_discriminator.backward()
    optimizers["discriminator"].step()

    loss_generator = F.softplus(-discriminator(encoder(x))).mean()
    loss_generator.backward()
    optimizers["generator"].step()

    return {
        "reconstruction": loss_reconstruction.detach(),
        "discriminator": loss_discriminator.detach(),
        "generator": loss_generator.detach(),
    }


@dataclass(frozen=True)
class Run:
    """A short training run.

    Args:
        losses: by phase, one number for each update, as ``plots.losses`` wants a history.
        steps: 1, 2, ... updates.
        z: codes of the pictures at the end, (n, 2).
        label: which clump each picture is from, (n,).
    """

    losses: dict[str, list[float]]
    steps: list[int]
    z: Tensor
    label: Tensor


def run(step: Callable, updates: int = 600) -> Run:
    """Trains an AAE on pictures of two pixels, its prior N(0, I), by ``step``; the same each time.

    Args:
        step: an update as exercise 2.5 wants it.
        updates: how many; 600 take about two seconds.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder, decoder, discriminator = (
            _mlp(2, 2),
            _mlp(2, 2),
            nn.Sequential(_mlp(2, 1), nn.Flatten(0)),
        )
        e, d, j = (list(network.parameters()) for network in (encoder, decoder, discriminator))
        owned = zip(PHASES, (e + d, j, e), (1e-3, 2e-3, 2e-3), strict=True)
        optimizers = {p: torch.optim.Adam(own, rate, (0.5, 0.999)) for p, own, rate in owned}
        label = torch.randint(3, (2048,))
        centre = torch.tensor([[0.3, 0.3], [0.5, 0.68], [0.7, 0.35]])[label]
        x = (centre + 0.1 * torch.randn(2048, 2)).clamp(0, 1)
        losses: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for _ in range(updates):
            batch = x[torch.randint(len(x), (128,))]
            result = step(encoder, decoder, discriminator, optimizers, batch, torch.randn(128, 2))
            for phase in PHASES:
                losses[phase].append(float(result[phase]))
        return Run(losses, list(range(1, updates + 1)), encoder(x).detach(), label)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    layers = (nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Linear(32, outputs))


def broken_run() -> Run:
    """The run of :func:`broken_step`."""
    return run(broken_step)


def sound_run() -> Run:
    """The same run by a sound update."""
    return run(_step)


SIGNATURES = {  # what the curves say of a mistake that is still there
    "real and fake swapped": (
        "A mistake is still there. In the broken run both players win: both losses fall to zero, "
        "and the codes run away from the prior. In a game one side's gain is the other's loss, so "
        "these two pull on the same side. Your discriminator calls the encoder's codes real; in "
        "an AAE the prior's samples are the real ones (§2)."
    ),
    "detach and zero_grad missing": (
        "Mistakes are still there. With these the discriminator wins: its loss sinks below 2 log "
        "2 and the generator's climbs above log 2. The encoder helps its opponent: its .grad "
        "holds what the discriminator's phase left there, and the generator's step uses it."
    ),
    "another phase leaks": (
        "A mistake is still there. Curves hardly show this one; the code does. What is in the "
        "encoder's .grad when the generator's backward() adds to it? What the reconstruction "
        "phase left, so that phase counts twice."
    ),
    "detach missing": (
        "A mistake is still there, and no curve can show it, because zero_grad() throws the "
        "gradient away in time: the discriminator's phase sends one into the encoder, which would "
        "make codes easier to catch. It takes time, and it waits for somebody to drop a "
        "zero_grad(). Where belongs a detach()?"
    ),
}


def _test_mended(trial: Trial) -> None:
    try:
        _test_step(trial)
    except CheckFailed as refused:
        if refused.cause in SIGNATURES:
            trial.refuse(refused.cause, SIGNATURES[refused.cause])
        raise


mended_aae_step = Exercise(
    name="2.6",
    title="find three mistakes in an AAE's update",
    read="lesson 2, sections 2.3 and 2.8",
    hints=(
        "Both losses fall to zero, so both players win. Who is called real?",
        "Mend that, run it again, and look: the discriminator wins now. Who moves the encoder, "
        "and in which direction? Follow its .grad from phase to phase.",
        "One line to change, one detach() and one zero_grad() to add.",
    ),
    answer=_step,
    test=_test_mended,
)
