"""The explorers' JavaScript: plain ES modules in ``js/``, joined where a browser needs one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from aae_lessons.arguments import check

FOLDER = Path(__file__).parent / "js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
TEXT = re.compile(r'^import (\w+) from "\./(\w+)\.js\?text";\n', re.MULTILINE)
COMMENT = re.compile(r"^ *(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
REMARK = re.compile(r"(?<=[;,{}()\]]) // [^\n\"'`]*$", re.MULTILINE)
BLANK = re.compile(r"\n{2,}")
OPEN = re.compile(
    r"^((?:(?!//)[^\n])*[;,({\[])\n", re.MULTILINE
)  # its end is no end of a statement
INDENT = re.compile(r"^ +", re.MULTILINE)
HANDED_OVER = ("kernel_bytes",)  # to a worker, by laboratory.js
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def script(name: str, without: tuple[str, ...] = ()) -> str:
    """One ES module: ``js/NAME.js`` after the modules that it imports, each once, compressed.

    Comments, indents and some line ends are left out, so that a page loads less.

    A widget's code reaches the browser as one text, where an import of a neighbouring file would
    find nothing. Names at the top of the modules must therefore differ. With
    ``import NAME from "./worker.js?text"`` NAME is that module's text, for a worker; but for
    :data:`HANDED_OVER`, which the page has already and puts before the text.

    Args:
        name: of a module in ``js/``.
        without: modules that are left out.
    """
    check((FOLDER / f"{name}.js").is_file(), "name", name, f"a module in {FOLDER}")
    parts = dict.fromkeys(without, "")
    _collect(name, parts)
    text = REMARK.sub("", COMMENT.sub("", "\n".join(parts.values())))
    return OPEN.sub(r"\1", BLANK.sub("\n", INDENT.sub("", text)))


def _collect(name: str, parts: dict[str, str]) -> None:
    text = (FOLDER / f"{name}.js").read_text("utf-8")
    for other in IMPORT.findall(text):
        if other not in parts:
            _collect(other, parts)
    text = TEXT.sub(lambda m: f"const {m[1]} = {json.dumps(script(m[2], HANDED_OVER))};\n", text)
    parts[name] = EXPORT.sub("", IMPORT.sub("", text))


def style() -> str:
    """The one style sheet of all explorers."""
    return (FOLDER / "explorers.css").read_text("utf-8")
