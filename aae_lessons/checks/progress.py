"""Which exercises are done: one small local file, which may be deleted at any time.

It is ``~/.cache/aae_lessons/progress.json``, or what ``AAE_PROGRESS`` names. Where that is not a
file (``AAE_PROGRESS=/dev/null``), nothing is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from aae_lessons.files import write_atomically

PATIENCE = 5.0  # seconds to wait for another notebook that is writing the file


def path() -> Path:
    """Where the file is. Raises RuntimeError where the user has no home folder."""
    return Path(
        os.environ.get("AAE_PROGRESS") or Path.home() / ".cache" / "aae_lessons" / "progress.json"
    )


def done() -> set[str]:
    """Names of the exercises that were right once; what can be read of a damaged file."""
    try:
        text = path().read_bytes().decode("utf-8-sig", "replace")
    except (OSError, RuntimeError):
        return set()
    return _sound(text) or set(re.findall(r'"(\d+\.\d+)"', text))


def _sound(text: str) -> set[str] | None:
    """The names in a file that is as it should be."""
    try:
        return set(map(str, json.loads(text)["done"]))
    except (ValueError, KeyError, TypeError):
        return None


def note(name: str) -> None:
    """Adds one exercise to what others have written meanwhile.

    A damaged file is kept as ``progress.json.damaged``. Where the file can't be written, nothing
    is noted and nothing fails.
    """
    with contextlib.suppress(OSError, RuntimeError, Timeout):
        file = path()
        if file.exists() and not file.is_file():  # never in place of a device or a folder
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=PATIENCE):
            if file.is_file() and _sound(file.read_bytes().decode("utf-8-sig", "replace")) is None:
                shutil.copyfile(file, f"{file}.damaged")
            text = json.dumps({"done": sorted(done() | {name})})
            write_atomically(file, lambda stream: stream.write(text.encode()))
