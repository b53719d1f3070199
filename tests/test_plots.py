"""Figures carry the data they were given, and refuse what they can't draw."""

import base64
import gc
import io
import math
import statistics
import weakref

import matplotlib.colors
import matplotlib.image
import pytest
import torch
from matplotlib.figure import Figure

from aae_lessons import plots
from aae_lessons.authoring import execute
from aae_lessons.plots import style
from aae_lessons.plots.style import COLOURS
from aae_lessons.priors import Gaussian, GaussianMixture
from aae_lessons.training import History

Z, LABELS = torch.randn(60, 2), torch.arange(60) % 10


@pytest.mark.parametrize("k", range(10))
def test_every_class_is_seen_in_its_own_colour(k):
    figure = plots.codes(Z, torch.full((60,), k))
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    pixels = torch.tensor(matplotlib.image.imread(io.BytesIO(stream.getvalue())))[:, :, :3]
    inside = pixels[30:-30, 30:300]  # of the axes: the legend is further right
    colour = torch.tensor(matplotlib.colors.to_rgb(COLOURS[k]))
    seen = ((inside - colour).abs().amax(2) < 0.4).sum()
    assert seen > 60, f"class {k} can hardly be seen: {seen} pixels for 60 codes"


def test_panels_share_one_scale():
    figure = plots.panels_of_codes([("a", Z, LABELS, None), ("b", 9 * Z, LABELS, None)])
    a, b = figure.axes
    assert a.get_xlim() == b.get_xlim()


def test_panels_may_have_their_own_scales():
    panels = [("a", Z, LABELS, None), ("b", 9 * Z, LABELS, None)]
    a, b = plots.panels_of_codes(panels, one_scale=False).axes
    assert b.get_xlim() == pytest.approx([9 * x for x in a.get_xlim()])
    assert a.get_title() == "a"


def test_images_are_black_on_white():
    x = torch.zeros(12, 784)
    x[0] = 1
    shown = plots.images(x, columns=10).axes[0].images[0].get_array()
    assert shown.shape == (56, 280)
    assert shown[:28, :28].max() == 0
    assert shown[28:, :].min() == 1


def test_images_have_their_names_above_the_ink():
    ax = plots.images(torch.ones(3, 784), columns=2, names=["a", "b", "c"]).axes[0]
    shown, high = ax.images[0].get_array(), 28 + 28 // 5
    assert shown.shape == (2 * high, 56)
    for (column, row), text in zip(((0, 0), (1, 0), (0, 1)), ax.texts, strict=True):
        tile = shown[row * high : (row + 1) * high, 28 * column : 28 * (column + 1)]
        assert tile[:5].min() == 1 and tile[5:].max() == 0
        across, up = text.get_position()
        assert 28 * column < across < 28 * (column + 1) and row * high <= up < row * high + 5
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]


def test_a_plane_has_each_code_at_its_place():
    seen = []

    def decode(z):
        seen.append(z)
        return torch.sigmoid(z[:, :1] * 10).expand(
            -1, 784
        )  # ink where the first coordinate is high

    figure = plots.decoded_plane(decode, extent=2.0, steps=4)
    shown = figure.axes[0].images[0].get_array()
    assert shown[0, 0] > 0.9 > 0.1 > shown[0, -1]  # white left, black right
    assert seen[0][0].tolist() == [-2.0, 2.0]  # the first tile is top left


def test_losses_show_the_equilibrium():
    history = History([1, 2], {"discriminator": [1.0, 1.2], "reconstruction": [3.0, 2.0]})
    axes = plots.losses(history).axes
    assert [ax.get_title() for ax in axes] == ["reconstruction", "discriminator"]
    assert axes[1].lines[1].get_ydata()[0] == pytest.approx(1.3863, abs=1e-4)
    assert axes[1].get_ylim()[0] == 0 and axes[1].get_ylim()[1] > 1.4


