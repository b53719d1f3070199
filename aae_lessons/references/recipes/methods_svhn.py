"""The SVHN column of Table 2, made runnable: its images don't come with the course.

``AAE_DATA=FOLDER python -m aae_lessons.references make vat-svhn-1000`` reads the official files
from a folder; without ``AAE_DATA`` they are downloaded.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from aae_lessons import data, training
from aae_lessons.data import ImageSet, SemiSupervisedMinibatches
from aae_lessons.methods import vat
from aae_lessons.methods._layers import normalised_mlp
from aae_lessons.methods._standardised import Standardised, standardised
from aae_lessons.models import semi_supervised
from aae_lessons.references.measures import methods as measures
from aae_lessons.references.recipes.recipe import Recipe

PIXELS = 3 * 32 * 32
NEVER_RUN = "Never run at full size by this course."
FROM_MEMORY = "The published recipe's figures are quoted from memory. " + NEVER_RUN


def train_and_extra(split: str, device: torch.device) -> ImageSet:
    """SVHN with its extra images, whose labels are hidden, in the training set."""
    images = data.svhn(split, device)
    if split != "train":
        return images
    extra = data.svhn("extra", device)
    hidden = torch.full_like(extra.labels, data.UNLABELLED)
    return ImageSet(torch.cat([images.images, extra.images]), torch.cat([images.labels, hidden]))


def standardised_squared_error(outputs: Tensor, x: Tensor) -> Tensor:
    """½ Σ_pixels (x − x̂)², mean over the batch, of standardised images: no sigmoid."""
    return 0.5 * (outputs - x).square().sum(1).mean()


def normalised_aae(hidden: tuple[int, ...] = (1000, 1000)) -> Standardised:
    """The semi-supervised AAE with batch norm in encoder and decoder, their outputs included."""
    config = semi_supervised.Config(
        dim=20,
        hidden=hidden,
        pixels=PIXELS,
        cost=standardised_squared_error,
        noise=0.0,
        reconstruction_lr=1e-4,
        discriminator_lr=0.01,
        generator_lr=0.01,
        classification_lr=0.1,
    )
    model = semi_supervised.SemiSupervisedAAE(config)
    code = config.classes + config.dim
    encoder = normalised_mlp((PIXELS, *hidden, code))
    model.encoder = nn.Sequential(nn.Dropout(0.2), encoder, nn.BatchNorm1d(code))
    decoder = normalised_mlp((code, *reversed(hidden), PIXELS))
    model.decoder = nn.Sequential(decoder, nn.BatchNorm1d(PIXELS))
    return Standardised(model, PIXELS)


AAE = Recipe(
    build=normalised_aae,
    step=standardised(semi_supervised.train_step),
    measure=measures.test_error,
    prepare=lambda model, batches: model.measure_pixels(batches.images),
    epochs=500,
    batch=100,
    labels=1000,
    watch=None,
    batches=SemiSupervisedMinibatches,
    schedule=training.step_decay(0.1),
    dataset=train_and_extra,
    keep="record",
    rank_by="test_error_percent",
    note="Standardised pixels, 1000-1000 units, z of 20, batch norm, 20 % of the input dropped, "
    "the extra images without labels. " + FROM_MEMORY,
)
RECIPES: dict[str, Recipe] = {
    "semi-supervised-svhn-1000": AAE,
    "vat-svhn-1000": replace(
        AAE,
        build=lambda: Standardised(
            vat.VAT(vat.Config(pixels=PIXELS, hidden=(1200, 1200), eps=2.5)), PIXELS
        ),
        step=standardised(vat.train_step),
        epochs=100,
        batch=200,
        schedule=training.constant_then_linear,
        dataset=data.svhn,
        note="Our own settings, not a published recipe: standardised pixels, 1200-1200 units with "
        "batch norm, ε = 2.5, no extra images. " + NEVER_RUN,
    ),
}
