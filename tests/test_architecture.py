"""Imports run one way, functions and modules stay short, and importing costs next to nothing."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import aae_lessons

PACKAGE = Path(aae_lessons.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))

EVERYWHERE = {"arguments", "devices", "files"}
GROUND = {"data", "priors", "networks", "objectives"}
EDGES = {  # what each part may import of ours
    "__init__": set(),
    "arguments": set(),
    "devices": set(),
    "files": set(),
    "data": set(),
    "priors": set(),
    "networks": set(),
    "objectives": set(),
    "clusters": set(),
    "models": GROUND | {"clusters"},
    "methods": GROUND,
    "training": {"data"},
    "references": {"models", "methods", "training", "metrics", "clusters"} | GROUND,
    "metrics": {"objectives", "networks", "priors"},
    "plots": set(),
    "widgets": {"plots", "data"},
    "checks": {"objectives", "priors", "models", "plots"},
    "authoring": {"checks", "widgets", "plots", "references", "data"},
}


BUILDS_ON_ANOTHER_MODEL = {"agreement.py", "cluster_heads.py", "wasserstein.py"}
NO_STEP_OF_ITS_OWN = {"classifier.py", "cluster_heads.py", "discrepancies.py"}


def part_of(path):
    """``models`` for ``models/adversarial.py``, ``data`` for ``data.py``."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(source, package):
    """The parts of the package that a source imports; ``package``: the dotted one it is in."""
    result = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(above * bool(node.level) + [node.module] * bool(node.module))
            names = [f"{start}.{alias.name}" for alias in node.names]
        ours = [name.split(".") for name in names if name.split(".")[0] == "aae_lessons"]
        result |= {name[1] for name in ours if len(name) > 1 and not name[1].startswith("__")}
    return result


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    part = part_of(path)
    assert part in EDGES, f"{part} is new: say in EDGES what it may import"
    builds_on = path.name in BUILDS_ON_ANOTHER_MODEL
    own = {part} if (part != "models" or builds_on) and path.parent != PACKAGE else set()
    package = ".".join(["aae_lessons", *path.parent.relative_to(PACKAGE).parts])
    result = imports_of(path.read_text(encoding="utf-8"), package)
    wrong = result - EDGES[part] - EVERYWHERE - own
    assert not wrong, f"{part} may not import {sorted(wrong)}"


def test_nothing_but_authoring_imports_widgets_or_checks():
    for part, allowed in EDGES.items():
        if part == "authoring":
            continue
        assert not allowed & {"widgets", "checks"}, part


@pytest.mark.parametrize(
    ("source", "package", "expected"),
    [
        ("import aae_lessons.data", "aae_lessons", {"data"}),
        ("import aae_lessons", "aae_lessons", set()),
        ("from aae_lessons import __version__, plots as p", "aae_lessons", {"plots"}),
        ("from aae_lessons.models.adversarial import AAE", "aae_lessons", {"models"}),
        ("from . import checks", "aae_lessons", {"checks"}),
        ("from .wasserstein import WAE", "aae_lessons.models", {"models"}),
        ("from ..widgets.map import Map", "aae_lessons.models", {"widgets"}),
        ("def f():\n    import aae_lessons.training as t", "aae_lessons", {"training"}),
        ("import torch, aae_lessons_other", "aae_lessons", set()),
    ],
)
def test_the_reader_of_imports_sees_every_kind(source, package, expected):
    assert imports_of(source, package) == expected


def code_lines(function):
    """Lines of a function's body, its docstring not counted."""
    first = function.body[0]
    doc = isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)
    return function.end_lineno - (first.end_lineno if doc else first.lineno - 1)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_and_modules_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    long = {f.name: code_lines(f) for f in functions if code_lines(f) > 40}
    assert not long, f"over 40 lines: {long}"


# Words of a private dialect, where a reader expects the field's or plain English ones
IN_NAMES = re.compile(r"(^|_)(told|found|wanted|asked|mend|judge|heaps|dear)(s|d|ed)?($|_)")
IN_PROSE = re.compile(
    r"\b(told|asked|wants?|wanted|mend(s|ed)?|judged?|judges|heaps|dear)\b"
    r"|\b(one|two|once|twice|nats|bits|points|seconds|hours)"
    r"( (?!(that|of|for|in|to|as)\b)\w+)? an? "
    r"(batch|class|column|digit|epoch|image|lesson|phase|pixel|row|side|split|update)\b"
)


