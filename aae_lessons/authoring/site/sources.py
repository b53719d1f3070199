"""Puts the site's source folder together: pages, notebooks, landing page, reference."""

from __future__ import annotations

import base64
import importlib
import inspect
import io
import pkgutil
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

import aae_lessons
from aae_lessons.authoring import guide
from aae_lessons.authoring.site import papers, repository
from aae_lessons.authoring.site.lessons import PICTURE, Lesson, is_explorer, lessons
from aae_lessons.authoring.site.repository import ROOT

DOCS = ROOT / "docs"
PAGES = ("INSTRUCTORS", "CONTRIBUTING", "RESULTS", "CHANGELOG")  # of the repository's root
CARD = (640, 360)  # pixels of a card's picture
SKIPPED = (  # what a reader of the reference doesn't import
    "aae_lessons.authoring",
    "aae_lessons.checks.",
    "aae_lessons.references.",
    *(f"aae_lessons.widgets.{name}" for name in ("bundle", "density", "digits", "packing")),
)
SHOWN = ("aae_lessons.plots.diagrams",)  # not exported by its package, but imported by lessons


def assemble(folder: Path, names: Sequence[str] = ()) -> list[Lesson]:
    """Writes everything Sphinx reads into ``folder``; returns the lessons.

    Args:
        folder: is made.
        names: of lessons, such as ``02_adversarial``; with some, the rest and the package's
            reference are left out.
    """
    shutil.copytree(DOCS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("slides"))
    for name in ("notebooks", "exercises", "solutions"):
        target = folder / name
        target.mkdir()
        for path in sorted((ROOT / name).glob("[0-9][0-9]_*.ipynb")):
            if not names or path.stem in names:
                shutil.copy(path, target)
    for name in PAGES:
        path = ROOT / f"{name}.md"
        if path.is_file():
            (folder / path.name).write_text(page(path.read_text("utf-8")), "utf-8")
    for path in (folder / "teaching").glob("*.md"):
        path.write_text(path.read_text("utf-8").replace("](../../", "](../"), "utf-8")
    some = [lesson for lesson in lessons() if not names or lesson.path.stem in names]
    pictures = folder / "static" / "cards"
    pictures.mkdir()
    cards = [card(lesson) for lesson in some]
    for lesson, picture in zip(some, cards, strict=True):
        picture.save(pictures / f"{lesson.path.stem}.png", optimize=True)
    preview(cards).save(folder / "static" / "preview.png", optimize=True)
    for name in ("where-it-runs", "about"):
        path = folder / f"{name}.md"
        text = path.read_text("utf-8")
        path.write_text(text.replace("<!-- repository -->", repository.sentence()), "utf-8")
    talks = folder / "teaching" / "slides.md"
    text = talks.read_text("utf-8").replace("<!-- slides -->", decks(some))
    table = papers.verdicts().replace("](../../", "](../")
    talks.write_text(text.replace("<!-- claims -->", table), "utf-8")
    index = folder / "index.md"
    index.write_text(landing(index.read_text("utf-8"), some), "utf-8")
    reference(folder / "api", [] if names else modules())
    return some


def page(text: str) -> str:
    """A page of the repository's root as a page of the site: links that only a clone has go."""
    text = text.replace("](docs/", "](")
    text = re.sub(r"\[([^]]+)\]\((?:\.\./)*(?:README|LICENSE)[^)]*\)", r"\1", text)
    there = r"notebooks|exercises|solutions|teaching|glossary|api|http|#|INSTR|CONTR|RESUL|CHANG"
    return re.sub(rf"\[([^]]+)\]\((?!{there})[^)]+\)", r"\1", text)


# --------------------------------------------------------------------------- landing page


def pictures(lesson: Lesson) -> Iterator[Image.Image]:
    """The stored pictures of a lesson, in order."""
    for cell in lesson.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {}).get(PICTURE)
            if data:
                yield Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def card(lesson: Lesson) -> Image.Image:
    """The lesson's picture that gives the most colourful card, on white."""

    def colour(picture: Image.Image) -> float:
        small = on_card(picture, 10, Image.Resampling.BOX).convert("HSV")
        return sum(small.getchannel("S").tobytes())

    chosen = max(pictures(lesson), key=colour, default=Image.new("RGB", CARD, "white"))
    return on_card(chosen).quantize(128)


