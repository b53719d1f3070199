"""Lesson 6: clusters without labels at several K, and clusters with heads in the plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aae_lessons.models import clustering
from aae_lessons.models.cluster_heads import ClusterHeadAAE
from aae_lessons.models.clustering import ClusteringAAE, JointConfig
from aae_lessons.references.measures import clustering as measures
from aae_lessons.references.measures.common import VALIDATION
from aae_lessons.references.recipes.recipe import Recipe

EPOCHS = 16
NOTE = (
    "Not the paper's recipe: the weighted form, narrow layers, few epochs; the input jittered, "
    "the logits of y normalised, and two copies of an image asked to agree."
)


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
        note=NOTE,
    )
    return replace(recipe, **changes)


RECIPES: dict[str, Recipe] = {
    **{
        f"clustering-{k}-agreement": clustered(lambda k=k: ClusteringAAE(JointConfig(classes=k)))
        for k in (10, 16, 30)
    },
    "clustering-2d-agreement": clustered(
        lambda: ClusterHeadAAE(
            JointConfig(classes=20, dim=2), distance=3.0, repulsion_weight=10.0
        ),
        measure=measures.cluster_heads,
        note=f"{NOTE} Heads pushed apart to a distance of 3, with weight 10.",
    ),
}
