"""MNIST is the published one, whatever is damaged is said, and splits and batches are sound."""

import gzip
import hashlib
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from aae_lessons import data
from aae_lessons.data import DataError, ImageSet, Minibatches, sources

TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
LOADERS = {"Fashion-MNIST": data.fashion_mnist, "SVHN": data.svhn}


# ------------------------------------------------------------------------------- MNIST


@pytest.mark.parametrize(
    ("split", "counts", "first"),
    [
        ("train", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], [5, 0, 4, 1, 9]),
        ("test", [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], [7, 2, 1, 0, 4]),
    ],
)
def test_mnist_is_the_published_one(split, counts, first, device):
    result = data.mnist(split, device)
    assert result.images.shape == (sum(counts), 1, 28, 28)
    assert (result.images.dtype, result.labels.dtype) == (torch.uint8, torch.int64)
    assert result.device.type == result.labels.device.type == device.type
    assert len(result) == sum(counts)
    assert result.labels.bincount().tolist() == counts
    assert result.labels[:5].tolist() == first


def test_mnist_pixels_have_the_known_mean_and_spread():
    x = data.mnist("train", "cpu").x
    assert x.shape == (60_000, 784)
    assert (x.min().item(), x.max().item()) == (0.0, 1.0)
    assert x.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert x.std().item() == pytest.approx(0.3081, abs=1e-4)


@pytest.fixture
def copied(tmp_path):
    """A folder with MNIST's test files, to be damaged."""
    for name in TEST_FILES:
        shutil.copyfile(data.MNIST_FOLDER / f"{name}.gz", tmp_path / f"{name}.gz")
    return tmp_path


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


DAMAGES = {
    "cut short": lambda content: content[: len(content) // 2],
    "a byte flipped": flip,
    "empty": lambda content: b"",
    "not gzip": lambda content: b"<html>404 Not Found</html>",
    "other content": lambda content: gzip.compress(bytes(len(gzip.decompress(content)))),
}


@pytest.mark.parametrize("name", TEST_FILES)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_mnist_file_is_named(copied, name, damage):
    path = copied / f"{name}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        data.mnist("test", "cpu", copied)
    assert str(path) in str(caught.value)
    assert "install the package again" in str(caught.value)


@pytest.mark.parametrize("name", TEST_FILES)
def test_a_missing_mnist_file_is_named(copied, name):
    path = copied / f"{name}.gz"
    path.unlink()
    with pytest.raises(DataError, match="is missing; install the package again") as caught:
        data.mnist("test", "cpu", copied)
    assert str(path) in str(caught.value)


def test_the_checksum_is_of_the_content_not_of_the_packing(copied):
    path = copied / f"{TEST_FILES[1]}.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    assert len(data.mnist("test", "cpu", copied)) == 10_000


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory of its own, in which nothing is unpacked yet."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def never(*_):
    raise AssertionError("unpacked once more")


def no_home():
    raise RuntimeError("Could not determine home directory.")  # as pathlib says it


def test_mnist_is_unpacked_once_and_then_mapped(home, monkeypatch):
    first = data.mnist("test", "cpu")
    monkeypatch.setattr(sources.gzip, "decompress", never)
    second = data.mnist("test", "cpu")
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)
    assert sorted(path.name for path in home.rglob("*-ubyte")) == sorted(TEST_FILES)


def test_writing_to_mapped_images_leaves_the_stored_ones_alone(home):
    data.mnist("test", "cpu")
    changed = data.mnist("test", "cpu")
    changed.images[:] = 0
    assert data.mnist("test", "cpu").x.mean().item() == pytest.approx(0.1325, abs=1e-4)


@pytest.mark.parametrize("damage", [flip, DAMAGES["cut short"], DAMAGES["empty"]])
def test_a_damaged_unpacked_file_is_written_anew(home, damage):
    expected = data.mnist("test", "cpu").images
    path = next(home.rglob("t10k-images-idx3-ubyte"))
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert torch.equal(data.mnist("test", "cpu").images, expected)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("obstacle", ["a file in the way", "no home"])
def test_mnist_needs_no_home(home, monkeypatch, obstacle):
    if obstacle == "no home":
        monkeypatch.setattr(Path, "home", no_home)
    else:
        (home / ".cache").write_text("")
    assert len(data.mnist("test", "cpu")) == 10_000


