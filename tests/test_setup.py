"""The set-up files agree with each other and name nobody's machine or registry."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import aae_lessons

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")


def environment_lines():
    lines = (ROOT / "environment.yml").read_text("utf-8").splitlines()
    return [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]


def test_environment_equals_pyproject():
    lines = environment_lines()
    assert f"python{PROJECT['project']['requires-python']}" in lines
    extras = "-e .[lab,test]"  # every dependency comes from pyproject; a cluster isn't needed
    assert extras in lines
    known = {"conda-forge", "pip", "pip:", extras}
    others = [
        x for x in lines if x not in known and not x.startswith(("python>", "--extra-index"))
    ]
    assert not others, f"a dependency that pyproject doesn't know: {others}"


def test_the_dev_group_has_every_extra():
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    assert PROJECT["dependency-groups"]["dev"] == [f"aae-lessons[{extras}]"]


def requirements():
    """Every requirement of the package and its extras."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(r) for r in (*project["dependencies"], *(r for e in extras for r in e))]


def test_the_package_uses_each_library_that_it_requires():
    code = "\n".join(p.read_text("utf-8") for p in (ROOT / "aae_lessons").rglob("*.py"))
    named = {"scikit-learn": "sklearn"}
    for line in PROJECT["project"]["dependencies"]:
        name = Requirement(line).name
        used = re.search(rf"^ *(import|from) {named.get(name, name)}\b", code, re.MULTILINE)
        assert used, f"{name}: no module imports it"


CONSTRAINTS = ROOT / "constraints.txt"


def constraints():
    """Pinned versions by package; several where they differ between systems."""
    pins = {}
    for line in CONSTRAINTS.read_text("utf-8").splitlines():
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        pins.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    return pins


def test_constraints_name_no_host_and_hold_every_requirement():
    """A requirement that was added or raised makes the file stale: see CONTRIBUTING."""
    assert "/" not in CONSTRAINTS.read_text("utf-8").replace("sys_platform", "")
    pins = constraints()
    for requirement in requirements():
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert versions, f"constraints.txt lacks {requirement.name}"
        assert any(requirement.specifier.contains(v) for v in versions), str(requirement)


needs_network = pytest.mark.skipif(
    "AAE_NETWORK" not in os.environ, reason="needs a network: set AAE_NETWORK"
)
PLATFORMS = {  # those that the README promises
    "Linux": "x86_64-unknown-linux-gnu",
    "Linux, ARM": "aarch64-unknown-linux-gnu",
    "Windows": "x86_64-pc-windows-msvc",
    "macOS": "aarch64-apple-darwin",
}


@needs_network
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_dependencies_resolve(platform, python):
    assert resolve(PLATFORMS[platform], python).returncode == 0


@needs_network
def test_the_lowest_versions_resolve():
    result = resolve(PLATFORMS["Linux"], "3.11", "--resolution", "lowest-direct")
    assert result.returncode == 0, result.stderr


@needs_network
@pytest.mark.parametrize("platform", ["x86_64-apple-darwin", "aarch64-pc-windows-msvc"])
def test_platforms_without_wheels_are_the_readmes(platform):
    result = resolve(platform, "3.11")
    assert result.returncode != 0 and "torch" in result.stderr


def resolve(platform, python, *options):
    target = ["--python-platform", platform, "--python-version", python]
    dated = ["--exclude-newer", PROJECT["tool"]["uv"]["exclude-newer"]]
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", "lab", "--extra", "test"]
    return subprocess.run(
        [*command, *target, *dated, *options], cwd=ROOT, capture_output=True, text=True
    )


OPENS = "jupyter lab --notebook-dir=. notebooks/00_start_here.ipynb"


@pytest.mark.parametrize("command", [f"uv run {OPENS}", "uv run pytest -n 2 --dist loadfile"])
def test_readme_has_the_two_commands(command):
    assert f"python -m pip install uv && {command}\n" in README


def test_the_first_command_opens_lesson_0_where_exercises_can_be_reached():
    """JupyterLab itself reads the command: its root is the repository, its first file lesson 0."""
    pytest.importorskip("jupyterlab")
    code = (
        "import sys; from jupyterlab.labapp import LabApp\n"
        "server = LabApp.initialize_server(sys.argv[1:])\n"
        "print(server.root_dir, server.file_to_run, sep='\\n')"
    )
    here = ["--no-browser", "--allow-root", "--port=0", *OPENS.split()[2:]]
    done = subprocess.run(
        [sys.executable, "-c", code, *here], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    root, file = map(Path, done.stdout.splitlines())
    assert root == ROOT and (root / "exercises").is_dir()
    assert file == ROOT / "notebooks" / "00_start_here.ipynb"


def test_the_readme_is_short_and_begins_with_a_picture_and_a_command():
    lines = README.splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("python -m pip install uv") for line in lines[:40])
    picture = re.search(r"!\[[^\]]{40,}\]\(([^)]+)\)", "\n".join(lines[:12]))
    assert picture and (ROOT / picture[1]).stat().st_size <= 200_000


def test_pyproject_names_no_index_and_pins_by_date():
    uv = PROJECT["tool"]["uv"]
    assert set(uv) == {"exclude-newer"}
    hosts = re.findall(r"://([^/\"]+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(hosts) == {"arxiv.org"}


def test_every_readme_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_results_are_written_from_the_records():
    from aae_lessons.references import results

    hint = "run: python -m aae_lessons.references results"
    table = README.split(results.BEGIN)[1].split(results.END)[0].strip()
    assert table == results.headlines(), hint
    assert len(table.splitlines()) <= 2 + 8
    assert (ROOT / "RESULTS.md").read_text("utf-8") == results.results(), hint


def test_every_recorded_metric_is_explained():
    from aae_lessons import references
    from aae_lessons.references import results

    recorded = {metric for name in references.names() for metric in references.load(name).metrics}
    assert recorded == set(results.MEANING)


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {aae_lessons.__version__}\n" in citation


def test_no_lock_file_is_kept():
    listed = subprocess.run(
        ["git", "ls-files", "uv.lock"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert listed.stdout == ""
