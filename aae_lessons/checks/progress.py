"""Which exercises are done: one small local file, which may be deleted at any time.

It is ``~/.cache/aae_lessons/progress.json``, or what ``AAE_PROGRESS`` names.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from aae_lessons.files import write_atomically


def path() -> Path:
    """Where the file is."""
    return Path(
        os.environ.get("AAE_PROGRESS") or Path.home() / ".cache" / "aae_lessons" / "progress.json"
    )


def done() -> set[str]:
    """Names of the exercises that were right once; none where the file is missing or damaged."""
    try:
        found = json.loads(path().read_text("utf-8"))
        return set(map(str, found["done"]))
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def note(name: str) -> None:
    """Adds one exercise. Where the file can't be written, nothing is noted and nothing fails."""
    names = done() | {name}
    text = json.dumps({"done": sorted(names)})
    with contextlib.suppress(OSError):
        write_atomically(path(), lambda stream: stream.write(text.encode()))
