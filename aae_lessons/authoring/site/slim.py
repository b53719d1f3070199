"""The theme without the icons and rules of style that the course's pages don't use.

The theme brings every icon of Font Awesome, as a script of 1.6 MB, and all of Bootstrap's rules. A
site needs a dozen icons and a fifth of the rules. It also loads the index of the search on every
page, which the page of results alone reads.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

import tinycss2

ICONS = Path("_static", "scripts", "fontawesome.js")
THEME = "styles/pydata-sphinx-theme.css"
STYLES = (THEME, "styles/sphinx-book-theme.css", "sphinx-design.min.css")
SCRIPTS = ("scripts/pydata-sphinx-theme.js", "scripts/sphinx-book-theme.js")
SEARCH = "search.html"  # the only page that searches: suggestions while typing are off
SEARCHING = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
LABELLED = re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="Search"')
SIDE = '<div id="pst-primary-sidebar" class="bd-sidebar-primary bd-sidebar"'
EXTRAS = ("togglebutton.js", "copybutton.js", "design-tabs.js", "course.js")
STATES = {"show", "collapse", "collapsing", "collapsed", "fade", "tooltip", "tooltip-inner"}
STATES |= {"html", "body", "tooltip-arrow", "bs-tooltip-auto", "dropdown-menu-end"}  # Bootstrap's
WORD = re.compile(r"[\w-]+")
MADE = re.compile(r"classList\.\w+\(([^)]*)\)|class(?:List|Name)?\s*[=:]\s*(\"[^\"]*\"|'[^']*')")
MARKED = re.compile(r'\b(?:class|id)="([^"]*)"')
ELEMENT = re.compile(r"<([a-z][a-z0-9]*)\b")
PART = re.compile(r"(?P<kind>[.#]?)(?P<name>-?[A-Za-z_][\w-]*)")  # of a selector without brackets
IN_BRACKETS = re.compile(r"\[[^]]*\]|\((?:[^()]|\([^()]*\))*\)|::?[\w-]+|\\.")
READ = re.compile(r"var\(\s*(--[\w-]+)|[\"'](--[\w-]+)[\"']")  # in rules, in scripts
FRAMES = re.compile(r"@keyframes\s+([\w-]+)\s*{(?:[^{}]*{[^{}]*})*[^{}]*}")
ICON = re.compile(r"\bfa-([a-z0-9-]+)")
DRAWING = r'{0}(?<![\w-]{0})"?:\[(\d+),(\d+),\[[^]]*\],"[0-9a-f]+","([^"]+)"\]'
TITLE = ".admonition>.admonition-title:after"
BOXES = {"circle-info": TITLE, "lightbulb": ".tip>.admonition-title:after"}  # in this order
MASK = f""".fa-solid:before,.fas:before,{TITLE}{{content:"";display:inline-block;
background:currentColor;forced-color-adjust:none;
-webkit-mask:var(--aae-icon) center/contain no-repeat;
mask:var(--aae-icon) center/contain no-repeat}}
.fa-solid:before,.fas:before{{width:1em;height:1em;vertical-align:-.125em}}
div{TITLE}{{content:""}}
"""


def slim(out: Path) -> None:
    """Takes from the site in ``out`` what its pages don't use."""
    pages = {path: path.read_text("utf-8") for path in out.rglob("*.html")}
    for path, page in pages.items():
        pages[path] = named(page if path == out / SEARCH else SEARCHING.sub("", page))
        path.write_text(pages[path], "utf-8")
    static = out / "_static"
    theme, extras = (texts(static / name for name in some) for some in (SCRIPTS, EXTRAS))
    known = words(pages.values()) | spoken(theme + extras)
    drawn = icons((out / ICONS).read_text("utf-8"), pages.values())
    read = variables([*theme, *extras, *texts(static.rglob("*.css")), *pages.values()])
    for name in STYLES:
        path = static / name
        text = purged(path.read_text("utf-8"), known, read)
        path.write_text(text + (drawn if name == THEME else ""), "utf-8")
    (out / ICONS).write_text("", "utf-8")
    shutil.rmtree(static / "vendor", ignore_errors=True)


def named(page: str) -> str:
    """A page whose side bar is a landmark, and whose search is called what it says.

    Scripts do the same for other parts (``course.js``), but the landing page loads them late.
    """
    page = LABELLED.sub(r"\1", page)
    return page.replace(SIDE, f'{SIDE} role="complementary" aria-label="Course"', 1)


