"""Files that are written by a command and kept in the repository: they are written, or checked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from aae_lessons.files import write_atomically


def main(description: str, texts: Callable[[], Iterable[tuple[Path, str]]]) -> None:
    """The command line of such a command; with ``--check`` it ends with 1 where one is stale.

    Args:
        description: what the command writes.
        texts: each file, and what should be in it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where stale")
    args = parser.parse_args()
    stale = []
    for path, text in texts():
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.name)
            if not args.check:
                write_atomically(path, lambda stream, t=text: stream.write(t.encode()))
    print("stale:" if args.check else "written:", ", ".join(stale) or "none")
    if args.check and stale:
        sys.exit(1)
