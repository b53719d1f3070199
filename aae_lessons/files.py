"""Writing files so that a killed process leaves the old one or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def save_atomically(value: Any, path: str | Path) -> None:
    """``torch.save``, but the file is either the old one or the whole new one, never a part."""
    write_atomically(path, lambda stream: torch.save(value, stream))


def write_atomically(path: str | Path, write: Callable[[Any], None]) -> None:
    """Calls ``write`` with a binary stream whose content then replaces ``path`` in one move."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
