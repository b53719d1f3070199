"""Writes what the stored records say into README.md (a few rows) and RESULTS.md (everything)."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aae_lessons import references
from aae_lessons.arguments import check
from aae_lessons.files import write_atomically
from aae_lessons.references import recipes, report, table2

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


@dataclass(frozen=True)
class Headline:
    """One row of the README's table.

    Args:
        lesson: its number.
        what: the model and the quantity, in words.
        run: name of the reference run.
        metric: of its records.
        unit: written after the number.
        scale: the metric is multiplied by it.
        compare: the figure to compare the number with.
    """

    lesson: int
    what: str
    run: str
    metric: str
    unit: str = " %"
    scale: float = 1.0
    compare: str = ""


HEADLINES = (
    Headline(
        2,
        "AAE, 2-D Gaussian prior, squared error: accuracy of a classifier two-sample test",
        "adversarial-gaussian",
        "c2st_accuracy",
        scale=100,
        compare="50 % is a perfect match",
    ),
    Headline(
        3,
        "VAE, the same prior, networks and number of updates, cross-entropy cost: the same test",
        "variational-gaussian",
        "c2st_accuracy",
        scale=100,
        compare="the row above",
    ),
    Headline(
        2,
        "AAE, ten Gaussians, 10,000 labels: codes in their class's component",
        "adversarial-mixture-labels",
        "component_accuracy",
        scale=100,
        compare="10 % by chance",
    ),
    Headline(
        4,
        "categorical code: mean largest probability with the adversary",
        "categorical-adversarial",
        "mean_max_probability",
        unit="",
        compare="1 is one-hot",
    ),
    Headline(
        5,
        "semi-supervised, 100 labels, the paper's recipe, 200 epochs, five splits: test error",
        "semi-supervised-100",
        "test_error_percent",
        compare="paper, up to 5000 epochs: 1.90 ± 0.10",
    ),
    Headline(
        5,
        "the same with augmented copies that agree (not in the paper), 500 units: test error",
        "semi-supervised-100-agreement",
        "test_error_percent",
        compare="as above",
    ),
    Headline(
        6,
        "30 clusters with agreement (not the paper's recipe), 1000 units: clustering error",
        "clustering-30-agreement-1000-units",
        "clustering_error_percent",
        compare="paper: 4.10 ± 1.13",
    ),
    Headline(
        7,
        "WAE with an adversary, eight-dimensional code: squared Fréchet distance of samples",
        "wasserstein-squared-adversarial",
        "frechet_distance",
        unit="",
        compare="the VAE's: {variational-8d}",
    ),
)

MEANING = {
    "reconstruction_mse": "squared error per pixel of reconstructed test images",
    "reconstruction_mse_of_means": "the same, each code the mean of its posterior, not a draw",
    "reconstruction_mse_from_one_hot": "the same, decoded from the nearest one-hot vector",
    "dead_units": "the largest share, over the encoder's layers, of units that are silent for "
    "every test image",
    "c2st_accuracy": "classifier two-sample test: a new discriminator, trained afterwards, "
    "separates held-out codes from prior samples; 0.5 is a perfect match",
    "c2st_accuracy_rounded": "the same after the largest entry of each categorical code is set to "
    "1 and the others to 0",
    "sliced_wasserstein_over_floor": "distance between codes and prior, as a multiple of its "
    "value between two samples of the prior; 1 is a perfect match",
    "mmd_over_floor": "root of the unbiased squared MMD of 1000 codes and the prior (0 where "
    "negative), as a multiple of the root of its mean size between two samples of the prior; 0 to "
    "about 1 is a perfect match",
    "code_mean_square": "mean square of the codes' coordinates; 1 in the prior N(0, I)",
    "c2st_accuracy_rescaled": "the two-sample accuracy of codes that are rescaled to a mean "
    "square of 1 in each dimension",
    "sliced_wasserstein_over_floor_rescaled": "the sliced distance of the rescaled codes",
    "mmd_over_floor_rescaled": "the root of MMD of the rescaled codes",
    "mass_at_modes": "share of codes within one standard deviation of the nearest mode; lesson 3 "
    "prints the prior's own",
    "mass_between_modes": "share of codes beyond three standard deviations of the nearest mode",
    "component_accuracy": "share of codes whose nearest component is that of their class",
    "mean_max_probability": "mean over test images of the largest class probability",
    "entropy": "mean entropy of the class probabilities, in nats",
    "entropy_of_mean": "entropy of the mean class probabilities; log K if all have equal shares",
    "classes_used": "classes that at least 0.5 % of the test images belong to",
    "starts": "how many networks with different first weights were trained",
    "starts_with_whole_group": "in how many of them one class has at least 95 % of the "
    "first group",
    "starts_with_own_classes": "in how many of them the three groups have their majorities in "
    "three different classes",
    "test_error_percent": "share of the test images that are classified wrongly",
    "validation_error_percent": "the same for the last 10,000 training images, held out",
    "conditional_accuracy_percent": "share of 10,000 decoded pairs of a class and a sampled style "
    "that the digit classifier assigns to that class",
    "mistakes_between_4_and_9_percent": "share of the mistakes that are a 4 called 9, or a "
    "9 called 4",
    "clustering_error_percent": "test error if each cluster predicts the label of the validation "
    "image that belongs to it most surely, the paper's rule",
    "vote_error_percent": "test error if each cluster predicts the most common label of its "
    "validation images",
    "one_to_one_error_percent": "test error under the best one-to-one assignment of clusters",
    "clusters_in_use": "clusters that are the most probable one for some image",
    "classes_named": "digits that at least one cluster predicts",
    "dependence": "mean over pairs of categorical codes of the mutual information of their "
    "classes, in nats; 0 in the prior",
    "used_dimensions": "dimensions of M1's code whose mean varies between images (standard "
    "deviation above 0.1)",
    "sharpness_of_digits": "the sharpness of the test images themselves",
    "nearest_heads": "distance between the two nearest cluster heads",
    "frechet_distance": "squared Fréchet distance between the digit classifier's features of "
    "10,000 decoded prior samples (of autoencoder-dim-*: draws from a Gaussian fitted to the "
    "codes of the training images) and of the test images; comparable with each other only",
    "frechet_distance_rescaled": "the same, the prior samples scaled to the codes' mean square",
    "frechet_distance_of_reconstructions": "the same for reconstructed test images",
    "sharpness": "variance of the Laplacian of decoded prior samples",
    "confidence": "mean largest probability of the digit classifier on decoded prior samples",
    "coverage": "exp(entropy) / 10 of the digits that the classifier sees in decoded prior "
    "samples; 1 if all are equally frequent",
}

INTRODUCTION = """# Results

