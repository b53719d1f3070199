"""InterpolationExplorer in JupyterLab: choosing, the slider, keys."""

SOURCE = """
from aae_lessons import data, references
from aae_lessons.widgets.interpolation import InterpolationExplorer
test = data.mnist("test", "cpu").subset(slice(0, 24))
explorer = InterpolationExplorer(references.load("adversarial-gaussian"), test.x, test.labels)
explorer
"""


def test_choosing_and_sliding(lab, page):
    lab.run(page, lab.write("interpolation", SOURCE))
    page.wait_for_selector(".aae-interpolation")
    pixels, code = (page.locator(".aae-main").nth(i) for i in (0, 1))

    def ink(place):
        return place.evaluate("canvas => canvas.toDataURL()")

    lab.shoot(page, ".aae-interpolation", "interpolation")
    before = ink(pixels), ink(code)
    thumbs = page.locator(".aae-thumb")
    assert thumbs.count() == 24
    thumbs.nth(5).click()
    thumbs.nth(9).click()
    assert lab.value(page, "(explorer.start, explorer.end)") == (5, 9)
    chosen = ink(pixels), ink(code)
    assert chosen[0] != before[0] and chosen[1] != before[1]

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # the tenth is chosen as the new start
    assert lab.value(page, "explorer.start") == 10
    page.get_by_role("slider").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert abs(lab.value(page, "explorer.t") - 0.7) < 1e-6
    assert ink(pixels) != chosen[0] and ink(code) != chosen[1]
    assert "70 percent of the way" in page.locator(".aae-words").inner_text()
    moved = ink(code)
    lab.python(page, "explorer.t = 0.0")
    page.wait_for_function("document.querySelector('input[type=range]').value === '0'")
    assert ink(code) != moved
