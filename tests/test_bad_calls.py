"""Bad calls of every kind: a ValueError or TypeError says which argument, what came, what fits.

Each row is a callable with arguments that work, and for some of them values that don't. None may
be accepted silently, end in the depths of torch, or hang.
"""

import contextlib
import dataclasses
import importlib
import math
import pkgutil
import signal

import matplotlib.pyplot as plt
import numpy
import pytest
import torch
from torch import nn

from aae_lessons import (
    clusters,
    data,
    metrics,
    networks,
    objectives,
    plots,
    priors,
    references,
)
from aae_lessons import methods as methods_package
from aae_lessons import models as models_package
from aae_lessons.data import Batch, ImageSet, Minibatches, SemiSupervisedBatch
from aae_lessons.methods import ladder, m1, m1_m2, m2, tsvm, vat
from aae_lessons.models import adversarial, autoencoder, clustering, semi_supervised, wasserstein
from aae_lessons.training import History, fit
from aae_lessons.widgets import density, static
from aae_lessons.widgets.class_style import ClassStyleExplorer
from aae_lessons.widgets.costs import CostDiscrepancyExplorer
from aae_lessons.widgets.game import AdversarialGameExplorer
from aae_lessons.widgets.interpolation import InterpolationExplorer
from aae_lessons.widgets.latent import LatentExplorer, latent_explorer
from aae_lessons.widgets.menus import figure_menus
from aae_lessons.widgets.painter import PriorPainter, points
from aae_lessons.widgets.scrubber import TrainingScrubber

SECONDS = 5  # after which a call counts as hanging
NAN, INF = math.nan, math.inf
COUNT = (0, -1, 2.5, "3", None, True, NAN)
SEED = (-1, 0.5, "1", None)
POSITIVE = (0.0, -1.0, NAN, INF, "1", None)
NOT_NEGATIVE = (-0.5, NAN, INF, "1", None)
SIZES = ((0,), (8, -1), (8, 2.5), ("8",), 8, None)
MATRIX = (
    torch.zeros(4),
    torch.zeros(0, 2),
    torch.zeros(4, 2).long(),
    [[0.0]],
    None,
    numpy.ones(2),
)
LABEL = (torch.zeros(8), torch.zeros(8, 1).long(), torch.full((8,), 999), [0] * 8, None)
LABELS = (*LABEL, torch.zeros(3).long(), torch.full((8,), -100))
CHOICE = ("nothing", 3, None)

Z, Y, X = torch.randn(8, 2), torch.eye(4).repeat(2, 1), torch.rand(8, 12)
K = torch.arange(8) % 4
IMAGES = ImageSet(torch.randint(256, (40, 1, 3, 4)).byte(), torch.arange(40) % 10)
SQUARES = torch.rand(8, 784)
GAUSSIAN, MIXTURE = priors.Gaussian(), priors.GaussianMixture()
SMALL = {"hidden": (8,), "pixels": 12}


def plain():
    return autoencoder.Autoencoder(autoencoder.Config(**SMALL))


def aae(**changes):
    return adversarial.AAE(MIXTURE, adversarial.Config((8,), (8,), 12, **changes))


def semi():
    return semi_supervised.SemiSupervisedAAE(semi_supervised.Config(**SMALL, classes=4))


