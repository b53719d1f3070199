"""Parts of explorers as files of their own, so that pages with the same weights share them.

A script, a style sheet, a buffer or a picture is stored once, under a name that its content
decides. What a page needs is a script that puts it into ``window.aaeParts``, since a page that is
opened from a folder can't fetch anything. Its bytes stand there 7 bits a character: an eighth less
than base64. Texts are deflated first.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path("_static", "explorers")
SHORT = 4000  # characters that stay in the page


def shared(contents: dict[str, Any], out: Path) -> list[str]:
    """Stores the long texts of :func:`static.contents` in ``out``; returns their keys.

    Args:
        contents: changed in place: a stored text becomes ``{"part": KEY, "deflated": True}``, a
            stored buffer ``{"part": KEY}``.
        out: the site's folder.
    """
    keys: list[str] = []
    for name in ("scripts", "styles"):
        for place, text in enumerate(contents[name]):
            if len(text) > SHORT:
                key = _stored(zlib.compress(text.encode(), 9), out, keys)
                contents[name][place] = {"part": key, "deflated": True}
    for model in contents["models"].values():
        for buffer in model["buffers"]:
            if len(buffer["data"]) > SHORT:
                buffer["data"] = {"part": _stored(base64.b64decode(buffer["data"]), out, keys)}
    return list(dict.fromkeys(keys))


def _stored(content: bytes, out: Path, keys: list[str]) -> str:
    key = digest(content)
    keys.append(key)
    line = f'(window.aaeParts ??= {{}})["{key}"] = "{sevens(content)}";\n'
    _write(out / FOLDER / f"{key}.js", line.encode("ascii"))
    return key


def sevens(content: bytes) -> str:
    """Bytes as the inside of a JavaScript string of ASCII, 7 bits a character, high bits first."""
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    rows = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    text = bytes(rows @ (1 << np.arange(6, -1, -1, dtype=np.uint8))).decode("ascii")
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(character, escape)
    return text


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
