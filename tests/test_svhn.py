"""SVHN's column of Table 2, from files in the official format to a record."""

import hashlib
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from aae_lessons import data
from aae_lessons.data import SemiSupervisedMinibatches
from aae_lessons.references import train
from aae_lessons.references.recipes import RECIPES, methods_svhn

N = 120


@pytest.fixture
def official_files(tmp_path, monkeypatch):
    """Three .mat files like the published ones: pixels first, and class 0 written as 10."""
    savemat = pytest.importorskip("scipy.io").savemat
    SVHN = pytest.importorskip("torchvision.datasets").SVHN
    random = np.random.default_rng(0)
    labels = np.arange(N) % 10
    for split, (url, name, *_) in dict(SVHN.split_list).items():
        shades = (20 * labels + random.integers(0, 30, N)).clip(0, 255)
        pixels = np.tile(shades, (32, 32, 3, 1)).astype(np.uint8)
        savemat(tmp_path / name, {"X": pixels, "y": np.where(labels == 0, 10, labels)[:, None]})
        md5 = hashlib.md5((tmp_path / name).read_bytes(), usedforsecurity=False).hexdigest()
        monkeypatch.setitem(SVHN.split_list, split, [url, name, md5])
    monkeypatch.setenv("AAE_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["vat-svhn-1000", "semi-supervised-svhn-1000"])
def test_from_official_files_to_a_record(name, official_files, monkeypatch, tmp_path):
    assert RECIPES[name].labels == 1000
    small = replace(
        RECIPES[name],
        labels=20,
        batch=30,
        epochs=2,
        batches=partial(SemiSupervisedMinibatches, labelled_size=20),
    )
    monkeypatch.setitem(RECIPES, name, small)
    record = train.make(name, "cpu", folder=tmp_path / "out", checkpoints=tmp_path / "runs")
    stored = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
    assert stored["metrics"] == record["metrics"]
    assert 0 <= stored["metrics"]["test_error_percent"] <= 100
    extra = N * (name == "semi-supervised-svhn-1000")
    assert stored["training"]["images"] == N + extra and stored["training"]["labels"] == 20
    assert methods_svhn.NEVER_RUN in stored["note"]
    published = name == "semi-supervised-svhn-1000"  # the other's settings are our own
    assert ("from memory" in stored["note"]) == published


def test_the_extra_images_have_no_labels(official_files):
    images = methods_svhn.train_and_extra("train", torch.device("cpu"))
    assert (images.labels[N:] == data.UNLABELLED).all() and (images.labels[:N] >= 0).all()
    assert len(methods_svhn.train_and_extra("test", torch.device("cpu"))) == N


def test_every_pixel_is_standardised(official_files):
    images = data.svhn("train", "cpu")
    model = methods_svhn.normalised_aae(hidden=(8,))
    model.measure_pixels(images)
    x = model.standardise(images.x)
    assert torch.allclose(x.mean(0), torch.zeros(3072), atol=1e-4)
    assert torch.allclose(x.std(0, correction=0), torch.ones(3072), atol=1e-3)


def test_batch_norm_is_in_every_layer_of_encoder_and_decoder():
    model = methods_svhn.normalised_aae(hidden=(8, 8)).model
    for network in (model.encoder, model.decoder):
        kinds = [type(layer).__name__ for layer in network.modules()]
        assert kinds.count("BatchNorm1d") == kinds.count("Linear") == 3
