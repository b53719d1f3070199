"""Lesson 6: the clustering AAE with each addition, agreement alone, clusters in the plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.data import Batch, ImageSet
from aae_lessons.models import clustering
from aae_lessons.models.agreement import agreement_loss
from aae_lessons.models.cluster_heads import ClusterHeadAAE
from aae_lessons.models.clustering import ClusteringAAE, Config, JointConfig
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


def measure_of(classes: int) -> Callable[[ClusteringAAE, ImageSet], dict[str, float]]:
    """What is measured: of the rows of lesson 6's table, with 16 clusters, a vote's error too."""
    return measures.measure_with_vote if classes == 16 else measures.measure


def variant(classes: int, note: str, **settings) -> Recipe:
    """A run that differs from the one with every addition in its ``settings`` alone."""
    config = JointConfig(classes=classes, **settings)
    return clustered(lambda: ClusteringAAE(config), keep="record", note=note)


SEARCH = (
    "No agreement. Noise, style, factor of the logits, and weights or rates are the best of 16 "
    "random settings on validation images."
)


def searched(config: Config | JointConfig, note: str) -> Recipe:
    """A run of the AAE without agreement, with settings from a search of its own.

    They are the best on labelled validation images of 16 random settings, at half the length
    (benchmarks/clustering_log.md, section 7).
    """
    step = clustering.joint_step if isinstance(config, JointConfig) else clustering.train_step
    return clustered(
        lambda: ClusteringAAE(config),
        step=step,
        measure=measures.measure_with_vote,
        note=f"{note}. {SEARCH}",
    )


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
        f"clustering-{k}-agreement": clustered(
            lambda k=k: ClusteringAAE(JointConfig(classes=k)), measure=measure_of(k)
        )
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
    **{
        f"clustering-{k}": replace(
            variant(k, f"{NOTE}.", agreement_weight=0.0, **STILL), measure=measure_of(k)
        )
        for k in (16, 30)
    },
    **{
        f"clustering-{k}-augmented": replace(
            variant(k, f"{NOTE}; data augmentation.", agreement_weight=0.0), measure=measure_of(k)
        )
        for k in (16, 30)
    },
    "clustering-16-searched": searched(
        JointConfig(
            dim=8,
            noise=0.0,
            style_noise=0.5,
            logit_std=2.0,
            categorical_weight=0.137,
            gaussian_weight=1.542,
            agreement_weight=0.0,
            lr=4e-3,
            discriminator_lr=1e-3,
            jitter=0.0,
            shift=0.0,
        ),
        NOTE,
    ),
    "clustering-16-augmented-searched": searched(
        JointConfig(
            dim=8,
            noise=0.0,
            style_noise=0.3,
            categorical_weight=0.446,
            gaussian_weight=2.015,
            agreement_weight=0.0,
            lr=8e-3,
            discriminator_lr=5e-4,
        ),
        f"{NOTE}; data augmentation",
    ),
    "clustering-16-phases-searched": searched(
        Config(
            noise=0.5,
            style_noise=0.1,
            logit_std=3.0,
            reconstruction_lr=2e-3,
            generator_lr=2e-3,
            discriminator_lr=4e-3,
            jitter=0.0,
            shift=0.0,
        ),
        "The two phases of §6 with Adam, narrow layers, few epochs, normalised logits of y",
    ),
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
            measure=measures.errors_with_vote if k == 16 else measures.errors,
            keep="int8" if k == 16 else "record",
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
