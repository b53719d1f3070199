"""The one place that knows where the course's repository is.

``[project.urls]`` of ``pyproject.toml`` names it (``Repository``); ``AAE_REPOSITORY`` in the
environment comes first, for a fork. Without either the site has no launch buttons, and notebooks
have no cell that installs the package where it is missing.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

INSTALL = "install"  # id and tag of that cell
CODE = """\
# Where the package is missing, as on Colab: install it from the course's repository.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("aae_lessons") is None:
    address = "git+{address}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", address], check=True)"""
ROOT = Path(__file__).parents[3]
BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"
VARIABLE = "AAE_REPOSITORY"


def address() -> str:
    """The repository's address, such as ``https://github.com/OWNER/NAME``; "" if unknown."""
    file = ROOT / "pyproject.toml"
    project = tomllib.loads(file.read_text("utf-8"))["project"] if file.is_file() else {}
    urls = {name.lower(): url for name, url in project.get("urls", {}).items()}
    return os.environ.get(VARIABLE, urls.get("repository", "")).rstrip("/").removesuffix(".git")


def buttons() -> dict[str, Any]:
    """Options of the theme for links to the repository, Colab and Binder."""
    if not address():
        return {}
    return {
        "repository_url": address(),
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": BINDER,
            "colab_url": COLAB,
            "notebook_interface": "jupyterlab",
        },
    }


def sentence() -> str:
    """Where the repository is, or what whoever publishes the site does to say so; Markdown."""
    if address():
        return f"The repository is at <{address()}>."
    return (
        "This copy of the site does not know the address of its repository, and so has no buttons "
        "for Colab and Binder. Whoever publishes it enters the address once, as `Repository` "
        f"under `[project.urls]` in `pyproject.toml` or as `{VARIABLE}` in the environment, and "
        "builds the site again."
    )


def with_installation(notebook: NotebookNode) -> NotebookNode:
    """The notebook with, after its title, the cell that installs the package; without an address
    the cell is taken away. Changed in place."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != INSTALL]
    if address():
        source = CODE.format(address=address())
        cell = new_code_cell(source, id=INSTALL, metadata={"tags": [INSTALL, "setup"]})
        notebook.cells.insert(1, cell)
    return notebook
