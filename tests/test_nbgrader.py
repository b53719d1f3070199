"""The whole way through nbgrader: release, fetch, submit, collect, grade, feedback.

nbgrader is not in the students' environment. With it:

    uv run --isolated --group grading pytest tests/test_nbgrader.py
"""

import copy
import csv
import getpass
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import hand_ins
import nbformat
import pytest
from hand_ins import HAND_INS

from aae_lessons.authoring import release

pytest.importorskip(
    "nbgrader",
    reason="nbgrader has an environment of its own: "
    "uv run --isolated --group grading pytest tests/test_nbgrader.py",
)
from nbgrader.api import Gradebook, MissingEntry

ROOT = Path(__file__).parent.parent
MASTERS = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))
GRADED = sorted({MASTERS[0], MASTERS[-1]})  # a kernel for each submission: two lessons are enough
ME = getpass.getuser()  # nbgrader calls whoever submits by the name of their account


MEAN_OF_ALL = """def cross_entropy(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x)"""


def assignment_of(path):
    """A lesson's own, or the one that holds the notebooks that are released but not graded."""
    return f"lesson-{path.stem[:2]}" if path in GRADED else "others"


def marks(cell):
    return cell.metadata.get("nbgrader", {})


def points(notebook):
    return {
        marks(c)["grade_id"]: marks(c)["points"] for c in notebook.cells if marks(c).get("grade")
    }