# callable, arguments that work, arguments that don't
ROWS = [
    (
        data.mnist,
        {"split": "test", "device": "cpu"},
        {"split": CHOICE, "device": ("abacus", "cpu:x", "", 0, [])},
    ),
    (
        ImageSet,
        {"images": IMAGES.images, "labels": IMAGES.labels},
        {
            "images": (X, None, [1], IMAGES.images[:0]),
            "labels": (*LABELS, IMAGES.labels.int()),
            "classes": (0, 1, 2.5, None, "10"),
        },
    ),
    (
        ImageSet.of,
        {"images": torch.rand(8, 5, 6)},
        {
            "images": (
                None,
                3,
                "no-such-folder",
                torch.rand(8),
                255 * torch.rand(8, 5, 6),
                torch.rand(8, 5, 6) - 0.5,
                torch.rand(8, 3, 5, 3),
                torch.full((8, 5, 6), NAN),
                torch.zeros(8, 5, 6).long(),
                torch.rand(0, 5, 6),
            ),
            "labels": (torch.zeros(8), torch.zeros(8, 1).long(), [0, 1], ["a"] * 8, "abc"),
        },
    ),
    (
        Minibatches,
        {"images": IMAGES, "size": 10},
        {"images": (X, None, [1]), "size": (*COUNT, 41), "seed": SEED},
    ),
    (
        data.SemiSupervisedMinibatches,
        {"images": IMAGES, "size": 10, "labelled_size": 10},
        {"images": (X, None), "size": (*COUNT, 41), "labelled_size": (*COUNT, 41), "seed": SEED},
    ),
    (
        data.balanced_subset,
        {"labels": IMAGES.labels, "n": 10, "seed": 0},
        {"labels": LABEL, "n": (*COUNT, 15), "seed": SEED, "classes": (0, -1, 2.5, None)},
    ),
    (
        data.hide_labels,
        {"images": IMAGES, "keep": torch.arange(3)},
        {"images": (X, None), "keep": ([1], torch.rand(3), torch.tensor([99]), None)},
    ),
    (data.split_validation, {"images": IMAGES, "n": 10}, {"images": (X, None), "n": (*COUNT, 40)}),
    (priors.Gaussian, {}, {"dim": COUNT, "std": POSITIVE}),
    (
        priors.GaussianMixture,
        {},
        {
            "components": (*COUNT, 1),
            "radius": POSITIVE,
            "radial_std": POSITIVE,
            "tangential_std": POSITIVE,
        },
    ),
    (
        priors.SwissRoll,
        {},
        {"turns": POSITIVE, "size": POSITIVE, "noise": NOT_NEGATIVE, "classes": (*COUNT, 1)},
    ),
    (priors.Categorical, {}, {"classes": (*COUNT, 1)}),
    (
        priors.Painted,
        {"points": Z},
        {"points": (*MATRIX, torch.zeros(5, 3)), "bandwidth": NOT_NEGATIVE, "scale": POSITIVE},
    ),
    *[
        (prior.sample, {"n": 3}, {"n": COUNT})
        for prior in (
            GAUSSIAN,
            MIXTURE,
            priors.SwissRoll(),
            priors.Categorical(4),
            priors.Painted(Z),
        )
    ],
    (MIXTURE.log_prob, {"z": Z}, {"z": (*MATRIX, torch.zeros(4, 3))}),
    (MIXTURE.sample_given, {"label": K}, {"label": LABEL}),
    (MIXTURE.nearest, {"z": Z}, {"z": (*MATRIX, torch.zeros(4, 3))}),
    (networks.mlp, {"sizes": (3, 2)}, {"sizes": ((), (3,), (3, 0), (3, 2.5), ("3", 2), None, 3)}),
    (networks.Discriminator, {"inputs": 2}, {"inputs": COUNT, "hidden": SIZES}),
    (
        networks.conv_encoder,
        {"outputs": 2},
        {
            "outputs": COUNT,
            "width": COUNT,
            "shape": ((1, 28), (1, 30, 28), (0, 28, 28), (1, 28.0, 28), None, 28, "abc"),
        },
    ),
    (
        networks.conv_decoder,
        {"inputs": 2},
        {
            "inputs": COUNT,
            "width": COUNT,
            "shape": ((1, 28), (1, 30, 28), (0, 28, 28), (1, 28.0, 28), None, 28),
        },
    ),
    (networks.Corruption, {"noise": 0.1}, {n: NOT_NEGATIVE for n in ("noise", "jitter", "shift")}),
    (networks.append_label, {"z": Z, "label": K, "classes": 4}, {"label": LABELS}),
    *[
        (cost, {"logits": X, "x": X}, {n: (*MATRIX, X[:3], X.T) for n in ("logits", "x")})
        for cost in (
            objectives.squared_error,
            objectives.absolute_error,
            objectives.binary_cross_entropy,
        )
    ],
    (
        objectives.discriminator_loss,
        {"logits_real": Z[:, 0], "logits_fake": Z[:, 0]},
        {
            n: (Z, torch.zeros(()), torch.zeros(0), K, None, [0.0])
            for n in ("logits_real", "logits_fake")
        },
    ),
    (objectives.generator_loss, {"logits_fake": Z[:, 0]}, {"logits_fake": (Z, K, None, [0.0])}),
    (objectives.random_directions, {"dim": 2, "n": 3}, {"dim": COUNT, "n": COUNT}),
    (
        objectives.sliced_wasserstein,
        {"z": Z, "z_prior": Z, "directions": torch.eye(2)},
        {
            "z": (*MATRIX, Z[:3]),
            "z_prior": (*MATRIX, Z[:3]),
            "directions": (torch.eye(3), None, Z[0]),
        },
    ),
    (
        objectives.mmd,
        {"z": Z, "z_prior": Z, "kernel": objectives.rbf(1.0)},
        {"z": (*MATRIX, Z[:1]), "z_prior": (*MATRIX, Z[:1]), "kernel": (None, 1.0, "rbf")},
    ),
    (objectives.rbf, {"bandwidth": 1.0}, {"bandwidth": POSITIVE}),
    (
        objectives.inverse_multiquadratics,
        {"dim": 2},
        {"dim": COUNT, "std": POSITIVE, "scales": ((), (0.0,), (-1.0,), (NAN,), None, 1.0)},
    ),
    (
        objectives.gaussian_kl,
        {"mean": Z, "log_variance": Z},
        {"mean": (*MATRIX, Z[:3]), "log_variance": (*MATRIX, Z[:3]), "std": POSITIVE},
    ),
    (objectives.entropy, {"probabilities": Y}, {"probabilities": MATRIX}),
    (
        metrics.c2st_accuracy,
        {"z": torch.randn(20, 2), "prior": GAUSSIAN, "updates": 1},
        {
            "z": (*MATRIX, Z, torch.full((20, 2), NAN), torch.zeros(20, 3)),
            "prior": (None, 3, "Gaussian"),
            "updates": COUNT,
            "seed": SEED,
            "density": (1, None, "yes"),
        },
    ),
    *[
        (
            f,
            {"z": Z, "prior": GAUSSIAN},
            {"z": (*MATRIX, Z[:1], torch.full((8, 2), INF)), "prior": (None, 3), "seed": SEED},
        )
        for f in (metrics.mmd_over_floor, metrics.sliced_wasserstein_over_floor)
    ],
    (
        metrics.component_accuracy,
        {"z": Z, "labels": K, "prior": MIXTURE},
        {"z": MATRIX, "labels": LABELS, "prior": (GAUSSIAN, None)},
    ),
    (metrics.mass_at_modes, {"z": Z, "prior": MIXTURE}, {"z": MATRIX, "prior": (GAUSSIAN, None)}),
    (metrics.moments, {"z": Z}, {"z": (*MATRIX, Z[:1])}),
    (
        metrics.kl_parts,
        {"mean": Z, "log_variance": Z, "prior": GAUSSIAN},
        {"mean": MATRIX, "log_variance": (*MATRIX, Z[:3]), "prior": (None, 3), "seed": SEED},
    ),
    (
        metrics.error_percent,
        {"x": X, "labels": K, "classifier": lambda x: x[:, :4]},
        {
            "x": MATRIX,
            "labels": (K[:, None], K[:3], None, [0], K.float(), K - 100),
            "classifier": (None, 3, lambda x: x[:, 0]),
        },
    ),
    (
        metrics.reconstruction_mse,
        {"model": lambda x: x, "x": X},
        {"x": MATRIX, "model": (None, lambda x: x[:3], lambda x: 3)},
    ),
    (
        metrics.dead_units,
        {"network": networks.mlp((12, 4, 2)), "x": X},
        {"x": (*MATRIX, torch.rand(8, 5)), "network": (None, plain(), [1])},
    ),
    (
        metrics.sample_quality,
        {"x": X, "classifier": lambda x: x[:, :4]},
        {"x": MATRIX, "classifier": (None, 3, lambda x: x[:, 0])},
    ),
    (
        metrics.sharpness,
        {"x": SQUARES},
        {"x": (*MATRIX, X), "shape": ((28,), (0, 28), None, 28, (2.5, 3))},
    ),
    (
        metrics.frechet_distance,
        {"features_a": Z, "features_b": Z},
        {"features_a": (*MATRIX, Z[:1]), "features_b": (*MATRIX, Z[:1], torch.full((8, 2), NAN))},
    ),
    *[
        (
            f,
            {"q": Y, "labels": K},
            {
                "q": (*MATRIX, torch.full((8, 4), NAN), Y[:3], Y * 5 - 2),
                "labels": LABELS,
                "classes": (0, -1, 2.5, None),
            },
        )
        for f in (clusters.cluster_names, clusters.contingency, clusters.one_to_one_error_percent)
    ],
    (
        clusters.clustering_error_percent,
        {"q": Y, "labels": K, "names": torch.arange(4)},
        {
            "q": MATRIX,
            "labels": LABELS,
            "names": (K.float(), None, torch.arange(3), torch.full((4,), 99)),
        },
    ),
    (clusters.cluster_heads, {"q": Y}, {"q": MATRIX}),
    (clusters.cluster_sizes, {"q": Y}, {"q": MATRIX}),
    (
        clusters.mutual_information,
        {"y": Y, "y_other": Y},
        {n: (*MATRIX, Y[:3]) for n in ("y", "y_other")},
    ),
    (clusters.repulsion, {"heads": Z, "distance": 1.0}, {"heads": MATRIX, "distance": POSITIVE}),
]
BAD_Z = (*MATRIX, torch.full((8, 2), NAN), torch.full((8, 2), INF))
BAD_X = (*MATRIX, torch.full((8, 784), NAN))
ROWS += [
    (
        plots.images,
        {"x": SQUARES},
        {
            "x": (*BAD_X, X[:, :11]),
            "columns": COUNT,
            "shape": ((28,), (0, 28), 28, (27, 28), "28"),
        },
    ),
    (
        plots.reconstructions,
        {"x": SQUARES, "x_hat": SQUARES},
        {"x": BAD_X, "x_hat": (*BAD_X, SQUARES[:3])},
    ),
    (
        plots.rows_of_images,
        {"rows": {"a": SQUARES}},
        {"rows": ({}, None, 3, {"a": Z[0]}, {"a": None})},
    ),
    (
        plots.decoded_plane,
        {"decode": lambda z: torch.rand(len(z), 784), "steps": 3},
        {"decode": (None, 3, lambda z: z), "steps": COUNT, "extent": POSITIVE},
    ),
    (plots.codes, {"z": Z, "labels": K}, {"z": BAD_Z, "labels": LABELS, "prior": (3, "Gaussian")}),
    (
        plots.panels_of_codes,
        {"panels": [("a", Z, K, GAUSSIAN)]},
        {"panels": ([], None, 3, [("a", Z)], [("a", Z, K[:3], None)]), "size": POSITIVE},
    ),
    (
        plots.curves,
        {"x": [1, 2], "lines": {"a": [1.0, 2.0]}, "xlabel": "", "ylabel": ""},
        {"x": (None, 3, [1]), "lines": ({}, None, {"a": [1.0]}, {"a": [NAN, INF]}, {"a": None})},
    ),
    (
        plots.lines,
        {"x": [1, 2], "values": {"a": [1.0, 2.0]}, "xlabel": "", "ylabel": ""},
        {"x": (None, 3, [1]), "values": ({}, None, {"a": [1.0]}, {"a": None})},
    ),
    (plots.losses, {"history": None}, {"history": (None, 3, {}, "history")}),
    (
        plots.histograms,
        {"values": {"a": Z[:, 0]}, "xlabel": ""},
        {
            "values": ({}, None, {"a": None}, {"a": torch.full((3,), NAN)}),
            "bins": COUNT,
            "limit": (0.0, -1.0, NAN),
        },
    ),
    (
        plots.contingency,
        {"counts": torch.ones(4, 10).long(), "names": list("abcd")},
        {"counts": (None, Z[0], torch.full((4, 10), NAN)), "names": (None, ["a"], 3)},
    ),
    (
        plots.codes_and_cluster_heads,
        {"z": Z, "labels": K, "heads": Z[:4]},
        {"z": BAD_Z, "labels": LABELS, "heads": BAD_Z},
    ),
    (
        plots.posteriors,
        {"mean": Z, "log_variance": Z, "labels": K, "prior": GAUSSIAN},
        {"mean": BAD_Z, "log_variance": (*BAD_Z, Z[:3]), "labels": LABELS},
    ),
    (
        plots.code_bars,
        {"x": SQUARES, "codes": {"a": Y}},
        {"x": BAD_X, "codes": ({}, None, {"a": None}, {"a": Y[:3]})},
    ),
    (
        plots.class_members,
        {"corners": SQUARES[:2], "members": [SQUARES, SQUARES]},
        {"corners": BAD_X, "members": ([], None, 3, [None, None])},
    ),
    (
        plots.rows_of_clusters,
        {"heads": SQUARES[:2], "members": [SQUARES, SQUARES], "names": ["a", "b"]},
        {"heads": BAD_X, "members": ([], None, [None, None]), "names": (["a"], None, 3)},
    ),
    (
        plots.over_epochs,
        {"lines": {"a": [1.0]}, "ylabel": ""},
        {"lines": ({}, None, {"a": None}, {"a": []})},
    ),
    (plots.claims, {"rows": []}, {"rows": (None, 3, [1])}),
    (
        references.load,
        {"name": "autoencoder"},
        {"name": ("autoencodr", 3, None, ""), "device": ("abacus",)},
    ),
    (references.records, {"name": "autoencoder"}, {"name": ("autoencodr", 3, None)}),
    (
        references.mean_and_std,
        {"name": "autoencoder", "metric": "reconstruction_mse"},
        {"name": ("autoencodr", None), "metric": ("nothing", 3, None)},
    ),
]


