"""Decks of slides as PDF: Chromium prints what reveal.js lays out for paper, a slide on a page."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120  # seconds for one deck


def browser() -> str:
    """The browser that prints: ``AAE_CHROMIUM``, or one on the path. Raises FileNotFoundError."""
    candidates = (os.environ.get("AAE_CHROMIUM"), *map(shutil.which, BROWSERS))
    path = next(filter(None, candidates), None)
    if path is None:
        raise FileNotFoundError(
            f"to print slides, install one of {', '.join(BROWSERS)}, or set AAE_CHROMIUM"
        )
    return path


def pdfs(folder: Path, names: Sequence[str] = (), out: Path | None = None) -> list[Path]:
    """Prints decks to PDF; returns the files.

    Args:
        folder: of the decks.
        names: of decks, such as ``papers``; all without.
        out: folder to write to; that of the decks without.
    """
    program = browser()
    decks = [deck for deck in sorted(folder.glob("*.html")) if not names or deck.stem in names]
    return [_print(program, deck, (out or folder) / f"{deck.stem}.pdf") for deck in decks]


def _print(program: str, deck: Path, out: Path) -> Path:
    with tempfile.TemporaryDirectory() as profile:
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=20000",  # milliseconds of the page's clock, for its pictures
            f"--print-to-pdf={out.resolve()}",
            f"{deck.resolve().as_uri()}?print-pdf",
        ]
        root = hasattr(os, "getuid") and os.getuid() == 0
        command[1:1] = ["--no-sandbox"] * root  # Chromium has no sandbox for that account
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode or not out.is_file():
        raise RuntimeError(f"{program} could not print {deck.name}: {done.stderr[-500:]}")
    return out
