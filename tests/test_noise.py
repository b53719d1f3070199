"""The recorded noise of the measures of the match."""

import pytest
import torch

from aae_lessons import priors
from aae_lessons.references import noise


def test_every_measure_was_applied_twenty_times():
    results = noise.recorded()
    assert set(results) == {*noise.MEASURES, "mmd_over_floor_wider"}
    assert all(result["draws"] == noise.DRAWS == 20 for result in results.values())
    assert all(0 <= each["least"] < each["largest"] for each in results.values())


def test_the_recorded_range_holds_for_a_new_measurement():
    prior = priors.Gaussian(noise.DIM)
    measure, codes = noise.MEASURES["sliced_wasserstein_over_floor"]
    torch.manual_seed(1)
    first = measure(prior.sample(codes), prior)
    result = noise.recorded()["sliced_wasserstein_over_floor"]
    assert result["least"] - 1e-3 <= first <= result["largest"] + 1e-3


def test_a_measurement_has_the_records_form(monkeypatch):
    monkeypatch.setattr(noise, "DRAWS", 2)
    few = {name: (lambda z, prior: z.mean().item(), 50) for name in noise.MEASURES}
    monkeypatch.setattr(noise, "MEASURES", few)
    results = noise.measured()
    assert results.keys() == noise.recorded().keys()
    assert results["mmd_over_floor"]["largest"] > results["mmd_over_floor"]["least"]
    wider = results["mmd_over_floor_wider"]["largest"]
    assert wider == pytest.approx(1.05 * results["mmd_over_floor"]["largest"], abs=1e-4)