# ------------------------------------------------------------ Fashion-MNIST and SVHN


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def random_images(n, *shape):
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, *shape)), np.arange(n) % 10


def write_fashion(root, n=12):
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = random_images(n, 28, 28)
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return images[:, None], labels


def write_svhn(root, monkeypatch, n=12):
    """Three .mat files like the published ones: pixels first, and class 0 written as 10."""
    from scipy.io import savemat
    from torchvision.datasets import SVHN

    root.mkdir(parents=True, exist_ok=True)
    images, labels = random_images(n, 3, 32, 32)
    for split, (url, name, *_) in dict(SVHN.split_list).items():
        columns = np.where(labels == 0, 10, labels)[:, None].astype(np.uint8)
        pixels = images.transpose(2, 3, 1, 0).astype(np.uint8)
        savemat(root / name, {"X": pixels, "y": columns})
        md5 = hashlib.md5((root / name).read_bytes(), usedforsecurity=False).hexdigest()
        monkeypatch.setitem(SVHN.split_list, split, [url, name, md5])
    return images, labels


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and a home that is empty. Returns that home."""

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.delenv("AAE_DATA", raising=False)
    return tmp_path / "home"


def check(result, images, labels):
    assert torch.equal(result.images, torch.from_numpy(images).to(torch.uint8))
    assert torch.equal(result.labels, torch.from_numpy(labels))
    assert (result.images.dtype, result.labels.dtype) == (torch.uint8, torch.int64)


@pytest.mark.parametrize("split", ["train", "test"])
def test_fashion_mnist_reads_a_folder(tmp_path, split, offline):
    images, labels = write_fashion(tmp_path)
    check(data.fashion_mnist(split, "cpu", tmp_path), images, labels)


@pytest.mark.parametrize("split", ["train", "test", "extra"])
def test_svhn_reads_a_folder(tmp_path, split, monkeypatch, offline):
    images, labels = write_svhn(tmp_path, monkeypatch)
    check(data.svhn(split, "cpu", tmp_path), images, labels)


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch, offline):
    images, labels = write_fashion(tmp_path)
    monkeypatch.setenv("AAE_DATA", str(tmp_path))
    check(data.fashion_mnist("test", "cpu"), images, labels)


def test_fashion_mnist_unpacks_what_was_downloaded(monkeypatch, offline):
    from torchvision.datasets import FashionMNIST

    root = offline / ".cache" / "aae_lessons"
    images, labels = write_fashion(root)
    resources = []
    for name, _ in FashionMNIST.resources:
        path = root / "FashionMNIST" / "raw" / name
        packed = gzip.compress(path.with_suffix("").read_bytes())
        path.write_bytes(packed)
        path.with_suffix("").unlink()
        resources.append((name, hashlib.md5(packed, usedforsecurity=False).hexdigest()))
    monkeypatch.setattr(FashionMNIST, "resources", resources)
    check(data.fashion_mnist("train", "cpu"), images, labels)


def test_svhn_takes_what_was_downloaded(monkeypatch, offline):
    images, labels = write_svhn(offline / ".cache" / "aae_lessons", monkeypatch)
    check(data.svhn("test", "cpu"), images, labels)


@pytest.mark.parametrize("name", LOADERS)
def test_without_a_network_one_clear_error(name, offline):
    with pytest.raises(DataError) as caught:
        LOADERS[name]("test", "cpu")
    message = str(caught.value)
    assert name in message and "AAE_DATA" in message and "network" in message
    assert str(offline) in message and "\n" not in message


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_folder_is_named(name, tmp_path, offline):
    with pytest.raises(DataError, match="is missing") as caught:
        LOADERS[name]("test", "cpu", tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value) and name in str(caught.value)


@pytest.mark.parametrize("name", LOADERS)
def test_an_empty_folder_is_an_error_that_names_it(name, tmp_path, offline):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="put whole files there") as caught:
        LOADERS[name]("test", "cpu", tmp_path / "empty")
    assert str(tmp_path / "empty") in str(caught.value) and name in str(caught.value)


@pytest.mark.parametrize("damage", ["cut short", "empty", "not gzip"])
@pytest.mark.parametrize("name", LOADERS)
def test_damaged_files_are_an_error_that_says_what_to_do(
    name, damage, tmp_path, monkeypatch, offline
):
    if name == "SVHN":
        write_svhn(tmp_path, monkeypatch)
        path = tmp_path / "test_32x32.mat"
    else:
        write_fashion(tmp_path)
        path = tmp_path / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(DataError, match="put whole files there") as caught:
        LOADERS[name]("test", "cpu", tmp_path)
    assert str(tmp_path) in str(caught.value) and name in str(caught.value)


def test_images_without_their_labels_are_an_error(tmp_path, offline):
    write_fashion(tmp_path)
    raw = tmp_path / "FashionMNIST" / "raw"
    (raw / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(5)))
    with pytest.raises(DataError, match="12 images and 5 labels"):
        data.fashion_mnist("test", "cpu", tmp_path)


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist, data.svhn])
def test_an_unknown_split_is_refused(load):
    with pytest.raises(ValueError, match="split: got 'validation'"):
        load("validation", "cpu")


# ---------------------------------------------------------------------------- image sets


def numbered(n=103, device="cpu"):
    """Images whose pixels tell their position."""
    images = torch.arange(n, dtype=torch.uint8, device=device).view(n, 1, 1, 1).repeat(1, 1, 2, 2)
    return ImageSet(images, torch.arange(n, device=device) % 10)


def positions(batch):
    return (batch.x[:, 0] * 255).round().long()


def test_a_batch_has_pixels_between_0_and_1_and_its_labels(device):
    batch = numbered(device=device).batch(torch.tensor([3, 51], device=device))
    assert batch.x.dtype == torch.float32 and batch.x.shape == (2, 4)
    torch.testing.assert_close(batch.x[:, 0].cpu(), torch.tensor([3 / 255, 51 / 255]))
    assert batch.label.tolist() == [3, 1]


@pytest.mark.parametrize(
    "index",
    [slice(2, 5), torch.tensor([2, 3, 4]), (torch.arange(103) > 1) & (torch.arange(103) < 5)],
)
def test_a_subset_takes_images_and_labels_alike(index):
    result = numbered().subset(index)
    assert result.images[:, 0, 0, 0].tolist() == [2, 3, 4] and result.labels.tolist() == [2, 3, 4]


def test_split_validation_holds_out_the_last_ones():
    train, validation = data.split_validation(numbered(), 20)
    assert train.images[:, 0, 0, 0].tolist() == list(range(83))
    assert validation.images[:, 0, 0, 0].tolist() == list(range(83, 103))


# -------------------------------------------------------------------------- label splits


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_a_balanced_split_is_balanced(n, device):
    labels = data.mnist("test", device).labels
    chosen = data.balanced_subset(labels, n, seed=0)
    assert chosen.shape == (n,) and chosen.dtype == torch.int64
    assert chosen.device == labels.device
    assert (chosen.diff() > 0).all()  # ascending, so none twice
    assert labels[chosen].bincount().tolist() == [n // 10] * 10


def test_a_balanced_split_depends_on_its_seed_only():
    labels = data.mnist("test", "cpu").labels
    first = data.balanced_subset(labels, 100, seed=3)
    torch.manual_seed(99)
    assert torch.equal(first, data.balanced_subset(labels, 100, seed=3))
    others = [data.balanced_subset(labels, 100, seed=s) for s in (0, 1, 2)]
    assert not any(torch.equal(first, other) for other in others)


def test_a_balanced_split_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    data.balanced_subset(torch.arange(100) % 10, 20, seed=3)
    assert torch.equal(before, torch.get_rng_state())


def test_a_balanced_split_never_picks_an_unlabelled_one():
    labels = torch.arange(1000) % 10
    labels[::3] = -1
    for seed in range(20):
        assert labels[data.balanced_subset(labels, 100, seed)].min() >= 0


def test_a_balanced_split_reaches_every_example():
    labels = torch.arange(50) % 10
    seen = torch.cat([data.balanced_subset(labels, 10, seed) for seed in range(60)])
    assert seen.unique().tolist() == list(range(50))


@pytest.mark.parametrize(
    ("labels", "n", "message"),
    [
        (torch.arange(100) % 10, 15, "n: got 15"),
        (torch.arange(100) % 10, 0, "n: got 0"),
        (torch.arange(100) % 10, 110, "labels: got '10 of class 0"),
        (torch.arange(100) % 9, 10, "labels: got '0 of class 9"),
        (torch.full((100,), -1), 10, "labels: got '0 of class 0"),
    ],
)
def test_a_balanced_split_that_is_impossible_is_refused(labels, n, message):
    with pytest.raises(ValueError, match=message):
        data.balanced_subset(labels, n, seed=0)


def test_hide_labels_keeps_those_and_no_others():
    images, keep = numbered(), torch.tensor([4, 17, 99])
    hidden = data.hide_labels(images, keep)
    assert hidden.labels[keep].tolist() == [4, 7, 9]
    assert (hidden.labels == -1).sum() == 100
    assert hidden.images is images.images
    assert images.labels.min() == 0  # the original is untouched


# --------------------------------------------------------------------------- minibatches


def test_an_epoch_has_each_image_at_most_once(device):
    batches = Minibatches(numbered(device=device), size=10)
    result = list(batches.epoch(0))
    assert len(batches) == len(result) == 10
    assert all(batch.x.shape == (10, 4) for batch in result)
    rows = torch.cat([positions(batch) for batch in result])
    assert len(rows.unique()) == 100
    assert torch.equal(torch.cat([batch.label for batch in result]), rows % 10)


def test_over_the_epochs_no_image_is_missed():
    batches = Minibatches(numbered(), size=10)
    rows = torch.cat([positions(batch) for e in range(8) for batch in batches.epoch(e)])
    assert len(rows.unique()) == 103


def order(batches, epoch, start=0):
    return [positions(batch).tolist() for batch in batches.epoch(epoch, start)]


def test_epochs_and_seeds_differ():
    orders = [order(Minibatches(numbered(), 10, seed), e) for seed in (0, 1, 2) for e in range(4)]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


def test_an_epoch_is_the_same_whenever_it_is_asked_for():
    batches = Minibatches(numbered(), 10, seed=5)
    first = order(batches, 2)
    order(batches, 0)
    torch.manual_seed(99)
    assert order(batches, 2) == first == order(Minibatches(numbered(), 10, seed=5), 2)


@pytest.mark.parametrize("start", [0, 1, 9, 10])
def test_an_epoch_can_be_resumed(start):
    batches = Minibatches(numbered(), 10)
    assert order(batches, 1, start) == order(batches, 1)[start:]


def test_minibatches_leave_the_random_state_alone():
    before = torch.get_rng_state()
    list(Minibatches(numbered(), 10).epoch(0))
    assert torch.equal(before, torch.get_rng_state())


# ----------------------------------------------------------------- minibatches, partly labelled


def partly(n=60, labelled=20):
    images = numbered(n)
    keep = torch.arange(0, n, n // labelled)[:labelled]
    return data.hide_labels(images, keep), keep


def test_an_epoch_passes_over_all_images_and_labelled_ones_come_equally_often():
    images, keep = partly()
    batches = data.SemiSupervisedMinibatches(images, size=10, labelled_size=10, seed=1)
    assert len(batches) == 6
    epoch = list(batches.epoch(0))
    x = torch.cat([batch.x for batch in epoch])
    assert len(x.unique(dim=0)) == 60
    labelled = torch.cat([batch.labelled_x for batch in epoch])
    rows, counts = labelled.unique(dim=0, return_counts=True)
    assert len(rows) == 20
    assert counts.tolist() == [3] * 20
    known = {tuple(images.x[i].tolist()): int(images.labels[i]) for i in keep.tolist()}
    for batch in epoch:
        result = [known[tuple(row.tolist())] for row in batch.labelled_x]
        assert batch.label.tolist() == result


def test_partly_labelled_epochs_differ_repeat_and_resume():
    images, _ = partly()
    batches = data.SemiSupervisedMinibatches(images, size=10, labelled_size=15, seed=1)
    whole_epoch = [batch.labelled_x for batch in batches.epoch(3)]
    again = [batch.labelled_x for batch in batches.epoch(3, start=4)]
    assert all(torch.equal(a, b) for a, b in zip(whole_epoch[4:], again, strict=True))
    assert not torch.equal(whole_epoch[0], next(iter(batches.epoch(4))).labelled_x)


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"labelled_size": 21}, "labelled_size"), ({"labelled_size": 0}, "labelled_size"),
     ({"size": 61}, "size"), ({"seed": -1}, "seed")],
)  # fmt: skip
def test_impossible_partly_labelled_minibatches_are_refused(settings, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        data.SemiSupervisedMinibatches(partly()[0], **{"size": 10, "labelled_size": 10} | settings)