def dialect(source, prose=True):
    """What of a module's names, comments and texts is none of the field's words."""
    kinds = tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)
    texts = kinds if prose else ()
    result = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and IN_NAMES.search(token.string):
            result.append(token.string)
        if token.type in texts:
            result += [match[0] for match in IN_PROSE.finditer(token.string)]
    return result


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("wanted = found_labels", ["wanted", "found_labels"]),
        ("foundation = mended = 1", ["mended"]),
        ("def f():\n    '''One Adam a phase, which is told the rate.'''", ["told"]),
        ("# one draw an image", ["one draw an image"]),
        ("x = 'bits a pixel'", ["bits a pixel"]),
        ("x = 'two numbers, one for each image: a row'", []),
    ],
)
def test_the_reader_of_words_sees_every_kind(source, expected):
    assert dialect(source) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_names_and_prose_are_in_the_fields_words(path):
    texts = part_of(path) != "checks"  # which are tested by the tables of the exercises there
    words = dialect(path.read_text(encoding="utf-8"), texts)
    assert not [word for word in words if texts or "mended" not in word]  # learners call these


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_everything_public_says_what_it_is(path):
    def bare(node, prefix=""):
        for part in getattr(node, "body", []):
            if not isinstance(part, ast.FunctionDef | ast.ClassDef) or part.name[0] == "_":
                continue
            if ast.get_docstring(part) is None and part.name != "forward":
                yield prefix + part.name
            if isinstance(part, ast.ClassDef):
                yield from bare(part, f"{part.name}.")

    assert list(bare(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_every_lesson_notebook_has_its_model_file():
    for notebook in LESSONS:
        number, name = re.fullmatch(r"(\d\d)_(\w+)", notebook.stem).groups()
        if number != "00":
            places = (PACKAGE / "models" / f"{name}.py", PACKAGE / name)  # lesson 8 has a folder
            assert any(place.exists() for place in places), f"{notebook.name} has no {places[0]}"
    numbers = [notebook.name[:2] for notebook in LESSONS]
    assert len(set(numbers)) == len(numbers), "two lessons have one number"


def test_model_files_have_the_same_headings_in_the_same_order():
    files = {f for d in ("models", "methods") for f in (PACKAGE / d).glob("[!_]*.py")}
    for path in sorted(f for f in files if f.name not in NO_STEP_OF_ITS_OWN):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names = [node.name for node in body if hasattr(node, "name") and node.name[0] != "_"]
        classes = [node.name for node in body if isinstance(node, ast.ClassDef)]
        model = next(name for name in classes if not name.endswith("Config"))
        config, model, made, step = (
            names.index(n) for n in ("Config", model, "optimizers", "train_step")
        )
        assert names[0].endswith("Config") and config < model < made < step, path.name


def test_a_method_fits_on_two_hundred_lines():
    for path in (PACKAGE / "methods").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 200, path.name


IMPORT = """
import sys, time, json, torch
before, began = set(sys.modules), time.perf_counter()
import aae_lessons
import aae_lessons.data, aae_lessons.priors, aae_lessons.networks, aae_lessons.objectives
import aae_lessons.training, aae_lessons.models.autoencoder, aae_lessons.models.adversarial
took = time.perf_counter() - began
print(json.dumps([took, sorted({name.split(".")[0] for name in set(sys.modules) - before})]))
"""


def test_importing_the_package_costs_next_to_nothing():
    """At most 0.3 s beyond torch (the best of three), and none of the heavy libraries."""
    times = []
    for _ in range(3):
        out = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        took, modules = json.loads(out.stdout)
        heavy = {"torchvision", "matplotlib", "seaborn", "pandas", "scipy", "sklearn", "IPython"}
        assert not heavy & set(modules)
        times.append(took)
        if took <= 0.3:
            return
    raise AssertionError(f"importing took {times} s")


HEAVY = {"seaborn", "pandas", "scipy", "sklearn", "torchvision", "joblib", "ot"}
FIRST_FIGURES = """
import json, sys
from aae_lessons import data, plots, priors
test, prior = data.mnist("test", "cpu").subset(slice(0, 100)), priors.GaussianMixture()
plots.codes(prior.sample(100), test.labels, prior)
plots.rows_of_images({"digits": test.x[:10]})
plots.lines([1, 2], {"loss": [1.0, 2.0]}, "epoch", "loss")
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def first_imports(lesson: Path) -> dict[str, str]:
    """The import statements of a notebook's first dozen cells, each with its library."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    code = ("".join(cell["source"]) for cell in cells[:12] if cell["cell_type"] == "code")
    result = {}
    for node in (node for source in code for node in ast.parse(source).body):
        if isinstance(node, ast.Import):
            result[ast.unparse(node)] = node.names[0].name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            result[ast.unparse(node)] = node.module.split(".")[0]
    return result


def test_a_lesson_and_its_first_figures_load_no_heavy_library():
    """Only lessons 6 to 8 begin with one, by name. Modules are counted: times would depend."""
    imports = {path.stem: first_imports(path) for path in LESSONS}
    named = {stem for stem, lines in imports.items() if HEAVY & set(lines.values())}
    assert len(imports) == 9 and named == {"06_clustering", "07_wasserstein", "08_methods"}
    light = {line for lines in imports.values() for line in lines if lines[line] not in HEAVY}
    program = "\n".join([*sorted(light), FIRST_FIGURES])
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert not HEAVY & set(json.loads(out.stdout))
