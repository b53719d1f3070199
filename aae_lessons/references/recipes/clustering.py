"""Lesson 6: the clustering AAE with each addition, agreement alone, clusters in the plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.data import Batch
from aae_lessons.models import clustering
from aae_lessons.models.agreement import agreement_loss
from aae_lessons.models.cluster_heads import ClusterHeadAAE
from aae_lessons.models.clustering import ClusteringAAE, JointConfig
from aae_lessons.objectives import descend
from aae_lessons.references.measures import clustering as measures
from aae_lessons.references.measures.common import VALIDATION
from aae_lessons.references.recipes.recipe import Recipe

EPOCHS = 16
NOTE = "The weighted form of the AAE of §6, with narrow layers, few epochs, normalised logits of y"
ADDED = f"{NOTE}; data augmentation, and two augmented copies of an image agree on its cluster."
STILL = {"jitter": 0.0, "shift": 0.0}  # no data augmentation


def clustered(build: Callable[[], ClusteringAAE], **changes) -> Recipe:
    """A run of ``joint_step`` on 50,000 images, none of them labelled."""
    recipe = Recipe(
        build=build,
        step=clustering.joint_step,
        measure=measures.measure,
        epochs=EPOCHS,
        batch=500,
        labels=0,
        watch=measures.validation_error,
        held_out=VALIDATION,
        matmul_precision="medium",
        rank_by="clustering_error_percent",
        keep="int8",
        note=ADDED,
    )
    return replace(recipe, **changes)


def variant(classes: int, note: str, **settings) -> Recipe:
    """A run that differs from the one with every addition in its ``settings`` alone."""
    config = JointConfig(classes=classes, **settings)
    return clustered(lambda: ClusteringAAE(config), keep="record", note=note)


def without_normalised_logits(**settings) -> ClusteringAAE:
    """A model of 16 clusters whose logits of y are what the last linear layer gives."""
    model = ClusteringAAE(JointConfig(classes=16, logit_std=1.0, **settings))
    model.encoder.set_submodule("normalise", nn.Identity())
    return model


def agreement_step(
    model: ClusteringAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """The agreement of two augmented copies alone: no decoder, no discriminator, no style."""
    agreement = agreement_loss(model, batch.x)
    descend(model.config.agreement_weight * agreement, optimizers["autoencoder"])
    return {"agreement": agreement.detach()}


RECIPES: dict[str, Recipe] = {
    **{
        f"clustering-{k}-agreement": clustered(lambda k=k: ClusteringAAE(JointConfig(classes=k)))
        for k in (10, 16, 30)
    },
    **{
        f"clustering-{k}-agreement-1000-units": clustered(
            lambda k=k: ClusteringAAE(JointConfig(classes=k, hidden=(1000, 1000))),
            epochs=200,
            keep="record",
            note=f"{ADDED} Layers of 1000 units in place of 200, and 200 epochs.",
        )
        for k in (16, 30)
    },
    **{f"clustering-{k}": variant(k, f"{NOTE}.", agreement_weight=0.0, **STILL) for k in (16, 30)},
    **{
        f"clustering-{k}-augmented": variant(
            k, f"{NOTE}; data augmentation.", agreement_weight=0.0
        )
        for k in (16, 30)
    },
    "clustering-16-agreement-of-noise": variant(
        16,
        f"{NOTE}; two copies of an image, which differ in the noise on their pixels alone, agree.",
        **STILL,
    ),
    "clustering-16-unnormalised": clustered(
        without_normalised_logits,
        keep="record",
        note=f"{ADDED} Here the logits of y are not normalised.",
    ),
    "clustering-16-augmented-unnormalised": clustered(
        lambda: without_normalised_logits(agreement_weight=0.0),
        keep="record",
        note=f"{NOTE}; data augmentation. Here the logits of y are not normalised.",
    ),
    **{
        f"agreement-{k}-reconstruction": variant(
            k,
            "Agreement of two augmented copies, and reconstruction: the encoder does not descend "
            "the losses of the discriminators.",
            categorical_weight=0.0,
            gaussian_weight=0.0,
        )
        for k in (16, 30)
    },
    **{
        f"agreement-{k}": clustered(
            lambda k=k: ClusteringAAE(JointConfig(classes=k)),
            step=agreement_step,
            measure=measures.errors,
            keep="record",
            note="Agreement of two augmented copies alone: decoder and discriminators never move.",
        )
        for k in (16, 30)
    },
    "clustering-2d-agreement": clustered(
        lambda: ClusterHeadAAE(
            JointConfig(classes=20, dim=2), distance=3.0, repulsion_weight=10.0
        ),
        measure=measures.cluster_heads,
        note=f"{ADDED} Heads are pushed apart to a distance of 3, with weight 10.",
    ),
}
