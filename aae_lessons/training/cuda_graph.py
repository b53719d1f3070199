"""A training step as one CUDA graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from aae_lessons.training.types import Losses, Optimizers, Step


class CapturedStep:
    """A step whose whole update is captured as one CUDA graph, then replayed.

    On a GPU, a step of so small a network is bound by the launches of some hundred kernels; a
    graph launches them at once. The first ``warmup`` calls run as they are (they are real
    updates); the next one is captured. Batches must keep their shape, the step must not wait
    for the device, and the optimizers must be able to run inside a graph (fused Adam or SGD).
    """

    def __init__(self, step: Step, optimizers: Optimizers, warmup: int = 3) -> None:
        self.step, self.left = step, warmup
        self.graph: torch.cuda.CUDAGraph | None = None
        for optimizer in optimizers.values():
            for group in optimizer.param_groups:
                rate = float(group["lr"])
                group.setdefault("initial_lr", rate)
                group["lr"] = torch.tensor(rate, device=group["params"][0].device)
                if "capturable" in group:
                    group["capturable"] = True

    def __call__(self, model: nn.Module, optimizers: Optimizers, batch: Any) -> Losses:
        if self.left > 0:
            self.left -= 1
            return self._warm_up(model, optimizers, batch)
        if self.graph is None:
            self.batch = type(batch)(*(tensor.clone() for tensor in batch))
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
                self.losses = self.step(model, optimizers, self.batch)
        for mine, inputs in zip(self.batch, batch, strict=True):
            mine.copy_(inputs)
        self.graph.replay()
        return self.losses

    def _warm_up(self, model: nn.Module, optimizers: Optimizers, batch: Any) -> Losses:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = self.step(model, optimizers, batch)
        torch.cuda.current_stream().wait_stream(stream)
        return losses