def explorer_rows():
    """Constructors and public methods of every explorer, and of the functions around them."""
    plane = aae()
    usual = {"model": plane, "x": X, "labels": K, "shape": (3, 4)}
    pictures = (*MATRIX, X * NAN, 255 * X, -X, X[:, :5], X[:, :9])
    classes = (*LABELS, K[:3], "abc")
    shape = ((28,), (0, 12), (4, 4), (2, 6, 1), (1.5, 8), 12, "12")
    decode = (3, "nothing", None, nn.Linear(2, 3), lambda z: z, lambda z: 3, lambda z: X[:1])
    functions = (*decode[4:], lambda z: 9 * X[:1].expand(len(z), -1), lambda z: None)
    prior = (3, "Gaussian", priors.Gaussian(3), X, nn.Linear(2, 2))
    device = ("abacus", 3.5, [])
    without_none = {"x": pictures[:-1], "labels": [v for v in classes if v is not None]}
    without_none["x"] = [v for v in pictures if v is not None]
    shown = {**without_none, "shape": shape, "caption": (3, [])}
    plane_only = {
        "model": (*decode[:4], nn.Identity()),
        "z": (*MATRIX[:-2], Z[:3], Z * NAN, torch.zeros(8, 3), "z"),
        "prior": prior,
        "discriminator": (3, "D", lambda z: z, lambda z: None, lambda z: z[:3, 0]),
        "extent": POSITIVE[:-1],
        "device": device,
    }
    yield LatentExplorer, usual, {**shown, **plane_only}
    yield LatentExplorer, {"model": plane.decode, "shape": (3, 4)}, {"model": functions}
    yield (
        latent_explorer,
        {"decode": plane.decode, "shape": (3, 4)},
        {
            "decode": (*decode, *functions),
            "extent": POSITIVE[:-1],
            "device": device,
            "shape": shape,
        },
    )
    explorer = LatentExplorer(**usual)
    yield explorer.decode, {"codes": Z}, {"codes": (*MATRIX, torch.zeros(4, 3))}
    style = {"model": semi(), "x": X, "labels": K, "shape": (3, 4)}
    names = (["a"], 3, "", [1, 2])
    models = (3, None, "nothing", plain(), nn.Linear(2, 3))
    yield ClassStyleExplorer, style, {**shown, "model": models, "names": names}
    choice = {**shown, "x": [*pictures, X[:1]], "codes": (*MATRIX[:-2], Z[:3], Z * NAN, "z")}
    choice |= {"model": (3, None, "nothing", nn.Linear(2, 3))}
    yield InterpolationExplorer, usual, choice
    between = InterpolationExplorer(**usual)
    yield between.between, {"t": torch.rand(3)}, {"t": (0.5, None, Z, K, [0.5], torch.rand(0))}
    yield from scrubber_rows(shown["shape"], prior, shown["labels"])
    yield from cost_rows(pictures, shape)
    yield (
        PriorPainter,
        {},
        {
            "train": (3, "train"),
            "brush": POSITIVE,
            "labels": [v for v in LABEL if v is not None],
            "strokes": (3, None, [3], [[0.0]], [[0.0, NAN]], [[0.0, 2.0]], [["a", "b"]]),
            "caption": (3, []),
        },
    )
    yield points, {"strokes": [[0.0, 0.1]], "brush": 0.1}, {"strokes": ([], 3, None, [[0.0]])}
    yield AdversarialGameExplorer, {}, {"builds": (("torch",), 3, None, "simd", (3,), ([],))}
    menus = {"menus": [("a", ["x"])], "draw": lambda a: plots.images(SQUARES)}
    bad = {"menus": ([], 3, None, [3], [("a",)], [("a", [])], [("a", 3)]), "draw": (3, None)}
    yield figure_menus, menus, bad
    yield (
        density.contours,
        {"prior": GAUSSIAN, "extent": (-3, 3, -3, 3)},
        {"prior": (3, None, "x")},
    )
    for function in (static.page, static.fragment):
        title = {"title": "all"} if function is static.page else {}
        yield (
            lambda explorers, f=function, a=title: f(explorers, **a),
            {},
            {"explorers": (3, None, "x")},
        )


