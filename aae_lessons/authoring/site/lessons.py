"""What a lesson says of itself: title, outcomes, minutes, sections, figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from aae_lessons.authoring.site.repository import ROOT

TIME = re.compile(r"\*\*Time:\*\*\s+(?:about\s+)?(\d+)\s+minutes")
OUTCOMES = re.compile(r"\*\*After this lesson you can\*\*\s*(.+?)(?:\n\s*\n|\Z)", re.DOTALL)
HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
PICTURE = "image/png"
WIDGET_WORDS = "(an explorer"  # how `execute` begins the text that stands for a widget


@dataclass(frozen=True)
class Lesson:
    """One lesson's notebook, read once.

    Args:
        path: of the notebook.
        cells: its cells.
    """

    path: Path
    cells: list[NotebookNode]

    @property
    def number(self) -> int:
        """Two digits, such as "02"."""
        return int(self.path.name[:2])

    @property
    def heading(self) -> str:
        """``Lesson 2 · The adversarial autoencoder``."""
        return self.cells[0].source.splitlines()[0].removeprefix("# ").strip()

    @property
    def title(self) -> str:
        """``The adversarial autoencoder``."""
        return self.heading.partition("·")[2].strip() or self.heading

    @property
    def outcomes(self) -> str:
        """What one can do after it, in Markdown; "" where it does not say."""
        match = OUTCOMES.search(self.cells[0].source)
        return " ".join(match[1].split()) if match else ""

    @property
    def minutes(self) -> int | None:
        """Reading and trying, as the lesson says; None where it does not say."""
        match = TIME.search(self.cells[0].source)
        return int(match[1]) if match else None


def lessons() -> list[Lesson]:
    """All lessons, in order."""
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return [Lesson(path, nbformat.read(path, as_version=4).cells) for path in paths]


def plain(markdown: str) -> str:
    """Markdown as one line of text, for descriptions and titles."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"<[^>]+>|[*`>#$]|^\s*[-|].*$", "", text, flags=re.MULTILINE)
    return " ".join(text.split())


def description(cells: list[NotebookNode]) -> str:
    """The first paragraph after the title, as text of at most 200 characters."""
    paragraphs = [part for part in cells[0].source.split("\n\n")[1:] if part.strip()]
    text = plain(paragraphs[0]) if paragraphs else plain(cells[0].source)
    return text if len(text) <= 200 else text[:199].rsplit(" ", 1)[0] + " …"


def is_explorer(output: NotebookNode) -> bool:
    """Whether a stored output stands for a widget."""
    return output.get("data", {}).get("text/plain", "").startswith(WIDGET_WORDS)


def alternative(output: NotebookNode, section: str) -> str:
    """The words for a picture: what the figure says of itself, else where it stands."""
    text = output.data.get("text/plain", "")
    if text and not text.startswith(("<", "(")):
        return text
    kind = "Still of an explorer" if is_explorer(output) else "Figure"
    return f"{kind} in section “{section}”" if section else kind
