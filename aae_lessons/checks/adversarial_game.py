"""The stage on which a learner's AAE step is played, and the losses that wrong ones descend.

A step gets three small networks, an optimizer for each phase and one batch. With the rates of some
phases at 0 the others are played alone, so a message can say which phase goes wrong, and how.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import CheckFailed, Trial

PHASES = ("reconstruction", "discriminator", "generator")
BATCH, PIXELS, CODE = 5, 6, 2  # all different: a mean over the wrong one shows
RATE = 0.3


class Judge(nn.Module):
    """A small discriminator, (B, CODE) -> (B,), that keeps what it is shown."""

    def __init__(self, trial: Trial | None) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(CODE, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
        self.trial, self.seen = trial, []

    def forward(self, z: Tensor) -> Tensor:
        if self.trial and z.dim() == 2 and z.shape[1] == PIXELS:
            says = (
                "You show the discriminator images. That is a GAN; an AAE's discriminator sees "
                "codes, and tells the encoder's from the prior's (§2)."
            )
            self.trial.refuse("discriminator on images", says, tuple(z.shape), (BATCH, CODE))
        self.seen.append(z.detach())
        return self.layers(z)


class Descent:
    """Plain gradient descent, used as one of torch's optimizers, that says when it steps.

    The first of torch's own in a process takes seconds to make: it imports torch's compiler.
    """

    def __init__(
        self, parameters: list[nn.Parameter], rate: float, stepped: Callable[[], None]
    ) -> None:
        self.param_groups = [{"params": parameters, "lr": rate}]
        self.stepped = stepped

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.param_groups[0]["params"]:
            p.grad = None if set_to_none or p.grad is None else torch.zeros_like(p)

    @torch.no_grad()
    def step(self) -> None:
        for p in self.param_groups[0]["params"]:
            if p.grad is not None:
                p -= self.param_groups[0]["lr"] * p.grad
        self.stepped()


@dataclass
class World:
    """Three small networks, always the same ones, their optimizers, and what happened."""

    rates: dict[str, float]
    trial: Trial | None = None
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        torch.manual_seed(1)
        self.encoder = nn.Sequential(nn.Linear(PIXELS, 4), nn.Tanh(), nn.Linear(4, CODE))
        self.decoder = nn.Linear(CODE, PIXELS)
        self.discriminator = Judge(self.trial)
        self.networks = (self.encoder, self.decoder, self.discriminator)
        encoder, decoder, discriminator = (list(network.parameters()) for network in self.networks)
        owned = zip(PHASES, (encoder + decoder, discriminator, encoder), strict=True)
        self.optimizers = {
            phase: Descent(own, self.rates[phase], partial(self.events.append, phase))
            for phase, own in owned
        }
        for parameter in encoder:
            parameter.register_hook(lambda _: self.events.append("gradient of the encoder"))

    def weights(self) -> list[Tensor]:
        """All weights of encoder, decoder and discriminator, one vector each."""
        return [
            torch.cat([p.detach().flatten() for p in network.parameters()])
            for network in self.networks
        ]


@dataclass(frozen=True)
class Scene:
    """The batch of a check, and what one update makes of it."""

    trial: Trial
    x: Tensor
    z_prior: Tensor

    def play(self, step: Callable, phases: Collection[str] = PHASES, poison: float | None = None):
        """(world, what the step returns); only the phases named have a rate."""
        world = World({phase: RATE * (phase in phases) for phase in PHASES}, self.trial)
        for p in (p for network in world.networks for p in network.parameters()):
            p.grad = None if poison is None else torch.full_like(p, poison)
        return world, step(*world.networks, world.optimizers, self.x, self.z_prior)

    def attempt(self, phases: Collection[str] = PHASES, poison: float | None = None):
        """(world, losses) of the learner's step, the foreseeable exceptions explained."""
        try:
            return self.play(self.trial, phases, poison)
        except CheckFailed as refused:
            text = " ".join(str(refused).split())
            for part, cause, says in RAISED:
                if part in text:
                    self.trial.refuse(cause, says)
            raise

    def descended(self, loss_of: Loss, phase: str) -> list[Tensor]:
        """Weights after one descent of a loss by this phase's optimizer alone."""
        world = World(dict.fromkeys(PHASES, RATE))
        loss_of(world, self.x, self.z_prior).backward()
        world.optimizers[phase].step()
        return world.weights()


RAISED = [  # part of torch's message, cause, message
    (
        "through the graph a second time",
        "graph used up",
        "A backward() uses up the graph it runs through, and here a second one needs it. Does the "
        "discriminator's phase see z.detach()? Is x encoded anew after the reconstruction phase, "
        "and are the codes judged anew after the discriminator's?",
    ),
    (
        "modified by an inplace operation",
        "weights moved under the graph",
        "An optimizer has moved weights which a loss that was computed before still needs. Go "
        "phase by phase: forward, loss, descend; and only then the next forward.",
    ),
]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.allclose(p, q, atol=1e-6, rtol=1e-5) for p, q in zip(a, b, strict=True))


