"""Explorers of a reader's own images, 8 × 8 grey and RGB, on a page without a kernel: what is
drawn is compared with the images, pixel by pixel."""

import numpy as np
import pytest
import torch
from laboratory import watched_page
from sklearn.datasets import load_digits

from aae_lessons import data, priors
from aae_lessons.models import adversarial, semi_supervised
from aae_lessons.training import History
from aae_lessons.widgets import static
from aae_lessons.widgets.class_style import ClassStyleExplorer
from aae_lessons.widgets.costs import CostDiscrepancyExplorer
from aae_lessons.widgets.interpolation import InterpolationExplorer
from aae_lessons.widgets.latent import LatentExplorer, latent_explorer
from aae_lessons.widgets.scrubber import TrainingScrubber


def grey():
    digits = load_digits()
    return data.ImageSet.of(digits.images[:30] / 16, digits.target[:30])


def coloured():
    """Wider than high, each of another colour, with 26 classes and a red top row."""
    images = np.random.default_rng(0).random((30, 6, 10, 3)) * 0.3
    images[:, :, :, 2] += np.linspace(0, 0.7, 30)[:, None, None]
    images[:, 0] = [1.0, 0.0, 0.0]
    return data.ImageSet.of(images, torch.arange(30) % 26)


def explorers(images):
    torch.manual_seed(0)
    sizes = {"pixels": images.pixels, "hidden": (16,)}
    model = adversarial.AAE(priors.Gaussian(2), adversarial.JointConfig(**sizes))
    config = semi_supervised.Config(**sizes, dim=3, weight_std=0.3)
    shots = [{"z": torch.randn(30, 2), "samples": images.x[:4].roll(e, 0)} for e in range(3)]
    run = History([1, 2], {"reconstruction": [2.0, 1.0]}, shots)
    sheets = {"reconstructions": images.x, "samples": images.x, "metrics": {"mse": 0.1}}
    return [
        LatentExplorer(model, images),
        ClassStyleExplorer(semi_supervised.SemiSupervisedAAE(config), images),
        InterpolationExplorer(model, images),
        TrainingScrubber(run, images.labels, shape=images.shape),
        CostDiscrepancyExplorer(images, {("a", "b"): sheets}, headline="mse"),
        latent_explorer(lambda z: images.x[:1].expand(len(z), -1), shape=images.shape),
    ]


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(params=[grey, coloured])
def shown(browser, tmp_path, request, scheme):
    """A page of every explorer, and the images."""
    images = request.param()
    path = tmp_path / "own.html"
    path.write_text(static.page(*explorers(images), title="Own images"), "utf-8")
    with watched_page(browser, color_scheme=scheme, offline=True) as page:
        page.goto(path.as_uri())
        page.wait_for_selector(".aae-costs")
        page.wait_for_timeout(300)
        yield page, images


def drawn(page, selector, nth=0):
    """A canvas's colours, (H, W, 3) in 0 … 255."""
    height, width, levels = (
        page.locator(selector)
        .nth(nth)
        .evaluate(
            """canvas => {
                const {width, height} = canvas;
                const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
                return [height, width, [...data]];
            }"""
        )
    )
    return np.array(levels).reshape(height, width, 4)[..., :3]


def expected(page, image):
    """What an image, (C, H, W) uint8, should look like: RGB as it is, grey from paper to ink."""
    if image.shape[0] == 3:
        return image.permute(1, 2, 0).numpy()
    colours = page.eval_on_selector(
        ".aae",
        "e => ['--aae-paper', '--aae-ink'].map(n => getComputedStyle(e).getPropertyValue(n))",
    )
    paper, ink = (np.array([int(c.strip()[i : i + 2], 16) for i in (1, 3, 5)]) for c in colours)
    return paper + image[0].numpy()[..., None] / 255 * (ink - paper)


def test_every_picture_has_the_shape_and_the_colours_of_the_images(shown, scheme, shots):
    page, images = shown
    shots(page, "section.aae", f"own-{images.shape[0]}-{scheme}")
    assert page.locator(".aae").count() == 6
    places = {
        ".aae-interpolation .aae-thumb canvas": range(30),
        ".aae-scrubber .aae-picture": range(4),
        ".aae-costs .aae-picture": [*range(14)] * 3,
    }
    for selector, order in places.items():
        assert page.locator(selector).count() == len(order)
        for nth in (0, len(order) - 1):
            wanted = expected(page, images.images[order[nth]])
            difference = np.abs(drawn(page, selector, nth) - wanted)
            assert difference.max() <= 1, (selector, nth)
    last = drawn(page, ".aae-latent .aae-main", 1)  # decoded by Python beforehand
    assert np.abs(last - expected(page, images.images[0])).max() <= 1
    _, height, width = images.shape
    box = page.locator(".aae-latent .aae-main").first.bounding_box()
    assert abs((box["width"] - 2) / (box["height"] - 2) - width / height) < 0.02


def test_the_browser_decodes_and_names_them(shown):
    page, images = shown
    before = drawn(page, ".aae-latent .aae-main")
    page.locator(".aae-latent .aae-cross").first.focus()
    page.keyboard.press("Shift+ArrowUp")
    assert (drawn(page, ".aae-latent .aae-main") != before).any()
    classes = page.locator(".aae-latent .aae-legend").first.locator("span")
    assert classes.count() == len(images.labels.unique())
    style = drawn(page, ".aae-class-style .aae-main")
    page.get_by_label("only class 1").first.click()
    assert (drawn(page, ".aae-class-style .aae-main") != style).any()
