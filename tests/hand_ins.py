"""Hand-ins as students really send them, made from one right answer of three exercises."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAME = "01_autoencoder.ipynb"
EXERCISES = ("cost", "cross-entropy", "paper")
POINTS = {"cost-check": 1, "cross-entropy-check": 2, "paper-check": 2}
IMPORTS = """import math

from torch.nn import functional as F

from aae_lessons.checks import autoencoder as check
from aae_lessons.checks import paper"""


def master(name=NAME):
    """Lesson 1's master with three of its exercises, and without the import of figures."""
    notebook = json.loads((ROOT / "solutions" / name).read_text("utf-8"))
    cells = notebook["cells"]
    if name == NAME:
        checks = [place for place, cell in enumerate(cells) if mark(cell) in POINTS]
        cells[1]["source"] = IMPORTS
        kept = [cells[place + shift] for place in checks for shift in (-2, -1, 0)]
        notebook["cells"] = [*cells[:2], *kept]
    return notebook


def mark(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def text(cell):
    return "".join(cell["source"])


def place(notebook, name):
    return next(i for i, cell in enumerate(notebook["cells"]) if mark(cell) == name)


def cell(notebook, name):
    return notebook["cells"][place(notebook, name)]


@dataclass(frozen=True)
class HandIn:
    """What one student did to a right notebook, and what that is to give."""

    change: Callable[..., dict | str | bytes | None]
    lost: tuple[str, ...] = ()  # checks that give no points
    refused: str = ""  # a pattern of the reason
    says: str = ""  # a pattern of what the repair says
    name: str = NAME

    def write(self, folder: Path) -> Path:
        """Writes the file into the student's folder."""
        notebook = master()
        for each in notebook["cells"]:
            each["source"] = text(each)
        content = self.change(notebook)
        content = notebook if content is None else content
        content = json.dumps(content, indent=1) if isinstance(content, dict) else content
        content = content.encode() if isinstance(content, str) else content
        folder.mkdir(parents=True)
        path = folder / self.name
        path.write_bytes(content)
        return path

    @property
    def expected(self):
        return POINTS | dict.fromkeys(self.lost, 0)


def copied(name, at=None):
    def change(notebook):
        here = place(notebook, name)
        where = here + 1 if at is None else at
        notebook["cells"].insert(where, copy.deepcopy(notebook["cells"][here]))

    return change


def copied_text(notebook):
    notebook["cells"].append(copy.deepcopy(notebook["cells"][2]))


def widget_state(notebook):
    state = "application/vnd.jupyter.widget-state+json"
    notebook["metadata"]["widgets"] = {state: {"5f0a": {"model_name": "LayoutModel"}}}


def one_mark_lost(notebook):
    cell(notebook, "cross-entropy-check")["metadata"] = {}


def hosted(notebook):
    """Marks and ids are gone, ids of the service's own are among the metadata."""
    for number, each in enumerate(notebook["cells"]):
        each["metadata"] = {"id": f"aB{number}_", "colab": {"height": 35}}
        del each["id"]
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    notebook |= {"nbformat": 4, "nbformat_minor": 0}


def other_kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "conda-env-ml-py", "display_name": "ml"}


def too_old_a_version(notebook):
    notebook["nbformat_minor"] = 2


def without_ids(notebook):
    for each in notebook["cells"]:
        del each["id"]


def byte_order_mark(notebook):
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()


def utf16(notebook):
    return json.dumps(notebook, ensure_ascii=False).encode("utf-16")


def unsaved(notebook):
    return json.dumps(notebook, indent=1)[:3000]


def conflict(notebook):
    return "<<<<<<< HEAD\n" + json.dumps(notebook) + "\n=======\n{}\n>>>>>>> theirs\n"


def huge_output(notebook):
    lines = {"output_type": "stream", "name": "stdout", "text": "0.123456 " * 2_000_000}
    notebook["cells"][1] |= {"outputs": [lines], "execution_count": 1}


def malformed_outputs(notebook):
    notebook["cells"][1]["outputs"] = [{"output_type": "display_data", "data": {"text/plain": 3}}]
    del notebook["cells"][3]["outputs"]
    notebook["cells"][0]["outputs"] = []


def deleted(*names):
    def change(notebook):
        for name in names:
            del notebook["cells"][place(notebook, name)]

    return change


def moved(notebook):
    """The first answer, below its check; another check, above its answer's cell."""
    cells = notebook["cells"]
    cells.insert(4, cells.pop(place(notebook, "cost-answer")))
    cells.insert(2, cells.pop(place(notebook, "paper-check")))


def merged_into_check(notebook):
    answer, check = cell(notebook, "cost-answer"), cell(notebook, "cost-check")
    check["source"] = text(answer) + "\n\n" + text(check)
    notebook["cells"].remove(answer)


