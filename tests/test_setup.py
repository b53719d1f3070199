"""The set-up files agree with each other and name nobody's machine or registry."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")


def environment_lines():
    lines = (ROOT / "environment.yml").read_text("utf-8").splitlines()
    return [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]


def test_environment_equals_pyproject():
    lines = environment_lines()
    assert f"python{PROJECT['project']['requires-python']}" in lines
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    assert f"-e .[{extras}]" in lines  # every dependency comes from pyproject, all extras too
    known = {"conda-forge", "pip", "pip:", f"-e .[{extras}]"}
    others = [
        x for x in lines if x not in known and not x.startswith(("python>", "--extra-index"))
    ]
    assert not others, f"a dependency that pyproject doesn't know: {others}"


def test_the_dev_group_has_every_extra():
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    assert PROJECT["dependency-groups"]["dev"] == [f"aae-lessons[{extras}]"]


@pytest.mark.parametrize("command", ["uv run jupyter lab notebooks", "uv run pytest"])
def test_readme_has_the_two_commands(command):
    assert f"python -m pip install uv && {command}\n" in README


def test_pyproject_names_no_index_and_pins_by_date():
    uv = PROJECT["tool"]["uv"]
    assert set(uv) == {"exclude-newer"}
    assert "://" not in (ROOT / "pyproject.toml").read_text("utf-8")


def test_every_readme_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_readme_table_is_written_from_the_records():
    from aae_lessons.references import report

    assert report.tables(report.recorded()) in README, (
        "run: python -m aae_lessons.references readme"
    )


def test_no_lock_file_is_kept():
    listed = subprocess.run(
        ["git", "ls-files", "uv.lock"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert listed.stdout == ""