def scrubber_rows(shape, prior, labels):
    """Training runs, one's own and stored ones."""
    losses = {"reconstruction": [2.0, 1.0]}
    shot = {"z": Z, "samples": X, "error": 1.0}

    def run(**changes):
        return History([1, 2], losses, [{**shot, **changes}, {**shot, **changes}])

    unequal = History([1, 2], losses, [shot, {"z": Z}])
    runs = [3, None, "run", [], History([1, 2], losses, []), History([1, 2], losses, [shot])]
    runs += [History([1, 2], losses, [None, None]), unequal]
    runs += [run(z=v) for v in (*MATRIX, Z * NAN, Z[:, :1])]
    runs += [run(samples=v) for v in (*MATRIX, X * NAN, 255 * X, X[:, :5])]
    usual = {"run": run(), "labels": K, "shape": (3, 4)}
    bad = {"run": runs, "shape": shape, "labels": labels, "prior": prior, "caption": (3, [])}
    yield TrainingScrubber, usual, bad


def cost_rows(pictures, shape):
    """Grids of runs."""
    x = X[:1].repeat(14, 1)
    sheets = {"reconstructions": x, "samples": x, "metrics": {"mse": 0.1}}
    usual = {"x": x, "runs": {("a", "b"): sheets}, "headline": "mse", "shape": (3, 4)}
    runs = [{}, None, 3, {"a": sheets}, {("a", "b"): None}, {("a", 3): sheets}]
    parts = (*pictures, x[:3])
    runs += [{("a", "b"): {**sheets, n: v}} for n in ("samples", "reconstructions") for v in parts]
    metrics = (None, 3, {"mse": "small"}, {"mse": None})
    runs += [{("a", "b"): {**sheets, "metrics": v}} for v in metrics]
    bad = {"x": (*pictures, X), "runs": runs, "headline": ("nothing", 3, None), "shape": shape}
    yield CostDiscrepancyExplorer, usual, bad


