"""ClassStyleExplorer in JupyterLab: bars, plane, sliders, and the kernel's side of each."""

import pytest

SOURCE = """
import torch
from aae_lessons import data
from aae_lessons.models import semi_supervised
from aae_lessons.widgets.class_style import ClassStyleExplorer
torch.manual_seed(0)
test = data.mnist("test", "cpu").subset(slice(0, 300))
model = semi_supervised.SemiSupervisedAAE(
    semi_supervised.Config(dim=4, hidden=(32, 32), weight_std=0.2))
explorer = ClassStyleExplorer(model, test.x, test.labels)
explorer
"""


def test_bars_plane_and_sliders(lab, page):
    lab.run(page, lab.write("class-style", SOURCE))
    page.wait_for_selector(".aae-class-style")
    main = page.locator(".aae-main")

    def ink():
        return main.evaluate("canvas => canvas.toDataURL()")

    seen = [ink()]
    track = page.get_by_role("slider", name="probability of class 2")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] - 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    y = lab.value(page, "explorer.y")
    assert y[2] == pytest.approx(0.5, abs=0.03) and sum(y) == pytest.approx(1)
    assert y[0] == pytest.approx(1 - y[2])
    seen.append(ink())
    track.press("End")
    assert lab.value(page, "explorer.y") == [0, 0, 1] + [0] * 7
    seen.append(ink())

    page.locator(".aae-cross").focus()
    page.keyboard.press("Shift+ArrowUp")
    assert lab.value(page, "explorer.z") == pytest.approx([0, 0.6, 0, 0])
    page.get_by_label("dimension across").select_option("z4")
    page.locator(".aae-cross").press("Shift+ArrowRight")
    assert lab.value(page, "explorer.z") == pytest.approx([0, 0.6, 0, 0.6])
    seen.append(ink())
    page.get_by_role("button", name="random plane").click()
    page.locator(".aae-cross").press("Shift+ArrowRight")
    z, (u, v) = lab.value(page, "explorer.z"), lab.value(page, "explorer.directions")
    moved = [after - before for after, before in zip(z, [0, 0.6, 0, 0.6], strict=True)]
    assert moved == pytest.approx([0.6 * value for value in u], abs=1e-6)
    assert sum(a * b for a, b in zip(u, v, strict=True)) == pytest.approx(0, abs=1e-9)
    page.get_by_text("every dimension of the style").click()
    slider = page.get_by_role("slider", name="z3", exact=True)
    slider.press("Home")
    assert lab.value(page, "explorer.z[2]") == pytest.approx(-3)
    seen.append(ink())
    lab.shoot(page, ".aae-class-style", "class-style")
    assert len(set(seen)) == len(seen)
