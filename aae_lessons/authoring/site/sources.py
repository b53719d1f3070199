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

from PIL import Image

import aae_lessons
from aae_lessons.authoring.site.lessons import PICTURE, Lesson, lessons
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
    for lesson in some:
        card(lesson).save(pictures / f"{lesson.path.stem}.png", optimize=True)
    preview(some).save(folder / "static" / "preview.png", optimize=True)
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
    """The lesson's most colourful picture on white, for its card."""
    some = list(pictures(lesson)) or [Image.new("RGB", CARD, "white")]

    def colour(picture: Image.Image) -> float:
        small = picture.resize((64, 64)).convert("HSV")
        return sum(small.getchannel("S").tobytes())

    best = max(some, key=colour)
    best.thumbnail(CARD)
    result = Image.new("RGB", CARD, "white")
    left, top = ((a - b) // 2 for a, b in zip(CARD, best.size, strict=True))
    result.paste(best, (left, top))
    return result.quantize(128)


def preview(some: list[Lesson]) -> Image.Image:
    """Four cards in one picture, for whoever shares a link."""
    result = Image.new("RGB", (2 * CARD[0], 2 * CARD[1]), "white")
    for place, lesson in enumerate(some[1:5]):
        left, top = CARD[0] * (place % 2), CARD[1] * (place // 2)
        result.paste(card(lesson).convert("RGB"), (left, top))
    return result.quantize(128)


def landing(text: str, some: list[Lesson]) -> str:
    """The landing page with its cards and its table of contents."""
    cards = "\n".join(map(_card, some))
    text = text.replace("<!-- cards -->", f"::::{{grid}} 1 1 2 2\n:gutter: 3\n\n{cards}\n::::")
    stems = [lesson.path.stem for lesson in some]
    for name in ("notebooks", "exercises", "solutions"):
        present = [s for s in stems if (ROOT / name / f"{s}.ipynb").is_file()]
        text = text.replace(f"<!-- {name} -->", "\n".join(f"{name}/{s}" for s in present))
    decks = [*stems, "papers"] if len(stems) > 1 else stems
    links = [f'<a href="slides/{s}.html">{s[:2] if s[0] == "0" else s}</a>' for s in decks]
    text = text.replace("<!-- slides -->", ", ".join(links))
    return text.replace("<!-- pages -->", "\n".join(n for n in PAGES[1:] if _has(n)))


def _has(name: str) -> bool:
    return (ROOT / f"{name}.md").is_file()


def _card(lesson: Lesson) -> str:
    stem, minutes = lesson.path.stem, lesson.minutes
    foot = f"{minutes} minutes" if minutes else ""
    return f"""
:::{{grid-item-card}} {lesson.heading}
:link: notebooks/{stem}
:link-type: doc
:img-top: static/cards/{stem}.png
:img-alt: A figure of lesson {lesson.number}

You can then {lesson.outcomes}

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
