"""Small runs for the ablations of lessons 5 and 6: a few seconds each."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch.nn import functional as F

from aae_lessons.checks import clustering_step, semi_supervised_step
from aae_lessons.checks.clustering_errors import one_to_one_error


def small_run(reconstruction: bool, adversaries: bool, seed: int) -> float:
    """Test error of a small semi-supervised model after 150 updates with these phases."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stage, model = semi_supervised_step.STAGE, semi_supervised_step.Small()
        kinds = torch.rand(3, semi_supervised_step.PIXELS).round()
        label, test = torch.arange(6) % 3, torch.arange(300) % 3
        images = [(kinds[k] + 0.45 * torch.randn(len(k), 6)) for k in (label, test, test)]
        on = dict.fromkeys(stage.owners, 0.1 * adversaries)
        on |= {"reconstruction": 0.1 * reconstruction, "classification": 0.3}
        optimizers = stage.optimizers(model, on)
        for _ in range(150):
            priors = torch.eye(3)[torch.randint(3, (300,))], torch.randn(300, 2)
            batch = images[1], images[0], label, *priors
            semi_supervised_step.step.answer(model, optimizers, *batch)
        with torch.no_grad():
            guess = model.class_logits_and_style(images[2])[0].argmax(1)
    return (guess != test).double().mean().item()


def small_clustering(aids: Collection[str], seed: int) -> float:
    """One-to-one error of a small clustering model after 200 updates with these aids."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stage, model = clustering_step.STAGE, clustering_step.Small()
        model.distance = 3.0 if "heads apart" in aids else 0.0
        kinds = torch.rand(3, clustering_step.PIXELS).round()
        label = torch.arange(240) % 3
        clean = kinds[label] + 0.2 * torch.randn(240, clustering_step.PIXELS)
        rates = {"reconstruction": 0.05}
        rates |= dict.fromkeys(("discriminator_y", "discriminator_z", "generator"), 0.0)
        if "adversaries" in aids:
            rates |= dict.fromkeys(("discriminator_y", "discriminator_z", "generator"), 0.1)
        optimizers = stage.optimizers(model, rates)
        for _ in range(200):
            noise = 0.3 * torch.randn_like(clean) * ("noise" in aids)
            priors = torch.eye(4)[torch.randint(4, (240,))], torch.randn(240, 2)
            clustering_step.step.answer(model, optimizers, clean + noise, *priors)
        with torch.no_grad():
            y = F.one_hot(model.encode(clean)[0].argmax(1), 4).double()
    return float(one_to_one_error.answer(y.T @ F.one_hot(label, 3).double()))