Measured on MNIST's 10,000 test images when each run was made; mean ± standard deviation where a
run was repeated with other seeds. `python -m aae_lessons.references results` writes this page
from the stored records, `python -m aae_lessons.references report` measures every run again whose
weights are stored. The name of a run says what differs from the paper's recipe: *500-units* is
half the paper's width, *augmented* moves the encoder's input by small affine maps, *agreement*
adds a phase, *informed* lets the discriminator see the class. All runs are shorter than the
paper's. `benchmarks/semi_supervised_log.md` and `benchmarks/clustering_log.md` say what was tried.
"""

TABLE_2 = """## The slides' Table 2

Test error in percent by number of labels, on MNIST but for the last column: first the slides'
figures; then ours from the records named, mean ± standard deviation over label splits. SVHN's
images can't come with the course.
"""


def write(root: Path = ROOT) -> None:
    """Writes ``README.md``'s table between its markers, and the whole of ``RESULTS.md``."""
    readme = root / "README.md"
    text = readme.read_text("utf-8")
    check(BEGIN in text and END in text, "README.md", str(readme), f"a file with {BEGIN}, {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    whole = f"{before}{BEGIN}\n{headlines()}\n{END}{after}"
    page = results()
    write_atomically(readme, lambda stream: stream.write(whole.encode()))
    write_atomically(root / "RESULTS.md", lambda stream: stream.write(page.encode()))


def headlines() -> str:
    """The README's table, Markdown."""
    lines = ["| lesson | what was measured | result | compare |", "|---|---|---:|---|"]
    for row in HEADLINES:
        others = {name: _value(name, row) for name in references.names() if name in row.compare}
        compare = row.compare.format_map(others)
        cells = (str(row.lesson), row.what, _value(row.run, row), compare)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _value(run: str, row: Headline) -> str:
    mean, deviation, n = references.mean_and_std(run, row.metric)
    return report.in_digits(row.scale * mean, row.scale * deviation, n) + row.unit


def results() -> str:
    """The page of all results, Markdown."""
    recorded = report.recorded()
    parts = [INTRODUCTION]
    for title, names in lessons():
        rows = {name: recorded[name] for name in names if name in recorded}
        if rows:
            parts.append(f"## {title}\n\n{report.tables(rows)}\n")
    parts.append(f"{TABLE_2}\n{table2.markdown()}\n")
    metrics = {metric for row in recorded.values() for metric in row}
    return "\n".join([*parts, "## What the columns mean\n", *_glossary(metrics)]) + "\n"


def _glossary(metrics: set[str]) -> Iterator[str]:
    for metric, meaning in MEANING.items():
        if metric in metrics:
            yield f"- *{metric.replace('_', ' ')}*: {meaning}."


def lessons() -> Iterator[tuple[str, Mapping[str, recipes.Recipe]]]:
    """(what a file of recipes is about, its recipes), in the order of the lessons."""
    modules = [m for m in vars(recipes).values() if isinstance(m, types.ModuleType)]
    modules = [m for m in modules if hasattr(m, "RECIPES")]
    for module in sorted(
        modules, key=lambda m: list(recipes.RECIPES).index(next(iter(m.RECIPES)))
    ):
        title = (module.__doc__ or module.__name__).partition("\n")[0].rstrip(".")
        yield title[0].upper() + title[1:], module.RECIPES
