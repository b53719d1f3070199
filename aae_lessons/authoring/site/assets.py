"""What a deck of slides needs beside its text: reveal.js, and pictures shared with the site."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path

import sphinx_revealjs

REVEAL = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def pictures_as_files(text: str, folder: Path) -> str:
    """The page with each picture in it as a file: the site's own copy, or one in ``folder``."""
    known = {path.read_bytes(): path for path in (folder.parent / "_images").glob("*.png")}

    def file_of(match: re.Match[str]) -> str:
        content = base64.b64decode(match[1])
        if content in known:
            return f"../_images/{known[content].name}"
        path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.png"
        path.write_bytes(content)
        return path.name

    return EMBEDDED.sub(file_of, text)


def copy_reveal(folder: Path) -> None:
    """Copies reveal.js, one theme and the speaker's notes into ``folder/reveal``."""
    out = folder / "reveal"
    shutil.copytree(REVEAL / "dist", out, ignore=_keep_little)
    shutil.copy(REVEAL / "plugin" / "notes" / "notes.js", out)
    theme = (REVEAL / "dist" / "theme" / "white.css").read_text("utf-8")
    # without the font that it imports: the decks use the system's
    (out / "white.css").write_text(re.sub(r"@import[^;]*;", "", theme), "utf-8")


def _keep_little(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name not in ("reveal.js", "reveal.css")]
