"""Where updates are played: small networks, always the same ones, and their optimizers.

Where an answer draws noise, the noise is read off what its networks were given, and other answers
are played with that same noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from aae_lessons.checks.comparison import as_number
from aae_lessons.checks.misconceptions import Answer
from aae_lessons.checks.trial import Misused

RATE = 0.3
Noise = Sequence[Tensor]


class Descent:
    """Plain gradient descent, used as one of torch's optimizers.

    The first of torch's own in a process takes seconds to make: it imports torch's compiler.
    """

    def __init__(self, weights: list[nn.Parameter], rate: float) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": weights, "lr": rate}]
        self.state: dict[Any, Any] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, as every optimizer of torch does."""
        for p in self.param_groups[0]["params"]:
            p.grad = None if set_to_none or p.grad is None else torch.zeros_like(p)

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update by the rate times the gradient; a closure gives its loss first."""
        loss = closure() if closure else None
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                if p.grad is not None:
                    p -= self.param_groups[0]["lr"] * p.grad
        return loss


def call_with_model(step: Answer, model: nn.Module, optimizers: Mapping, batch: Sequence) -> Any:
    """How a step of (model, optimizers, *batch) is called."""
    return step(model, optimizers, *batch)


def call_with_pair(step: Answer, model: nn.Module, optimizers: Mapping, batch: Sequence) -> Any:
    """How a step of (encoder, decoder, optimizer, *batch) is called."""
    return step(model.encoder, model.decoder, optimizers[""], *batch)


@dataclass(frozen=True)
class Stage:
    """Where an update is played.

    Args:
        model: makes small networks, the same ones each time.
        owners: phase -> the parts of the model that its optimizer holds, in the paper's order.
        batch: ``batch(rows)`` draws what the update is given apart from networks and optimizers.
        call: ``call(step, model, optimizers, batch)``.
        noise: ``noise(model, seen, batch)`` gives the noises that an answer may have drawn, from
            what its networks were given and gave; one candidate for each call that could be it.
        rate: of every optimizer.
    """

    model: Callable[[], nn.Module]
    owners: Mapping[str, Sequence[str]]
    batch: Callable[[int], Sequence[Any]]
    call: Callable[[Answer, nn.Module, Any, Sequence], Any] = call_with_model
    noise: Callable[[nn.Module, CallRecorder, Sequence], Noise] | None = None
    rate: float = RATE

    def optimizers(self, model: nn.Module, rates: Mapping[str, float]) -> dict[str, Any]:
        """Makes one optimizer for each phase."""
        return {
            phase: Descent(parameters(model, parts), rates[phase])
            for phase, parts in self.owners.items()
        }

    def start(self) -> nn.Module:
        """A model with the weights that every play starts from."""
        state = torch.get_rng_state()
        torch.default_generator.manual_seed(1)  # torch.manual_seed would seed every device
        model = self.model()
        torch.set_rng_state(state)
        return model

    def play(
        self,
        step: Answer,
        batches: Sequence[Sequence[Any]],
        phases: Collection[str] = (),
        poison: float | None = None,
        noise: Noise | None = None,
        seed: int = 7,
    ) -> UpdateTrace:
        """Some updates, one for each batch; only ``phases`` (all, if empty) have a rate."""
        model = self.start()
        rates = {p: self.rate * (not phases or p in phases) for p in self.owners}
        optimizers, seen = self.optimizers(model, rates), CallRecorder(model)
        every = list(model.parameters())  # to list them takes as long as to descend
        played = UpdateTrace(model, seen, weights(every))
        for number, batch in enumerate(batches):
            for p in every:
                p.grad = None if poison is None else torch.full_like(p, poison)
            torch.default_generator.manual_seed(seed + number)
            seen.clear()
            with patched_noise(noise[number] if noise else None):
                result = self.call(step, model, optimizers, batch)
            if isinstance(result, Mapping):
                result = {name: as_number(value) for name, value in result.items()}
            played.results.append(as_number(result))
            played.weights.append(weights(every))
            if self.noise and not noise:
                with torch.no_grad():
                    played.noises.append(list(self.noise(model, seen, batch)))
        return played


class CallRecorder:
    """What each part of a model is given and gives while an update runs, call by call."""

    def __init__(self, model: nn.Module) -> None:
        self.calls: list[tuple[str, Tensor, Tensor]] = []
        for name, part in model.named_children():
            part.register_forward_hook(
                lambda _, inputs, output, name=name: self.calls.append(
                    (name, inputs[0].detach().clone(), output.detach().clone())
                )
            )

    def clear(self) -> None:
        """Forgets what was recorded."""
        self.calls = []


@dataclass
class UpdateTrace:
    """What updates left behind: the weights and the results after each, and the noises drawn."""

    model: nn.Module
    seen: CallRecorder
    start: Tensor
    weights: list[Tensor] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    noises: list[Noise] = field(default_factory=list)

    def last_input(self, part: str) -> Tensor | None:
        """What a part of the model was last given in the last update."""
        return next(
            (inputs for name, inputs, _ in reversed(self.seen.calls) if name == part), None
        )


def patched_noise(noise: Tensor | None) -> Any:
    """``torch.randn_like`` gives this noise inside the block."""
    if noise is None:
        return mock.patch.dict({}, {})
    return mock.patch.object(torch, "randn_like", lambda like, **_: noise.to(like))


def parameters(model: nn.Module, names: Sequence[str]) -> list[nn.Parameter]:
    """The weights of the named parts: networks, or single matrices."""
    parts = [getattr(model, name) for name in names]
    return [
        p for part in parts for p in (part.parameters() if isinstance(part, nn.Module) else [part])
    ]


def weights(parameters: Sequence[nn.Parameter]) -> Tensor:
    """All weights in one vector, a copy."""
    return torch.cat([p.detach().flatten() for p in parameters])


# --------------------------------------------------------------------------- what stages share


class Parts(nn.Module):
    """A model of these networks, by their names."""

    def __init__(self, **networks: nn.Module) -> None:
        super().__init__()
        for name, network in networks.items():
            self.add_module(name, network)


class Sized(nn.Module):
    """A network that says so when it is given images in place of codes."""

    def __init__(self, network: nn.Module, inputs: int, images: int) -> None:
        super().__init__()
        self.network, self.inputs, self.images = network, inputs, images

    def forward(self, value: Tensor) -> Tensor:
        if value.dim() == 2 and value.shape[1] == self.images != self.inputs:
            raise Misused(
                "discriminator on images",
                "You show the discriminator images. That is a GAN; an AAE's discriminator sees "
                "codes, and tells the encoder's from the prior's (§2).",
            )
        return self.network(value)


def mlp(*sizes: int, scale: float = 1.0) -> nn.Sequential:
    """Linear layers with tanh between them, the last one's weights times ``scale``."""
    linear = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    with torch.no_grad():
        linear[-1].weight.mul_(scale)
    return nn.Sequential(*[m for layer in linear for m in (layer, nn.Tanh())][:-1])


def discriminator(inputs: int, images: int) -> nn.Module:
    """A small discriminator, (B, inputs) -> (B,) logits."""
    return Sized(nn.Sequential(mlp(inputs, 5, 1), nn.Flatten(0)), inputs, images)
