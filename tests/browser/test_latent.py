"""LatentExplorer in JupyterLab: pointer, keys, kernel, theme."""

import time

import pytest

SOURCE = """
from aae_lessons import data, references
from aae_lessons.widgets.latent import LatentExplorer
test = data.mnist("test", "cpu").subset(slice(0, 1000))
explorer = LatentExplorer(references.load("adversarial-gaussian"), test.x, test.labels)
explorer
"""


def ink(page, selector):
    """All pixels of a canvas, as a data address."""
    return page.eval_on_selector(selector, "canvas => canvas.toDataURL()")


def test_pointer_keys_and_kernel_move_the_cross(lab, page):
    lab.run(page, lab.write("latent", SOURCE))
    page.wait_for_selector(".aae-latent")
    before = ink(page, ".aae-main")
    lab.shoot(page, ".aae-latent", "latent-first")
    page.locator(".aae-cross").scroll_into_view_if_needed()
    box = page.locator(".aae-cross").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 250, steps=5)
    page.mouse.up()
    dragged = ink(page, ".aae-main")
    assert dragged != before
    z = lab.value(page, "explorer.z")
    left, right, bottom, top = lab.value(page, "explorer.extent")
    assert abs(z[0] - (left + (right - left) * (300 - 26) / 340)) < 0.03
    assert abs(z[1] - (top - (top - bottom) * 250 / 340)) < 0.03

    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    moved = lab.value(page, "explorer.z")
    step = (right - left) / 80
    assert abs(moved[0] - (z[0] - step)) < 1e-3 and abs(moved[1] - (z[1] + 8 * step)) < 1e-3
    assert ink(page, ".aae-main") != dragged
    assert "classes of the nearest images" in page.locator(".aae-words").inner_text()

    lab.python(page, "explorer.z = [0.5, -1.0]")
    page.wait_for_function("document.querySelector('.aae-place').textContent.includes('−1.00')")
    plane = ink(page, ".aae-plane canvas")
    page.get_by_label("the discriminator's opinion").check()
    assert ink(page, ".aae-plane canvas") != plane
    lab.shoot(page, ".aae-latent", "latent")
    assert lab.value(page, "explorer.opinion_shown") is True


KERNEL = """
import torch
from aae_lessons.widgets.latent import latent_explorer
def decode(z):
    if z[0, 0] > 2:
        raise ArithmeticError("too far")
    return torch.sigmoid(z[:, :1] - z[:, 1:]).expand(-1, 784)
explorer = latent_explorer(decode)
explorer
"""


def test_a_decoder_of_ones_own_answers_from_the_kernel(lab, page):
    lab.run(page, lab.write("kernel", KERNEL))
    page.wait_for_selector(".aae-latent")
    assert lab.value(page, "explorer.in_browser") is False
    before = ink(page, ".aae-main")
    page.locator(".aae-cross").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.aae-main').toDataURL() !== before", arg=before
    )
    assert lab.value(page, "explorer.z") == pytest.approx([0.75, 0.0])
    assert page.locator(".aae-notice").is_hidden()
    lab.python(page, "explorer.z = [2.5, 0.0]")
    page.wait_for_selector(".aae-notice:has-text('too far')")
    page.keyboard.press("Home")
    page.wait_for_selector(".aae-notice", state="hidden")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.locator(".aae-cross").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".aae-notice:has-text('made by the kernel')", timeout=15_000)


FIRST_PAINT = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const cell = notebook.widgets.at(-1);
    notebook.activeCellIndex = notebook.widgets.length - 1;
    const blank = document.createElement('canvas');
    const painted = () => [...cell.node.querySelectorAll('canvas')].some(canvas => {
        [blank.width, blank.height] = [canvas.width, canvas.height];
        return canvas.toDataURL() !== blank.toDataURL();
    });
    await jupyterapp.commands.execute('notebook:clear-cell-output');
    const start = performance.now();
    jupyterapp.commands.execute('notebook:run-cell');
    while (!painted()) await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""
WIDE = """
import torch
from aae_lessons import data, priors
from aae_lessons.models import adversarial
from aae_lessons.widgets.latent import LatentExplorer
test = data.mnist("test", "cpu").subset(slice(0, 1000))
model = adversarial.AAE(priors.Gaussian(2), adversarial.Config(hidden=(1000, 1000)))
"""


def slowness():
    """How much slower this machine is now than a plain core: a million squares take one 60 ms."""
    began = time.perf_counter()
    sum(i * i for i in range(1_000_000))
    return max(1.0, (time.perf_counter() - began) / 0.06)


def test_it_paints_within_a_second_of_running_its_cell(lab, page):
    """With the widest decoder of the course, from the command to run the cell.

    The best of five, each over what the machine took for other work just before and after it:
    processors, and neighbours on them, differ by a factor of two and more.
    """
    lab.run(page, lab.write("paint", WIDE, "LatentExplorer(model, test.x, test.labels)"))
    page.wait_for_selector(".aae-latent")
    result, before = [], slowness()
    for _ in range(5):
        took, after = page.evaluate(FIRST_PAINT), slowness()
        result.append(took / min(before, after))
        before = after
    assert min(result) < 1000, result
