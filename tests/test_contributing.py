"""The Python examples of CONTRIBUTING.md run as they stand, on few images."""

import re
import textwrap
from pathlib import Path

import pytest

from aae_lessons import data
from aae_lessons.priors import Prior

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLES = [
    textwrap.dedent(indent + code)
    for indent, code in re.findall(r"```python\n( *)(.*?)```", TEXT, re.DOTALL)
]


def test_the_examples_run_in_order(monkeypatch):
    images = data.mnist("test", "cpu").subset(slice(0, 512))
    monkeypatch.setattr(data, "mnist", lambda part, device: images)
    monkeypatch.setattr(data, "split_validation", lambda images, held_out: (images, images))
    names: dict[str, object] = {"__name__": "example"}
    assert len(EXAMPLES) >= 2
    for number, code in enumerate(EXAMPLES):
        exec(compile(code, f"CONTRIBUTING.md, example {number + 1}", "exec"), names)
    assert isinstance(names["Square"](), Prior)
    assert names["model"].prior == names["Square"]()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:aae_lessons/|tests/)[^` ]*)`", TEXT)))
)
def test_every_path_exists(path):
    name = path.partition("NN_")[0] if "NN_" in path else path
    if "name.py" in name:
        name = str(Path(name).parent)
    assert (ROOT / name).exists(), path
