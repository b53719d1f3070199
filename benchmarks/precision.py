"""Does a model trained in bfloat16 reach what it reaches in single precision?

    python benchmarks/precision.py                      # every family, three seeds each way
    python benchmarks/precision.py --share 0.1          # a tenth of the updates
    python benchmarks/precision.py --families AAE VAE   # some of them

A reference run's recipe of each family is trained in single precision ("highest") and in the
precision that "fast" chooses on this machine, with the same seeds, minibatches and number of
updates: only the arithmetic differs. Where "fast" is single precision there is nothing to compare,
and the command says so. The pre-training of a WAE's moments is left out of both ways.

For each measure the table gives the seeds of both ways, the difference of their means, and the
difference that seeds alone explain: the half-width of Student's 95 % interval of a difference of
two means, from the pooled variance of the seeds. Of twenty measures about one lies outside by
chance. The ratio of CPU times includes everything that ``training.fit`` does.

Results are kept in ``results/precision.json`` after every run, so that a stopped one goes on.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from results import Results, machine
from scipy.stats import t as student

from aae_lessons import data, devices, metrics, references, training
from aae_lessons.references.measures.clustering import errors, probabilities
from aae_lessons.references.measures.methods import test_error
from aae_lessons.references.recipes import RECIPES
from aae_lessons.references.recipes.recipe import Recipe

WAYS = {"single": "highest", "fast": "fast"}
FEWEST_EPOCHS, MOST_IMAGES = 4, 50_000
Measures = Callable[[Any, data.ImageSet], dict[str, float]]


def match_and_error(model: Any, test: data.ImageSet) -> dict[str, float]:
    """Squared error per pixel, and the match of the codes to the prior."""
    return {
        "squared error": metrics.reconstruction_mse(model, test.x),
        "match × floor": metrics.sliced_wasserstein_over_floor(model.encode(test.x), model.prior),
    }


def classification(model: Any, test: data.ImageSet) -> dict[str, float]:
    """Test error, and squared error per pixel."""
    wrong = (model.classify(test.x) != test.labels).double().mean().item()
    return {
        "test error %": 100 * wrong,
        "squared error": metrics.reconstruction_mse(model, test.x),
    }


def method_error(model: Any, test: data.ImageSet) -> dict[str, float]:
    """Test error of a method of lesson 8."""
    return {"test error %": test_error(model, test)["test_error_percent"]}


def clustering(model: Any, test: data.ImageSet) -> dict[str, float]:
    """Clustering error by the paper's rule, and the information of clusters about classes."""
    from sklearn.metrics import mutual_info_score

    clusters = probabilities(model, test.x).argmax(1)
    return {
        "clustering error %": errors(model, test)["clustering_error_percent"],
        "information, nats": mutual_info_score(test.labels.tolist(), clusters.tolist()),
    }


def samples(model: Any, test: data.ImageSet) -> dict[str, float]:
    """As :func:`match_and_error`, and the Fréchet distance of decoded prior samples."""
    classifier = references.classifier(test.device)
    drawn = model.decode(model.prior.sample(len(test), test.device))
    real, drawn = classifier.features(test.x), classifier.features(drawn)
    return {**match_and_error(model, test), "Fréchet": metrics.frechet_distance(real, drawn)}


@dataclass(frozen=True)
class Family:
    """A recipe, for how many updates it is trained, and what is measured."""

    recipe: str
    updates: int
    measure: Measures


FAMILIES = {
    "AAE": Family("adversarial-gaussian", 4000, match_and_error),
    "semi-supervised AAE": Family("semi-supervised-100-augmented", 2500, classification),
    "clustering AAE": Family("clustering-16-agreement", 1000, clustering),
    "WAE-GAN": Family("wasserstein-squared-adversarial", 4000, samples),
    "AAE, three phases": Family("adversarial-phases-5e-4", 4000, match_and_error),
    "VAE": Family("variational-gaussian", 4000, match_and_error),
    "categorical AAE": Family("categorical-adversarial", 4000, match_and_error),
    "M2": Family("m2-100", 4000, method_error),
    "WAE-MMD": Family("wasserstein-squared-mmd", 4000, samples),
}


def plan(recipe: Recipe, updates: int) -> tuple[int, data.ImageSet]:
    """Epochs, and the training images of which they take so many updates."""
    total = updates * recipe.batch
    epochs = max(FEWEST_EPOCHS, math.ceil(total / MOST_IMAGES))
    n = total // epochs // recipe.batch * recipe.batch
    return epochs, data.mnist("train", "cpu").subset(slice(0, n))


