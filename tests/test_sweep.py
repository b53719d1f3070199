"""A sweep on a cluster: what a killed worker leaves is taken up, and every run is stored once."""

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import torch

from aae_lessons import data, references, training
from aae_lessons.models import adversarial, wasserstein
from aae_lessons.objectives import inverse_multiquadratics, rbf, squared_error
from aae_lessons.priors import Gaussian, Painted
from aae_lessons.references import storage, sweep, train
from aae_lessons.references.recipes import RECIPES

NAME = "variational-beta-3"
SEEDS = range(6)


def short_run(name, device, seed, epochs, place, checkpoints, progress):
    """A run of few images in a worker; the worker of seed 3 dies once, in the middle of it."""
    images = data.mnist("train", "cpu").subset(slice(0, 1280))
    killed = Path(place).parent / "killed"

    def die(model, done):
        if seed == 3 and done >= 0.5 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    RECIPES[name] = dataclasses.replace(
        RECIPES[name],
        dataset=lambda split, device: images,
        measure=lambda model, test: {"seed": float(seed)},
        on_step=die,
        watch=None,
    )
    record = train.make(name, device, seed, epochs, place, checkpoints, progress=progress)
    with (Path(place).parent / "finished").open("a") as stream:
        stream.write(f"{seed}\n")
    return record


needs_cluster = pytest.mark.skipif(
    "AAE_CLUSTER" not in os.environ, reason="starts a cluster of processes: set AAE_CLUSTER"
)


@needs_cluster
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL, which Windows lacks")
def test_six_runs_and_a_killed_worker(tmp_path, monkeypatch, capfd):
    distributed = pytest.importorskip("distributed")
    cloudpickle = pytest.importorskip("cloudpickle")

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(references, "FOLDER", tmp_path / "kept")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**settings, local_directory=tmp_path / "dask") as cluster:
        records = sweep.make_seeds(
            NAME,
            "cpu",
            SEEDS,
            1,
            workspace=tmp_path / "runs",
            install=True,
            backend="dask",
            scheduler=cluster.scheduler_address,
            make=short_run,
        )
    assert (tmp_path / "runs" / "killed").exists()
    assert [record["seed"] for record in records] == list(SEEDS)
    assert [record["seed"] for record in references.records(NAME)] == list(SEEDS)
    finished = (tmp_path / "runs" / "finished").read_text().split()
    assert sorted(finished) == [str(seed) for seed in SEEDS]
    lines = [line for line in capfd.readouterr().err.splitlines() if f"{NAME}, seed" in line]
    assert len(lines) == len(SEEDS) and lines[-1].startswith("[6/6]")


