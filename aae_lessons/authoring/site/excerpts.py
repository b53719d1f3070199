"""What a slide takes from a lesson: sentences, captions, predictions, equations, caveats."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from nbformat import NotebookNode

from aae_lessons.authoring.site.notebooks import DETAILS
from aae_lessons.authoring.site.slides import PREDICT, inline, pictures_of, tables_of

LONGEST = 420  # characters of an equation's lead, where a shorter one would begin mid-thought
# how a sentence begins that says nothing without the one before it
DANGLING = re.compile(
    r"\W*(?:Then|There|That|This|These|Those|It|Its|They|Their|So|Here|Such|Both|But|And|Also|"
    r"Therefore|Hence|However|Otherwise|Instead|For this|The \w+ \w+ this)\b"
)
SHORT = 60  # characters of a beginning that says little alone, such as "Answer. Yes."
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
PREDICTION = re.compile(r"^> \*\*Predict\.?\*\*(.+(?:\n>.*)*)", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?!:])(?<!e\.g\.)(?<!i\.e\.)(?<!Fig\.)\*? (?=[A-Z*\"$])")
# words about the notebook, which say nothing in a lecture room
NOTEBOOK = re.compile(r"\b(?:the|this|next|last|that) cells?\b|\bprint(?:s|ed)\b", re.IGNORECASE)
ASIDE = re.compile(r",? as (?:is )?printed\b|\bthe cell prints and as ")  # in an answer
# what a claim depends on
CONDITION = re.compile(
    r"tolerance|our choice|[Nn]o run|by construction|\bseeds?\b|tuned|rejected|\\lambda|null\b"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text's prose that make sense outside the notebook."""
    text = re.sub(r"^(?:[>|#]|- ).*$", "", text, flags=re.MULTILINE)
    joined = " ".join(text.split())
    return [part for part in SENTENCE.split(joined) if part and not NOTEBOOK.search(part)]


def lead(text: str, longest: int = 250, colon: bool = False, alone: bool = False) -> str:
    """The first sentences of a text, as many as a slide can take.

    Args:
        text: in Markdown; its first stretch between displayed equations counts.
        longest: characters.
        colon: whether the last sentence may end with a colon, since what it announces follows.
        alone: whether nothing else is on the slide that its first sentence may refer to.
    """
    first = next(filter(None, map(str.strip, EQUATION.split(DETAILS.sub("", text))[::2])), "")
    taken: list[str] = []
    for sentence in sentences(first):
        if (alone and not taken and _dangles(sentence)) or sentence.endswith("?"):
            continue
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
    """Each displayed equation of a text, with the sentences that lead to it.

    They are of one paragraph, unless they would then begin mid-thought.
    """
    parts = EQUATION.split(prose)
    pairs = []
    for before, formula in zip(parts[::2], parts[1::2], strict=False):
        paragraphs = [sentences(part) for part in before.split("\n\n") if part.strip()]
        pairs.append((balanced(_leading(paragraphs)), formula.strip()))
    return pairs


def _leading(paragraphs: list[list[str]], longest: int = 250) -> str:
    """The last sentences of the last paragraph, and those before it that they refer to."""
    taken: list[str] = []
    for distance, paragraph in enumerate(reversed(paragraphs)):
        for sentence in reversed(paragraph):
            length = sum(map(len, taken)) + len(sentence)
            whole = bool(taken) and not _dangles(taken[0])
            if length > LONGEST or (whole and (distance or length > longest)):
                return _rooted(taken)
            taken.insert(0, sentence)
    return _rooted(taken)


def _dangles(sentence: str) -> bool:
    """Whether a sentence needs the one before it to be understood."""
    return bool(DANGLING.match(sentence)) or sentence[:1].islower()


def _rooted(some: list[str]) -> str:
    """Sentences without the first ones where these need others before them."""
    first = next((i for i, sentence in enumerate(some) if not _dangles(sentence)), len(some))
    return " ".join(some[first:])


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


def uncovered(question: str, body: str, above: bool = False) -> str:
    """A prediction, in whose place the next key press puts the body, or ``above`` it."""
    if not question:
        return body
    if above:
        return f'{question_above(question)}<div class="fragment">{body}</div>'
    first = 'data-fragment-index="0"'
    question_html = f'<div class="fragment fade-out" {first}>{question_above(question)}</div>'
    return f'<div class="posed">{question_html}<div class="fragment" {first}>{body}</div></div>'


def questions_before(
    cells: list[NotebookNode], is_shown: Callable[[NotebookNode], bool]
) -> dict[int, tuple[str, str]]:
    """Where each prediction goes: the place of a cell -> the prediction, and its answer in words.

    That is the next figure, table or explorer that comes before the words of the answer, or else
    these words. Where there are several, the words go with the last.

    Args:
        cells: of a section.
        is_shown: whether a cell has a figure, a table or an explorer.
    """
    places = [
        i for i, c in enumerate(cells) if c.cell_type == "markdown" and predictions(c.source)
    ]
    result = {}
    for place, end in zip(places, [*places, len(cells)][1:], strict=True):
        inside = range(place + 1, min(end + 1, len(cells)))
        worded = next((i for i in inside if answer_of(cells[i])), None)
        shown = [i for i in inside if is_shown(cells[i]) and (worded is None or i <= worded)]
        chosen = shown[0] if shown else worded
        if chosen is not None:
            words = answer_of(cells[worded]) if worded is not None else ""
            last = shown[-1] if shown and worded is not None else chosen
            result[last] = "", words
            result[chosen] = predictions(cells[place].source)[0], words if last == chosen else ""
    return result


def answer_of(cell: NotebookNode) -> str:
    """The answer to a prediction that a cell has in words; "" where it has none."""
    text = cell.source if cell.cell_type == "markdown" else answer(cell)
    match = re.search(r"^\*\*Answer.*?(?=\n\s*\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return ASIDE.sub("", match[0]) if match else ""


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
            other = cell.source.startswith(("#", ">", "**")) and not answer_of(cell)
            if not taken and not other:
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
