"""Writing files so that a killed process leaves the old one or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

_writing: set[str] = set()  # names of this process's unfinished files


def save_atomically(value: Any, path: str | Path) -> None:
    """``torch.save``, but the file is either the old one or the whole new one, never a part."""
    write_atomically(path, lambda stream: torch.save(value, stream))


def write_atomically(path: str | Path, write: Callable[[Any], None]) -> None:
    """Calls ``write`` with a binary stream whose content then replaces ``path`` in one move."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.")
    _writing.add(Path(name).name)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # mkstemp makes files for their owner alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        _writing.discard(Path(name).name)


def _sweep(path: Path) -> None:
    """Removes what writers of ``path`` left that were killed; their number is in the name."""
    start = f".{path.name}."
    for left in path.parent.iterdir():
        number = left.name.removeprefix(start).partition(".")[0]
        if left.name.startswith(start) and number.isdigit() and not _is_written(left, int(number)):
            left.unlink(missing_ok=True)


def _is_written(left: Path, process: int) -> bool:
    """Whether a process of this number runs; True where that can't be found out (Windows)."""
    if process == os.getpid():  # a restarted container has the old numbers again
        return left.name in _writing
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
