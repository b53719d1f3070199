"""PriorPainter in JupyterLab: pointer, keyboard, and a real training that moves the codes;
and on a page of its own, where the browser trains."""

from laboratory import watched_page

from aae_lessons.widgets import static
from aae_lessons.widgets.painter import PriorPainter

SOURCE = """
import threading
from aae_lessons import data, priors, training
from aae_lessons.models import adversarial
from aae_lessons.widgets.painter import PriorPainter
train, test = (data.mnist(split, "cpu").subset(slice(0, 2000)) for split in ("train", "test"))
shown = test.subset(slice(0, 200))

gate = threading.Event()

def flow(points, show):
    def look(model, done):
        show(model.encode(shown.x), done)
        if done > 0.5:
            gate.wait(100)
    config = adversarial.JointConfig(hidden=(32,), discriminator_hidden=(32,), weight=40.0)
    model = adversarial.AAE(priors.Painted(points, bandwidth=0.0), config)
    training.fit(
        adversarial.joint_step, model,
        data.Minibatches(train, size=128), epochs=EPOCHS, progress=False,
        on_step=look,
    )
    return model

EPOCHS = 3
painter = PriorPainter(flow, shown.labels)
painter
"""


def test_draw_train_and_stop(lab, page):
    lab.run(page, lab.write("painter", SOURCE))
    page.wait_for_selector(".aae-painter")
    canvas = page.locator(".aae-paint")
    train = page.get_by_role("button", name="train", exact=True)

    def ink():
        return canvas.evaluate("canvas => canvas.toDataURL()")

    assert train.is_disabled()
    empty = ink()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 100, steps=10)
    page.mouse.up()
    [stroke] = lab.value(page, "painter.strokes")
    assert abs(stroke[0] + 0.5) < 0.02 and abs(stroke[-1] - 0.5) < 0.02
    canvas.focus()
    for key in ("Shift+ArrowDown", "Space", "Shift+ArrowLeft", "Shift+ArrowLeft", "Space"):
        page.keyboard.press(key)
    assert lab.value(page, "painter.strokes[1][:2]")[1] < 0
    drawn = ink()
    assert drawn != empty

    train.click()
    page.wait_for_selector(".aae-painter:has-text('of the training')", timeout=60_000)
    during = ink()
    assert during != drawn
    lab.python(page, "gate.set()")  # the kernel listens while it trains
    page.wait_for_selector(".aae-painter:has-text('done in')", timeout=120_000)
    assert ink() != during
    assert lab.value(page, "type(painter.result).__name__") == "AAE"
    lab.shoot(page, ".aae-painter", "painter")

    lab.python(page, "EPOCHS = 1000")
    train.click()
    page.get_by_role("button", name="stop").click()
    page.wait_for_selector(".aae-painter:has-text('stopped after')", timeout=60_000)
    page.get_by_label("a shape to begin with").select_option("heart")
    assert len(lab.value(page, "painter.strokes")) == 1
    page.get_by_role("button", name="clear").click()
    assert lab.value(page, "painter.strokes") == []


def test_a_broken_explorer_leaves_the_page_s_others_alone(browser, tmp_path):
    broken = PriorPainter()
    broken._esm = "export default { render() { throw new Error('out of order') } }"
    path = tmp_path / "page.html"
    path.write_text(static.page(broken, PriorPainter(), title="Two"), "utf-8")
    with watched_page(browser, offline=True) as page:
        page.goto(path.as_uri())
        page.wait_for_selector(".aae-painter")
        assert "could not be shown: out of order" in page.locator("main").inner_text()


def test_the_page_trains_from_a_file_and_stays_responsive(browser, tmp_path, shots):
    path = tmp_path / "painter.html"
    painter = PriorPainter(strokes=[[-0.5, 0.0, 0.5, 0.0]])
    path.write_text(static.page(painter, title="Draw"), "utf-8")
    with watched_page(browser, offline=True, has_touch=True) as page:
        page.goto(path.as_uri())
        page.get_by_role("button", name="train", exact=True).tap()
        page.wait_for_function("document.querySelector('progress').value > 0", timeout=60_000)
        page.locator(".aae-paint").tap(position={"x": 300, "y": 80})  # a dot, in mid-run
        dot = "c => c.getContext('2d').getImageData(0.75 * c.width, 0.2 * c.height, 1, 1).data[0]"
        assert page.locator(".aae-paint").evaluate(dot) < 230
        page.locator("text=codes off the ink").wait_for(timeout=60_000)
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            shots(page, "body", f"painter-{width}")
        page.get_by_role("button", name="stop").press("Enter")
        page.locator(".aae-side :text('stopped:')").wait_for(timeout=60_000)  # words are said, too
