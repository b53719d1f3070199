"""The course as a web page: lessons as HTML in which explorers work without kernel or network.

python -m aae_lessons.authoring site OUT                  # all lessons, as OUT/*.html
python -m aae_lessons.authoring site OUT 02_adversarial   # one of them

Nothing in the pages is fetched from elsewhere: formulas are MathML, pictures are inside, and the
explorers' scripts come from ``aae_lessons.widgets``. Widgets that need Python are shown as the
picture they had at first.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_output
from pygments.formatters import HtmlFormatter

from aae_lessons.authoring.execute import FOLDER, WIDGET
from aae_lessons.files import write_atomically
from aae_lessons.widgets import static

STATE = "application/vnd.jupyter.widget-state+json"
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$", re.DOTALL)
LINK = re.compile(r'href="(\d\d_\w+)\.ipynb')
STYLE = """
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1f1f1f; --line: #d0d0d0; --soft: #f5f5f5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #111418; --ink: #e6e6e6; --line: #3a3f46; --soft: #1b1f25; }
}
body { margin: 0 auto; padding: 16px; max-width: 820px; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
a { color: #1976d2; } @media (prefers-color-scheme: dark) { a { color: #64b5f6; } }
pre { overflow-x: auto; margin: 8px 0; font-size: 13px; line-height: 1.4; }
.highlight { background: var(--soft); border: 1px solid var(--line); border-radius: 4px;
  padding: 0 10px; }
code { font-size: 0.9em; }
img { max-width: 100%; background: #fff; }
table { border-collapse: collapse; } th, td { padding: 3px 10px; border: 1px solid var(--line); }
math[display="block"] { overflow-x: auto; margin: 12px 0; }
.anchor-link, .jp-InputPrompt, .jp-OutputPrompt, .prompt { display: none; }
[data-aae-widget] { margin: 12px 0; border: 1px solid var(--line); border-radius: 4px; }
.needs-kernel { font-size: 13px; opacity: 0.8; }
"""


# ------------------------------------------------------------------------------ formulas


def formulas(text: str, kept: list[str]) -> str:
    """Markdown with each formula replaced by a word; its MathML goes to ``kept``."""

    def replace(match: re.Match) -> str:
        display, inline = match.groups()
        style = "block" if display else "inline"
        kept.append(convert(display or inline, display=style))
        return f"AAEFORMULA{len(kept) - 1}AAE"

    parts = CODE.split(text)  # every second one is code
    return "".join(p if i % 2 else MATH.sub(replace, p) for i, p in enumerate(parts))


def put_back(page: str, kept: list[str]) -> str:
    """The page with its formulas in place of the words."""
    return re.sub(r"AAEFORMULA(\d+)AAE", lambda match: kept[int(match[1])], page)


# --------------------------------------------------------------------------------- pages


def page(notebook: NotebookNode, title: str) -> str:
    """An executed notebook, with the state of its widgets, as one HTML page."""
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    shown: list[str] = []
    kept: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = formulas(cell.source, kept)
        elif cell.cell_type == "code":
            cell.outputs = [seen for o in cell.outputs if (seen := _output(o, states, shown))]
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(_without_widgets(notebook))
    body = LINK.sub(r'href="\1.html', put_back(body, kept))
    return document(title, body + static.scripts(states, shown))


def document(title: str, body: str) -> str:
    """A whole HTML page, in light and dark."""
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    style = f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{STYLE}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{html.escape(title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _without_widgets(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata.pop("widgets", None)
    return notebook


def _output(output: NotebookNode, states: dict, shown: list[str]) -> NotebookNode | None:
    """What a page shows for an output: explorers as their places, other widgets as pictures."""
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if WIDGET not in output.get("data", {}):
        return output
    model_id = output.data[WIDGET]["model_id"]
    result = static.explorers(states, model_id) if model_id in states else []
    shown += result
    body = "".join(map(static.place, result)) or _picture(states, model_id)
    return new_output("display_data", data={"text/html": body}) if body else None


def _picture(states: dict, model_id: str) -> str:
    """The first picture in a widget that needs Python, and a line that says so; "" if none."""
    for result in _inside(states, model_id):
        if result["model_name"] == "ImageModel":
            data = next(
                (b["data"] for b in result.get("buffers", []) if b["path"] == ["value"]), ""
            )
            words = "(choosing here needs Python: open the notebook and run this cell)"
            picture = f'<img alt="a figure" src="data:image/png;base64,{data}">'
            return f'{picture}<p class="needs-kernel">{words}</p>'
    return ""


def _inside(states: dict, model_id: str) -> list[dict]:
    """The records of a widget and of all that it contains."""
    record = states.get(model_id)
    if record is None:
        return []
    children = [c.removeprefix(static.REFERENCE) for c in record["state"].get("children", [])]
    return [record, *(result for child in children for result in _inside(states, child))]


# ---------------------------------------------------------------------------------- site


def executed(path: Path) -> NotebookNode:
    """A notebook, executed in an empty folder by a fresh kernel, with the state of its widgets."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3", store_widget_state=True
        )
        asyncio.run(client.async_execute(cwd=folder))
    return notebook


def title_of(path: Path) -> str:
    """The first heading of a notebook."""
    first = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
    return first.removeprefix("# ").strip()


def write(
    out: Path, paths: list[Path], run: Callable[[Path], NotebookNode] = executed
) -> list[Path]:
    """Writes a page for each notebook, and ``index.html`` that lists all pages in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for path in paths:
        title = title_of(path)
        _store(out / f"{path.stem}.html", page(run(path), title))
        written.append(out / f"{path.stem}.html")
        print(f"{written[-1]}: {written[-1].stat().st_size / 1e6:.1f} MB")
    titles = {p.stem: title_of(p) for p in [*sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")), *paths]}
    lines = [
        f'<li><a href="{stem}.html">{html.escape(title)}</a></li>'
        for stem, title in titles.items()
        if (out / f"{stem}.html").is_file()
    ]
    name = "Adversarial autoencoders, lesson by lesson"
    _store(out / "index.html", document(name, f"<h1>{name}</h1>\n<ul>{''.join(lines)}</ul>\n"))
    return written


def _store(path: Path, text: str) -> None:
    write_atomically(path, lambda stream: stream.write(text.encode()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("names", nargs="*", help="such as 02_adversarial; all without")
    args = parser.parse_args()
    chosen = [FOLDER / f"{name}.ipynb" for name in args.names]
    write(args.out, chosen or sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")))


if __name__ == "__main__":
    main()