def test_losses_stand_in_the_order_of_an_update():
    phases = ["reconstruction", "discriminator", "discriminator_z", "generator", "classification"]
    history = History([1], {phase: [1.0] for phase in reversed([*phases, "KL"])})
    assert [ax.get_title() for ax in plots.losses(history).axes] == [*phases, "KL"]


def test_curves_are_drawn_on_a_logarithmic_axis():
    ax = plots.curves([1, 2], {"a": [1.0, 10.0]}, "epochs", "distance", floor=1.0).axes[0]
    assert ax.get_yscale() == "log"
    assert list(ax.lines[0].get_ydata()) == [1.0, 10.0]


def test_seeds_are_dots_with_a_bar_at_their_mean_and_a_line_over_their_spread():
    panels = {"K = 16": {"a": [1.0, 3.0], "b": [5.0]}, "K = 30": {"b": [4.0, 8.0]}}
    first, second = plots.seeds_by_row(panels, "error in %", mark="b").axes
    dots = [c.get_offsets().tolist() for c in first.collections]
    assert dots == [[[1.0, 0.0], [3.0, 0.0]], [[5.0, 1.0]]]
    lines = [line.get_xdata() for line in first.lines if line.get_marker() != "|"]
    deviation = 2**0.5  # of 1 and 3, with n - 1 in the denominator
    assert lines[0] == pytest.approx([2 - deviation, 2 + deviation])
    (bars,) = (line for line in second.lines if line.get_marker() == "|")
    assert [x for x in bars.get_xdata() if x == x] == [6.0]
    assert [6.0, 6.0] in [list(line.get_xdata()) for line in second.lines], "the dotted line"
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "b"]
    assert first.get_xlim()[0] == 0 and first.get_xlim()[1] > 5
    for wrong in ({}, {"K = 16": {}}):
        with pytest.raises(ValueError, match="panels"):
            plots.seeds_by_row(wrong, "error in %")


def test_seeds_with_the_same_value_do_not_hide_each_other():
    figure = plots.seeds_by_row({"": {"a": [2.0, 2.0, 2.0], "b": [1.0]}}, "error in %")
    figure.savefig(io.BytesIO())  # the swarm is laid out when it is drawn
    same, alone = (cloud.get_offsets() for cloud in figure.axes[0].collections)
    assert same[:, 0].tolist() == [2.0] * 3 and len(set(same[:, 1].round(3).tolist())) == 3
    assert abs(same[:, 1]).max() < 0.5 and alone.tolist() == [[1.0, 1.0]]


def test_settings_are_printed_in_the_colour_of_their_line_in_one_of_two_panels():
    groups = {
        "a": [("1", [0.1, 0.1], [5.0, 6.0]), ("10", [0.5], [2.0])],
        "b": [("3", [0.2], [4.0])],
    }
    (only,) = plots.trade_off(groups, "error", "distance").axes
    assert [text.get_text() for text in only.texts] == ["1", "10", "3"]
    inks = [text.get_color() for text in only.texts]
    assert inks[0] == inks[1] != inks[2]
    assert inks[0] == [
        pytest.approx(0.7 * part) for part in matplotlib.colors.to_rgb(only.lines[0].get_color())
    ]
    assert list(only.lines[0].get_ydata()) == [5.5, 2.0]
    skewed = {"a": [("1", [0.1, 0.1, 0.1], [1.0, 2.0, 6.0])]}
    for middle, height in ((statistics.median, 2.0), (statistics.fmean, 3.0)):
        (ax,) = plots.trade_off(skewed, "error", "distance", middle=middle).axes
        assert list(ax.lines[0].get_ydata()) == [height]
    whole, crowded = plots.trade_off(groups, "error", "distance", zoom=(0.05, 0.3)).axes
    assert [text.get_text() for text in whole.texts] == ["10"]
    assert [text.get_text() for text in crowded.texts] == ["1", "3"]
    low, high = crowded.get_ylim()
    assert crowded.get_xlim() == (0.05, 0.3) and 2 < low < 4 and 6 < high < 7


