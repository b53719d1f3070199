"""Every public function refuses what it can't use, by a ValueError that names the argument."""

import math

import pytest
import torch

from aae_lessons import arguments, data, devices, networks, objectives, priors, training
from aae_lessons.data import ImageSet, Minibatches
from aae_lessons.models import adversarial, autoencoder

PIXELS = torch.zeros(20, 1, 2, 2, dtype=torch.uint8)
LABELS = torch.arange(20) % 10
IMAGES = ImageSet(PIXELS, LABELS)
X, Z, LOGITS = torch.zeros(4, 12), torch.zeros(4, 2), torch.zeros(4)
AAE = adversarial.AAE(priors.GaussianMixture(), adversarial.Config((8,), (8,), 12))
TOLD = adversarial.AAE(
    priors.GaussianMixture(), adversarial.Config((8,), (8,), 12, label_classes=10)
)
PLAIN = autoencoder.Autoencoder(autoencoder.Config(hidden=(8,), pixels=12))


def fit(**changes):
    inputs = {"batches": Minibatches(IMAGES, 10), "epochs": 1, "progress": False, **changes}
    return training.fit(autoencoder.train_step, PLAIN, **inputs)


def cases(name, function, argument, *values):
    return [(f"{name}({argument}={i})", function, argument, v) for i, v in enumerate(values)]


NOT_COUNTS = (0, -1, 2.0, "3", None, True)
NOT_POSITIVE = (0.0, -1.0, math.nan, math.inf, "1", None)
NOT_MATRICES = (torch.zeros(2), torch.zeros(0, 2), torch.zeros(2, 2, dtype=torch.int64), [[0.0]])
NOT_LABELS = (torch.zeros(4), torch.zeros(4, 1, dtype=torch.int64), torch.tensor([0, 10]), [0])
DATA = [
    *cases("mnist", lambda v: data.mnist(v, "cpu"), "split", "valid", 0, None),
    *cases("fashion_mnist", lambda v: data.fashion_mnist(v, "cpu"), "split", "extra", None),
    *cases("svhn", lambda v: data.svhn(v, "cpu"), "split", "valid", None),
    *cases("mnist", lambda v: data.mnist("test", v), "device", "tpu", "gpu"),
    *cases("choose", devices.choose, "device", "tpu", "nowhere:0", "cpu:first"),
    *cases(
        "ImageSet",
        lambda v: ImageSet(v, LABELS),
        "images",
        PIXELS.float(),
        PIXELS[:, 0],
        PIXELS[:0],
        None,
    ),
    *cases("ImageSet", lambda v: ImageSet(PIXELS, v), "labels", LABELS[:3], LABELS - 2),
    *cases("ImageSet", lambda v: ImageSet(PIXELS, v), "labels", *NOT_LABELS),
    *cases("split_validation", lambda v: data.split_validation(IMAGES, v), "n", *NOT_COUNTS, 20),
    *cases("balanced_subset", lambda v: data.balanced_subset(LABELS, v, 0), "n", *NOT_COUNTS, 15),
    *cases(
        "balanced_subset", lambda v: data.balanced_subset(LABELS, 10, v), "seed", -1, 0.5, None
    ),
    *cases("balanced_subset", lambda v: data.balanced_subset(v, 10, 0), "labels", *NOT_LABELS),
    *cases(
        "hide_labels",
        lambda v: data.hide_labels(IMAGES, v),
        "keep",
        [1],
        torch.zeros(20, dtype=torch.bool),
        torch.zeros(2),
        torch.tensor([20]),
        torch.tensor([-1]),
    ),
    *cases("Minibatches", lambda v: Minibatches(IMAGES, v), "size", *NOT_COUNTS, 21),
    *cases("Minibatches", lambda v: Minibatches(IMAGES, 5, v), "seed", -1, 0.5, None),
]