@needs_cluster
def test_runs_in_threads_of_one_process_are_refused(tmp_path):
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 1, "threads_per_worker": 2, "processes": False}
    with distributed.LocalCluster(**settings, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(ValueError, match="--nthreads 1"):
            sweep.make_seeds(NAME, workspace=tmp_path, backend="dask", scheduler=address)


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(address, timeout):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(ValueError, match=r"^scheduler: no answer from 'tcp://127.0.0.1:1'"):
        sweep.make_seeds(NAME, workspace=tmp_path, backend="dask", scheduler="tcp://127.0.0.1:1")


def test_a_trial_replaces_nothing_and_is_not_taken_for_the_whole_run(tmp_path, capsys):
    made = []

    def make(name, device, seed, epochs, place, checkpoints):
        made.append(epochs)
        record = storage.sealed(references.load(name).record | {"seed": seed})
        storage.write_record(place / f"{name}.json", record)
        return record

    places = {"folder": tmp_path / "kept", "workspace": tmp_path / "runs", "make": make}
    sweep.make_seeds("autoencoder", epochs=1, **places)
    sweep.make_seeds("autoencoder", epochs=1, **places)  # finished already
    assert made == [1] and not (tmp_path / "kept").exists()
    assert "already made" in capsys.readouterr().err
    sweep.make_seeds("autoencoder", epochs=1, again=True, **places)  # its code was changed
    assert made.pop() == 1 and len(made) == 1
    record = next((tmp_path / "runs").glob("autoencoder.*/autoencoder.json"))
    for refused in ({"device": "tpu"}, {"backend": "slurm"}, {"scheduler": "tcp://127.0.0.1:1"}):
        with pytest.raises(ValueError, match=f"^{next(iter(refused))}: got"):
            real = places | {"make": train.make}
            sweep.make_seeds("autoencoder", epochs=1, again=True, **real, **refused)
    assert record.is_file()  # a refused call loses nothing
    record.unlink()
    checkpoint = record.with_name("killed.pt")
    checkpoint.touch()
    sweep.make_seeds("autoencoder", epochs=1, again=True, **places)  # this goes on
    assert made.pop() == 1 and checkpoint.exists()
    sweep.make_seeds("autoencoder", **places)
    assert made == [1, RECIPES["autoencoder"].epochs]
    assert (tmp_path / "kept" / "autoencoder.json").is_file()


def test_fingerprints_differ_with_the_recipe_and_its_length():
    marks = [sweep.recipe_fingerprint(NAME, 1), sweep.recipe_fingerprint(NAME, 2)]
    marks += [
        sweep.recipe_fingerprint(name, 1) for name in ("autoencoder", "variational-gaussian")
    ]
    assert len(set(marks)) == len(marks)


CHANGES = {
    "keep": "record",
    "rank_by": "other",
    "measure": len,
    "watch": None,
    "prepare": print,
    "on_step": print,
    "batches": data.SemiSupervisedMinibatches,
    "dataset": data.fashion_mnist,
    "optimizers": dict,
    "schedule": training.step_decay,
    "matmul_precision": "medium",
}


@pytest.mark.parametrize("field", CHANGES)
def test_fingerprints_differ_with_each_setting(field, monkeypatch):
    before = sweep.recipe_fingerprint("autoencoder", 1)
    changed = dataclasses.replace(RECIPES["autoencoder"], **{field: CHANGES[field]})
    monkeypatch.setitem(RECIPES, "autoencoder", changed)
    assert sweep.recipe_fingerprint("autoencoder", 1) != before


PARTS = {
    "bandwidths": [wasserstein.MMD(rbf(1.0)), wasserstein.MMD(rbf(2.0))],
    "kernels": [wasserstein.MMD(rbf(1.0)), wasserstein.MMD(inverse_multiquadratics(2))],
}


@pytest.mark.parametrize("name", PARTS)
def test_fingerprints_differ_with_what_a_kernel_remembers(name, monkeypatch):
    marks = []
    for discrepancy in PARTS[name]:
        build = lambda d=discrepancy: wasserstein.WAE(Gaussian(2), squared_error, d)  # noqa: E731
        recipe = dataclasses.replace(RECIPES["wasserstein-squared-mmd"], build=build)
        monkeypatch.setitem(RECIPES, "own", recipe)
        marks.append(sweep.recipe_fingerprint("own", 1))
    assert marks[0] != marks[1]


def test_a_recipe_with_a_painted_prior_is_described_by_its_points(monkeypatch):
    marks = []
    for seed in (0, 0, 1):
        points = torch.rand(50, 2, generator=torch.Generator().manual_seed(seed))
        build = lambda points=points: adversarial.AAE(Painted(points))  # noqa: E731
        described = train.describe_model(build())
        assert json.loads(json.dumps(described))["prior"] == described["prior"]
        recipe = dataclasses.replace(RECIPES["adversarial-gaussian"], build=build)
        monkeypatch.setitem(RECIPES, "own", recipe)
        marks.append(sweep.recipe_fingerprint("own", 1))
    assert marks[0] == marks[1] != marks[2]


def test_fingerprints_name_no_address():
    """Another process has other addresses, and must find the same folder."""
    for recipe in RECIPES.values():
        names = [sweep.qualified_name(getattr(recipe, field)) for field in sweep.FUNCTIONS]
        assert not any("0x" in name for name in names), names


def test_the_record_that_is_kept_is_the_median():
    records = [{"metrics": {"error": error}} for error in (3.0, 1.0, 2.0)]
    assert sweep._kept("error", records) is records[2]
    assert sweep._kept("", records) is records[0]