def test_claims_say_what_does_not_hold():
    table = plots.claims([("a < b", "1", "<2>", True), ("c", "3", "4", False)])
    assert "DOES NOT HOLD" in str(table).splitlines()[1]
    assert str(plots.claims([("a", "1", "2", None)])).endswith("undecided")
    assert "&lt;2&gt;" in table._repr_html_()


def test_further_claims_are_folded_and_counted():
    row, failed = ("a", "1", "2", True), ("b", "3", "4", False)
    assert "<details>" not in plots.claims([row])._repr_html_()
    table = plots.claims([row], [row, failed])
    seen, folded = table._repr_html_().split("<details>")
    assert "2 further claims, of which 1 holds<" in folded and "DOES NOT HOLD" in folded
    assert seen.count("<tr>") == 2 and folded.count("<tr>") == 3
    assert len(str(table).splitlines()) == 3


def test_posteriors_are_ellipses_of_two_standard_deviations():
    mean = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    log_variance = torch.tensor([[0.5, 0.1], [1.0, 2.0]]).square().log()
    figure = plots.posteriors(mean, log_variance, LABELS[:2], torch.randn(50, 2))
    first, second = figure.axes[0].patches
    assert tuple(first.center) == (0.0, 1.0)
    assert (first.width, first.height) == pytest.approx((2.0, 0.4), rel=1e-5)
    assert (second.width, second.height) == pytest.approx((4.0, 8.0), rel=1e-5)


def test_transport_draws_an_arrow_for_each_load():
    plans = {"best": (0, 1, 2), "other": (2, 1, 0)}
    best, other = plots.transport([0.0, 1.0, 5.0], [1.0, 2.0, 3.0], plans).axes
    assert [arrow.xy[0] for arrow in best.texts] == [1.0, 2.0, 3.0]
    assert [arrow.xy[0] for arrow in other.texts] == [3.0, 2.0, 1.0]


def test_rows_of_images_have_their_names():
    figure = plots.rows_of_images({"ink": torch.ones(3, 784), "paper": torch.zeros(3, 784)})
    ink, paper = figure.axes
    assert (ink.texts[0].get_text(), paper.texts[0].get_text()) == ("ink", "paper")
    assert ink.images[0].get_array().max() == 0
    assert paper.images[0].get_array().min() == 1


def test_settings_have_a_point_for_each_seed_and_a_line_through_the_medians():
    kinds = {"one": {2: [0.1, 0.2, 0.9], 4: [0.3]}, "each": {2: [0.5], 4: [0.5, 0.7]}}
    (ax,) = plots.over_settings({"accuracy": kinds}, "codes").axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.2, 0.3], [0.5, 0.6]]
    points = [cloud.get_offsets()[:, 1].tolist() for cloud in ax.collections]
    assert points == [[0.1, 0.2, 0.9], [0.3], [0.5], [0.5, 0.7]]
    assert (ax.get_title(), ax.get_xlabel()) == ("accuracy", "codes")


