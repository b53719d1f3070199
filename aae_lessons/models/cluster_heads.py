"""Lesson 6, last part: clusters with heads in the plane, for a picture of clusters and styles.

Principle:
    The code is W_Cᵀ y + z: the head of the image's cluster, and the style around it. The objective
    of :mod:`aae_lessons.models.clustering` (``joint_step``) gets one term more, which keeps every
    two heads at a distance η.

Reference:
    Makhzani et al. 2015, §7 (dimensionality reduction with cluster heads).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aae_lessons.arguments import check, check_number
from aae_lessons.clusters import repulsion
from aae_lessons.models.clustering import BaseConfig, ClusteringAAE, JointConfig
from aae_lessons.networks import mlp


class ClusterHeadDecoder(nn.Module):
    """y and z side by side, (B, K + d) -> W_Cᵀ y + z, (B, d) -> logits (B, 784)."""

    def __init__(self, config: BaseConfig) -> None:
        super().__init__()
        self.cluster_heads = nn.Parameter(torch.randn(config.classes, config.dim))
        self.layers = mlp((config.dim, *reversed(config.hidden), config.pixels), nn.ReLU)

    def forward(self, code: Tensor) -> Tensor:
        y, z = code.split(list(self.cluster_heads.shape), dim=1)
        return self.layers(y @ self.cluster_heads + z)


class ClusterHeadAAE(ClusteringAAE):
    """Each cluster has a head in d dimensions: the code is W_Cᵀ y + z, and z the style around it.

    The heads W_C, (K, d), start as N(0, 1) and are learned with the decoder.

    Args:
        config: of :func:`joint_step`, whose objective has the penalty; ``dim`` is 2 for a picture.
        distance: η, which every two heads should have between them at least.
        repulsion_weight: weight of the cost of heads that are nearer.
    """

    def __init__(
        self,
        config: JointConfig = JointConfig(20, 2),
        distance: float = 3.0,
        repulsion_weight: float = 10.0,
    ) -> None:
        super().__init__(config)
        joint = isinstance(config, JointConfig)
        check(joint, "config", config, "a JointConfig: joint_step alone reads the penalty")
        check_number(distance, "distance", above=0)
        check_number(repulsion_weight, "repulsion_weight", at_least=0)
        self.distance, self.repulsion_weight = distance, repulsion_weight
        self.decoder = ClusterHeadDecoder(config)

    @property
    def cluster_heads(self) -> Tensor:
        """The matrix W_C, (K, d): one row, the cluster head, for each cluster."""
        return self.decoder.get_parameter("cluster_heads")

    def embed(self, x: Tensor) -> Tensor:
        """Codes in d dimensions, W_Cᵀ y + z, (B, d), of images ``x``, (B, 784)."""
        y, z = self.encode(x)
        return y @ self.cluster_heads + z

    def penalty(self) -> Tensor:
        """The weighted cost of heads that lie too near each other."""
        return self.repulsion_weight * repulsion(self.cluster_heads, self.distance)
