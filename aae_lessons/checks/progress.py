"""Which exercises are done: one small local file, which may be deleted at any time.

It is ``~/.cache/aae_lessons/progress.json``, or what ``AAE_PROGRESS`` names. Where that is not a
file (``AAE_PROGRESS=/dev/null``), nothing is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from aae_lessons.files import write_atomically


def path() -> Path:
    """Where the file is. Raises RuntimeError where the user has no home folder."""
    return Path(
        os.environ.get("AAE_PROGRESS") or Path.home() / ".cache" / "aae_lessons" / "progress.json"
    )


def done() -> set[str]:
    """Names of the exercises that were right once; none where the file is missing or damaged."""
    try:
        result = json.loads(path().read_text("utf-8"))
        return set(map(str, result["done"]))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return set()


def note(name: str) -> None:
    """Adds one exercise. Where the file can't be written, nothing is noted and nothing fails."""
    names = done() | {name}
    text = json.dumps({"done": sorted(names)})
    with contextlib.suppress(OSError, RuntimeError):
        if path().is_file() or not path().exists():  # never in place of a device or a folder
            write_atomically(path(), lambda stream: stream.write(text.encode()))
