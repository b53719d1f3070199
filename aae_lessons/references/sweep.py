"""Several runs at a time: on this machine's cores, or on a Dask or Ray cluster through joblib."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import joblib
import torch

from aae_lessons import references
from aae_lessons.arguments import check
from aae_lessons.files import write_atomically
from aae_lessons.references import storage, train
from aae_lessons.references.recipes import RECIPES

BACKENDS = ("loky", "dask", "ray")
DIGITS = 10  # of a fingerprint in the name of a folder
FUNCTIONS = (  # of a recipe, by whose names its fingerprint is taken
    *("step", "measure", "optimizers", "prepare", "watch", "dataset", "batches"),
    *("schedule", "on_step"),
)


def make_seeds(
    name: str,
    device: str | None = None,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    jobs: int = 1,
    folder: Path | None = None,
    workspace: Path = Path("runs"),
    *,
    install: bool | None = None,
    again: bool = False,
    backend: str = "loky",
    scheduler: str | None = None,
    make: Callable[..., dict[str, Any]] = train.make,
) -> list[dict[str, Any]]:
    """Makes a run at several seeds, ``jobs`` at a time; returns their records by seed.

    Each finished run is written to a folder of its own in ``workspace``, named by the run's
    fingerprint: what is finished there is not made again, and what was killed continues from its
    checkpoint. On a cluster ``workspace`` must be a folder that all its machines share.

    Args:
        name: of the recipe.
        device: cuda, mps or cpu; by default the best there is.
        seeds: all different.
        epochs: by default the recipe's; fewer make a trial.
        jobs: how many at a time; a cluster decides for itself.
        folder: where records of all seeds and the weights of one (``Recipe.rank_by``) are
            installed; by default in the package.
        workspace: for checkpoints and finished runs.
        install: by default only runs of the recipe's own length, never trials.
        again: make finished runs once more, as after a change of code, which no fingerprint sees;
            each keeps its record until the new one is there.
        backend: "loky" (processes of this machine), "dask" or "ray".
        scheduler: address of the Dask scheduler, such as tcp://10.0.0.1:8786, or of the Ray head.
        make: trains one run, as :func:`aae_lessons.references.train.make` does.
    """
    check(name in RECIPES, "name", name, f"one of {', '.join(RECIPES)}")
    check(len(seeds) == len(set(seeds)) > 0, "seeds", seeds, "one seed or more, all different")
    length = RECIPES[name].epochs if epochs is None else epochs
    mark = recipe_fingerprint(name, length)
    places = [workspace.resolve() / f"{name}.{mark}.seed-{seed}" for seed in seeds]
    paths = [place / f"{name}.json" for place in places]
    several = len(seeds) > 1 or backend != "loky"
    finished = [] if again else [path for path in paths if path.is_file()]
    for path in finished:
        _say(f"already made: {path} (--again makes it once more)")
    tasks = [
        joblib.delayed(_run)(make, several, name, device, seed, length, place)
        for seed, place, path in zip(seeds, places, paths, strict=True)
        if path not in finished
    ]
    with _cluster(backend, scheduler):
        n_jobs = jobs if backend == "loky" else -1
        as_they_arrive = "list" if backend == "ray" else "generator_unordered"  # Ray has no other
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as=as_they_arrive, batch_size=1)
        for done, record in enumerate(parallel(tasks), len(seeds) - len(tasks) + 1):
            _say(f"[{done}/{len(seeds)}] {_summary(record)}", several)
    records = [storage.read_record(path) for path in paths]
    should_install = length == RECIPES[name].epochs if install is None else install
    if should_install:
        _install(name, records, places, folder or references.FOLDER)
    else:
        for path in paths:
            _say(f"a trial: kept as {path}, and not installed (--install would)")
    return records


def recipe_fingerprint(name: str, epochs: int) -> str:
    """Ten hexadecimal digits that differ where a recipe or its length do, in every process."""
    recipe = RECIPES[name]
    functions = {field: qualified_name(getattr(recipe, field)) for field in FUNCTIONS}
    content = {
        **functions,
        "model": train.describe_model(recipe.build()),
        "schedule": train.schedule_in_words(recipe),
        "settings": [epochs, recipe.batch, recipe.labels, recipe.held_out],
        "kept": [recipe.keep, recipe.rank_by],
        "precision": recipe.matmul_precision,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def qualified_name(function: Callable[..., Any] | None) -> str:
    """Module and name of a function or a class, and of a partial's its arguments too."""
    if isinstance(function, functools.partial):
        settings = [*function.args, *sorted(function.keywords.items())]
        return f"{qualified_name(function.func)} with {settings}"
    if function is None or hasattr(function, "__qualname__"):
        return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', None)}"
    return f"{type(function).__module__}.{type(function).__qualname__}"


