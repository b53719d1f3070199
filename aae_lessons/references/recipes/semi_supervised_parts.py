"""Lesson 5: which part of the semi-supervised AAE lowers the error? Some losses left out."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor
from torch.optim import SGD

from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.models import agreement, semi_supervised
from aae_lessons.models.semi_supervised import SemiSupervisedAAE
from aae_lessons.objectives import descend, generator_loss, squared_error, two_sample_loss
from aae_lessons.references.measures import semi_supervised as measures
from aae_lessons.references.recipes.recipe import Recipe
from aae_lessons.references.recipes.semi_supervised import (
    ADDED,
    BUDGETS,
    HALF,
    JITTERED,
    PAPER,
    Budget,
    agreement_baseline_optimizers,
    semi_supervised_recipe,
)


def _reconstruction_phase(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> Tensor:
    """Encoder and decoder learn to rebuild the clean images. Returns the loss, in nats."""
    y, z = model.encode(model.corrupt(batch.x))
    reconstruction = squared_error(model.decoder_logits(y, z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])
    return reconstruction.detach()


def denoising_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The reconstruction and the classification phase: the AAE without its discriminators."""
    reconstruction = _reconstruction_phase(model, optimizers, batch)
    losses = semi_supervised.baseline_step(model, optimizers, batch)
    return {"reconstruction": reconstruction, **losses}


def denoising_agreement_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """:func:`denoising_step`, and agreement of two copies of each image."""
    losses = denoising_step(model, optimizers, batch)
    loss = agreement.agreement_loss(model, batch.x)
    descend(loss, optimizers["agreement"])
    return {**losses, "agreement": loss.detach()}


def one_discriminator_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch, code: str
) -> dict[str, Tensor]:
    """The AAE's update with the discriminator of one ``code`` alone, ``"y"`` or ``"z"``."""
    reconstruction = _reconstruction_phase(model, optimizers, batch)

    y, z = model.encode(model.corrupt(batch.x))
    # both priors are drawn, so that the noise is that of the AAE with both discriminators
    y_prior = model.prior_y.sample(len(y), y.device)
    z_prior = model.prior.sample(len(z), z.device)
    real, codes, discriminator = {
        "y": (y_prior, y, model.discriminator_y),
        "z": (z_prior, z, model.discriminator_z),
    }[code]
    two_sample = two_sample_loss(discriminator, real, codes.detach())
    descend(two_sample, optimizers[f"discriminator_{code}"])
    generator = generator_loss(discriminator(codes))
    descend(generator, optimizers["generator"])

    losses = semi_supervised.baseline_step(model, optimizers, batch)
    return {
        "reconstruction": reconstruction,
        f"discriminator_{code}": two_sample.detach(),
        "generator": generator.detach(),
        **losses,
    }


def class_discriminator_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The AAE's update without the discriminator of the style."""
    return one_discriminator_step(model, optimizers, batch, "y")


def style_discriminator_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The AAE's update without the discriminator of the class."""
    return one_discriminator_step(model, optimizers, batch, "z")


def labelled_images_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The AAE's update on the labelled images alone: the others are never seen."""
    return semi_supervised.train_step(model, optimizers, batch._replace(x=batch.labelled_x))


def denoising(budget: Budget, config: semi_supervised.Config) -> Recipe:
    """The AAE's networks, rates and initial weights; its discriminators stay unused."""
    return semi_supervised_recipe(
        budget,
        config,
        denoising_step,
        measure=measures.classes,
        keep="record",
        note=PAPER
        + ADDED * bool(config.jitter)
        + " No discriminator is trained, and the encoder does not try to pass for prior samples.",
    )


DENOISING = denoising(BUDGETS["100"], JITTERED)
RECIPES: dict[str, Recipe] = {
    "denoising-100": denoising(BUDGETS["100"], HALF),
    "denoising-100-discriminator-y": replace(
        denoising(BUDGETS["100"], HALF),
        step=class_discriminator_step,
        note=PAPER + " The style has no discriminator.",
    ),
    "denoising-100-discriminator-z": replace(
        denoising(BUDGETS["100"], HALF),
        step=style_discriminator_step,
        note=PAPER + " The class has no discriminator.",
    ),
    "denoising-100-augmented": DENOISING,
    "denoising-100-agreement": replace(
        DENOISING,
        step=denoising_agreement_step,
        optimizers=agreement_baseline_optimizers,
        note=DENOISING.note
        + " One more phase: two corrupted copies of an image agree on its class.",
    ),
    "semi-supervised-100-labelled-images": semi_supervised_recipe(
        BUDGETS["100"],
        HALF,
        labelled_images_step,
        measure=measures.classes,
        keep="record",
        note=PAPER + " All phases see the hundred labelled images alone.",
    ),
}
