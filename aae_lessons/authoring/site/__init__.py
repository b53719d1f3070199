"""The course as a site: ``python -m aae_lessons.authoring site OUT``.

Sphinx builds it from the stored notebooks, the pages in ``docs/`` and the package's docstrings.
Explorers work in it without a kernel, and no page asks another host for anything.

    python -m aae_lessons.authoring site OUT              # from the stored outputs
    python -m aae_lessons.authoring site OUT 02_adversarial  # one lesson, without the reference
    python -m aae_lessons.authoring site OUT --execute    # execute the lessons first
    python -m aae_lessons.authoring site OUT --pdf        # slides as PDF too, by Chromium
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from aae_lessons.arguments import check

MARKER = ".aae-lessons-site"  # a file by which a site of ours is recognised


def build(out: Path, names: Sequence[str] = (), explorers: bool = True) -> None:
    """Writes the site into ``out``.

    Args:
        out: a folder; a site that is in it is replaced.
        names: of lessons, such as ``02_adversarial``; all, and the reference, without.
        explorers: whether explorers are made alive; without, their stills stay.

    Raises:
        ValueError: an ``out`` that holds anything but a site, or the name of no lesson.
        RuntimeError: Sphinx fails.
    """
    from sphinx.application import Sphinx

    from aae_lessons.authoring.site import decks, extension, landing, slim, sources

    known = [lesson.path.stem for lesson in sources.lessons()]
    check(set(names) <= set(known), "names", names, f"some of {', '.join(known)}")
    replaceable = not out.exists() or (out.is_dir() and _is_replaceable(out))
    check(replaceable, "out", str(out), "a new or empty folder, or one with a site, to replace")
    os.environ.setdefault("AAE_PROGRESS", os.devnull)
    with _one_thread(), tempfile.TemporaryDirectory() as folder:
        source, site = Path(folder) / "source", Path(folder) / "site"
        lessons = sources.assemble(source, names)
        app = Sphinx(
            source,
            source,
            site,
            Path(folder) / "doctrees",
            "html",
            confoverrides={"aae_explorers": explorers},
            status=None,
            warning=sys.stderr,
            parallel=cores(),
        )
        app.build(force_all=True)
        if app.statuscode:
            raise RuntimeError(f"Sphinx failed with {app.statuscode}")
        slim.slim(site)
        landing.lighten(site)
        decks.write(site, lessons, extension.pages_of(app.env))
        with contextlib.suppress(FileNotFoundError):
            (site / ".buildinfo").unlink()
        shutil.rmtree(site / "_static" / "locales", ignore_errors=True)  # the pages are in English
        for path in (site / "_static").rglob("*.map"):  # only for debugging the theme's scripts
            path.unlink()
        (site / MARKER).touch()
        shutil.rmtree(out, ignore_errors=True)  # only now, so that a failure leaves the old site
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(site, out)


@contextlib.contextmanager
def _one_thread() -> Generator[None]:
    """torch without threads: Sphinx forks, and a fork waits for its parent's for ever."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_replaceable(out: Path) -> bool:
    """Whether a folder is empty, or holds a site that :func:`build` wrote."""
    return not any(out.iterdir()) or (out / MARKER).is_file()


def cores(most: int = 4) -> int:
    """Processes to build with: the cores that this process may use, at most ``most``."""
    allowed = getattr(os, "sched_getaffinity", None)
    return min(most, len(allowed(0)) if allowed else os.cpu_count() or 1)


def main() -> None:
    """Runs the command line of ``authoring site``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder to write to; it is replaced")
    parser.add_argument("names", nargs="*", help="lessons, such as 02_adversarial; all without")
    parser.add_argument("--execute", action="store_true", help="execute the lessons first")
    parser.add_argument("--pdf", action="store_true", help="print the slides too")
    args = parser.parse_args()
    started = time.perf_counter()
    if args.execute:
        from aae_lessons.authoring import execute

        for path in sorted(execute.FOLDER.glob("[0-9][0-9]_*.ipynb")):
            if not args.names or path.stem in args.names:
                print(f"{path.stem}: {execute.execute(path):.0f} s", flush=True)
    try:
        build(args.out, args.names)
    except ValueError as error:
        parser.error(str(error))
    if args.pdf:
        from aae_lessons.authoring.site import printing

        for path in printing.pdfs(args.out / "slides"):
            print(path, flush=True)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    seconds = time.perf_counter() - started
    print(f"{args.out / 'index.html'}: {seconds:.0f} s, {size / 1e6:.0f} MB")