def _run(make, quiet: bool, name, device, seed: int, epochs: int, place: Path) -> dict[str, Any]:
    """One run in a process of its own; side by side each has one thread, and no bar."""
    if not quiet:
        return make(name, device, seed, epochs, place, place)
    torch.set_num_threads(1)
    return make(name, device, seed, epochs, place, place, progress=False)


@contextlib.contextmanager
def _cluster(backend: str, scheduler: str | None) -> Generator[None]:
    check(backend in BACKENDS, "backend", backend, f"one of {', '.join(BACKENDS)}")
    local = backend == "loky"
    check(not (local and scheduler), "scheduler", scheduler, "nothing without --backend dask, ray")
    if local:
        yield
    elif backend == "dask":
        with _dask(scheduler):
            yield
    else:
        with _ray(scheduler):
            yield


@contextlib.contextmanager
def _dask(scheduler: str | None) -> Generator[None]:
    expected = "an address such as tcp://10.0.0.1:8786 (dask scheduler prints it)"
    if scheduler is None:
        raise ValueError(f"scheduler: got None, expected {expected}")
    try:
        from distributed import Client
    except ImportError as error:
        fix = 'pip install "aae-lessons[sweep]"'
        raise ValueError(f"backend: got 'dask', which is not installed: {fix}") from error
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise ValueError(f"scheduler: no answer from {scheduler!r}: {error}") from error
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        threads = [worker["nthreads"] for worker in workers]
        # runs in threads of one process would share torch's random state
        check(set(threads) <= {1}, "scheduler", f"workers with {threads} threads", "--nthreads 1")
        with joblib.parallel_config(backend="dask", wait_for_workers_timeout=60):
            yield


@contextlib.contextmanager
def _ray(address: str | None) -> Generator[None]:
    try:
        ray = importlib.import_module("ray")  # not among the dependencies, nor among the extras
        register_ray = importlib.import_module("ray.util.joblib").register_ray
    except ImportError as error:
        raise ValueError("backend: got 'ray', which is not installed: pip install ray") from error
    ray.init(address=address)
    register_ray()
    with joblib.parallel_config(backend="ray"):
        yield


def _summary(record: dict[str, Any]) -> str:
    metric, value = next(iter(record["metrics"].items()))
    run = f"{record['name']}, seed {record['seed']}"
    return f"{run}: {record['seconds']:.0f} s, {metric.replace('_', ' ')} {value:.4g}"


def _say(line: str, aloud: bool = True) -> None:
    if aloud:
        print(line, file=sys.stderr, flush=True)


def _install(name: str, records: list[dict[str, Any]], places: list[Path], folder: Path) -> None:
    """Records of all seeds, and the weights of the kept one, replace those of ``name``."""
    kept = _kept(RECIPES[name].rank_by, records)
    for old in folder.glob(f"{name}.seed-*.json"):
        old.unlink()
    for place, record in zip(places, records, strict=True):
        target = name if record is kept else f"{name}.seed-{record['seed']}"
        weights = place / f"{name}.safetensors"
        if weights.is_file() and record is kept:
            content = weights.read_bytes()
            write_atomically(folder / weights.name, lambda f, c=content: f.write(c))
        storage.write_record(folder / f"{target}.json", record)
    for place in places:  # only now: what is killed on the way has all seeds to install again
        shutil.rmtree(place)


def _kept(metric: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """The record whose weights are kept: the median by ``metric``, or the first."""
    if not metric:
        return records[0]
    return sorted(records, key=lambda r: r["metrics"][metric])[(len(records) - 1) // 2]