def put(path, notebook, answers=(), checks=()):
    """Writes a submission: this notebook with some answers (and checks) in place of its own."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        own = dict(answers) | dict(checks)
        cell.source = own.get(marks(cell).get("grade_id"), cell.source)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


class Desk:
    """A lecturer's course folder, a student's folder, and the exchange between them."""

    def __init__(self, root):
        self.course, self.student = root / "course", root / "student"
        exchange = root / "exchange"
        for folder in (self.course, self.student, exchange):
            folder.mkdir()
        exchange.chmod(0o777)
        config = (ROOT / "solutions" / "nbgrader_config.py").read_text("utf-8")
        config += f"c.Exchange.root = {str(exchange)!r}\n"
        for folder in (self.course, self.student):
            (folder / "nbgrader_config.py").write_text(config, "utf-8")
        self.environment = os.environ | {
            "AAE_PROGRESS": "/dev/null",
            "AAE_DEVICE": "cpu",
            "JUPYTER_CONFIG_DIR": str(root / "config"),
            "JUPYTER_DATA_DIR": str(root / "data"),
            "IPYTHONDIR": str(root / "ipython"),
        }

    def run(self, *arguments, cwd=None):
        """Runs ``python -m …`` in the course's folder; its exit status and all it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=cwd or self.course,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def nbgrader(self, *arguments, cwd=None):
        """Runs ``nbgrader …``, which must succeed."""
        status, says = self.run("nbgrader", *arguments, cwd=cwd)
        assert status == 0, says

    def feedback(self, student, path):
        page = self.course / "feedback" / student / assignment_of(path) / f"{path.stem}.html"
        return re.sub(r"<[^>]+>", "", page.read_text("utf-8"))

    def scores(self, student, assignment):
        """Points by check, as they are in the gradebook."""
        url = f"sqlite:///{self.course / 'gradebook.db'}"
        with Gradebook(url, "aae-lessons") as book:
            result = book.find_submission(assignment, student)
            return {grade.name: grade.score for each in result.notebooks for grade in each.grades}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Everything that is done with a course, once; the tests look at what came of it."""
    desk = Desk(tmp_path_factory.mktemp("nbgrader"))
    for path in MASTERS:
        target = desk.course / "source" / assignment_of(path) / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for assignment in sorted({assignment_of(path) for path in MASTERS}):
        desk.nbgrader("generate_assignment", assignment)
    _hand_in_by_exchange(desk, MASTERS[0])
    for path in GRADED:
        released = nbformat.read(desk.course / "release" / assignment_of(path) / path.name, 4)
        master = nbformat.read(path, as_version=4)
        answers = {marks(c)["grade_id"]: c.source for c in master.cells if marks(c)}
        submitted = desk.course / "submitted"
        cheat = dict.fromkeys(points(released) if path == MASTERS[0] else [], "pass")
        put(submitted / "blank" / assignment_of(path) / path.name, released, checks=cheat)
        put(submitted / "right" / assignment_of(path) / path.name, released, answers)
        desk.nbgrader("autograde", assignment_of(path))
        desk.nbgrader("generate_feedback", assignment_of(path))
    desk.nbgrader("export")
    desk.nbgrader("release_feedback", assignment_of(MASTERS[0]), f"--student={ME}")
    desk.nbgrader("fetch_feedback", assignment_of(MASTERS[0]), cwd=desk.student)
    return desk


def _hand_in_by_exchange(desk, path):
    """A student fetches lesson 1, answers half of it, and hands it in."""
    name = assignment_of(path)
    desk.nbgrader("release_assignment", name)
    desk.nbgrader("fetch_assignment", name, cwd=desk.student)
    fetched = desk.student / name / path.name
    master = nbformat.read(path, as_version=4)
    answers = {marks(c)["grade_id"]: c.source for c in master.cells if marks(c)}
    half = {k: v for k, v in answers.items() if k.endswith("-answer") and k != "mended-answer"}
    half["cross-entropy-answer"] = MEAN_OF_ALL
    put(fetched, nbformat.read(fetched, as_version=4), half)
    desk.nbgrader("submit", name, cwd=desk.student)
    desk.nbgrader("collect", name)


@pytest.fixture(params=MASTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(params=GRADED, ids=lambda path: path.stem)
def graded(request):
    return request.param


def test_nbgraders_student_version_is_ours(desk, path):
    theirs = nbformat.read(desk.course / "release" / assignment_of(path) / path.name, 4).cells
    ours = release.student(nbformat.read(path, as_version=4)).cells
    for a, b in zip(theirs, ours, strict=True):
        assert (a.id, a.cell_type) == (b.id, b.cell_type)
        assert a.source == b.source.replace("\n\n" + release.BANNER.rstrip(), "")
        assert a.get("outputs", []) == b.get("outputs", []) == []
        assert marks(b).items() <= marks(a).items()  # nbgrader adds a checksum


def test_a_blank_submission_gets_nothing_whatever_it_does_to_its_checks(desk, graded):
    expected = dict.fromkeys(points(nbformat.read(graded, as_version=4)), 0)
    assert desk.scores("blank", assignment_of(graded)) == expected
    assert desk.feedback("blank", graded).count("not attempted.") == len(expected)


def test_a_right_submission_gets_all_points(desk, graded):
    expected = points(nbformat.read(graded, as_version=4))
    assert desk.scores("right", assignment_of(graded)) == expected
    assert desk.feedback("right", graded).count(": right.") == len(expected)


def test_a_half_right_submission_gets_its_part_and_hears_why(desk):
    expected = points(nbformat.read(MASTERS[0], as_version=4))
    expected |= {"cross-entropy-check": 0, "mended-check": 0}
    assert desk.scores(ME, assignment_of(MASTERS[0])) == expected
    page = desk.feedback(ME, MASTERS[0])
    assert "not yet (mean over pixels)" in page
    assert page.count("not attempted.") == 1
    assert "Traceback (most recent" not in page


def test_grades_are_exported_and_feedback_reaches_the_student(desk):
    with (desk.course / "grades.csv").open(encoding="utf-8") as file:
        rows = {(row["assignment"], row["student_id"]): row for row in csv.DictReader(file)}
    for path in GRADED:
        most = sum(points(nbformat.read(path, as_version=4)).values())
        for student, score in (("blank", 0), ("right", most)):
            row = rows[assignment_of(path), student]
            assert (float(row["score"]), float(row["max_score"])) == (score, most)
    pages = list((desk.student / assignment_of(MASTERS[0]) / "feedback").rglob("*.html"))
    assert [page.stem for page in pages] == [MASTERS[0].stem]


# ------------------------------------------------------------------------ as students hand in

LIKE_OTHERS = {  # after the repair, which test_repair.py tests for each: not graded here again
    *("copied-above", "copied-text", "old-format", "without-ids", "utf-16", "windows-lines"),
    *("bad-outputs", "neither", "merged-answer", "edited-check", "as-text", "prints"),
    *("one-mark-lost", "huge-output", "merged-check", "old-marks"),
}
HANDED_IN = {name: each for name, each in HAND_INS.items() if name not in LIKE_OTHERS}
GIVEN_A_GRADE = [name for name, each in HANDED_IN.items() if not each.refused and name != "dies"]


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """A course of one short assignment; each student hands in what students hand in."""
    desk = Desk(tmp_path_factory.mktemp("hand-ins"))
    with (desk.course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.Execute.timeout = 60\n")  # what waits for ever is stopped
    source = desk.course / "source" / "lesson-01" / hand_ins.NAME
    source.parent.mkdir(parents=True)
    nbformat.write(nbformat.from_dict(hand_ins.master()), source)
    others = desk.course / "source" / "lesson-02" / "02_adversarial.ipynb"
    others.parent.mkdir()
    shutil.copy(ROOT / "solutions" / others.name, others)
    desk.nbgrader("generate_assignment", "lesson-01")
    for student, each in HANDED_IN.items():
        each.write(desk.course / "submitted" / student / "lesson-01")
    desk.repaired = desk.run("aae_lessons.authoring", "repair", "submitted")
    desk.graded = desk.run("nbgrader", "autograde", "lesson-01")
    desk.nbgrader("generate_feedback", "lesson-01")
    return desk


@pytest.mark.parametrize("student", GIVEN_A_GRADE)
def test_a_hand_in_gets_the_points_of_its_answers(counter, student):
    assert counter.scores(student, "lesson-01") == HANDED_IN[student].expected
    assert counter.feedback(student, MASTERS[0])


@pytest.mark.parametrize("student", [n for n, each in HANDED_IN.items() if each.refused])
def test_what_cannot_be_graded_gets_no_grade_but_the_reason(counter, student):
    status, says = counter.repaired
    assert status == 1
    assert re.search(f"{student}/.*REFUSED: .*{HANDED_IN[student].refused}", says)
    with pytest.raises(MissingEntry):
        counter.scores(student, "lesson-01")


def test_an_answer_that_ends_its_kernel_is_named_and_stops_nobody_else(counter):
    status, says = counter.graded
    assert status == 1 and "DeadKernelError" in says
    failed = re.findall("error processing assignment 'lesson-01' for student '(.*)'", says)
    assert failed == ["dies"]
