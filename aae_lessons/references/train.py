"""Making and measuring reference runs."""

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
from aae_lessons import data, devices, references, training
from aae_lessons.arguments import check, check_int
from aae_lessons.files import write_atomically
from aae_lessons.references import previews, quantize
from aae_lessons.references.recipes import RECIPES, Recipe

SNAPSHOT_ROWS = 1000
WORDS = {training.constant_then_linear: "constant for half the run, then linearly to zero"}
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
    check(name in RECIPES, "name", name, f"one of {', '.join(RECIPES)}")
    check_int(seed, "seed", at_least=0)
    recipe, device = RECIPES[name], devices.choose(device)
    epochs = recipe.epochs if epochs is None else epochs
    test = recipe.dataset("test", device)
    batches = recipe.batches(_training_set(recipe, device, seed), recipe.batch, seed=seed)

    torch.manual_seed(seed)
    model = recipe.build().to(device)
    checkpoint = checkpoints / f"{name}-{seed}-{epochs}-{device.type}.pt"
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
        "machine": _machine(device),
        "history": _rounded(history),
    }
    stored = references.unpack(name, dict(tensors), record, device)
    record["metrics"] = recipe.measure(stored.model or model.eval(), test)
    text = readable(record)
    if tensors:
        write_atomically(folder / f"{name}.safetensors", lambda f: f.write(save(tensors)))
    write_atomically(folder / f"{name}.json", lambda f: f.write(text.encode()))
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

    Weights (or pictures) are kept of one seed (see ``Recipe.rank_by``), records of all. Seeds
    that are finished in ``workspace`` are not made again. The jobs are joblib's: local processes
    by default, a Dask or Ray cluster inside ``joblib.parallel_config(backend=...)``.
    """
    check(len(seeds) == len(set(seeds)) > 0, "seeds", seeds, "one seed or more, all different")
    places = [workspace / f"{name}.seed-{seed}" for seed in seeds]
    joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(make)(name, device, seed, epochs, place, place)
        for seed, place in zip(seeds, places, strict=True)
        if not (place / f"{name}.json").is_file()
    )
    records = [json.loads((place / f"{name}.json").read_text("utf-8")) for place in places]
    kept = _kept(RECIPES[name].rank_by, records)
    for old in folder.glob(f"{name}.seed-*.json"):
        old.unlink()
    for place, record in zip(places, records, strict=True):
        target = name if record is kept else f"{name}.seed-{record['seed']}"
        for kind in ("safetensors", "json"):
            source = place / f"{name}.{kind}"
            if source.is_file() and (record is kept or kind == "json"):
                content = source.read_bytes()
                path = folder / f"{target}.{kind}"
                write_atomically(path, lambda f, c=content: f.write(c))
    return records


def _kept(metric: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """The record whose weights are kept: the median by ``metric``, or the first."""
    if not metric:
        return records[0]
    return sorted(records, key=lambda r: r["metrics"][metric])[(len(records) - 1) // 2]


def _stored(
    recipe: Recipe, model: nn.Module, history: training.History, x: Tensor
) -> dict[str, Tensor]:
    """What goes into the safetensors file: weights or pictures, and the watched codes."""
    if not recipe.keeps_model:
        return previews.take(model, x) if recipe.keep == "previews" else {}
    weights = model.state_dict()
    if recipe.keep == "int8":
        return quantize.pack(weights)
    tensors = {key: value.cpu().half() for key, value in weights.items()}
    if "z" in history.snapshots[0]:
        tensors["snapshots"] = torch.stack([s["z"] for s in history.snapshots]).half()
    return tensors


def measure_again(name: str) -> dict[str, float]:
    """Measures a run's stored weights, and writes what was found into its record."""
    run, path = references.load(name), references.FOLDER / f"{name}.json"
    run.record["metrics"] = RECIPES[name].measure(run.model, data.mnist("test", "cpu"))
    write_atomically(path, lambda f: f.write(readable(run.record).encode()))
    return run.metrics


def readable(record: dict[str, Any]) -> str:
    """A record as JSON, indented, but with each list of numbers on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    return re.sub(r"\[[^\[\]{}]*\]", lambda result: " ".join(result[0].split()), text)


def _train(recipe: Recipe, model, batches, epochs: int, watched: Tensor, checkpoint: Path):
    return training.fit(
        recipe.step,
        model,
        batches,
        epochs,
        optimizers=recipe.optimizers(model) if recipe.optimizers else None,
        schedule=recipe.schedule,
        on_step=recipe.on_step,
        snapshot=lambda m: recipe.watch(m, watched) if recipe.watch else {},
        checkpoint=checkpoint,
        precision=recipe.matmul_precision,
    )


def _plan(recipe: Recipe, batches: data.Minibatches, epochs: int) -> dict[str, Any]:
    plan = {
        "step": recipe.step.__name__,
        "epochs": epochs,
        "updates": epochs * len(batches),
        "batch": recipe.batch,
        "schedule": WORDS.get(recipe.schedule, recipe.schedule.__doc__),
        "images": len(batches.images),
        "labels": int((batches.images.labels >= 0).sum()),
    }
    if recipe.matmul_precision != "highest":
        plan["matmul_precision"] = recipe.matmul_precision
    return plan


def describe(model: nn.Module) -> dict[str, Any]:
    """A model's configuration in words and numbers: Config, prior, cost, discrepancy, size."""
    result: dict[str, Any] = {"class": type(model).__name__}
    for part in ("config", "prior", "cost", "discrepancy"):
        if hasattr(model, part):
            result[part] = _in_words(getattr(model, part))
    result["parameters"] = sum(p.numel() for p in model.parameters())
    return result


def _in_words(value: Any) -> Any:
    """Dataclasses by their fields, functions by the name they were written under."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _in_words(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, nn.Module):
        settings = {name: getattr(value, name, None) for name in ("log_density", "lr")}
        return {"class": type(value).__name__, **settings}
    return value.__qualname__.split(".")[0] if callable(value) else value


def _training_set(recipe: Recipe, device: torch.device, seed: int) -> data.ImageSet:
    images = recipe.dataset("train", device)
    if recipe.held_out:
        images, _ = data.split_validation(images, recipe.held_out)
    if recipe.labels is None:
        return images
    none = torch.empty(0, dtype=torch.int64, device=device)
    keep = data.balanced_subset(images.labels, recipe.labels, seed) if recipe.labels else none
    return data.hide_labels(images, keep)


def _rounded(history: training.History) -> dict[str, Any]:
    """The history for a record: steps, losses, and what was watched after each epoch."""

    def short(values: Sequence[float]) -> list[float]:
        return [float(f"{v:.{DIGITS}g}") for v in values]

    watched = [name for name in history.snapshots[0] if name != "z"]
    return {
        "steps": history.steps,
        "losses": {phase: short(line) for phase, line in history.losses.items()},
        **{name: short([s[name] for s in history.snapshots]) for name in watched},
    }


def _machine(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "aae_lessons": aae_lessons.__version__,
    }
