"""The one place that knows where the course's repository is.

``[project.urls]`` of ``pyproject.toml`` names it (``Repository``); ``AAE_REPOSITORY`` in the
environment comes first, for a fork. Without either the site has no launch buttons, and a
notebook's first cell says how to install the package by hand.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

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
