"""Do the tests notice small mistakes? Edits of the package, one at a time, and their tests.

    python benchmarks/mutations.py            # all edits: a line for each, and how many were seen
    python benchmarks/mutations.py 3 17       # some of them, by number
    python benchmarks/mutations.py --check    # only: does each edit still fit the code?

Each edit is applied to a copy of the package in a temporary folder, in a process of its own that
runs the named test files until one test fails. torch is loaded once: the processes are forks (so
not on Windows). An edit that no test notices has *survived*, and deserves a test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("aae_lessons", "tests", "pyproject.toml", "benchmarks")
EXPECTED = 38  # of 40


@dataclass(frozen=True)
class Edit:
    """``old`` becomes ``new`` in the module or package ``file``; ``tests``: pytest's arguments."""

    file: str
    old: str
    new: str
    tests: str


OBJECTIVES, TEST_OBJECTIVES = "objectives", "tests/test_objectives.py"
TEST_VAE = "tests/test_variational.py"
AAE, TEST_AAE = "models/adversarial", "tests/test_models.py"
CATEGORICAL, TEST_CATEGORICAL = "models/categorical", "tests/test_categorical.py"
SEMI, TEST_SEMI = "models/semi_supervised", "tests/test_semi_supervised.py"
EDITS = (
    # costs
    Edit(
        OBJECTIVES,
        "(x - logits.sigmoid()).square().sum(1)",
        "(x - logits.sigmoid()).square().mean(1)",
        TEST_OBJECTIVES,
    ),
    Edit(
        OBJECTIVES, 'reduction="none").sum(1).mean()', 'reduction="none").mean()', TEST_OBJECTIVES
    ),
    Edit(
        OBJECTIVES,
        "(x - logits.sigmoid()).abs()",
        "(x - logits.sigmoid()).square()",
        "tests/test_wasserstein.py -k cost",
    ),
    Edit(
        OBJECTIVES,
        "0.5 * (features(x)",
        "(features(x)",
        f"{TEST_OBJECTIVES} tests/test_wasserstein.py",
    ),
    # adversarial losses
    Edit(
        OBJECTIVES,
        "F.softplus(-logits_real).mean() + F.softplus(logits_fake)",
        "F.softplus(logits_real).mean() + F.softplus(-logits_fake)",
        TEST_OBJECTIVES,
    ),
    Edit(
        OBJECTIVES,
        "return F.softplus(-logits_fake).mean()",
        "return -F.softplus(logits_fake).mean()",
        TEST_OBJECTIVES,
    ),
    Edit(
        OBJECTIVES,
        "torch.cat([c, c])",
        "torch.cat([c, c.flip(0)])",
        f"{TEST_OBJECTIVES} {TEST_AAE} {TEST_SEMI}",
    ),
    # KL divergences
    Edit(OBJECTIVES, "* (-log_variance).exp()", "* (-0.5 * log_variance).exp()", TEST_VAE),
    Edit(OBJECTIVES, "(mean / std).square()", "mean.square()", TEST_VAE),
    Edit(OBJECTIVES, "(log_q - log_p).mean()", "(log_p - log_q).mean()", TEST_VAE),
    # discrepancies
    Edit(
        OBJECTIVES,
        "directions / directions.norm(dim=0)",
        "directions / directions.norm()",
        TEST_OBJECTIVES,
    ),
    Edit(
        OBJECTIVES,
        "_sorted(z_prior @ directions)",
        "(z_prior @ directions)",
        TEST_OBJECTIVES,
    ),
    Edit(OBJECTIVES, "2 * dim * std**2 * s", "2 * dim * std * s", TEST_OBJECTIVES),
    Edit(OBJECTIVES, "(-2 * bandwidth**2)", "(-2 * bandwidth)", TEST_OBJECTIVES),
    Edit(OBJECTIVES, "within - 2 * kernel", "within - kernel", TEST_OBJECTIVES),
    Edit(OBJECTIVES, ").masked_fill(itself, 0.0)", ")", TEST_OBJECTIVES),
    Edit(
        OBJECTIVES,
        "entr(probabilities).sum(1).mean()",
        "entr(probabilities).mean()",
        TEST_OBJECTIVES,
    ),
    # descending
    Edit(OBJECTIVES, "    optimizer.zero_grad()\n", "", f"{TEST_OBJECTIVES} -k descend"),
    Edit(
        OBJECTIVES,
        "loss.backward(inputs=parameters)",
        "loss.backward()",
        f"{TEST_OBJECTIVES} -k descend",
    ),
    # the AAE
    Edit(AAE, "sample_given(label)\n", "sample_given(label.flip(0))\n", TEST_AAE),
    Edit("networks", "mean + (0.5 * log_variance).exp()", "mean + log_variance.exp()", TEST_AAE),
    Edit("networks", "max(0.0, 1.0 - 2.0 * done)", "max(0.0, 1.0 - done)", TEST_AAE),
    Edit(
        AAE,
        "reconstruction + model.config.weight * generator",
        "reconstruction + generator",
        f"{TEST_AAE} tests/test_wasserstein.py",
    ),
    Edit(
        "networks",
        "torch.where(label < 0, classes, label)",
        "torch.where(label < 0, 0, label)",
        f"{TEST_AAE} -k label",
    ),
    # categorical codes
    Edit("networks", "g = -torch.empty_like", "g = torch.empty_like", TEST_CATEGORICAL),
    Edit(
        CATEGORICAL,
        "self.y_logits(x) / self.temperature",
        "self.y_logits(x) * self.temperature",
        TEST_CATEGORICAL,
    ),
    Edit(CATEGORICAL, "sub_(logits.mean(0)).mul_(gain)", "sub_(logits.mean(0))", TEST_CATEGORICAL),
    Edit(
        CATEGORICAL,
        "ratio ** min(1.0, done / config.cooled_at)",
        "ratio ** min(1.0, done)",
        TEST_CATEGORICAL,
    ),
    # semi-supervised: y of the discriminator of z belongs to other codes
    Edit(
        SEMI,
        "torch.cat([y, z], dim=1)",
        "torch.cat([y.flip(0), z], dim=1)",
        f"{TEST_SEMI} -k class",
    ),
    Edit(
        "networks",
        "            x = F.grid_sample(",
        "            x = x + self.noise * torch.randn_like(x)\n            x = F.grid_sample(",
        "tests/test_networks.py tests/test_semi_supervised.py",
    ),
    # clusters
    Edit("clusters", "((pairs + pairs.T) / 2)", "(pairs)", "tests/test_clustering.py"),
    Edit(
        "clusters",
        "F.relu(distance - pair_distances(heads)).sum()",
        "F.relu(distance - torch.cdist(heads, heads)).sum()",
        "tests/test_clustering.py",
    ),
    # measures
    Edit(
        "metrics",
        "fake = (classifier(test) <= 0)",
        "fake = (classifier(train) <= 0)",
        "tests/test_metrics.py",
    ),
    Edit(
        "metrics",
        "manual_seed(seed))[:MMD_ROWS]",
        "manual_seed(0))[:MMD_ROWS]",
        "tests/test_metrics.py -k mmd",
    ),
    # priors
    Edit(
        "priors",
        "self.std * torch.randn(n, self.dim",
        "self.std**2 * torch.randn(n, self.dim",
        "tests/test_priors.py",
    ),
    Edit(
        "priors",
        "-0.5 * (z / self.std).square()",
        "-(z / self.std).square()",
        "tests/test_priors.py",
    ),
    # training, records
    Edit(
        "training/schedules",
        "min(1.0, 2.0 * (1.0 - done))",
        "min(1.0, 1.0 - done)",
        "tests/test_training.py -k linear",
    ),
    Edit(
        "references/quantize",
        "(value / scale).round()",
        "(value / scale).floor()",
        "tests/test_references.py -k byte",
    ),
    Edit("references/storage", "check(same, ", "check(True, ", "tests/test_storage.py"),
    Edit(
        "references/sweep",
        '"settings": [epochs, ',
        '"settings": [',
        "tests/test_sweep.py -k fingerprint",
    ),
)