def train(family: Family, precision: str, seed: int, share: float) -> dict[str, float]:
    """One run of a family's recipe, shortened: its CPU seconds, and what it reaches."""
    recipe = RECIPES[family.recipe]
    epochs, images = plan(recipe, round(share * family.updates))
    if recipe.labels is not None:
        known = torch.empty(0, dtype=torch.int64)
        if recipe.labels:
            known = data.balanced_subset(images.labels, recipe.labels, seed)
        images = data.hide_labels(images, known)
    batches = recipe.batches(images, recipe.batch, seed=seed)
    torch.manual_seed(seed)
    model = recipe.build()
    started = time.thread_time()
    training.fit(
        recipe.step,
        model,
        batches,
        epochs,
        optimizers=recipe.optimizers(model) if recipe.optimizers else None,
        schedule=recipe.schedule,
        on_step=recipe.on_step,
        precision=precision,
        progress=False,
    )
    seconds = time.thread_time() - started
    torch.manual_seed(0)
    with torch.no_grad():
        reached = family.measure(model.eval(), data.mnist("test", "cpu"))
    return {"seconds": seconds, "updates": epochs * len(batches), **reached}


def explained_by_seeds(one: list[float], other: list[float], level: float = 0.95) -> float:
    """The largest difference of two means that seeds alone explain, at this level.

    Half the width of Student's interval for the difference, from the pooled variance.
    """
    n, m = len(one), len(other)
    squares = (n - 1) * statistics.variance(one) + (m - 1) * statistics.variance(other)
    error = math.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    return float(student.ppf((1 + level) / 2, n + m - 2)) * error


def table(results: Results) -> str:
    """A row for each measure of each family that was trained both ways, as Markdown."""
    lines = [
        "| family | updates | CPU time | measure | single precision | fast | difference "
        "| seeds explain | |",
        "|---|---:|---:|---|---|---|---:|---:|---|",
    ]
    for name in compared(results):
        both = seeds_of(results, name)
        cost = [statistics.median(run["seconds"] for run in runs) for runs in both]
        start = (name, f"{both[0][0]['updates']}", f"{cost[1] / cost[0]:.2f}")
        for measure in [key for key in both[0][0] if key not in ("seconds", "updates")]:
            single, fast = ([run[measure] for run in runs] for runs in both)
            difference = statistics.fmean(fast) - statistics.fmean(single)
            bound = explained_by_seeds(single, fast)
            seeds = (" ".join(f"{value:.4g}" for value in way) for way in (single, fast))
            verdict = "inside" if abs(difference) <= bound else "OUTSIDE"
            row = (*start, measure, *seeds, f"{difference:+.2g}", f"{bound:.2g}", verdict)
            lines.append(f"| {' | '.join(row)} |")
            start = ("", "", "")
    return "\n".join(lines)


def seeds_of(results: Results, name: str) -> list[list[dict[str, Any]]]:
    """The runs of a family's seeds that were trained both ways, for each way in the same order."""
    runs = [
        {key: row for key, row in results.rows.items() if key.startswith(f"{name}/{way}/")}
        for way in WAYS
    ]
    seeds = [{key.rpartition("/")[2] for key in way} for way in runs]
    common = sorted(seeds[0] & seeds[1], key=int)
    return [[results[f"{name}/{way}/{seed}"] for seed in common] for way in WAYS]


def compared(results: Results) -> list[str]:
    """The families of which two seeds or more were trained both ways."""
    return [name for name in FAMILIES if len(seeds_of(results, name)[0]) >= 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of each family's updates")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--again", action="store_true", help="drop the results that are stored")
    args = parser.parse_args()
    if devices.fast_precision("cpu") == "highest":
        raise SystemExit('On this processor "fast" is single precision: nothing to compare.')
    torch.set_num_threads(1)
    devices.choose("cpu")
    results = Results("precision", {"share": args.share, "machine": machine()}, args.again)
    for name, seed, way in itertools.product(args.families, args.seeds, WAYS):
        run = lambda n=name, k=seed, w=way: train(FAMILIES[n], WAYS[w], k, args.share)  # noqa: E731
        results.once(f"{name}/{way}/{seed}", run)
    print(table(results))


if __name__ == "__main__":
    main()
