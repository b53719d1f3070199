"""Making, measuring and reporting reference runs."""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy
import torch
from safetensors.torch import save
from torch import Tensor, nn

import aae_lessons
from aae_lessons import data, references, training
from aae_lessons import device as devices
from aae_lessons.arguments import require, whole
from aae_lessons.references import pictures
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
    started, worked = time.perf_counter(), time.process_time()
    if recipe.prepare and not checkpoint.exists():
        recipe.prepare(model, batches)
    history = _train(recipe, model, batches, epochs, test.x[:SNAPSHOT_ROWS], checkpoint)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked

    tensors = _stored(recipe, model, history, test.x)
    record = {
        "name": name,
        "command": f"python -m aae_lessons.references make {name} --seeds {seed}",
        "note": recipe.note,
        "model": describe(model),
        "training": _plan(recipe, batches, epochs),
        "seed": seed,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "machine": _machine(where),
        "history": _rounded(history),
    }
    stored = references.unpack(name, dict(tensors), record, where)
    record["metrics"] = recipe.measure(stored.model or model.eval(), test)
    text = readable(record)
    training.write_atomically(folder / f"{name}.safetensors", lambda f: f.write(save(tensors)))
    training.write_atomically(folder / f"{name}.json", lambda f: f.write(text.encode()))
    checkpoint.unlink(missing_ok=True)
    return record


def make_seeds(
    name: str,
    device: str | None = None,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    jobs: int = 1,
    folder: Path = references.FOLDER,
    workspace: Path = Path("runs"),
) -> list[dict[str, Any]]:
    """:func:`make` at several seeds, ``jobs`` at a time; returns their records.

    Weights (or pictures) are kept of the first seed, records of all. Seeds that are finished in
    ``workspace`` are not made again. The jobs are joblib's: local processes by default, a Dask
    or Ray cluster inside ``joblib.parallel_config(backend=...)``.
    """
    require(len(seeds) == len(set(seeds)) > 0, "seeds", seeds, "one seed or more, all different")
    places = [workspace / f"{name}.seed-{seed}" for seed in seeds]
    joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(make)(name, device, seed, epochs, place, place)
        for seed, place in zip(seeds, places, strict=True)
        if not (place / f"{name}.json").is_file()
    )
    for old in folder.glob(f"{name}.seed-*.json"):
        old.unlink()
    for place, seed in zip(places, seeds, strict=True):
        kept = name if seed == seeds[0] else f"{name}.seed-{seed}"
        for kind in ("safetensors", "json") if kept == name else ("json",):
            content = (place / f"{name}.{kind}").read_bytes()
            training.write_atomically(folder / f"{kept}.{kind}", lambda f, c=content: f.write(c))
    return [json.loads((place / f"{name}.json").read_text("utf-8")) for place in places]


def _stored(
    recipe: Recipe, model: nn.Module, history: training.History, x: Tensor
) -> dict[str, Tensor]:
    """What goes into the safetensors file: weights or pictures, and the watched codes."""
    if not recipe.weights:
        return pictures.take(model, x)
    tensors = {key: value.cpu().half() for key, value in model.state_dict().items()}
    if history.snapshots[0]:
        tensors["snapshots"] = torch.stack([s["z"] for s in history.snapshots]).half()
    return tensors


def measure_again(name: str) -> dict[str, float]:
    """Measures a run's stored weights, and writes what was found into its record."""
    run, path = references.load(name), references.FOLDER / f"{name}.json"
    run.record["metrics"] = RECIPES[name].measure(run.model, data.mnist("test", "cpu"))
    training.write_atomically(path, lambda f: f.write(readable(run.record).encode()))
    return run.metrics


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
        snapshot=lambda m: _codes(m, watched) if recipe.watch and recipe.weights else {},
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
    """Metrics of every run whose weights are stored, computed again on the test set."""
    test = data.mnist("test", device)
    kept = [name for name in references.names() if RECIPES[name].weights]
    loaded = {name: references.load(name, test.device) for name in kept}
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
    kept = [name for name in references.names() if RECIPES[name].weights]
    recorded = {name: references.load(name).metrics for name in kept}
    before, after = text.split(begin)[0], text.split(end)[1]
    whole_text = f"{before}{begin}\n{table(recorded)}\n{end}{after}"
    training.write_atomically(path, lambda f: f.write(whole_text.encode()))


def describe(model: nn.Module) -> dict[str, Any]:
    """A model's configuration in words and numbers: Config, prior, cost, discrepancy, size."""
    found: dict[str, Any] = {"class": type(model).__name__}
    for part in ("config", "prior", "cost", "discrepancy"):
        if hasattr(model, part):
            found[part] = _in_words(getattr(model, part))
    found["parameters"] = sum(p.numel() for p in model.parameters())
    return found


def _in_words(value: Any) -> Any:
    """Dataclasses by their fields, functions by the name they were written under."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _in_words(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, nn.Module):
        return {"class": type(value).__name__, "log_density": getattr(value, "log_density", None)}
    return value.__qualname__.split(".")[0] if callable(value) else value


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
