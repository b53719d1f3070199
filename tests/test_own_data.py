"""One's own images: arrays, tensors, data sets, folders; and what is refused, with its cure."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from aae_lessons import data, plots, priors, training
from aae_lessons.data import ImageSet, Minibatches, balanced_subset, hide_labels
from aae_lessons.models import adversarial
from aae_lessons.networks import conv_decoder, conv_encoder
from aae_lessons.priors import Gaussian, GaussianMixture
from aae_lessons.training import fit
from aae_lessons.widgets.latent import LatentExplorer

GREY = np.arange(5 * 6 * 8, dtype=np.uint8).reshape(5, 6, 8)
COLOUR = np.stack([GREY, GREY + 1, GREY + 2], 1)  # (5, 3, 6, 8)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (GREY, GREY[:, None]),
        (torch.from_numpy(GREY), GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (GREY / 255, GREY[:, None]),
        (torch.from_numpy(COLOUR).float() / 255, COLOUR),
        (TensorDataset(torch.from_numpy(COLOUR)), COLOUR),
    ],
)
def test_no_layout_is_scrambled(images, expected):
    assert torch.equal(ImageSet.of(images, [0] * 5).images, torch.from_numpy(expected))


def test_labels_are_optional_of_any_integer_type_and_number():
    assert (ImageSet.of(GREY).labels == -1).all()
    for kind in (np.uint8, np.int32, np.int64):
        letters = ImageSet.of(GREY, np.array([0, 25, 3, 1, 2], kind))
        assert letters.classes == 26 and letters.labels.dtype == torch.int64
    assert letters.subset(slice(0, 2)).classes == 26
    keep = balanced_subset(torch.arange(52) % 26, 26, 0, classes=26)
    assert len(keep) == 26
    assert hide_labels(letters, torch.tensor([1])).classes == 26


def test_data_sets_bring_their_labels():
    pairs = TensorDataset(torch.from_numpy(COLOUR), torch.arange(5))
    images = ImageSet.of(pairs)
    assert images.labels.tolist() == [0, 1, 2, 3, 4] and images.shape == (3, 6, 8)
    pictures = [(Image.fromarray(g), k) for k, g in enumerate(GREY)]
    assert torch.equal(ImageSet.of(pictures).images[:, 0], torch.from_numpy(GREY))


def test_folders_of_pictures(tmp_path):
    for k, grey in enumerate(GREY):
        Image.fromarray(grey).save(tmp_path / f"{k}.png")
    flat = ImageSet.of(tmp_path)
    assert torch.equal(flat.images[:, 0], torch.from_numpy(GREY)) and (flat.labels == -1).all()
    (tmp_path / "sorted" / "b").mkdir(parents=True)
    (tmp_path / "sorted" / "a").mkdir()
    for k, picture in enumerate(COLOUR.transpose(0, 2, 3, 1)):
        Image.fromarray(np.ascontiguousarray(picture)).save(
            tmp_path / "sorted" / "ba"[k % 2] / f"{k}.png"
        )
    images = ImageSet.of(str(tmp_path / "sorted"))
    assert images.labels.tolist() == [0, 0, 1, 1, 1]
    assert torch.equal(images.images, torch.from_numpy(COLOUR[[1, 3, 0, 2, 4]]))


def test_arrays_of_any_layout_in_memory_are_taken():
    grey = GREY / 255
    same = [
        grey[:, ::-1][:, ::-1],
        grey.astype(">f8"),
        grey.astype(np.longdouble),
        grey[::1].copy(),
    ]
    same += [np.asfortranarray(grey), torch.from_numpy(grey).requires_grad_()]
    for images in same:
        assert torch.equal(ImageSet.of(images).images[:, 0], torch.from_numpy(GREY))
    flipped = ImageSet.of(grey[:, ::-1]).images[:, 0]
    assert torch.equal(flipped, torch.from_numpy(GREY[:, ::-1].copy()))


def test_labels_of_any_source_are_taken():
    for labels in (np.arange(5, dtype=np.uint64), tuple(range(5)), pandas.Series(range(5))):
        assert ImageSet.of(GREY, labels).labels.tolist() == [0, 1, 2, 3, 4]
    for one in (int, np.int32, torch.tensor, np.array):
        items = [(GREY[i], one(i)) for i in range(5)]
        assert ImageSet.of(items).labels.tolist() == [0, 1, 2, 3, 4]


RAMP = np.arange(48).reshape(6, 8)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.fromarray((RAMP * 257 * 5).astype(np.uint16)), RAMP * 5),  # I;16
        (Image.fromarray((RAMP * 257 * 5).astype(np.int32)), RAMP * 5),  # I
        (Image.fromarray((RAMP / 51).astype(np.float32)), RAMP * 5),  # F
        (Image.fromarray(RAMP % 2 == 1), RAMP % 2 * 255),  # 1
        (Image.fromarray(np.stack([RAMP, RAMP * 0 + 255], 2).astype(np.uint8)), RAMP),  # LA
    ],
)
def test_no_level_of_a_picture_is_cut_off(picture, expected, tmp_path):
    assert ImageSet.of([picture]).images[0, 0].tolist() == expected.tolist()
    if picture.mode in ("I;16", "LA", "1"):
        picture.save(tmp_path / "one.png")
        assert ImageSet.of(tmp_path).images[0, 0].tolist() == expected.tolist()


def test_hidden_files_are_no_pictures_and_photographs_are_turned(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(GREY[0]).save(tmp_path / name / "one.png")
        (tmp_path / name / "._one.png").write_bytes(b"of another file system")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    Image.fromarray(GREY[1]).save(tmp_path / ".ipynb_checkpoints" / "old.png")
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    images = ImageSet.of(tmp_path)
    assert images.labels.tolist() == [0, 1] and images.shape == (1, 6, 8)
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    (tmp_path / "camera").mkdir()
    Image.fromarray(GREY[2]).save(tmp_path / "camera" / "one.png", exif=turned)
    upright = ImageSet.of(tmp_path / "camera").images[0, 0]
    assert torch.equal(upright, torch.from_numpy(GREY[2][::-1, ::-1].copy()))


def test_folders_that_mean_something_else_are_refused(tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    Image.fromarray(GREY[0]).save(tmp_path / "train" / "cat" / "one.png")
    with pytest.raises(ValueError, match=r"^images: got .*train/cat/one.png', expected all in"):
        ImageSet.of(tmp_path)
    assert len(ImageSet.of(tmp_path / "train")) == 1
    (tmp_path / "train" / "cat" / "two.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"^images: got .*two\.png.*, expected a picture that"):
        ImageSet.of(tmp_path / "train")


def batches(*tensors):
    return DataLoader(TensorDataset(*tensors), 5)


class Stream(IterableDataset):
    def __iter__(self):
        yield torch.rand(8, 8), 0


def test_a_loader_of_images_alone_trains():
    images = ImageSet.of(torch.rand(20, 8, 8))
    config = adversarial.JointConfig((8,), (8,), images.pixels)
    model = adversarial.AAE(Gaussian(2), config)
    loader = DataLoader(TensorDataset(images.images), 5, drop_last=True)
    assert fit(adversarial.joint_step, model, loader, 1, progress=False).losses


@pytest.mark.parametrize(
    "loader",
    [
        batches(torch.rand(5, 1, 8, 8), torch.rand(5)),
        DataLoader([{"image": torch.rand(8, 8)}]),
        DataLoader(Stream()),
    ],
)
def test_a_loader_of_anything_else_is_refused(loader):
    model = adversarial.AAE(Gaussian(2), adversarial.JointConfig((8,), (8,), 64))
    with pytest.raises(ValueError, match=r"^batches: got .* expected a loader"):
        fit(adversarial.joint_step, model, loader, 1, progress=False)


def as_items(*images):
    return [(image, 0) for image in images]


@pytest.mark.parametrize(
    ("images", "labels", "cure"),
    [
        (GREY[0][..., None].repeat(3, 2), None, r"images\[None\]"),  # one RGB image
        (GREY > 3, None, r"1\.0 \* images"),
        (GREY.astype(np.uint16), None, "images / 65535"),
        (np.array(["a", "b"]), None, "one of numbers"),
        (np.array([[1, 2], [3]], object), None, "one of numbers"),
        (GREY.tolist(), None, "tensors, arrays or pictures"),
        ({"images": GREY}, None, "a Dataset"),
        ([{"image": GREY[0]}], None, "tensors, arrays or pictures"),
        (["one.png"], None, "tensors, arrays or pictures"),
        (as_items(Image.new("RGBA", (4, 4))), None, r"alpha_composite\("),
        (as_items(Image.fromarray(np.full((2, 2), 70_000, np.int32))), None, "0 … 65535"),
        (as_items(GREY[0], GREY[0] / 255), None, "one size and kind"),
        ([(GREY[0], "cat")], None, r"numpy\.unique\(labels, return_inverse=True\)"),
        ([(GREY[0], 0.5)], None, "whole numbers"),
        ([(GREY[0], None)], None, "whole numbers"),
        ([(GREY[0], torch.tensor([1, 2]))], None, "whole numbers"),
        (GREY, ["cat"] * 5, r"numpy\.unique\(labels, return_inverse=True\)"),
        (GREY, [0, 10**12, 1, 2, 3], "below 10000"),
        (GREY.astype(float), None, "images / 255"),
        (GREY / 127.5 - 1, None, r"\(images \+ 1\) / 2"),
        (GREY.astype(np.int64), None, "uint8, or floats"),
        (np.zeros((5, 3, 4, 3), np.uint8), None, "channels"),
        (np.zeros((5, 4, 4, 2), np.uint8), None, "channels"),
        (np.zeros(5, np.uint8), None, "an array of shape"),
        (GREY[:0], None, "an array of shape"),
        (GREY * np.nan, None, "nan"),
        (GREY, [0, 1], "5 whole numbers"),
        (GREY, np.zeros((5, 1), int), "in a vector"),
        (GREY, [0.5] * 5, "whole numbers"),
        (GREY, [-2] * 5, "whole numbers"),
        ("/nowhere/at/all", None, "a folder that is there"),
        (None, None, "a Dataset"),
        ([(torch.zeros(1, 2, 2).byte(), 0), (torch.zeros(1, 3, 2).byte(), 0)], None, "one size"),
    ],
)
def test_what_is_ambiguous_or_out_of_range_is_refused_with_the_call_that_mends_it(
    images, labels, cure
):
    with pytest.raises(ValueError, match=rf"^(images|labels): got .*{cure}"):
        ImageSet.of(images, labels)


def trained(images, **networks):
    torch.manual_seed(0)
    sizes = {"hidden": (32,), "discriminator_hidden": (32,), "pixels": images.pixels}
    model = adversarial.AAE(Gaussian(2), adversarial.JointConfig(**sizes), **networks)
    batches = Minibatches(images, 50)
    history = fit(adversarial.joint_step, model, batches, 3, log_every=5, progress=False)
    line = history.losses["reconstruction"]
    assert line[-1] < line[0]
    return model


def test_scikit_learns_digits_train_an_aae():
    digits = load_digits()
    trained(ImageSet.of(digits.images / 16, digits.target))


def test_colour_images_train_an_aae_with_convolutions():
    images = ImageSet.of(np.random.default_rng(0).random((100, 32, 32, 3)) ** 3)
    shape = images.shape
    encoder, decoder = conv_encoder(2, shape, 4), conv_decoder(2, shape, 4)
    assert trained(images, encoder=encoder, decoder=decoder).encoder is encoder


@pytest.mark.parametrize(
    ("networks", "name"),
    [
        ({"encoder": nn.Linear(12, 3)}, "encoder"),
        ({"encoder": nn.Linear(11, 2)}, "encoder"),
        ({"encoder": "mlp"}, "encoder"),
        ({"decoder": nn.Linear(2, 11)}, "decoder"),
        ({"discriminator": nn.Linear(2, 1)}, "discriminator"),
    ],
)
def test_networks_of_other_shapes_are_refused(networks, name):
    with pytest.raises(ValueError, match=rf"^{name}: got"):
        adversarial.AAE(GaussianMixture(), adversarial.Config((8,), (8,), 12), **networks)


# ------------------------------------------------------------------- the page on own data

PAGE = Path(__file__).parent.parent / "docs" / "your-own-data.md"
SET_OF = {
    "numpy": lambda folder: data.ImageSet.of(np.random.rand(60, 12, 10)),
    "data set": lambda folder: data.ImageSet.of(
        TensorDataset(torch.rand(60, 3, 8, 8), torch.arange(60) % 3)
    ),
    "folder": lambda folder: data.ImageSet.of(folder),
    "RGB 32 by 32": lambda folder: data.ImageSet.of(torch.rand(60, 32, 32, 3)),
    "26 classes": lambda folder: data.ImageSet.of(torch.rand(60, 8, 8), torch.arange(60) % 26),
}


def lines_of_the_page():
    return PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]


def test_the_page_trains_on_scikit_learns_digits_in_eight_lines():
    source = lines_of_the_page().replace("epochs=20", "epochs=2, progress=False")
    assert len([line for line in source.splitlines() if "import" not in line]) <= 8
    names = {}
    exec(source, names)
    assert names["images"].shape == (1, 8, 8)
    assert isinstance(ast.parse(source).body[-1], ast.Expr)  # a cell shows its last value
    plt.close("all")


@pytest.mark.parametrize("kind", SET_OF)
def test_the_pages_lines_train_on_every_kind_of_images(kind, tmp_path):
    for i in range(60):
        pixels = torch.randint(256, (9, 7), dtype=torch.uint8).numpy()
        Image.fromarray(pixels).save(tmp_path / f"{i:02d}.png")
    rest = lines_of_the_page().split("digits.target)\n")[1]
    rest = rest.replace("Minibatches(images), epochs=20", "Minibatches(images, 20), 2")
    names = {"data": data, "priors": priors, "plots": plots, "training": training}
    names |= {
        "adversarial": adversarial,
        "LatentExplorer": LatentExplorer,
        "images": SET_OF[kind](tmp_path),
    }
    rest = rest.replace("plots.rec", "figure = plots.rec").replace("LatentE", "explorer = LatentE")
    exec(rest, names)
    assert names["figure"].axes and names["explorer"].static().axes
    assert names["explorer"].image_shape == list(names["images"].shape)
    plt.close("all")
