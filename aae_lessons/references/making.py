"""Making, measuring and reporting reference runs."""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import time
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors.torch import save
from torch import Tensor, nn

import aae_lessons
from aae_lessons import data, references, training
from aae_lessons import device as devices
from aae_lessons.arguments import require, whole
from aae_lessons.references.recipes import RECIPES, Recipe

SNAPSHOT_ROWS = 1000
DIGITS = 6


def make(
    name: str,
    device: str | None = None,
    seed: int = 0,
    epochs: int | None = None,
    folder: Path = references.FOLDER,
    checkpoints: Path = Path("runs"),
) -> dict[str, Any]:
    """Trains one run, measures what was stored of it, writes its two files; returns the record.

    A run that was killed goes on from its checkpoint in ``checkpoints``.
    """
    require(name in RECIPES, "name", name, f"one of {', '.join(RECIPES)}")
    whole(seed, "seed", at_least=0)
    recipe, where = RECIPES[name], devices.choose(device)
    epochs = recipe.epochs if epochs is None else epochs
    test = data.mnist("test", where)
    batches = data.Minibatches(_training_set(recipe, where, seed), recipe.batch, seed)

    torch.manual_seed(seed)
    model = recipe.build().to(where)
    checkpoint = checkpoints / f"{name}-{seed}-{epochs}-{where.type}.pt"
    started = time.perf_counter()
    history = _train(recipe, model, batches, epochs, test.x[:SNAPSHOT_ROWS], checkpoint)
    seconds = time.perf_counter() - started

    tensors = {key: value.cpu().half() for key, value in model.state_dict().items()}
    if history.snapshots[0]:
        tensors["snapshots"] = torch.stack([s["z"] for s in history.snapshots]).half()
    record = {
        "name": name,
        "command": f"python -m aae_lessons.references make {name} --seed {seed}",
        "note": recipe.note,
        "model": describe(model),
        "training": _plan(recipe, batches, epochs),
        "seed": seed,
        "seconds": round(seconds, 1),
        "machine": _machine(where),
        "history": _rounded(history),
    }
    stored = references.unpack(name, dict(tensors), record, where)
    record["metrics"] = recipe.measure(stored.model, test)
    text = readable(record)
    training.write_atomically(folder / f"{name}.safetensors", lambda f: f.write(save(tensors)))
    training.write_atomically(folder / f"{name}.json", lambda f: f.write(text.encode()))
    checkpoint.unlink(missing_ok=True)
    return record


def readable(record: dict[str, Any]) -> str:
    """A record as JSON, indented, but with each list of numbers on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)


def _train(recipe: Recipe, model, batches, epochs: int, watched: Tensor, checkpoint: Path):
    return training.fit(
        recipe.step,
        model,
        recipe.optimizers(model),
        batches,
        epochs,
        schedule=training.constant_then_linear,
        snapshot=lambda m: _codes(m, watched),
        checkpoint=checkpoint,
    )


def _plan(recipe: Recipe, batches: data.Minibatches, epochs: int) -> dict[str, Any]:
    return {
        "step": recipe.step.__name__,
        "epochs": epochs,
        "updates": epochs * len(batches),
        "batch": recipe.batch,
        "schedule": "constant for half the run, then linearly to zero",
        "images": len(batches.images),
        "labels": int((batches.images.labels >= 0).sum()),
    }


def report(device: str | None = None) -> dict[str, dict[str, float]]:
    """Every run's metrics, computed again from its stored weights on the test set."""
    test = data.mnist("test", device)
    loaded = {name: references.load(name, test.device) for name in references.names()}
    return {name: RECIPES[name].measure(run.model, test) for name, run in loaded.items()}


def table(metrics: dict[str, dict[str, float]]) -> str:
    """Metrics by run as a Markdown table."""
    columns = list(dict.fromkeys(key for row in metrics.values() for key in row))
    lines = ["| run | " + " | ".join(c.replace("_", " ") for c in columns) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for name, row in metrics.items():
        cells = [f"{row[c]:.4g}" if c in row else "" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_readme(path: Path) -> None:
    """Puts the table of the records between the report markers of a README."""
    begin, end = "<!-- report:begin -->", "<!-- report:end -->"
    text = path.read_text("utf-8")
    require(begin in text and end in text, "path", str(path), f"a file with {begin} and {end}")
    recorded = {name: references.load(name).metrics for name in references.names()}
    before, after = text.split(begin)[0], text.split(end)[1]
    whole_text = f"{before}{begin}\n{table(recorded)}\n{end}{after}"
    training.write_atomically(path, lambda f: f.write(whole_text.encode()))


def describe(model: nn.Module) -> dict[str, Any]:
    """A model's configuration in words and numbers: its Config, its prior, its size."""
    found: dict[str, Any] = {"class": type(model).__name__}
    for part in ("config", "prior"):
        if hasattr(model, part):
            value = getattr(model, part)
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            plain = {k: getattr(v, "__name__", v) for k, v in fields.items()}
            found[part] = {"class": type(value).__name__, **plain}
    found["parameters"] = sum(p.numel() for p in model.parameters())
    return found


def _training_set(recipe: Recipe, where: torch.device, seed: int) -> data.ImageSet:
    images = data.mnist("train", where)
    if recipe.labels is None:
        return images
    none = torch.empty(0, dtype=torch.int64, device=where)
    keep = data.balanced_split(images.labels, recipe.labels, seed) if recipe.labels else none
    return data.hide_labels(images, keep)


@torch.no_grad()
def _codes(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return {"z": model.encode(x).cpu()} if hasattr(model, "encode") else {}


def _rounded(history: training.History) -> dict[str, Any]:
    losses = {k: [float(f"{v:.{DIGITS}g}") for v in line] for k, line in history.losses.items()}
    return {"steps": history.steps, "losses": losses}


def _machine(where: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else platform.machine()
    return {
        "device": f"{where.type} ({name})",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "aae_lessons": aae_lessons.__version__,
    }
