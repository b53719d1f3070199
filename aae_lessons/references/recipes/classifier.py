"""The fixed MNIST classifier that measures samples."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import training
from aae_lessons.data import Batch
from aae_lessons.models.classifier import DigitClassifier
from aae_lessons.objectives import descend
from aae_lessons.references.measures import classifier as measures
from aae_lessons.references.recipes.recipe import Recipe


def classifier_step(model: nn.Module, optimizers: training.Optimizers, batch: Batch):
    """One update of the classifier on cross-entropy, in nats, of shifted images."""
    loss = F.cross_entropy(model(shifted(batch.x)), batch.label)
    descend(loss, optimizers["classification"])
    return {"classification": loss.detach()}


def shifted(x: Tensor, pixels: float = 2.0) -> Tensor:
    """Each image ``x`` (B, 784) moved by its own random shift of up to ``pixels`` each way."""
    move = torch.eye(2, 3, device=x.device).repeat(len(x), 1, 1)
    move[:, :, 2] = (2 * torch.rand(len(x), 2, device=x.device) - 1) * pixels / 14
    pictures = x.view(-1, 1, 28, 28)
    grid = F.affine_grid(move, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, align_corners=False).flatten(1)


RECIPES: dict[str, Recipe] = {
    "classifier": Recipe(
        build=DigitClassifier,
        optimizers=lambda model: {"classification": Adam(model.parameters(), 1e-3, fused=True)},
        step=classifier_step,
        measure=measures.measure,
        epochs=15,
        labels=None,
        note="The classifier that measures samples; all 60,000 labels, images shifted by up to 2 "
        "pixels.",
    ),
}
