"""Whatever happens to the stored files of a run is noticed when it is loaded."""

import json
import random
import shutil

import pytest
import torch
from safetensors.torch import load_file, save

from aae_lessons import references
from aae_lessons.references import storage

FLIPS = 200
NAME = "variational-beta-3"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files of two small runs."""
    for name in ("adversarial-8d", NAME):
        for path in references.FOLDER.glob(f"{name}.*"):
            shutil.copyfile(path, tmp_path / path.name)
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    return tmp_path


def flips(path, times, seed=0):
    """Writes the file ``times`` times, each time with another bit flipped; then as it was."""
    whole, draws = path.read_bytes(), random.Random(seed)
    for _ in range(times):
        damaged, at = bytearray(whole), draws.randrange(len(whole))
        damaged[at] ^= 1 << draws.randrange(8)
        path.write_bytes(damaged)
        yield
    path.write_bytes(whole)


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_every_flipped_bit_is_noticed(folder, kind):
    references.load(NAME)
    for _ in flips(folder / f"{NAME}.{kind}", FLIPS):
        with pytest.raises(ValueError, match=r"^name: "):
            references.load(NAME)
    references.load(NAME)


def test_flipped_bits_in_records_of_other_seeds_are_noticed(folder):
    for _ in flips(folder / "adversarial-8d.seed-1.json", FLIPS // 4):
        with pytest.raises(ValueError, match=r"^name: "):
            references.mean_and_std("adversarial-8d", "frechet_distance")


def test_weights_of_another_run_with_the_same_shapes_are_refused(folder):
    path = folder / f"{NAME}.safetensors"
    changed = {key: value.flip(0).contiguous() for key, value in load_file(path).items()}
    path.write_bytes(save(changed))
    with pytest.raises(ValueError, match="weights that fit the record"):
        references.load(NAME)


def test_weights_that_are_nan_are_refused_even_under_a_right_hash(folder):
    path = folder / f"{NAME}.safetensors"
    tensors = load_file(path)
    tensors["codes"][0] = torch.nan
    path.write_bytes(save(tensors))
    assert storage.seal(folder, NAME)
    with pytest.raises(ValueError, match=r"finite weights; .* in codes"):
        references.load(NAME)


@pytest.mark.parametrize("key", ["metrics", "history", "sha256", "seed"])
def test_a_record_without_a_part_is_refused(folder, key):
    path = folder / f"{NAME}.json"
    record = json.loads(path.read_text("utf-8"))
    del record[key]
    path.write_text(storage.readable(record))
    with pytest.raises(ValueError, match=r"^name: "):
        references.load(NAME)


def test_a_record_without_metrics_is_refused(folder):
    path = folder / f"{NAME}.json"
    record = json.loads(path.read_text("utf-8")) | {"metrics": {}}
    storage.write_record(path, storage.sealed(record))
    with pytest.raises(ValueError, match=r"^name: "):
        references.load(NAME)


def test_sealing_again_changes_nothing(folder):
    assert storage.seal(folder, "adversarial-8d") == []
