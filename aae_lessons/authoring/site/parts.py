"""Parts of explorers as files of their own, so that pages with the same weights share them.

A script, a style sheet, a buffer or a picture is stored once, under a name that its content
decides. What a page needs as text is a script that puts it into ``window.aaeParts``, since a page
that is opened from a folder can't fetch anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path("_static", "explorers")
SHORT = 4000  # characters that stay in the page


def shared(contents: dict[str, Any], out: Path) -> list[str]:
    """Stores the long texts of :func:`static.contents` in ``out``; returns their keys.

    Args:
        contents: changed in place: a stored text becomes ``{"part": KEY}``.
        out: the site's folder.
    """
    keys = []
    for name in ("scripts", "styles"):
        contents[name] = [_stored(text, out, keys) for text in contents[name]]
    for model in contents["models"].values():
        for buffer in model["buffers"]:
            buffer["data"] = _stored(buffer["data"], out, keys)
    return list(dict.fromkeys(keys))


def _stored(text: str, out: Path, keys: list[str]) -> str | dict[str, str]:
    if len(text) <= SHORT:
        return text
    key = digest(text.encode())
    keys.append(key)
    line = f"(window.aaeParts ??= {{}})[{json.dumps(key)}] = {json.dumps(text)};\n"
    _write(out / FOLDER / f"{key}.js", line.encode())
    return {"part": key}


def picture(png: str, out: Path) -> str:
    """Stores a picture in base64; returns its file's name."""
    content = base64.b64decode(png)
    name = f"{digest(content)}.png"
    _write(out / FOLDER / name, content)
    return name


def tags(keys: list[str], up: str) -> str:
    """The elements that load parts, on a page ``up`` (such as ``../``) from the site's folder."""
    return "".join(f'<script src="{up}{(FOLDER / key).as_posix()}.js"></script>\n' for key in keys)


def digest(content: bytes) -> str:
    """A short name for a content."""
    return hashlib.sha256(content).hexdigest()[:16]


def _write(path: Path, content: bytes) -> None:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