PRIORS = [
    *cases("Gaussian", priors.Gaussian, "dim", *NOT_COUNTS),
    *cases("Gaussian", lambda v: priors.Gaussian(2, v), "std", *NOT_POSITIVE),
    *cases("GaussianMixture", priors.GaussianMixture, "components", *NOT_COUNTS, 1),
    *[
        case
        for name in ("radius", "radial_std", "tangential_std")
        for case in cases(
            "GaussianMixture",
            lambda v, name=name: priors.GaussianMixture(**{name: v}),
            name,
            *NOT_POSITIVE,
        )
    ],
    *cases("SwissRoll", lambda v: priors.SwissRoll(turns=v), "turns", *NOT_POSITIVE),
    *cases("SwissRoll", lambda v: priors.SwissRoll(size=v), "size", *NOT_POSITIVE),
    *cases("SwissRoll", lambda v: priors.SwissRoll(noise=v), "noise", -0.1, math.nan),
    *cases("SwissRoll", lambda v: priors.SwissRoll(classes=v), "classes", *NOT_COUNTS, 1),
    *cases("Categorical", priors.Categorical, "classes", *NOT_COUNTS, 1),
    *cases("Painted", priors.Painted, "points", *NOT_MATRICES, torch.zeros(5, 3)),
    *cases("Painted", priors.Painted, "points", torch.ones(5, 2), torch.full((5, 2), math.nan)),
    *cases("Painted", lambda v: priors.Painted(torch.eye(2), v), "bandwidth", -0.1, math.nan),
    *cases("Painted", lambda v: priors.Painted(torch.eye(2), 0.1, v), "scale", *NOT_POSITIVE),
    *cases("from_picture", priors.Painted.from_picture, "picture", *NOT_MATRICES),
    *cases(
        "from_picture",
        priors.Painted.from_picture,
        "picture",
        torch.zeros(3, 3),
        -torch.ones(3, 3),
        torch.full((3, 3), math.nan),
        torch.full((3, 3), math.inf),
    ),
    *cases("from_picture", lambda v: priors.Painted.from_picture(torch.ones(3, 3), v), "n", 0, 1),
]
for prior in (
    priors.Gaussian(),
    priors.GaussianMixture(),
    priors.SwissRoll(),
    priors.Categorical(),
    priors.Painted(torch.eye(2)),
):
    kind = type(prior).__name__
    PRIORS += cases(f"{kind}.sample", prior.sample, "n", *NOT_COUNTS)
    if hasattr(prior, "sample_given"):
        PRIORS += cases(f"{kind}.sample_given", prior.sample_given, "label", *NOT_LABELS)
    if hasattr(prior, "log_prob"):
        code = "y" if kind == "Categorical" else "z"
        wide = torch.zeros(4, prior.dim + 1)
        PRIORS += cases(f"{kind}.log_prob", prior.log_prob, code, *NOT_MATRICES, wide)
PRIORS += cases("nearest", priors.GaussianMixture().nearest, "z", *NOT_MATRICES, torch.zeros(4, 3))