def on_card(
    picture: Image.Image, shrunk: int = 1, method: Image.Resampling = Image.Resampling.BICUBIC
) -> Image.Image:
    """A picture without its margin, as large as a card can show it.

    Args:
        picture: in RGB.
        shrunk: how much smaller the card is to be than ``CARD``.
        method: of resampling.
    """
    margin = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox()
    size = (CARD[0] // shrunk, CARD[1] // shrunk)
    room = ((CARD[0] - 32) // shrunk, (CARD[1] - 24) // shrunk)
    inner = ImageOps.contain(picture.crop(margin), room, method)
    result = Image.new("RGB", size, "white")
    left, top = ((a - b) // 2 for a, b in zip(size, inner.size, strict=True))
    result.paste(inner, (left, top))
    return result


def preview(cards: list[Image.Image]) -> Image.Image:
    """Four cards in one picture, for whoever shares a link."""
    result = Image.new("RGB", (2 * CARD[0], 2 * CARD[1]), "white")
    for place, picture in enumerate(cards[1:5]):
        left, top = CARD[0] * (place % 2), CARD[1] * (place // 2)
        result.paste(picture.convert("RGB"), (left, top))
    return result.quantize(128)


def landing(text: str, some: list[Lesson]) -> str:
    """The landing page with its cards and its table of contents."""
    cards = "\n".join(map(_card, some))
    text = text.replace("<!-- cards -->", f"::::{{grid}} 1 2 2 3\n:gutter: 3\n\n{cards}\n::::")
    stems = [lesson.path.stem for lesson in some]
    for name in ("notebooks", "exercises", "solutions"):
        present = [s for s in stems if (ROOT / name / f"{s}.ipynb").is_file()]
        text = text.replace(f"<!-- {name} -->", "\n".join(f"{name}/{s}" for s in present))
    text = text.replace("<!-- facts -->", facts(some))
    return text.replace("<!-- pages -->", "\n".join(n for n in PAGES[1:] if _has(n)))


def facts(some: list[Lesson]) -> str:
    """What the course has, counted: lessons, exercises, explorers."""
    exercises = sum(map(len, guide.items().values()))
    outputs = [o for lesson in some for c in lesson.cells for o in c.get("outputs", [])]
    return (
        f"**{len(some)}** lessons · **{exercises}** exercises that explain their verdict · "
        f"**{sum(map(is_explorer, outputs))}** explorers that run in the page · no GPU needed"
    )


def decks(some: list[Lesson]) -> str:
    """Links to the decks of slides, and to their form for printing."""
    names = {lesson.path.stem: lesson.heading for lesson in some}
    if len(some) > 1:
        names["papers"] = "The papers' claims, and what we measured"
    return "\n".join(
        f'- <a href="../slides/{name}.html">{title}</a> '
        f'(<a href="../slides/{name}.html?print-pdf" aria-label="{title}, to print">to print</a>)'
        for name, title in names.items()
    )


def _has(name: str) -> bool:
    return (ROOT / f"{name}.md").is_file()


def _card(lesson: Lesson) -> str:
    stem, minutes = lesson.path.stem, lesson.minutes
    foot = f"{minutes} minutes" if minutes else ""
    first = lesson.outcomes.partition(";")[0].rstrip(".")
    first = f"{first[:1].upper()}{first[1:]}." if first else ""
    return f"""
:::{{grid-item-card}} {lesson.heading}
:link: notebooks/{stem}
:link-type: doc
:img-top: static/cards/{stem}.png
:img-alt: A figure of lesson {lesson.number}

{first}

```{{card-footer}}
{foot}
```
:::"""


# ------------------------------------------------------------------------------ reference


def modules() -> list[str]:
    """The package's modules that a reader imports, parents first.

    A package that exports names (``__all__``) documents them on its own page.
    """
    top = [m.name for m in pkgutil.iter_modules(aae_lessons.__path__, "aae_lessons.")]
    names = []
    for name in top:
        module = importlib.import_module(name) if not name.startswith(SKIPPED) else None
        inside = pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}.")
        exports = hasattr(module, "__all__")
        names += [name, *(m.name for m in inside if not exports or m.name in SHOWN)]
    return [name for name in names if not name.startswith(SKIPPED) and "._" not in name]


def reference(folder: Path, some: Sequence[str]) -> None:
    """A page for each module, and one that lists them."""
    folder.mkdir()
    names = [name for name in some if _documents(name)]
    rows = []
    for name in names:
        options = ":members:\n:show-inheritance:\n:exclude-members: set\n"
        text = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n"
        text += "".join(f"   {line}\n" for line in options.splitlines()) + "```\n"
        (folder / f"{name}.md").write_text(text, "utf-8")
        first = (inspect.getdoc(importlib.import_module(name)) or "").split("\n\n")[0]
        rows.append(f"- [{name}]({name}.md): {' '.join(first.split())}")
    tree = "\n".join(names)
    (folder / "index.md").write_text(
        "# The package, module by module\n\n"
        "Written from the docstrings: what each function takes and returns, with shapes, the "
        "equation it computes and where it comes from.\n\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n{tree}\n```\n",
        "utf-8",
    )


def _documents(name: str) -> bool:
    return bool(inspect.getdoc(importlib.import_module(name))) and not name.endswith("__main__")
