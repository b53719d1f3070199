"""The explorers redraw when a control moves."""

import io

import matplotlib.image
import pytest
import torch

from aae_lessons import plots
from aae_lessons.widgets.latent import latent_explorer
from aae_lessons.widgets.menus import figure_menus


def parts(explorer):
    image, sliders = explorer.children[0].children
    return image, sliders.children


def test_moving_a_slider_changes_the_picture():
    image, sliders = parts(latent_explorer(lambda z: torch.sigmoid(z[:, :1]).expand(-1, 784)))
    before = image.value
    sliders[0].value = 2.0
    assert image.value != before
    picture = matplotlib.image.imread(io.BytesIO(image.value))
    assert picture.shape[:2] == (168, 168)
    assert picture[0, 0, 0] == pytest.approx(1 - torch.sigmoid(torch.tensor(2.0)).item(), abs=0.01)


def test_both_coordinates_reach_the_decoder():
    seen = []

    def decode(z):
        seen.append(z.squeeze(0).tolist())
        return torch.zeros(1, 784)

    _, sliders = parts(latent_explorer(decode, extent=4.0))
    sliders[0].value, sliders[1].value = 1.0, -2.0
    assert seen[-1] == [1.0, -2.0]
    assert sliders[0].max == 4.0


def test_extent_is_checked():
    with pytest.raises(ValueError, match=r"^extent"):
        latent_explorer(lambda z: z, extent=0.0)


@pytest.mark.parametrize("slider", [False, True])
def test_choosing_from_a_menu_shows_that_figure(slider):
    drawn = []

    def draw(a, b):
        drawn.append((a, b))
        return plots.images(torch.full((1, 784), 1.0 if a == "black" else 0.0))

    menus = [("ink", ["black", "white"]), ("other", ["x", "y"])]
    box = figure_menus(menus, draw, caption="look", slider=slider)
    assert drawn == [("black", "x")]
    first = box.picture.value
    assert first[:4] == b"\x89PNG"
    box.menus[0].value = "white"
    assert box.picture.value != first
    box.menus[0].value = "black"
    assert box.picture.value == first
    assert drawn == [("black", "x"), ("white", "x")]  # each combination is drawn once
    box.menus[1].value = "y"
    assert drawn[-1] == ("black", "y")
    assert box.children[-1].value == "look"


def test_empty_menus_are_refused():
    for menus in ([], [("a", [])]):
        with pytest.raises(ValueError, match=r"^menus"):
            figure_menus(menus, lambda *chosen: None)