def model_rows():
    """Models, and what they encode and decode."""
    model, conditional = plain(), aae(label_classes=10)
    wide = (*MATRIX, torch.zeros(4, 5))
    yield model.encode, {"x": X}, {"x": wide}
    yield model.decode, {"z": Z}, {"z": wide}
    yield conditional.encode, {"x": X}, {"x": wide}
    yield conditional.discriminate, {"z": Z, "label": K}, {"z": wide, "label": LABELS}
    yield conditional.sample_prior, {"label": K}, {"label": LABEL}
    yield semi().decode, {"y": Y, "z": torch.zeros(8, 10)}, {"y": wide, "z": wide}
    yield semi().encode, {"x": X}, {"x": wide}
    yield semi().classify, {"x": X}, {"x": wide}
    yield (
        adversarial.AAE,
        {"prior": GAUSSIAN},
        {
            "prior": (None, 3, "Gaussian", Z),
            "config": (None, 3, {"hidden": (8,)}, autoencoder.Config()),
            "encoder": (3, nn.Linear(3, 2)),
            "decoder": (3, nn.Linear(2, 3)),
            "discriminator": (3, nn.Linear(2, 3)),
        },
    )
    yield autoencoder.Autoencoder, {}, {"config": (None, 3, {}, adversarial.Config())}
    costs = {
        "prior": GAUSSIAN,
        "cost": objectives.squared_error,
        "discrepancy": wasserstein.SlicedWasserstein(),
    }
    yield wasserstein.WAE, costs, {"prior": (None, 3), "cost": (None, 3), "discrepancy": (None, 3)}
    yield m1_m2.M1M2, {"m1": None, "x": X}, {"m1": (None, 3, plain())}
    yield tsvm.TSVM, {"x": X}, {"x": MATRIX, "encode": (3, "nothing"), "config": (None, 3)}
    for make in (
        vat.VAT,
        m1.M1,
        m2.M2,
        ladder.Ladder,
        clustering.ClusteringAAE,
        semi_supervised.SemiSupervisedAAE,
    ):
        yield make, {}, {"config": (None, 3, {}, autoencoder.Config())}


