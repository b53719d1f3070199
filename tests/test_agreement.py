"""One phase more than the semi-supervised AAE's: two copies of an image agree on its class."""

import pytest
import torch

from aae_lessons.clusters import mutual_information
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.models import agreement
from aae_lessons.models.agreement import AgreementAAE, Config

PHASES = ["reconstruction", "discriminator_y", "discriminator_z", "generator", "classification"]


def test_agreement_is_one_phase_more_and_moves_only_what_leads_to_y(monkeypatch):
    config = Config(classes=4, dim=3, hidden=(16,), pixels=12, weight_std=0.3, noise=0.0)
    model = AgreementAAE(config)
    optimizers = model.optimizers()
    batch = SemiSupervisedBatch(torch.rand(16, 12), torch.rand(8, 12), torch.arange(8) % 4)
    seen, real = {}, agreement.descend

    def watch(loss, optimizer):
        with torch.no_grad():
            y, _ = model.encode(batch.x)
        seen["expected"] = -mutual_information(y, y).item()
        seen["before"] = {n: p.clone() for n, p in model.named_parameters()}
        real(loss, optimizer)

    monkeypatch.setattr(agreement, "descend", watch)
    losses = agreement.train_step(model, optimizers, batch)
    assert list(losses) == [*PHASES, "agreement"]
    assert losses["agreement"].item() == pytest.approx(seen["expected"], abs=1e-5)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, seen["before"][n])}
    assert {n.split(".")[0] for n in moved} == {"encoder"}
    rows = (model.encoder[-1].weight - seen["before"]["encoder.2.weight"]).abs().sum(1)
    assert (rows[:4] > 0).all() and (rows[4:] == 0).all()
