"""Explorers on a page without a kernel and with the network off."""

import pytest
import torch
from laboratory import watched_page

from aae_lessons import data, references
from aae_lessons.authoring.site import explorers
from aae_lessons.models import semi_supervised
from aae_lessons.widgets import static
from aae_lessons.widgets.class_style import ClassStyleExplorer
from aae_lessons.widgets.costs import CostDiscrepancyExplorer
from aae_lessons.widgets.interpolation import InterpolationExplorer
from aae_lessons.widgets.latent import LatentExplorer, latent_explorer
from aae_lessons.widgets.painter import PriorPainter
from aae_lessons.widgets.scrubber import TrainingScrubber


def all_explorers():
    torch.manual_seed(0)
    test = data.mnist("test", "cpu").subset(slice(0, 1000))
    run = references.load("adversarial-gaussian")
    config = semi_supervised.Config(dim=4, hidden=(32, 32), weight_std=0.1)
    classes = semi_supervised.SemiSupervisedAAE(config)
    sheet = {"metrics": {"frechet_distance": 3.0}, "reconstructions": test.x[:14]}
    runs = {("a", "c"): {**sheet, "samples": test.x[14:28]}}
    runs["b", "d"] = {**sheet, "samples": test.x[28:42]}
    return [
        LatentExplorer(run, test.x, test.labels),
        ClassStyleExplorer(classes, test.x, test.labels),
        InterpolationExplorer(run, test.x[:20], test.labels[:20]),
        TrainingScrubber(run, test.labels),
        CostDiscrepancyExplorer(test.x, runs),
        PriorPainter(print, strokes=[[0.0, 0.0, 0.5, 0.5]]),
        latent_explorer(lambda z: torch.sigmoid(z[:, :1]).expand(-1, 784)),
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page of all explorers, put together as a lesson's page is."""
    widgets = all_explorers()
    ids = [widget.model_id for widget in widgets]
    body = "".join(map(static.place, ids)) + static.scripts(explorers.states(widgets), ids)
    path = tmp_path_factory.mktemp("page") / "all.html"
    path.write_text(
        f'<!doctype html>\n<meta charset="utf-8">\n<title>all</title>\n{body}', "utf-8"
    )
    return path


@pytest.fixture(params=["light", "dark"])
def page(browser, site, request):
    """The page, opened from its folder with the network off."""
    with watched_page(browser, color_scheme=request.param, offline=True) as result:
        result.goto(site.as_uri())
        result.wait_for_selector(".aae-painter")
        result.wait_for_timeout(300)
        result.scheme = request.param
        yield result


def ink(page, selector, nth=0):
    return page.locator(selector).nth(nth).evaluate("canvas => canvas.toDataURL()")


def test_explorers_move_without_kernel_and_network(page, shots):
    assert page.locator(".aae").count() == 7
    shots(page, "section.aae", f"site-{page.scheme}")
    latent = ".aae-latent .aae-main"
    before = ink(page, latent)
    page.locator(".aae-latent .aae-cross").first.focus()
    page.keyboard.press("Shift+ArrowUp")
    assert ink(page, latent) != before
    before = ink(page, ".aae-latent .aae-plane canvas")
    page.get_by_label("the discriminator's opinion").first.check()
    assert ink(page, ".aae-latent .aae-plane canvas") != before

    style = ".aae-class-style .aae-main"
    before = ink(page, style)
    page.get_by_role("button", name="only class 3").click()
    chosen = ink(page, style)
    assert chosen != before
    page.get_by_role("slider", name="probability of class 5").focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    assert ink(page, style) != chosen
    mixed = ink(page, style)
    page.get_by_label("dimension across").select_option("z3")
    page.locator(".aae-class-style .aae-cross").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert ink(page, style) != mixed
    page.get_by_role("button", name="random plane").click()

    code = ".aae-interpolation .aae-main"
    before = ink(page, code, 1)
    page.locator(".aae-interpolation .aae-thumb").nth(6).click()
    assert ink(page, code, 1) != before

    before = ink(page, ".aae-scrubber .aae-plane canvas")
    page.get_by_role("slider", name="epoch").focus()
    page.keyboard.press("ArrowRight")
    assert ink(page, ".aae-scrubber .aae-plane canvas") != before

    before = ink(page, ".aae-costs .aae-picture", 28)
    page.get_by_role("radio", name="a with c").focus()
    page.keyboard.press("ArrowDown")  # on to the next pair that has a run, if the column has one
    page.get_by_role("radio", name="b with d").click()
    assert ink(page, ".aae-costs .aae-picture", 28) != before
    assert page.get_by_role("radio", name="b with d").get_attribute("aria-checked") == "true"


def test_what_needs_a_kernel_says_so(page):
    own = page.locator(".aae-latent").nth(1)
    own.locator(".aae-cross").focus()
    page.keyboard.press("ArrowRight")
    assert "made by the kernel" in own.locator(".aae-notice").inner_text()
    painter = page.locator(".aae-painter")
    before = ink(page, ".aae-paint")
    page.locator(".aae-paint").focus()
    for key in ("Space", "ArrowUp", "Shift+ArrowUp", "Space"):
        page.keyboard.press(key)
    assert ink(page, ".aae-paint") != before
    undo = painter.get_by_role("button", name="undo")
    undo.click()
    undo.click()
    assert undo.is_disabled() and painter.get_by_role("button", name="train").is_disabled()


def test_the_painter_trains_without_a_kernel(page):
    painter = page.locator(".aae-painter")
    before = ink(page, ".aae-paint")
    painter.get_by_role("button", name="train").click()
    painter.locator("text=codes off the ink").wait_for(timeout=60_000)
    assert ink(page, ".aae-paint") != before
    painter.get_by_label("a shape to begin with").select_option("heart")  # the run goes on with it
    painter.get_by_role("button", name="stop").click()
    painter.locator(".aae-side :text('stopped:')").wait_for(timeout=60_000)