def texts(paths: Iterable[Path]) -> list[str]:
    """The contents of some files."""
    return [path.read_text("utf-8") for path in paths]


def words(pages: Iterable[str]) -> set[str]:
    """The classes, ids and elements of pages."""
    result: set[str] = set()
    for text in pages:
        result.update(*map(str.split, set(MARKED.findall(text))))
        result.update(ELEMENT.findall(text))
    return result


def spoken(scripts: Iterable[str]) -> set[str]:
    """The classes and elements that scripts make."""
    result = STATES | words(scripts)
    for text in scripts:
        result.update(*(WORD.findall("".join(call)) for call in MADE.findall(text)))
    return result


def variables(texts: Iterable[str]) -> set[str]:
    """The names of the style sheets' variables that texts read."""
    return {"".join(names) for text in texts for names in READ.findall(text)}


# ---------------------------------------------------------------------------------- rules


def purged(style: str, known: Set[str], read: Set[str]) -> str:
    """The rules of a style sheet that may apply where only ``known`` words occur.

    Args:
        style: the sheet.
        known: classes, ids and elements of pages, and those that scripts make.
        read: names of variables that something else reads.
    """
    kept = "".join(_kept(_rules(style), known))
    kept = FRAMES.sub(lambda match: match[0] * (kept.count(match[1]) > 1), kept)
    return "".join(_without_variables(_rules(kept), read | variables([kept])))


def _rules(style: str) -> list[Any]:
    return tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)


def _kept(rules: Iterable[Any], known: Set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            prelude = tinycss2.serialize(rule.prelude)
            alive = [s.strip() for s in selectors(prelude) if may_apply(s, known)]
            if alive:
                yield f"{','.join(alive)}{{{tinycss2.serialize(rule.content)}}}\n"
        elif rule.type == "at-rule" and rule.at_keyword in ("media", "supports"):
            inner = "".join(_kept(_inside(rule), known))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n"
        elif rule.type == "at-rule" and rule.at_keyword not in ("font-face", "charset"):
            yield rule.serialize()


def _without_variables(rules: Iterable[Any], read: Set[str]) -> Iterator[str]:
    """The rules without the variables that nothing reads."""
    for rule in rules:
        if rule.type == "qualified-rule":
            parts = tinycss2.parse_blocks_contents(rule.content, True, True)
            lines = [p.serialize() for p in parts if not _unread(p, read)]
            if lines:
                yield f"{tinycss2.serialize(rule.prelude)}{{{';'.join(lines)}}}\n"
        elif rule.type == "at-rule" and rule.at_keyword in ("media", "supports"):
            inner = "".join(_without_variables(_inside(rule), read))
            yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}\n"
        else:
            yield rule.serialize()


def _unread(part: Any, read: Set[str]) -> bool:
    return part.type == "declaration" and part.name.startswith("--") and part.name not in read


def _inside(rule: Any) -> list[Any]:
    return tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)


def selectors(prelude: str) -> list[str]:
    """The selectors of a rule, split at commas outside brackets."""
    return re.split(r",(?![^(]*\))", prelude)


def may_apply(selector: str, known: Set[str]) -> bool:
    """Whether every class, id and element that a selector demands occurs."""
    plain = IN_BRACKETS.sub("", selector)
    return all(part["name"] in known for part in PART.finditer(plain))


# ---------------------------------------------------------------------------------- icons


def icons(library: str, pages: Iterable[str]) -> str:
    """Rules that draw the icons of pages, from the text of Font Awesome's script."""
    names = sorted({name for text in pages for name in ICON.findall(text)} | BOXES.keys())
    rules = []
    for name in names:
        match = re.search(DRAWING.format(re.escape(name)), library)
        if match:  # no icon: fa-lg, fa-fw
            width, height, path = match.groups()
            image = (
                f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
                f"<path d='{path}'/></svg>"
            )
            data = image.replace("<", "%3C").replace(">", "%3E").replace("\n", " ")
            where = f".fa-{name},{BOXES[name]}" if name in BOXES else f".fa-{name}"
            rules.append(f'{where}{{--aae-icon:url("data:image/svg+xml,{data}")}}\n')
    return MASK + "".join(rules)