def config_rows():
    """Every number and every tuple of sizes in every configuration."""
    for package in (models_package, methods_package):
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for name, config in vars(module).items():
                ours = getattr(config, "__module__", "") == module.__name__
                if not ours or not dataclasses.is_dataclass(config) or not name.endswith("Config"):
                    continue
                yield config, {}, {f.name: bad_values(f) for f in dataclasses.fields(config)}


def bad_values(field):
    kinds = {"int": COUNT[1:], "float": (-1.0, NAN, INF, "1", None), "Cost": (3, None, "squared")}
    if field.type.startswith("tuple[int"):
        return SIZES
    values = kinds.get(field.type, ())
    shares = ("momentum", "beta1", "temperature")
    return (*values, 1.5) if field.name in shares[:2] else values


class One:
    def __init__(self, batch):
        self.batch = batch

    def __len__(self):
        return 1

    def epoch(self, number, start=0):
        yield self.batch


LABEL_OF = torch.zeros(8).long()
BATCHES = (
    None,
    3,
    [],
    "MNIST",
    X,
    [X],
    range(3),
    One(X),
    One((X, LABEL_OF)),
    One(None),
    One({"x": X}),
    One(Batch(X.double(), LABEL_OF)),
    One(Batch(X.half(), LABEL_OF)),
    One(Batch(X[:, :5], LABEL_OF)),
    One(Batch(255 * X, LABEL_OF)),
    One(Batch(-X, LABEL_OF)),
    One(Batch(X * NAN, LABEL_OF)),
    One(Batch(X, LABEL_OF[:1])),
    One(Batch(X, LABEL_OF[:, None])),
    One(Batch(X, LABEL_OF.float())),
    One(Batch(X, LABEL_OF - 100)),
    One(Batch(X, None)),
    One(Batch(None, LABEL_OF)),
)


