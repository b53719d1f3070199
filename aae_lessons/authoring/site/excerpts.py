"""What a slide takes from a lesson: sentences, captions, predictions, equations, caveats."""

from __future__ import annotations

import html
import re

from nbformat import NotebookNode

from aae_lessons.authoring.site.notebooks import DETAILS
from aae_lessons.authoring.site.slides import PREDICT, inline, pictures_of, tables_of

SHORT = 20  # characters of a beginning that says nothing alone, such as "Answer."
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
PREDICTION = re.compile(r"^> \*\*Predict\.?\*\*(.+(?:\n>.*)*)", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?!:])(?<!e\.g\.)(?<!i\.e\.)(?<!Fig\.)\*? (?=[A-Z*\"$])")
# words about the notebook, which say nothing in a lecture room
NOTEBOOK = re.compile(r"\b(?:the|this|next|last|that) cells?\b|\bprint(?:s|ed)\b", re.IGNORECASE)
# what a claim depends on
CONDITION = re.compile(
    r"tolerance|our choice|[Nn]o run|by construction|\bseeds?\b|tuned|rejected|\\lambda|null\b"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text's prose that make sense outside the notebook."""
    text = re.sub(r"^(?:[>|#]|- ).*$", "", text, flags=re.MULTILINE)
    joined = " ".join(text.split())
    return [part for part in SENTENCE.split(joined) if part and not NOTEBOOK.search(part)]


def lead(text: str, longest: int = 250, colon: bool = False) -> str:
    """The first sentences of a text, as many as a slide can take.

    Args:
        text: in Markdown; its first stretch between displayed equations counts.
        longest: characters.
        colon: whether the last sentence may end with a colon, since what it announces follows.
    """
    first = next(filter(None, map(str.strip, EQUATION.split(DETAILS.sub("", text))[::2])), "")
    taken: list[str] = []
    for sentence in sentences(first):
        if sum(map(len, taken)) > SHORT and sum(map(len, taken)) + len(sentence) > longest:
            break
        taken.append(sentence)
    while taken and not colon and taken[-1].rstrip("*").endswith((":", "?")):
        taken.pop()
    return balanced(" ".join(taken))


def balanced(text: str) -> str:
    """Markdown whose emphasis ends where the text ends."""
    text = text if text.count("**") % 2 == 0 else text + "**"
    return text + "*" * (text.replace("**", "").count("*") % 2)


def equations(prose: str) -> list[tuple[str, str]]:
    """Each displayed equation of a text, with the sentence that leads to it."""
    parts = EQUATION.split(prose)
    pairs = []
    for before, formula in zip(parts[::2], parts[1::2], strict=False):
        paragraphs = [part for part in before.strip().split("\n\n") if part.strip()]
        words = ""
        for sentence in reversed(sentences(paragraphs[-1]) if paragraphs else []):
            if words and len(words) + len(sentence) > 250:
                break
            words = f"{sentence} {words}".strip()
        words = "" if words[:1].islower() else words
        pairs.append((balanced(words), formula.strip()))
    return pairs


def results(prose: str, most: int = 2) -> list[tuple[str, str]]:
    """The last equations of a text's folded derivations, with the sentences that lead to them."""
    folded = "\n\n".join(text for _, text in DETAILS.findall(prose))
    return equations(folded)[-most:]


def last_sentence(drawing: str) -> str:
    """The last sentence of a drawing's description, which says what is updated in a phase."""
    words = re.search(r'aria-label="([^"]*)"', drawing)
    return words[1].split(". ")[-1] if words else ""


def predictions(source: str) -> list[str]:
    """The questions that a cell asks before its answer is seen."""
    return [" ".join(re.sub(r"^>", "", q, flags=re.M).split()) for q in PREDICTION.findall(source)]


def question_above(question: str) -> str:
    """A prediction as a line above what answers it; "" without."""
    return f'<p class="predict">{PREDICT} {inline(question)}</p>' if question else ""


def uncovered(question: str, body: str) -> str:
    """A body below its prediction, which the next key press uncovers."""
    return f'{question_above(question)}<div class="fragment">{body}</div>' if question else body


def answer(cell: NotebookNode) -> str:
    """The answer or remark that a code cell writes in sentences; "" where it writes none."""
    for output in cell.get("outputs", []):
        text = output.get("data", {}).get("text/markdown", "")
        if text.startswith(("*", "**")) and "\n|--" not in text:
            return text
    return ""


def captions(cells: list[NotebookNode], place: int) -> str:
    """What the lesson says of the figure before ``place``: computed remarks, else its next words.

    Words that only introduce what follows don't count; where there are none, the figure's own
    description stands for them.
    """
    taken: list[str] = []
    for cell in cells[place:]:
        if cell.cell_type == "markdown":
            if not taken and not cell.source.startswith(("#", ">", "**")):
                taken.append(lead(re.split(r"\n\n\*\*|^#", cell.source, flags=re.M)[0]))
            break
        if pictures_of(cell) or tables_of(cell):
            break
        if text := answer(cell):
            taken.append(lead(text))
        elif not cell.get("outputs"):
            break  # the next program: words after it are about it
    words = " ".join(filter(None, taken[:2]))
    own = cells[place - 1].metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    return words or html.escape(own, quote=False)


def caveats(prose: str, longest: int = 330) -> str:
    """The sentences of a section that say under which conditions its table holds."""
    taken: list[str] = []
    for sentence in sentences(EQUATION.sub("", prose)):
        fits = sum(map(len, taken)) + len(sentence) <= longest
        if CONDITION.search(sentence) and fits and not sentence.endswith((":", "?")):
            taken.append(sentence)
    return balanced(" ".join(taken))
