"""The site in a real browser, from its folder: no request, no fault, no sideways scroll.

``AAE_SITE`` names a folder with a site that is already built. Pages and decks are opened once,
looked at by axe-core in both themes (``axe.min.js``, MPL 2.0), and at four widths; with
``AAE_EVERY_PAGE`` in the environment those that a template shares with others are too.
"""

import base64
import functools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from laboratory import watched_page
from test_lessons import move_all

from aae_lessons.authoring.site import printing

ROOT = Path(__file__).parents[2]
AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")
WIDTHS = (360, 390, 768, 1280)
LOCAL = ("file:", "data:", "blob:", "about:")
FOLDERS = ("notebooks", "exercises", "solutions")
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
OTHERS = (
    "index",
    "where-it-runs",
    "glossary",
    "search",
    "genindex",
    "INSTRUCTORS",
    "CONTRIBUTING",
    "api/index",
)
FORMULAS = {  # what must look different from what
    r"\mathbb E": "E",
    r"\mathcal D": "D",
    r"\mathcal N": "N",
    r"\mathcal L": "L",
    r"\hat x": "x",
    r"\tilde z": "z",
    r"\min_{Q, G} x": r"\min Q, G x",
    r"\underbrace{x + y}_{\text{cost}}": "x + y cost",
    r"\lVert x \rVert^2": "x^2",
    r"\sum_{k=1}^{K} y_k": r"\sum y_k",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if "AAE_SITE" in os.environ:
        return Path(os.environ["AAE_SITE"])
    out = tmp_path_factory.mktemp("site") / "out"
    command = [sys.executable, "-m", "aae_lessons.authoring", "site", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the explorer of cell" not in done.stderr, done.stderr
    for lesson in LESSONS:
        assert f"notebooks/{lesson.stem}:" in done.stdout, "a line of progress for each lesson"
    return out


@pytest.fixture(scope="module")
def visitor(browser):
    """A page with the network off, on which a request to another host is a fault."""
    requests = []
    with watched_page(browser, offline=True, has_touch=True, color_scheme="light") as page:
        page.on("request", lambda r: requests.append(r.url))
        yield page
    assert not [url for url in requests if not url.startswith(LOCAL)]


def pages():
    """The names of the pages that are looked at one by one; modules are looked at together."""
    found = [f"{f}/{p.stem}" for f in FOLDERS for p in sorted((ROOT / f).glob("[0-9]*.ipynb"))]
    teaching = [f"teaching/{p.stem}" for p in sorted((ROOT / "docs" / "teaching").glob("*.md"))]
    return [*OTHERS, *found, *teaching]


def faults(page, name):
    """What is wrong with a page: axe's violations in both themes, and widths that scroll."""
    page.evaluate(AXE)
    page.add_style_tag(content="* { transition: none !important; }")  # colours at once
    found = []
    for theme in ("light", "dark"):
        page.evaluate("t => document.documentElement.dataset.theme = t", theme)
        page.wait_for_timeout(400)  # the theme's own transition of colours
        only = {"preload": False}  # style sheets can't be fetched again from a folder
        only |= {} if theme == "light" else {"runOnly": ["color-contrast"]}
        found += page.evaluate(
            """async ([theme, options]) => (await axe.run(options)).violations.map(
                v => [theme, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)])""",
            [theme, only],
        )
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append([width, "scrolls sideways"])
    page.set_viewport_size({"width": 1280, "height": 900})
    return [[name, *fault] for fault in found]


@pytest.mark.parametrize("name", pages())
def test_a_page_has_no_fault(site, visitor, name):
    visitor.goto((site / f"{name}.html").as_uri())
    visitor.wait_for_load_state("load")
    assert not faults(visitor, name)
    assert visitor.title() and visitor.locator("meta[name=description]").count() == 1
    assert visitor.locator("main").count() == 1
    assert visitor.evaluate("[...document.images].every(i => i.hasAttribute('alt'))")


def test_the_page_for_missing_addresses_leads_back(site, visitor):
    visitor.goto((site / "404.html").as_uri())
    assert not faults(visitor, "404")
    visitor.get_by_text("landing page").click()
    assert visitor.url == (site / "index.html").as_uri()


def test_the_pages_of_the_reference_have_no_fault(site, visitor):
    """Three of them: the same template made them all."""
    for name in ("objectives", "models.adversarial", "priors"):
        visitor.goto((site / "api" / f"aae_lessons.{name}.html").as_uri())
        assert not faults(visitor, name)
    names = {path.stem for path in (site / "api").glob("*.html")}
    assert {"aae_lessons.training", "aae_lessons.models.wasserstein"} <= names


@pytest.mark.skipif("AAE_EVERY_PAGE" not in os.environ, reason="takes minutes: on demand")
def test_every_page_has_no_fault(site, visitor):
    templates = {"webpack-macros", "sbt-webpack-macros"}  # of the theme, no pages
    found = []
    for path in sorted(p for p in site.rglob("*.html") if p.stem not in templates):
        visitor.goto(path.as_uri())
        visitor.wait_for_load_state("load")
        found += faults(visitor, path.relative_to(site).as_posix())
    assert not found


# ------------------------------------------------------------------------------------- links


class Links(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get("id"), attrs.get("name") if tag == "a" else None}
        self.links += [attrs[name] for name in ("href", "src") if attrs.get(name)]


@functools.cache
def read(path):
    return Links(re.sub(r"<script.*?</script>", "", path.read_text("utf-8"), flags=re.DOTALL))


def test_every_link_of_the_site_resolves(site):
    broken = []
    templates = {"webpack-macros.html", "sbt-webpack-macros.html"}  # of the theme, no pages
    for path in sorted(p for p in site.rglob("*.html") if p.name not in templates):
        for link in read(path).links:
            if re.match(r"[a-z]+:", link):
                continue
            address, anchor = urldefrag(link.partition("?")[0])
            target = (path.parent / unquote(address)).resolve() if address else path
            is_page = target.is_file() and target.suffix == ".html"
            if not target.is_file() or (
                anchor and is_page and unquote(anchor) not in read(target).ids
            ):
                broken.append((path.name, link))
    assert not broken, broken[:20]


def test_every_link_between_notebooks_resolves():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.ipynb")):
            cells = nbformat.read(path, as_version=4).cells
            text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
                if not re.match(r"[a-z]+:|attachment:", link):
                    assert (path.parent / unquote(link)).exists(), (path.name, link)


# ------------------------------------------------------------------------------- what it does


def test_search_finds_from_a_folder(site, visitor):
    visitor.goto((site / "search.html").as_uri() + "?q=discriminator")
    visitor.wait_for_selector("#search-results li")
    assert visitor.locator("#search-results li").count() >= 5


def test_formulas_are_told_apart(site, visitor, tmp_path):
    """Each of ten formulas leaves other ink than what it used to be confused with."""
    visitor.goto((site / "glossary.html").as_uri())
    seen = visitor.evaluate(
        """async pairs => {
            await document.fonts.ready;
            const draw = async (text, place) => {
                const span = document.createElement('div');
                span.style = 'position:fixed;top:0;left:0;z-index:9999;background:#fff;color:#000;'
                    + 'width:300px;height:90px;padding:8px';
                span.id = place;
                katex.render(text, span, {displayMode: true, throwOnError: true});
                document.body.append(span);
            };
            window.drawFormula = draw;
            return Object.keys(pairs).length;
        }""",
        FORMULAS,
    )
    assert seen == 10
    for number, pair in enumerate(FORMULAS.items()):
        inks = []
        for text in pair:
            visitor.evaluate("text => drawFormula(text, 'aae-formula')", text)
            visitor.evaluate("document.fonts.ready")
            place = visitor.locator("#aae-formula")
            inks.append(place.screenshot(path=tmp_path / f"{number}-{len(inks)}.png"))
            place.evaluate("e => e.remove()")
        assert inks[0] != inks[1], pair


def test_the_formulas_of_every_lesson_are_drawn(site, visitor):
    for lesson in LESSONS:
        visitor.goto((site / "notebooks" / f"{lesson.stem}.html").as_uri())
        assert visitor.locator(".katex-error").count() == 0
        left = visitor.locator("span.math, div.math").evaluate_all(
            "all => all.filter(e => !e.querySelector('.katex')).map(e => e.textContent)"
        )
        assert not left, (lesson.stem, left)
        visitor.set_viewport_size({"width": 390, "height": 800})
        starts = visitor.locator(".bd-article > section .katex-display").evaluate_all(
            "all => all.filter(e => e.offsetParent).map(e => e.getBoundingClientRect().left)"
        )
        assert all(start >= 0 for start in starts), (lesson.stem, "cut off at its left", starts)
        visitor.set_viewport_size({"width": 1280, "height": 900})


def test_a_glossary_term_explains_itself(site, visitor):
    visitor.goto((site / "notebooks" / "02_adversarial.html").as_uri())
    term = visitor.locator("a.aae-term").first
    term.focus()
    box = visitor.locator("#aae-definition")
    assert len(box.inner_text()) > 20
    visitor.keyboard.press("Escape")
    assert box.count() == 0


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_explorers_of_a_lesson_move_without_a_kernel(site, browser, lesson, shots):
    """Every explorer that the stored notebook shows is alive, at 1280 and at 360 pixels."""
    cells = nbformat.read(lesson, as_version=4).cells
    stored = sum("(an explorer" in str(c.get("outputs", "")) for c in cells)
    for width in (1280, 360):
        with watched_page(browser, offline=True, has_touch=True) as page:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto((site / "notebooks" / f"{lesson.stem}.html").as_uri())
            if stored:
                page.wait_for_selector("section.aae canvas, .aae-menus img", state="attached")
            page.wait_for_timeout(300)
            move_all(page)
            assert page.locator("section.aae, .aae-menus").count() == stored
            shots(page, "section.aae, .aae-menus", f"{lesson.stem}-{width}")


def test_a_tap_moves_an_explorer(site, browser):
    with watched_page(browser, offline=True, has_touch=True, is_mobile=True) as page:
        page.set_viewport_size({"width": 390, "height": 800})
        page.goto((site / "notebooks" / "01_autoencoder.html").as_uri())
        plane = page.locator("section.aae-latent .aae-cross").first
        plane.scroll_into_view_if_needed()
        before = page.locator("section.aae-latent .aae-main").first.evaluate("c => c.toDataURL()")
        box = plane.bounding_box()
        page.touchscreen.tap(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
        page.wait_for_function(
            "b => document.querySelector('section.aae-latent .aae-main').toDataURL() !== b",
            arg=before,
        )


def test_a_downloaded_notebook_is_the_stored_one(site):
    for folder in ("notebooks", "exercises"):
        for path in (ROOT / folder).glob("[0-9]*.ipynb"):
            assert (site / "_sources" / folder / path.name).read_bytes() == path.read_bytes()


# ------------------------------------------------------------------------------------ slides


@pytest.mark.parametrize("name", [*(path.stem for path in LESSONS), "papers"])
def test_a_deck_fits_its_slides(site, visitor, name, shots):
    """At 1280 × 720: 12 to 20 slides (papers: 24), nothing runs over, each has a note."""
    visitor.set_viewport_size({"width": 1280, "height": 720})
    visitor.goto((site / "slides" / f"{name}.html").as_uri())
    visitor.wait_for_function("window.Reveal && Reveal.isReady()")
    number = visitor.evaluate("Reveal.getTotalSlides()")
    assert 12 <= number <= (24 if name == "papers" else 20)
    for i in range(number):
        visitor.evaluate("i => Reveal.slide(i)", i)
        size = visitor.evaluate(
            "[Reveal.getCurrentSlide()].map(s => [s.scrollWidth, s.scrollHeight])[0]"
        )
        assert size[0] <= 1280 and size[1] <= 720, (name, i, size)
        bottoms = visitor.evaluate(
            "[...Reveal.getCurrentSlide().children].map(e => e.getBoundingClientRect().bottom)"
        )
        assert max(bottoms) <= 720, (name, i, bottoms)
        shots(visitor, ".reveal", f"slides-{name}-{i}")
    assert visitor.locator("section > aside.notes").count() >= number - 1
    assert visitor.locator(".katex-error").count() == 0
    assert not faults(visitor, name)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_explorers_are_alive_on_slides(site, visitor, lesson):
    """As many as in the lesson, and a key that moves one doesn't turn the slide."""
    cells = nbformat.read(lesson, as_version=4).cells
    stored = sum("(an explorer" in str(c.get("outputs", "")) for c in cells)
    visitor.set_viewport_size({"width": 1280, "height": 720})
    visitor.goto((site / "slides" / f"{lesson.stem}.html").as_uri())
    visitor.wait_for_function("window.Reveal && Reveal.isReady()")
    visitor.wait_for_timeout(500)
    live = visitor.locator(".live .aae canvas, .live .aae img, .live .aae table")
    assert visitor.locator(".live .aae").count() == stored
    if not stored:
        return
    assert live.count() >= stored
    place = visitor.evaluate(
        "Reveal.getSlides().findIndex(s => s.querySelector('.live [tabindex], .live input'))"
    )
    visitor.evaluate("i => Reveal.slide(i)", place)
    control = "[tabindex='0']:visible, input:not([disabled]):visible"
    visitor.locator("section.present .live").locator(control).first.focus()
    visitor.keyboard.press("ArrowRight")
    assert visitor.evaluate("Reveal.getState().indexh") == place


def test_a_deck_prints_a_slide_on_a_page(site, browser, tmp_path):
    """As ``--pdf`` does it, by a browser without a window."""
    deck = site / "slides" / "papers.html"
    with watched_page(browser, offline=True) as page:
        page.goto(deck.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        slides = page.evaluate("Reveal.getTotalSlides()")
    (file,) = printing.pdfs(site / "slides", ["papers"], tmp_path)
    content = file.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == slides
    assert set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", content)) == {b"0 0 960 540"}  # 16 : 9
    assert len(content) > 100_000, "with its pictures"


def test_the_figures_of_the_decks_are_the_lessons_own(site):
    """Every picture on a slide is stored in a lesson now."""
    stored = {
        base64.b64decode(output.data["image/png"])
        for path in LESSONS
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
    for path in (site / "slides").glob("*.html"):
        text = path.read_text("utf-8")
        shown = [path.parent / name for name in re.findall(r'src="([^"]+\.png)"', text)]
        assert shown and "data:image/png" not in text, path.name
        assert {picture.read_bytes() for picture in shown} <= stored, path.name


def test_its_size(site):
    assert sum(p.stat().st_size for p in site.rglob("*") if p.is_file()) < 30e6


def test_the_landing_page_can_train_after_400_kilobytes(site, browser):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import trainer

    size = trainer.landing(browser, site, site)["page_bytes"]
    assert 300e3 < size < 400e3, "its digits alone take 250 kB"


def test_the_theme_of_the_landing_page_arrives_after_its_painter(site, visitor):
    visitor.goto((site / "index.html").as_uri())
    visitor.wait_for_function("window.bootstrap && document.querySelector('.katex-display')")
    visitor.wait_for_function("[...document.images].every(({ src, complete }) => src && complete)")
    visitor.get_by_role("button", name="Color mode").first.click()