def fit_rows():
    """What a whole training may be given."""
    for make, step in ((plain, autoencoder.train_step), (aae, adversarial.train_step)):
        model = make()
        arguments = {
            "step": step,
            "model": model,
            "batches": Minibatches(IMAGES, 20),
            "epochs": 1,
            "progress": False,
        }
        adam = torch.optim.Adam(model.parameters())
        bad = {
            "batches": BATCHES,
            "epochs": COUNT,
            "log_every": COUNT,
            "checkpoint_every": COUNT,
            "optimizers": (adam, {}, [adam], make().optimizers(), {"a": 3}, {"nothing": adam}),
            "validation": (3, X, "test"),
            "patience": (3, -1, 0.5),
            "precision": CHOICE,
            "schedule": (None, 0.5, lambda done: None, lambda done: NAN, lambda done: -1.0),
            "on_step": (3, "anneal"),
            "snapshot": (3, "codes"),
            "cuda_graph": (True,),
            "model": (None, 3, nn.Linear(12, 12), nn.Identity(), semi()),
            "step": (
                None,
                3,
                lambda *a: None,
                lambda *a: {},
                lambda *a: 1.0,
                lambda *a: {"a": 1.0},
                lambda *a: {"a": torch.rand(2)},
                semi_supervised.train_step,
            ),
        }
        yield fit, arguments, bad
    images = ImageSet(IMAGES.images, IMAGES.labels % 10)
    arguments = {
        "step": semi_supervised.train_step,
        "model": semi(),
        "epochs": 1,
        "progress": False,
    }
    arguments["batches"] = data.SemiSupervisedMinibatches(images, 10, 10)
    bad = [
        One(Batch(X, LABEL_OF)),
        One(SemiSupervisedBatch(X, X, LABEL_OF + 9)),
        One(SemiSupervisedBatch(X, X[:3], LABEL_OF)),
        One(SemiSupervisedBatch(X, X[:, :5], LABEL_OF)),
        One(SemiSupervisedBatch(X, X, LABEL_OF - 1)),
    ]
    yield fit, arguments, {"batches": bad}


