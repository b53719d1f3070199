"""Making and measuring reference runs."""

from __future__ import annotations

import dataclasses
import platform
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors.torch import save
from torch import Tensor, nn

import aae_lessons
from aae_lessons import data, devices, references, training
from aae_lessons.arguments import check, check_int
from aae_lessons.files import write_atomically
from aae_lessons.references import previews, quantize, storage
from aae_lessons.references.recipes import RECIPES, Recipe
from aae_lessons.training.identity import closed_over, digest

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
    *,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains one run, measures what was stored of it, writes its two files; returns the record.

    A run that was killed continues from its checkpoint in ``checkpoints``.
    """
    check(name in RECIPES, "name", name, f"one of {', '.join(RECIPES)}")
    check_int(seed, "seed", at_least=0)
    recipe, on = RECIPES[name], devices.choose(device)
    epochs = recipe.epochs if epochs is None else epochs
    # measured on the CPU: other devices draw other random numbers, and so other figures
    test = recipe.dataset("test", "cpu")
    x = test.x.to(on)
    batches = minibatches(recipe, on, seed)

    torch.manual_seed(seed)
    model = recipe.build().to(on)
    checkpoint = checkpoints / f"{name}-{seed}-{epochs}-{on.type}.pt"
    started, worked = time.perf_counter(), time.process_time()
    if recipe.prepare and not checkpoint.exists():
        recipe.prepare(model, batches)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    history = _train(recipe, model, batches, epochs, x[:SNAPSHOT_ROWS], checkpoint, progress)

    tensors = _stored(recipe, model, history, x)
    record = {
        "name": name,
        "command": _command(name, seed, epochs),
        "note": recipe.note,
        "model": describe_model(model),
        "training": _plan(recipe, batches, epochs),
        "seed": seed,
        "seconds": round(seconds + history.seconds, 1),
        "processor_seconds": round(processor + history.processor_seconds, 1),
        "machine": _machine(on, recipe.matmul_precision),
        "history": _rounded(history),
    }
    stored = references.unpack(name, dict(tensors), record, torch.device("cpu"))
    record["metrics"] = recipe.measure(stored.model or model.eval().cpu(), test)
    weights = save(tensors) if tensors else b""
    if tensors:
        write_atomically(folder / f"{name}.safetensors", lambda f: f.write(weights))
    record = storage.sealed(record, weights)
    storage.write_record(folder / f"{name}.json", record)
    checkpoint.unlink(missing_ok=True)
    return record


def _command(name: str, seed: int, epochs: int) -> str:
    """The command that makes the run once more."""
    trial = "" if epochs == RECIPES[name].epochs else f" --epochs {epochs}"
    return f"python -m aae_lessons.references make {name} --seeds {seed}{trial}"


def _stored(
    recipe: Recipe, model: nn.Module, history: training.History, x: Tensor
) -> dict[str, Tensor]:
    """What goes into the safetensors file: weights or pictures, and the watched codes."""
    if not recipe.keeps_model:
        return previews.make_previews(model, x) if recipe.keep == "previews" else {}
    weights = model.state_dict()
    if recipe.keep == "int8":
        return quantize.pack(weights)
    tensors = {key: value.cpu().half() for key, value in weights.items()}
    if "z" in history.snapshots[0]:
        tensors["snapshots"] = torch.stack([s["z"] for s in history.snapshots]).half()
    return tensors


def measure_again(name: str) -> dict[str, float]:
    """Measures a run's stored weights, and writes the result into its record."""
    run = references.load(name)
    check(run.model is not None, "name", name, "a run whose weights are stored")
    run.record["metrics"] = RECIPES[name].measure(run.model, RECIPES[name].dataset("test", "cpu"))
    weights = (references.FOLDER / f"{name}.safetensors").read_bytes()
    sealed = storage.sealed(run.record, weights)
    storage.write_record(references.FOLDER / f"{name}.json", sealed)
    return run.metrics


def _train(
    recipe: Recipe, model, batches, epochs: int, watched: Tensor, checkpoint: Path, progress: bool
):
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
        progress=progress,
    )


def _plan(recipe: Recipe, batches: Any, epochs: int) -> dict[str, Any]:
    plan = {
        "step": name_of(recipe.step),
        "epochs": epochs,
        "updates": epochs * len(batches),
        "batch": recipe.batch,
        "schedule": schedule_in_words(recipe),
        "images": len(batches.images),
        "labels": int((batches.images.labels >= 0).sum()),
    }
    if recipe.matmul_precision != "highest":
        plan["matmul_precision"] = recipe.matmul_precision
    return plan


def name_of(function: Callable[..., Any]) -> str:
    """The name that a function was written under."""
    return getattr(function, "__name__", repr(function))


def schedule_in_words(recipe: Recipe) -> str:
    """How a recipe's rates change during the run."""
    return WORDS.get(recipe.schedule, recipe.schedule.__doc__ or name_of(recipe.schedule))


def describe_model(model: nn.Module) -> dict[str, Any]:
    """A model's configuration in words and numbers: Config, prior, cost, discrepancy, size."""
    result: dict[str, Any] = {"class": type(model).__name__}
    for part in ("config", "prior", "cost", "discrepancy"):
        if hasattr(model, part):
            result[part] = _in_words(getattr(model, part))
    result["parameters"] = sum(p.numel() for p in model.parameters())
    return result


def _in_words(value: Any) -> Any:
    """For JSON: objects by their fields, functions by their names and what they close over."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _in_words(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, nn.Module):
        settings = {name: getattr(value, name, None) for name in ("log_density", "lr")}
        return {"class": type(value).__name__, **settings}
    if isinstance(value, Tensor):
        return f"tensor {digest(value)[:16]}"
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__qualname__).split(".")[0]
        settings = {key: _in_words(item) for key, item in closed_over(value).items()}
        return {"function": name, **settings} if settings else name
    if hasattr(value, "__dict__"):
        fields = {key: _in_words(item) for key, item in vars(value).items()}
        return {"class": type(value).__name__, **fields}
    return value


def minibatches(recipe: Recipe, device: torch.device, seed: int) -> Any:
    """The minibatches that a run of a recipe draws, with its labels."""
    return recipe.batches(_training_set(recipe, device, seed), recipe.batch, seed=seed)


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


def _machine(device: torch.device, precision: str) -> dict[str, Any]:
    """Which machine made a run, in which arithmetic."""
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    if precision == "fast":
        precision = f"fast ({devices.fast_precision(device)})"
    return {
        "device": f"{device.type} ({card})",
        "processor": processor(),
        "precision": precision,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "aae_lessons": aae_lessons.__version__,
    }


def processor() -> str:
    """The processor's name, where the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = re.findall(r"^model name\s*: (.*)$", cpuinfo.read_text("utf-8"), re.MULTILINE)
        if names:
            return names[0].strip()
    return platform.processor() or platform.machine()