# --------------------------------------------------------------- losses, right and wrong

Loss = Callable[[World, Tensor, Tensor], Tensor]


def _rebuild(w: World, x: Tensor, _: Tensor) -> Tensor:
    return 0.5 * (x - w.decoder(w.encoder(x)).sigmoid()).square().sum(1).mean()


def _tell(w: World, x: Tensor, z_prior: Tensor) -> Tensor:
    """The discriminator's loss, its codes attached."""
    return (
        F.softplus(-w.discriminator(z_prior)).mean()
        + F.softplus(w.discriminator(w.encoder(x))).mean()
    )


def _swapped(w: World, x: Tensor, z_prior: Tensor) -> Tensor:
    return (
        F.softplus(w.discriminator(z_prior)).mean()
        + F.softplus(-w.discriminator(w.encoder(x))).mean()
    )


def _standardised(w: World, x: Tensor, z_prior: Tensor) -> Tensor:
    z = w.encoder(x)
    z = (z - z.mean(0)) / z.std(0)
    return F.softplus(-w.discriminator(z_prior)).mean() + F.softplus(w.discriminator(z)).mean()


def _fool(w: World, x: Tensor, _: Tensor) -> Tensor:
    return F.softplus(-w.discriminator(w.encoder(x))).mean()


def _sum(*losses: Loss) -> Loss:
    """Gradients that add up in ``.grad`` are those of the sum."""
    return lambda *inputs: sum(loss(*inputs) for loss in losses)


APART = (
    "The losses of several phases move the networks at once. Each phase stands alone: "
    "its forward, its loss, and its own zero_grad(), backward(), step(), before the next begins."
)
SWAPPED = (
    "Your discriminator calls the encoder's codes real. In an AAE the prior's samples are the "
    "real ones (§2)."
)
LEAK = (
    "The encoder's .grad still holds what the reconstruction phase left there, and the "
    "generator's step uses it once more. zero_grad() belongs before every backward()."
)
DOUBLE_LEAK = (
    "The discriminator's phase leaves a gradient in the encoder, which makes codes easier to "
    "catch, and the generator's step uses it. Two things are missing: z.detach() in the "
    "discriminator's phase, and zero_grad() before the generator's backward()."
)
WRONG_LOSSES: dict[str, list[tuple[str, str, Loss]]] = {
    "reconstruction": [
        (
            "logits taken for pixels",
            "You compare the image with the decoder's logits; x_hat = sigmoid(logits).",
            lambda w, x, _: 0.5 * (x - w.decoder(w.encoder(x))).square().sum(1).mean(),
        ),
        ("phases not apart", APART, _sum(_rebuild, _fool)),
        ("phases not apart", APART, _sum(_rebuild, _fool, _tell)),
    ],
    "discriminator": [
        ("real and fake swapped", SWAPPED, _swapped),
        (
            "codes standardised",
            "You give the codes mean 0 and variance 1 before they are judged, as batch norm "
            "would. That fakes a match of moments: the decoder still gets the codes as they are.",
            _standardised,
        ),
        (
            "half of the loss",
            "Your discriminator learns from codes only. Without prior samples it calls all fake.",
            lambda w, x, _: F.softplus(w.discriminator(w.encoder(x))).mean(),
        ),
        ("phases not apart", APART, _sum(_tell, _fool)),
    ],
    "generator": [
        (
            "saturating",
            "Your generator descends log(1 − D), which is flat where the discriminator is sure. "
            "Descend −log D (Goodfellow et al. 2014, §3).",
            lambda w, x, _: -F.softplus(w.discriminator(w.encoder(x))).mean(),
        ),
        (
            "generator calls its codes fake",
            "Your generator makes codes that are easier to call fake. They should pass for real.",
            lambda w, x, _: F.softplus(w.discriminator(w.encoder(x))).mean(),
        ),
        ("another phase leaks", LEAK, _sum(_fool, _rebuild)),
        ("detach and zero_grad missing", DOUBLE_LEAK, _sum(_fool, _rebuild, _tell)),
    ],
}
MEAN = "mean over pixels", "Sum over an image's pixels; the mean is over the images (lesson 1)."
SCALES = [  # a step that is right but for its length: phase, factor, cause, message
    ("reconstruction", 1 / PIXELS, *MEAN),
    ("reconstruction", 2 / PIXELS, *MEAN),
    ("reconstruction", 2.0, "half forgotten", "The ½ of the squared error is missing."),
    ("discriminator", 0.5, "halved", "You average the two halves of the loss; it is their sum."),
    *(
        (p, BATCH, "sum over the batch", "Take the mean over the batch, not the sum.")
        for p in PHASES
    ),
    *((p, -1.0, "uphill", "It goes up its loss: a sign is turned round.") for p in PHASES),
]