def calls():
    rows = [*ROWS, *explorer_rows(), *model_rows(), *config_rows(), *fit_rows()]
    for function, arguments, bad in rows:
        owner = getattr(function, "__module__", "").rpartition(".")[2]
        title = getattr(function, "__qualname__", type(function).__name__)
        for name, values in bad.items():
            for i, value in enumerate(values):
                yield pytest.param(
                    function, arguments, name, value, id=f"{owner}.{title}({name}={i})"
                )


@contextlib.contextmanager
def time_limit():
    def stop(*signal_and_frame):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


CALLS = list(calls())


@pytest.mark.parametrize(("function", "arguments", "name", "value"), CALLS)
def test_a_bad_call_is_refused_by_the_name_of_its_argument(function, arguments, name, value):
    with time_limit(), pytest.raises((ValueError, TypeError)) as caught:
        function(**{**arguments, name: value})
    message = str(caught.value)
    names = {name, *ALSO.get(name, ())}
    assert any(part in message.split(": got")[0] for part in names), message
    assert ": got " in message and ", expected " in message, message


# arguments whose faults have the name of what is in them, or of where it ends up
ALSO = {
    "batches": ("batch",),
    "step": ("step", "model", "optimizers"),
    "x": ("lines", "values", "shape"),
    "decode": ("decode(z)", "shape"),
    "q": ("labels",),
    "panels": ("labels",),
    "hidden": ("sizes",),
    "inputs": ("sizes",),
    "model": ("decode(z)", "shape", "z"),
    "run": ("z", "samples", "shape"),
    "runs": ("reconstructions", "samples", "headline"),
    "discriminator": ("discriminator(z)",),
}


def test_there_are_six_hundred_of_them():
    assert len(CALLS) >= 600