def test_histograms_have_area_one():
    figure = plots.histograms({"a": torch.rand(1000), "b": 2 * torch.rand(500)}, "distance")
    for patch in figure.axes[0].patches:
        path = patch.get_path().vertices
        edges, heights = path[:-1:2, 0], path[1::2, 1]
        assert (heights[: len(edges) - 1] * (edges[1:] - edges[:-1])).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: plots.posteriors(Z, Z[:5], LABELS, Z), "log_variance"),
        (lambda: plots.transport([0.0], [1.0], {"a": (1,)}), "plans"),
        (lambda: plots.rows_of_images({"a": torch.rand(3, 784), "b": torch.rand(2, 784)}), "rows"),
        (lambda: plots.histograms({}, "x"), "values"),
        (lambda: plots.over_settings({}, "x"), "panels"),
        (lambda: plots.codes(torch.randn(5, 3), torch.zeros(5, dtype=torch.int64)), "z"),
        (lambda: plots.codes(Z, LABELS[:5]), "labels"),
        (lambda: plots.images(torch.randn(5, 700)), "shape"),
        (lambda: plots.reconstructions(torch.rand(5, 784), torch.rand(4, 784)), "x_hat"),
        (lambda: plots.losses(History()), "history"),
        (lambda: plots.curves([1], {"a": [1, 2]}, "", ""), "lines"),
        (lambda: plots.claims([("a", "b", "c")]), "rows"),
        (lambda: plots.claims([], [("a", "b", "c")]), "folded"),
    ],
)
def test_bad_input_is_named(draw, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        draw()


def test_a_figure_is_shown_once():
    import matplotlib.pyplot as plt

    assert isinstance(plots.codes(Z, LABELS), Figure)
    assert plt.get_fignums() == []


def test_a_notebook_shows_double_density_at_a_fixed_size_with_words():
    figure = plots.curves([1, 2], {"loss": [1.0, 2.0]}, "epochs", "nats")
    picture, shown = style.png(figure)
    pixels = matplotlib.image.imread(io.BytesIO(picture)).shape
    assert (pixels[1], pixels[0]) == (2 * shown["width"], 2 * shown["height"])
    for word in ("epochs", "nats", "loss"):
        assert word in shown["alt"]
    figure.alt = "A line that rises."
    assert style.png(figure)[1]["alt"] == "A line that rises."


def test_a_shown_figure_lets_go_of_its_canvas():
    figure, canvases = plots.codes(Z, LABELS), []
    draw = figure.draw

    def noted(renderer):
        canvases.append(weakref.ref(renderer))
        draw(renderer)

    figure.draw = noted
    style.png(figure)
    gc.collect()
    assert canvases
    assert not [canvas for canvas in canvases if canvas() is not None]


@pytest.mark.parametrize("prior", [GaussianMixture(), GaussianMixture().sample(2000)])
def test_contours_lie_where_the_prior_is_and_over_the_codes(prior):
    torch.manual_seed(0)
    ax = plots.codes(Z, LABELS, prior=prior).axes[0]
    lines = [c for c in ax.collections if c.get_label().startswith("_") and len(c.get_paths()) < 3]
    assert lines and max(c.get_zorder() for c in lines) > ax.collections[0].get_zorder()
    corners = torch.tensor(
        [v for c in lines for path in c.get_paths() for v in path.vertices.tolist()]
    )
    away = GaussianMixture().distance_to_mode(corners.float())
    assert 0.5 < away.median() < 3.5


def test_the_equilibrium_of_several_adversaries_is_their_sum():
    assert plots.equilibrium("generator") == (pytest.approx(0.6931, abs=1e-4), "log 2")
    assert plots.equilibrium("discriminator", 2) == (pytest.approx(2.7726, abs=1e-4), "4 log 2")
    assert plots.equilibrium("discriminator_z", 2) == (pytest.approx(1.3863, abs=1e-4), "2 log 2")
    assert plots.equilibrium("reconstruction") is None


def test_contours_of_a_known_density_hold_its_mass():
    ax = plots.codes(Z, LABELS, prior=Gaussian(2)).axes[0]
    lines = [c for c in ax.collections if c.get_label().startswith("_") and len(c.get_paths()) < 3]
    radii = [math.hypot(*v) for path in lines[-1].get_paths() for v in path.vertices.tolist()]
    expected = [math.sqrt(-2 * math.log(1 - mass)) for mass in (0.5, 0.9)]
    for radius in radii:
        assert min(abs(radius - e) for e in expected) < 0.05
    assert max(radii) - min(radii) > 0.5


def test_the_ten_colours_survive_in_a_stored_picture():
    picture, _ = style.png(plots.codes(Z, LABELS))
    stored = base64.b64decode(execute.small(base64.b64encode(picture).decode()))
    pixels = 255 * matplotlib.image.imread(io.BytesIO(stored))[..., :3].reshape(-1, 3)
    for k in LABELS.unique().tolist():
        assert (abs(pixels - [255 * part for part in style.COLOURS[k]]) < 2).all(1).sum() > 20