def merged_into_answer(notebook):
    answer, check = cell(notebook, "cost-answer"), cell(notebook, "cost-check")
    answer["source"] = text(answer) + "\n\n" + text(check)
    notebook["cells"].remove(check)


def split(notebook):
    """JupyterLab gives both parts the marks, and one of them another id."""
    whole = cell(notebook, "paper-answer")
    first = copy.deepcopy(whole) | {"source": "HALF = 0.5", "id": "first-part"}
    whole["source"] = text(whole).replace("0.5 * 784", "HALF * 784")
    notebook["cells"].insert(place(notebook, "paper-answer"), first)


def old_marks(notebook):
    for each in notebook["cells"]:
        if mark(each):
            each["metadata"]["nbgrader"] |= {"schema_version": 1, "locked": False}
            each["metadata"]["nbgrader"].pop("task")
    cell(notebook, "cost-check")["metadata"]["nbgrader"]["points"] = 100


def answered(name, source):
    def change(notebook):
        cell(notebook, name)["source"] = source

    return change


def as_text(notebook):
    answer = cell(notebook, "cost-answer")
    answer["cell_type"] = "markdown"
    del answer["outputs"], answer["execution_count"]


def windows_lines(notebook):
    for each in notebook["cells"]:
        each["source"] = text(each).replace("\n", "\r\n")


def other_lesson(_):
    return master("02_adversarial.ipynb")


def edited_check(notebook):
    cell(notebook, "paper-check")["source"] = "pass"


LOOP = "import time\n\n\ndef squared_error(logits, x):\n    while True:\n        time.sleep(1)"
RAISES = 'raise RuntimeError("work in progress")\n\n\ndef squared_error(logits, x):\n    return 0'
PRINTS = "for i in range(200_000):\n    print(i)\n\n\ndef squared_error(logits, x):\n    return x"
DIES = "import os\n\nos._exit(1)"
COST = ("cost-check",)

HAND_INS = {
    "sound": HandIn(lambda notebook: None, says="fine$"),
    "copied-answer": HandIn(copied("cost-answer"), says="cost-answer was there twice"),
    "copied-check": HandIn(copied("cost-check"), says="cost-check was there twice"),
    "copied-above": HandIn(copied("paper-check", 2), says="paper-check was there twice"),
    "copied-text": HandIn(copied_text, says="an id of their own: 1"),
    "widgets": HandIn(widget_state, says="state of widgets"),
    "one-mark-lost": HandIn(one_mark_lost, says="cross-entropy-check had lost its mark"),
    "hosted": HandIn(hosted, says="paper-check had lost its mark; paper-answer had"),
    "other-kernel": HandIn(other_kernel, says="kernel's name was set"),
    "old-format": HandIn(too_old_a_version, says=r"format is 4\.5 now"),
    "without-ids": HandIn(without_ids, says="an id of their own: 11"),
    "byte-order-mark": HandIn(byte_order_mark, says="its encoding was utf-8-sig"),
    "utf-16": HandIn(utf16, says="its encoding was utf-16"),
    "windows-lines": HandIn(windows_lines, says="fine$"),
    "huge-output": HandIn(huge_output, says="fine$"),
    "bad-outputs": HandIn(malformed_outputs),
    "no-check": HandIn(deleted("cost-check"), says="cost-check was missing and was put back"),
    "no-answer": HandIn(deleted("cost-answer"), COST, says="no cell answers cost-answer"),
    "neither": HandIn(deleted("cost-answer", "cost-check"), COST, says="missing and was put back"),
    "moved": HandIn(moved, says="cost-check stood above its answer.*paper-check stood above"),
    "renamed": HandIn(lambda notebook: None, says="was renamed", name="01_autoencoder (1).ipynb"),
    "merged-check": HandIn(merged_into_check, says="cost-check was edited"),
    "merged-answer": HandIn(merged_into_answer, says="cost-check was missing"),
    "split": HandIn(split, says="paper-answer was there twice"),
    "old-marks": HandIn(old_marks, says="the mark of cost-check is the master's again"),
    "as-text": HandIn(as_text, says="cost-answer is a code cell again"),
    "edited-check": HandIn(edited_check, says="paper-check was edited"),
    "loop": HandIn(answered("cost-answer", LOOP), COST, says="fine$"),
    "raises": HandIn(answered("cost-answer", RAISES), COST, says="fine$"),
    "prints": HandIn(answered("cost-answer", PRINTS), COST, says="fine$"),
    "dies": HandIn(answered("cost-answer", DIES), tuple(POINTS), says="fine$"),
    "empty": HandIn(lambda _: "", refused="the file is empty"),
    "unsaved": HandIn(unsaved, refused="cut short"),
    "conflict": HandIn(conflict, refused="not a notebook"),
    "other-lesson": HandIn(other_lesson, refused="not 01_autoencoder.ipynb but 02_adversarial"),
    "no-notebook": HandIn(lambda _: "print(1)", refused="no notebook", name="answer.py"),
}
