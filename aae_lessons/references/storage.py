"""Records and weights as files: readable, and sealed by hashes that notice every change."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from aae_lessons.arguments import check
from aae_lessons.files import write_atomically

SEAL = "sha256"
KEYS = ("name", "model", "training", "seed", "machine", "history", "metrics")


def readable(record: dict[str, Any]) -> str:
    """A record as JSON, indented, but with each list of numbers on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    return re.sub(r"\[[^\[\]{}]*\]", lambda result: " ".join(result[0].split()), text)


def sealed(record: dict[str, Any], weights: bytes = b"") -> dict[str, Any]:
    """The record with hashes of its own text and of its weights file (empty: none is kept)."""
    content = {key: value for key, value in record.items() if key != SEAL}
    hashes = {"record": _digest(readable(content).encode())}
    if weights:
        hashes["weights"] = _digest(weights)
    return {**content, SEAL: hashes}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Writes a sealed record."""
    text = readable(record)
    write_atomically(path, lambda stream: stream.write(text.encode()))


def read_record(path: Path) -> dict[str, Any]:
    """A record, as it was written.

    Raises ValueError where the file is damaged, incomplete, or was edited without a new seal.
    """
    name = path.name.split(".seed-")[0].removesuffix(".json")
    fix = f"python -m aae_lessons.references make {name}"
    try:
        content = path.read_bytes()
        record = json.loads(content)
        missing = [key for key in KEYS if key not in record] + [""] * (not record["metrics"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"name: {path} is damaged ({error!r}); run {fix}") from error
    check(not missing, "name", name, f"a record with all of {', '.join(KEYS)}; {path} is damaged")
    seal = f"python -m aae_lessons.references seal {name}"
    check(SEAL in record, "name", name, f"a record with its hash; after checking it, run {seal}")
    hashes = record[SEAL] if isinstance(record[SEAL], dict) else {}
    whole = _is_sealed(content, hashes)
    says = f"the record that was written: {path} is damaged or was edited; run {fix}, or {seal}"
    check(whole, "name", name, says)
    return record


def _is_sealed(content: bytes, hashes: dict[str, Any]) -> bool:
    """Whether a record's text without its seal, which ends it, is the one that was hashed.

    The text is compared, not the values: writing them out again takes ten times as long.
    """
    seal = readable({SEAL: hashes}).encode().removeprefix(b"{")
    body = content.removesuffix(b"," + seal) + b"\n}\n"
    return content.endswith(b"," + seal) and _digest(body) == hashes.get("record")


def read_weights(path: Path, record: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a weights file, after its hash was compared with the record's.

    Raises ValueError where it is damaged or belongs to another run, or holds nan or infinities.
    """
    name = record["name"]
    fix = f"python -m aae_lessons.references make {name}"
    content = path.read_bytes()
    same = _digest(content) == record[SEAL].get("weights")
    check(same, "name", name, f"weights that fit the record; {path} is not that file: {fix}")
    try:
        tensors = load(content)
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"name: {path} is damaged ({error}); run {fix}") from error
    broken = [key for key, value in tensors.items() if not bool(value.isfinite().all())]
    check(not broken, "name", name, f"finite weights; {path} has others in {', '.join(broken)}")
    return tensors


def seal(folder: Path, name: str) -> list[Path]:
    """Seals a run's records again, after they were edited on purpose; returns those it wrote."""
    files = [folder / f"{name}.json", *sorted(folder.glob(f"{name}.seed-*.json"))]
    weights = folder / f"{name}.safetensors"
    written = []
    for path in files:
        record = json.loads(path.read_text("utf-8"))
        kept = path == files[0] and weights.is_file()
        new = sealed(record, weights.read_bytes() if kept else b"")
        if readable(new) != path.read_text("utf-8"):
            write_record(path, new)
            written.append(path)
    return written


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
