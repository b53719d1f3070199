"""AdversarialGameExplorer without a kernel and a network, in JupyterLab, by keyboard, by touch."""

import pytest
from laboratory import watched_page

from aae_lessons.widgets import static
from aae_lessons.widgets.game import AdversarialGameExplorer

SOURCE = "from aae_lessons.widgets.game import AdversarialGameExplorer\nAdversarialGameExplorer()"


def write(folder, *builds):
    path = folder / "game.html"
    path.write_text(static.page(AdversarialGameExplorer(builds), title="A game"), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return write(tmp_path_factory.mktemp("game"))


def updates(page):
    return int(page.locator(".aae-game").get_attribute("data-updates"))


def wait_for_updates(page, more_than):
    page.wait_for_function(
        "n => +document.querySelector('.aae-game').dataset.updates > n", arg=more_than
    )


def press(page, name):
    page.get_by_role("button", name=name, exact=True).press("Enter")


def shown(page):
    return page.locator(".aae-game .aae-plane canvas").first.evaluate("c => c.toDataURL()")


def opened(page, address):
    page.goto(address)
    page.wait_for_selector("[data-updates]", timeout=60_000)


def test_a_page_from_a_folder_trains_in_a_worker(browser, address):
    """Not on the page's own thread, which then would paint late."""
    with watched_page(browser, offline=True) as page:
        opened(page, address)
        assert len(page.workers) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phases_light_up_one_by_one_by_keyboard(browser, address, scheme, shots):
    with watched_page(browser, color_scheme=scheme, offline=True) as page:
        opened(page, address)
        for phase, lit in (("Reconstruction", 2), ("Discriminator", 1), ("Generator", 1)):
            before = shown(page)
            press(page, "one phase")
            # exact: the words also say which phase comes next
            page.locator(".aae-phase").get_by_text(f"{phase} phase.", exact=True).wait_for()
            assert page.locator(".aae-lit").count() == lit
            if phase != "Reconstruction":
                assert shown(page) != before
        assert updates(page) == 1
        press(page, "one update")
        wait_for_updates(page, 1)
        press(page, "play")
        wait_for_updates(page, 60)
        press(page, "pause")
        shots(page, ".aae-game", f"game-{scheme}")
        press(page, "reset")
        page.wait_for_selector("[data-updates='0']")


def test_touch_on_a_narrow_page(browser, address, shots):
    phone = {"has_touch": True, "offline": True}
    with watched_page(browser, **phone) as page:
        page.set_viewport_size({"width": 360, "height": 740})
        opened(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("button", name="one phase").tap()
        page.wait_for_selector(".aae-lit")
        page.locator(".aae-game .aae-cross").tap(position={"x": 200, "y": 100})
        assert 'for "a prior sample"' in page.locator(".aae-game").inner_text()
        shots(page, "body", "game-360")


def test_plain_javascript_and_mistakes(browser, tmp_path):
    with watched_page(browser, offline=True) as page:
        opened(page, write(tmp_path, "javascript"))
        assert page.locator(".aae-game").get_attribute("data-build") == "javascript"
        page.get_by_label("speed").select_option("1")
        page.get_by_label("no generator phase").check()
        press(page, "one phase")
        press(page, "one phase")
        page.locator(".aae-phase:has-text('Next: reconstruction')").wait_for()
        page.get_by_label("phases joined into one sum").check()
        press(page, "one phase")
        page.locator(".aae-phase:has-text('All at once')").wait_for()
        assert page.locator(".aae-lit").count() == 3
        page.get_by_label("algorithm").select_option("joint")
        page.get_by_label("data").select_option("digits")
        page.get_by_label("prior", exact=True).select_option("drawn")
        press(page, "play")
        wait_for_updates(page, 1)


def test_in_jupyterlab(lab, page):
    lab.run(page, lab.write("game", SOURCE))
    page.wait_for_selector("[data-updates]", timeout=60_000)
    press(page, "one update")
    wait_for_updates(page, 0)
    lab.shoot(page, ".aae-game", "game")