OBJECTIVES = [
    *[
        case
        for cost in (objectives.squared_error, objectives.binary_cross_entropy)
        for case in [
            *cases(cost.__name__, lambda v, c=cost: c(v, X), "logits", *NOT_MATRICES, X[:1], X.T),
            *cases(cost.__name__, lambda v, c=cost: c(X, v), "x", *NOT_MATRICES, X[:1], X.T),
        ]
    ],
    *cases(
        "discriminator_loss",
        lambda v: objectives.discriminator_loss(v, LOGITS),
        "logits_real",
        torch.zeros(4, 1),
        torch.zeros(()),
        torch.zeros(0),
        torch.zeros(4, dtype=torch.int64),
        [0.0],
    ),
    *[
        case
        for name, loss in {
            "discriminator_loss": lambda v: objectives.discriminator_loss(LOGITS, v),
            "generator_loss": objectives.generator_loss,
        }.items()
        for case in cases(
            name,
            loss,
            "logits_fake",
            torch.zeros(4, 1),
            torch.zeros(()),
            torch.zeros(0),
            torch.zeros(4, dtype=torch.int64),
            [0.0],
        )
    ],
    *cases("random_directions", lambda v: objectives.random_directions(v, 3), "dim", *NOT_COUNTS),
    *cases("random_directions", lambda v: objectives.random_directions(3, v), "n", *NOT_COUNTS),
    *cases(
        "sliced_wasserstein",
        lambda v: objectives.sliced_wasserstein(v, Z, torch.ones(2, 3)),
        "z",
        *NOT_MATRICES,
        Z[:3],
    ),
    *cases(
        "sliced_wasserstein",
        lambda v: objectives.sliced_wasserstein(Z, v, torch.ones(2, 3)),
        "z_prior",
        *NOT_MATRICES,
        Z[:3],
        torch.zeros(4, 3),
    ),
    *cases(
        "sliced_wasserstein",
        lambda v: objectives.sliced_wasserstein(Z, Z, v),
        "directions",
        torch.ones(2),
        torch.ones(3, 2),
        torch.ones(2, 0),
    ),
    *cases("imq", lambda v: objectives.inverse_multiquadratics(v), "dim", *NOT_COUNTS),
    *cases("imq", lambda v: objectives.inverse_multiquadratics(2, v), "std", *NOT_POSITIVE),
    *cases(
        "imq",
        lambda v: objectives.inverse_multiquadratics(2, 1.0, v),
        "scales",
        (),
        (1.0, 0.0),
        (-1.0,),
    ),
    *cases("rbf", objectives.rbf, "bandwidth", *NOT_POSITIVE),
    *cases("mmd", lambda v: objectives.mmd(v, Z, objectives.rbf(1)), "z", *NOT_MATRICES, Z[:1]),
    *cases(
        "mmd",
        lambda v: objectives.mmd(Z, v, objectives.rbf(1)),
        "z_prior",
        *NOT_MATRICES,
        Z[:1],
        torch.zeros(4, 3),
    ),
    *cases("entropy", objectives.entropy, "probabilities", *NOT_MATRICES),
]

BAD_SHAPES = ((1, 28), (1, 30, 28), (1, 28, 27), (0, 28, 28), (1, 28.0, 28))
NETWORKS = [
    *cases("mlp", networks.mlp, "sizes", (), (3,), (3, 0), (3, -1, 2), (3, 2.5)),
    *cases("Discriminator", lambda v: networks.Discriminator(2, v), "hidden", (0,), (8, -1)),
    *cases("normal_weights", lambda v: networks.normal_weights(PLAIN, v), "std", *NOT_POSITIVE),
    *cases("conv_encoder", networks.conv_encoder, "outputs", *NOT_COUNTS),
    *cases("conv_decoder", networks.conv_decoder, "inputs", *NOT_COUNTS),
    *[
        case
        for make in (networks.conv_encoder, networks.conv_decoder)
        for case in [
            *cases(make.__name__, lambda v, make=make: make(2, v), "shape", *BAD_SHAPES),
            *cases(make.__name__, lambda v, make=make: make(2, width=v), "width", *NOT_COUNTS),
        ]
    ],
]