def files(edit: Edit, root: Path = ROOT) -> list[Path]:
    """The files of the edited module, or package, in which ``old`` stands exactly once."""
    path = root / "aae_lessons" / edit.file
    sources = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [f for f in sources if f.is_file() and f.read_text("utf-8").count(edit.old) == 1]


def fits(edit: Edit) -> bool:
    """Whether the text that it replaces stands in one file, once."""
    return len(files(edit)) == 1


def seen(edit: Edit, copy: Path) -> bool:
    """Whether the named tests fail on a copy of the project with the edit in it."""
    (path,) = files(edit, copy)
    text = path.read_text("utf-8")
    path.write_text(text.replace(edit.old, edit.new), "utf-8")
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(copy, edit.tests.split()))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    path.write_text(text, "utf-8")
    if status not in (0, 1):
        sys.exit(f"{edit.file}: pytest {edit.tests} ended with {status}; see above")
    return status == 1


def _run_tests(copy: Path, tests: list[str]) -> int:
    import pytest

    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = str(copy)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:nbval", "-o", "addopts="]
    return int(pytest.main([*options, *tests]))


def copy_of_project(folder: Path) -> Path:
    """The package and its tests, without what they only read lazily."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("numbers", nargs="*", type=int, help="of edits, from 1; all without")
    parser.add_argument("--check", action="store_true", help="only: does each edit still fit?")
    args = parser.parse_args()
    stale = [i for i, edit in enumerate(EDITS, 1) if not fits(edit)]
    if stale:
        sys.exit(f"these edits no longer fit the code: {', '.join(map(str, stale))}")
    if args.check:
        return
    import torch

    torch.set_num_threads(1)
    chosen = args.numbers or range(1, len(EDITS) + 1)
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_project(Path(folder).resolve())
        for number in chosen:
            edit, started = EDITS[number - 1], time.perf_counter()
            word = "seen    " if seen(edit, copy) else "SURVIVED"
            survived += [number] * (word != "seen    ")
            took = time.perf_counter() - started
            print(f"{number:2} {word} {took:4.0f} s  {edit.file}: {edit.new.strip()}", flush=True)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} seen")
    sys.exit(len(survived) > len(EDITS) - EXPECTED)


if __name__ == "__main__":
    main()
