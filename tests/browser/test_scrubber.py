"""TrainingScrubber in JupyterLab: slider, play, curves."""

SOURCE = """
from aae_lessons import data, references
from aae_lessons.widgets.scrubber import TrainingScrubber
labels = data.mnist("test", "cpu").labels[:1000]
explorer = TrainingScrubber(references.load("adversarial-gaussian"), labels)
explorer
"""


def test_scrubbing_and_playing(lab, page):
    lab.run(page, lab.write("scrubber", SOURCE))
    page.wait_for_selector(".aae-scrubber")
    plane = page.locator(".aae-plane canvas")
    chart = page.locator(".aae-chart canvas").first

    def ink(place):
        return place.evaluate("canvas => canvas.toDataURL()")

    before = ink(plane), ink(chart)
    page.get_by_role("slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert lab.value(page, "explorer.epoch") == 3
    assert ink(plane) != before[0] and ink(chart) != before[1]
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 5, box["y"] + 50)
    assert lab.value(page, "explorer.epoch") == 40
    lab.shoot(page, ".aae-scrubber", "scrubber")

    page.get_by_role("button", name="play").press("Enter")  # at the end: from the start again
    page.wait_for_function("document.querySelector('output').textContent === '2 of 40'")
    lab.python(page, "explorer.playing = False")
    page.get_by_role("button", name="play").wait_for()
    stopped = lab.value(page, "explorer.epoch")
    page.wait_for_timeout(700)
    assert lab.value(page, "explorer.epoch") == stopped < 40