NARROW = (*NOT_MATRICES, torch.zeros(4, 5))
MODELS = [
    *cases("autoencoder.Config", lambda v: autoencoder.Config(dim=v), "dim", *NOT_COUNTS),
    *cases("autoencoder.Config", lambda v: autoencoder.Config(lr=v), "lr", *NOT_POSITIVE),
    *cases("Autoencoder.encode", PLAIN.encode, "x", *NARROW),
    *cases("Autoencoder.decode", PLAIN.decode, "z", *NARROW),
    *cases("Autoencoder", PLAIN, "x", *NARROW),
    *[
        case
        for name in ("reconstruction_lr", "discriminator_lr", "generator_lr")
        for case in cases(
            "adversarial.Config",
            lambda v, name=name: adversarial.Config(**{name: v}),
            name,
            *NOT_POSITIVE,
        )
    ],
    *cases("JointConfig", lambda v: adversarial.JointConfig(weight=v), "weight", -1.0, math.nan),
    *cases("JointConfig", lambda v: adversarial.JointConfig(lr=v), "lr", *NOT_POSITIVE),
    *cases("adversarial.Config", lambda v: adversarial.Config(noise=v), "noise", -1.0, math.nan),
    *cases(
        "adversarial.Config",
        lambda v: adversarial.Config(label_classes=v),
        "label_classes",
        1,
        -1,
    ),
    *cases("AAE.encode", AAE.encode, "x", *NARROW),
    *cases("AAE.decode", AAE.decode, "z", *NARROW),
    *cases("AAE", AAE, "x", *NARROW),
    *cases("AAE.discriminate", lambda v: AAE.discriminate(v, LABELS[:4]), "z", *NARROW),
    *cases("AAE.discriminate", lambda v: TOLD.discriminate(Z, v), "label", *NOT_LABELS),
    *cases(
        "AAE.discriminate",
        lambda v: TOLD.discriminate(Z, v),
        "label",
        LABELS[:3],
        torch.tensor([0, 1, 2, -2]),
    ),
    *cases("AAE.sample_prior", TOLD.sample_prior, "label", *NOT_LABELS),
]

TRAINING = [
    *cases("fit", lambda v: fit(epochs=v), "epochs", *NOT_COUNTS),
    *cases("fit", lambda v: fit(batches=v), "batches", []),
    *cases("fit", lambda v: fit(checkpoint_every=v), "checkpoint_every", *NOT_COUNTS),
    *cases("fit", lambda v: fit(log_every=v), "log_every", *NOT_COUNTS),
    *cases("fit", lambda v: fit(cuda_graph=v), "cuda_graph", True),
]

TABLE = DATA + PRIORS + OBJECTIVES + NETWORKS + MODELS + TRAINING


@pytest.mark.parametrize(
    ("function", "argument", "value"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_bad_input_is_refused_by_name(function, argument, value):
    with pytest.raises(ValueError) as caught:
        function(value)
    names = str(caught.value).split(": got")[0]
    assert argument in names.split(" and "), str(caught.value)


def test_messages_say_what_came_and_what_is_wanted():
    with pytest.raises(ValueError) as caught:
        objectives.entropy(torch.zeros(3, dtype=torch.int64))
    assert str(caught.value) == (
        "probabilities: got a tensor of shape (3,) and dtype torch.int64, "
        "expected a floating-point tensor of shape (n, d)"
    )
    with pytest.raises(ValueError, match=r"^std: got -1, expected a finite number above 0$"):
        priors.Gaussian(2, -1)
    assert len(arguments.describe_value("x" * 1000)) <= 80


def test_a_device_this_machine_does_not_have_is_refused():
    for kind, here in {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }.items():
        if not here:
            with pytest.raises(ValueError, match="device: got"):
                devices.choose(kind)


def test_the_device_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("AAE_DEVICE", "cpu")
    assert devices.choose() == torch.device("cpu")
    monkeypatch.setenv("AAE_DEVICE", "abacus")
    with pytest.raises(ValueError, match="device: got 'abacus'"):
        devices.choose()
    assert devices.choose("cpu") == torch.device("cpu")
    monkeypatch.delenv("AAE_DEVICE")
    best = "cuda" if torch.cuda.is_available() else None
    assert devices.choose().type in {best, "mps", "cpu"}


def test_choosing_a_device_flushes_subnormals():
    torch.set_flush_denormal(False)
    tiny = torch.full((1,), 1e-39)
    devices.choose("cpu")
    assert (tiny * 0.5).item() == 0
