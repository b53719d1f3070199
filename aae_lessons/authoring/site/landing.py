"""The landing page, which a visitor may open on a phone: little to load before its painter trains.

It has one style sheet of its own, and whatever the painter doesn't need (the theme's scripts, the
search, formulas, the cards' pictures) loads only after the painter can train.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from aae_lessons.authoring.site import slim
from aae_lessons.widgets import bundle

OWN = "course.css"  # its rules are for what explorers make, too
LINK = re.compile(r'\s*<link\b[^>]*\brel="stylesheet"[^>]*>')
HREF = re.compile(r'href="([^"?]+)')
LOADED = re.compile(
    r'\s*(?P<link><link\b[^>]*\brel="stylesheet"[^>]*href="[^"]*katex[^>]*>)'
    r"|\s*<script(?P<with>[^>]*)>(?P<text>.*?)</script>",
    re.DOTALL,
)
SOURCE = re.compile(r'src="([^"]+)"')
IMPORTED = re.compile(r"@import\s*(?:url\()?[\"']?([^\"')]+)[\"']?\)?;?")
PRELOAD = re.compile(r'\s*<link rel="preload" as="script"[^>]*>')
IMAGE = re.compile(r"(<img\b[^>]*\b)src=(?=\"_images/)")
GAP = re.compile(r"\n\s+")
LAZY = "katex"  # the rules of formulas come with their script


def lighten(out: Path) -> None:
    """Gives the landing page of the site in ``out`` its own style sheet, and puts off the rest."""
    index = out / "index.html"
    page = index.read_text("utf-8")
    if 'id="aae-widgets"' not in page:
        return  # a site without explorers: nothing would call for the rest
    theme = slim.texts(out / "_static" / name for name in slim.SCRIPTS)
    links = [link for link in LINK.findall(page) if LAZY not in link]
    paths = [out / HREF.findall(link)[0] for link in links]
    own = (out / "_static" / OWN).read_text("utf-8")
    sheets = [_sheet(path) for path in paths if path.name != OWN]
    read = slim.variables([*theme, page, own, bundle.style()])
    style = slim.purged("\n".join(sheets), slim.words([page]) | slim.spoken(theme), read) + own
    (out / "_static" / "landing.css").write_text(style, "utf-8")
    page = page.replace(links[0], '\n<link rel="stylesheet" href="_static/landing.css">', 1)
    for link in links[1:]:
        page = page.replace(link, "", 1)
    index.write_text(GAP.sub("\n", deferred(PRELOAD.sub("", page))), "utf-8")


def _sheet(path: Path) -> str:
    """A style sheet, with those that it imports in it."""
    text = path.read_text("utf-8")
    return IMPORTED.sub(lambda match: _sheet(path.parent / match[1]), text)


def deferred(page: str) -> str:
    """A page whose scripts and formulas' rules load when its explorers are alive, in order."""
    later: list[dict[str, str]] = []

    def put_off(match: re.Match[str]) -> str:
        link = match["link"]
        if link:
            later.append({"rel": "stylesheet", "href": HREF.findall(link)[0]})
            return ""
        source = SOURCE.search(match["with"])
        # no source, but properties: the explorers' data and loader, the theme's mode
        own = match["with"].strip() and not source
        if own or (source and "/explorers/" in source[1]):
            return match[0]
        later.append({"src": source[1]} if source else {"text": match["text"]})
        return ""

    page = IMAGE.sub(r"\1data-src=", LOADED.sub(put_off, page))
    later.sort(key=lambda node: not node.get("text", "").lstrip().startswith(("let ", "var ")))
    script = LATER.replace("LIST", json.dumps(later).replace("</", "<\\/"))
    return page.replace("</head>", f"<script>{script}</script></head>", 1)


LATER = """
const { dataset } = document.documentElement;
if (dataset.theme === "auto")
  dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
addEventListener("aae-alive", async () => {
  await new Promise(requestAnimationFrame); // the painter is on the screen
  for (const image of document.querySelectorAll("img[data-src]")) image.src = image.dataset.src;
  for (const properties of LIST) {
    const node = document.createElement(properties.rel ? "link" : "script");
    const loaded = new Promise((go) => (node.onload = node.onerror = go));
    document.head.append(Object.assign(node, properties));
    if (!properties.text) await loaded;
  }
  document.dispatchEvent(new Event("DOMContentLoaded")); // some of them wait for it
}, { once: true });
"""
