"""The reference runs that come with the package: trained longer than a lesson has time for.

Each has a record in ``runs/``, ``NAME.json``: recipe, seed, versions, device, seconds, history,
and metrics on the test set. ``Recipe.keep`` says what ``NAME.safetensors`` holds next to it:
weights in half precision with the codes of the first 1000 test images after every epoch; the
weights of encoder and decoder in a byte each; or samples and reconstructions. Some runs have a
record only. A run that was repeated has a record ``NAME.seed-S.json`` for each further seed.

``python -m aae_lessons.references --help`` lists the commands.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aae_lessons import devices
from aae_lessons.arguments import check, refusal
from aae_lessons.models.classifier import DigitClassifier
from aae_lessons.references import quantize, storage
from aae_lessons.references.recipes import RECIPES
from aae_lessons.training import History

FOLDER = Path(__file__).parent / "runs"


@dataclass(frozen=True)
class Reference:
    """A trained model and the record of its run.

    ``model`` is on the chosen device, in evaluation mode (None where only pictures were
    kept); ``record`` is the JSON; ``history`` holds losses and, as ``snapshots[e]["z"]``, the
    codes of the first 1000 test images after e epochs, (1000, d); ``previews`` is what
    :func:`aae_lessons.references.previews.make_previews` made, empty where the weights were kept.
    """

    name: str
    model: Any  # an nn.Module of the recipe's own class, or None
    record: dict[str, Any]
    history: History
    previews: dict[str, Tensor] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured on the test set when the run was made."""
        return self.record["metrics"]


def names() -> list[str]:
    """The runs that are there."""
    return [name for name in RECIPES if (FOLDER / f"{name}.json").is_file()]


def load(name: str, device: str | torch.device | None = "cpu") -> Reference:
    """Loads a reference run: its record, and its model where weights are kept.

    Raises ValueError where the name is unknown, the run is missing, or a file is damaged.
    """
    check(name in RECIPES, "name", name, f"one of {', '.join(RECIPES)}")
    weights, record = FOLDER / f"{name}.safetensors", FOLDER / f"{name}.json"
    fix = f"python -m aae_lessons.references make {name}"
    kept = RECIPES[name].keep
    whole = record.is_file() and (weights.is_file() or kept == "record")
    check(whole, "name", name, f"a run whose two files are in {FOLDER}; make it: {fix}")
    content = storage.read_record(record)
    tensors = {} if kept == "record" else storage.read_weights(weights, content)
    return unpack(name, tensors, content, devices.choose(device))


def unpack(name: str, tensors: dict[str, Tensor], record: dict, device: torch.device) -> Reference:
    """A :class:`Reference` from what is stored."""
    codes = tensors.pop("snapshots", None)
    snapshots = [] if codes is None else [{"z": z.float()} for z in codes]
    history = History(record["history"]["steps"], record["history"]["losses"], snapshots)
    kept = RECIPES[name].keep
    if not RECIPES[name].keeps_model:
        return Reference(name, None, record, history, tensors)
    model = RECIPES[name].build()
    weights = quantize.unpack(tensors)
    missing, _ = model.load_state_dict(weights, strict=False)
    wrong = [m for m in missing if kept == "weights" or m.startswith(quantize.KEPT)]
    check(not wrong, "name", name, f"a run whose file holds {', '.join(wrong)}")
    return Reference(name, model.to(device).eval(), record, history)


def records(name: str) -> list[dict[str, Any]]:
    """The records of a run at every seed it was made with, by seed."""
    if name not in RECIPES or not (FOLDER / f"{name}.json").is_file():
        raise refusal("name", name, f"one of {', '.join(names())}")
    files = [FOLDER / f"{name}.json", *FOLDER.glob(f"{name}.seed-*.json")]
    return sorted((storage.read_record(f) for f in files), key=lambda r: r["seed"])


def mean_and_std(name: str, metric: str) -> tuple[float, float, int]:
    """Mean and standard deviation (n − 1) of a metric over seeds, and how many seeds.

    The deviation is nan for a single seed.
    """
    return over_seeds(records(name), metric)


def over_seeds(runs: list[dict[str, Any]], metric: str) -> tuple[float, float, int]:
    """:func:`mean_and_std` of records that were read before."""
    values = [record["metrics"].get(metric) for record in runs]
    check(None not in values, "metric", metric, "one that the records hold")
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return statistics.fmean(values), deviation, len(values)


def change(before: str, after: str, metric: str) -> str:
    """What a metric does from one run to another: it "falls", "rises", or is "undecided".

    It rises where every seed of ``after`` lies above every seed of ``before``. If nothing
    differed, three seeds each would still be separated, in one direction or the other, in 2 of
    20 orders: once in ten comparisons.
    """
    old, new = ([record["metrics"][metric] for record in records(run)] for run in (before, after))
    return "falls" if max(new) < min(old) else "rises" if min(new) > max(old) else "undecided"


def classifier(device: str | torch.device | None = "cpu") -> DigitClassifier:
    """The fixed MNIST classifier by which samples are measured; its record has its test error.

    Its weights need no gradient, so that measuring 10,000 images keeps no graph of 1 GB.
    """
    return load("classifier", device).model.requires_grad_(False)
