"""Lesson 8: the other methods of the slides' Table 2, on the splits and images of lesson 5."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from functools import cache, partial

from torch import Tensor

from aae_lessons import data, references, training
from aae_lessons.data import SemiSupervisedMinibatches
from aae_lessons.methods import (
    adgm,
    baseline,
    catgan,
    ladder,
    m1,
    m1_m2,
    m2,
    sdgm,
    tsvm,
    vat,
)
from aae_lessons.references.measures import methods as measures
from aae_lessons.references.measures.common import VALIDATION
from aae_lessons.references.recipes.recipe import Recipe

LABELS, M1_EPOCHS = 100, 300
# how many images standardise a model's inputs; None: all (a few do where only sizes matter)
STANDARDISED_BY: ContextVar[int | None] = ContextVar("STANDARDISED_BY", default=None)


def linear_after_two_thirds(done: float) -> float:
    """Constant for two thirds of the run, then linearly to zero."""
    return min(1.0, 3.0 * (1.0 - done))


@cache
def training_images() -> Tensor:
    """The 50,000 training images, (N, 784), on the CPU."""
    return data.split_validation(data.mnist("train", "cpu"), VALIDATION)[0].x


def standardising_images() -> Tensor:
    """The images by which features and codes are standardised, (N, 784): all training images."""
    return training_images()[: STANDARDISED_BY.get()]


def first_model() -> m1.M1:
    """The M1 that comes with the package: trained once, on all training images, no labels."""
    return references.load("m1").model


def svm(config: tsvm.Config, codes: bool = True) -> tsvm.TSVM:
    """A machine on M1's codes, or on the pixels."""
    return tsvm.TSVM(standardising_images(), first_model().encode if codes else None, config)


METHOD = Recipe(
    build=ladder.Ladder,
    step=ladder.train_step,
    measure=measures.measure,
    epochs=150,
    batch=100,
    labels=LABELS,
    watch=measures.validation_error,
    held_out=VALIDATION,
    batches=SemiSupervisedMinibatches,
    schedule=linear_after_two_thirds,
    rank_by="test_error_percent",
    keep="record",
    matmul_precision="high",
)
MARGIN = replace(
    METHOD,
    step=tsvm.train_step,
    measure=measures.errors,
    on_step=tsvm.grow,
    epochs=4,
    batch=200,
    batches=partial(SemiSupervisedMinibatches, labelled_size=LABELS),
    matmul_precision="highest",
)
SVM = tsvm.Config(unlabelled_cost=0.0)

RECIPES: dict[str, Recipe] = {
    "ladder-100": replace(
        METHOD,
        note="The authors' recipe: sizes, noise, λ, Adam 0.002, 100 + 100 images, 150 "
        "epochs; an epoch has 500 updates in place of 600, since validation images are not "
        "trained on.",
    ),
    "vat-100": replace(
        METHOD,
        build=vat.VAT,
        step=vat.train_step,
        epochs=120,
        batch=200,
        note="Not the authors' constants: 784-1200-600-10, ξ = 10, ε = 1, Adam 2e-4, 100 + 200 "
        "images, 30,000 updates in place of 50,000, chosen on validation images of split 0.",
    ),
    "baseline-100-ladder": replace(
        METHOD,
        build=baseline.Baseline,
        step=baseline.train_step,
        epochs=4,
        note="The Ladder paper's supervised network, with batch norm and noise, by the labels "
        "alone; 2,000 updates.",
        matmul_precision="highest",
    ),
    "m1": replace(
        METHOD,
        build=m1.M1,
        step=m1.train_step,
        measure=measures.bound,
        watch=None,
        labels=None,
        epochs=M1_EPOCHS,
        schedule=training.constant,
        keep="int8",
        rank_by="",
        note=f"M1 of Kingma et al. on 50,000 images; {M1_EPOCHS} epochs in place of some 1000.",
    ),
    "svm-100": replace(
        MARGIN,
        build=lambda: svm(SVM, codes=False),
        note="A support vector machine on pixels, with 2,000 random features of an RBF kernel.",
    ),
    "m1-svm-100": replace(
        MARGIN,
        build=lambda: svm(SVM),
        note="The same machine on M1's codes; one M1 for all splits.",
    ),
    "m1-tsvm-100": replace(
        MARGIN,
        build=lambda: svm(tsvm.Config()),
        note="The same machine on M1's codes, with the loss of images without labels; our own "
        "gradient-trained TSVM in place of SVMlight's.",
    ),
    "m1-m2-100": replace(
        METHOD,
        build=lambda: m1_m2.M1M2(first_model(), standardising_images()),
        step=m1_m2.train_step,
        epochs=300,
        note=f"M2 on the codes of an M1 of {M1_EPOCHS} epochs; one M1 for all splits; 150,000 "
        "updates.",
    ),
    "catgan-100": replace(
        METHOD,
        build=catgan.CatGAN,
        step=catgan.train_step,
        epochs=200,
        note="200 epochs of 500 updates; fully connected; λ = 1.",
    ),
    "m2-100": replace(
        METHOD,
        build=m2.M2,
        step=m2.train_step,
        matmul_precision="fast",
        epochs=400,
        schedule=training.constant,
        note="200,000 updates; the authors trained for some 3000 epochs, 1,500,000 updates.",
    ),
    "adgm-100": replace(
        METHOD,
        build=adgm.ADGM,
        step=adgm.train_step,
        matmul_precision="fast",
        epochs=80,
        note="40,000 updates in place of 600,000.",
    ),
    "sdgm-100": replace(
        METHOD,
        build=sdgm.SDGM,
        step=sdgm.train_step,
        matmul_precision="fast",
        epochs=80,
        note="40,000 updates in place of 600,000.",
    ),
}
LADDER_WEIGHTS = {  # λ of the authors, by the number of labels
    "1000": (2000.0, 20.0, 0.1, 0.1, 0.1, 0.1, 0.1),
    "all": (1000.0, 1.0, 0.01, 0.01, 0.01, 0.01, 0.01),
}
for name, labels in {"1000": 1000, "all": None}.items():
    config = ladder.Config(weights=LADDER_WEIGHTS[name])
    RECIPES[f"ladder-{name}"] = replace(
        RECIPES["ladder-100"],
        build=lambda config=config: ladder.Ladder(config),
        labels=labels,
        note="The authors' weights λ for this number of labels, with noise 0.3 in every layer.",
    )
    RECIPES[f"vat-{name}"] = replace(RECIPES["vat-100"], labels=labels)
