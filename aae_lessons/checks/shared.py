"""Rows that the tables of several exercises share: one mistake, one name, one message."""

from __future__ import annotations

from collections.abc import Sequence

from aae_lessons.checks.misconceptions import Wrong, wrong

SIGMOID_TWICE = (
    "You apply the sigmoid, and then a function that applies it again. A function 'with logits' "
    "takes the logits as they are."
)
LOG_OF_SIGMOID = (
    "Right for small logits, wrong for large ones: sigmoid(200) is 1 in floating point, and log(1 "
    "− 1) is −∞. Work on the logits: softplus, or a function 'with logits'."
)
LARGE = (
    "Right for small logits, wrong for large ones. There a sigmoid is 0 or 1 in floating point, "
    "and log(1 − 1) is −∞; a bound (clamp) on probabilities or on logits cuts the loss off. Work "
    "on the logits as they are: softplus, or a function 'with logits'."
)
BITS = "You use the logarithm to base 2. The course counts in nats (natural logarithm)."
SWAPPED = (
    "Your discriminator calls the encoder's codes real. In an AAE the prior's samples are the "
    "real ones (§2)."
)
SATURATING = (
    "Your generator descends log(1 − D), the saturating form, which is flat where the "
    "discriminator is sure. Descend −log D (Goodfellow et al. 2014, §3)."
)
FAKE = (
    "You ask for codes that are easier to call fake. The generator's codes should pass for real."
)
CRITIC = (
    "There is no logarithm of D in it: you use the logits themselves, as the critic of a "
    "Wasserstein GAN does. Here D = sigmoid(logit) is a probability, and its loss a cross-entropy."
)
LEAK = (
    "The encoder's .grad still holds what another phase left there, and the generator's step uses "
    "it once more. zero_grad() belongs before every backward()."
)
LEAK_TWICE = (
    "The discriminator's phase leaves a gradient in the encoder, which makes codes easier to "
    "recognise, and the generator's step uses it. Two things are missing: detach() in the "
    "discriminator's phase, and zero_grad() before the generator's backward()."
)
OLD_CODES = (
    "The discriminator is given codes that the encoder made before the reconstruction phase moved "
    "it. Reconstruct first; then encode x anew."
)
# of a step with one optimizer
UNSTEPPED = wrong(
    "nothing moved",
    "No weight has moved. backward() makes gradients, optimizer.step() uses them; a "
    "zero_grad() between the two throws them away.",
    ("    optimizer.step()\n", ""),
)
DESCENT = (
    UNSTEPPED,
    wrong(
        "stale gradients",
        "Gradients that were there before your step change it: zero_grad() is missing before "
        "backward().",
        ("    optimizer.zero_grad()\n", ""),
    ),
)
COST = "0.5 * (x - x_hat).square().sum(1).mean()"
COSTS = (  # wrong forms of ½ Σ_pixels (x − x_hat)²: cause, message, text
    (
        "mean over pixels",
        "You take the mean over all pixels. The cost is a sum over the pixels of an image, and a "
        "mean over the images only: with a mean the gradient is hundreds of times smaller on "
        "MNIST.",
        "0.5 * (x - x_hat).square().mean()",
    ),
    (
        "mean over pixels",
        "You take the mean over all pixels and leave out the ½, as F.mse_loss does. The cost is a "
        "sum over the pixels of an image, and a mean over the images only.",
        "(x - x_hat).square().mean()",
    ),
    (
        "half forgotten",
        "The ½ of the squared error is missing: yours is twice as large.",
        "(x - x_hat).square().sum(1).mean()",
    ),
    (
        "sum over the batch",
        "You sum over the images as well. Then the loss, and with it the step, grows with the "
        "batch size. Take the mean over the images.",
        "0.5 * (x - x_hat).square().sum()",
    ),
    (
        "sum over the batch",
        "You sum over pixels and images and leave out the ½, as F.mse_loss with reduction='sum' "
        "does. Take the mean over the images, and half of it.",
        "(x - x_hat).square().sum()",
    ),
    (
        "root taken",
        "You take a square root: that is a distance, and its gradient another one. The cost is "
        "the squared error.",
        "0.5 * (x - x_hat).norm(dim=1).mean()",
    ),
    (
        "absolute error",
        "You sum absolute differences. The cost is half the *squared* error.",
        "0.5 * (x - x_hat).abs().sum(1).mean()",
    ),
    (
        "sum over the images, mean over the pixels",
        "You sum over the images and take the mean over the pixels (dimension 0 is the images'). "
        "It should be the other way round.",
        "0.5 * (x - x_hat).square().sum(0).mean()",
    ),
)


def cost_rows() -> Sequence[Wrong]:
    """Wrong forms of the cost, which the worked answer writes as :data:`COST`."""
    return tuple(wrong(cause, says, (COST, new)) for cause, says, new in COSTS)


TELL = "F.softplus(-real).mean() + F.softplus(fake).mean()"


def discriminator_rows(tell: str = TELL, before: str = "", after: str = "") -> Sequence[Wrong]:
    """Wrong forms of the discriminator's loss of ``real`` and ``fake``.

    ``before`` and ``after`` stand around it in the worked answer, so that one of several is meant.
    """

    def row(cause: str, says: str, new: str) -> Wrong:
        return wrong(cause, says, (f"{before}{tell}{after}", f"{before}{new}{after}"))

    return (
        row(
            "real and fake swapped", SWAPPED, "F.softplus(real).mean() + F.softplus(-fake).mean()"
        ),
        row(
            "halved",
            "You average the discriminator's two halves. The loss is their sum: 2 log 2 where D "
            "can't tell.",
            f"0.5 * ({tell})",
        ),
        row(
            "half of the loss",
            "Only codes count in your discriminator's loss. It would call everything fake.",
            "F.softplus(fake).mean()",
        ),
        row(
            "half of the loss",
            "Only prior samples count in your discriminator's loss. It would call everything "
            "real.",
            "F.softplus(-real).mean()",
        ),
        row(
            "sum over the batch",
            "You sum the discriminator's loss over the batch. Take the mean of each half.",
            "F.softplus(-real).sum() + F.softplus(fake).sum()",
        ),
        row(
            "sigmoid applied twice",
            SIGMOID_TWICE,
            "F.softplus(-real.sigmoid()).mean() + F.softplus(fake.sigmoid()).mean()",
        ),
        row("sign lost", "You maximise: descend *minus* the log-likelihood.", f"-({tell})"),
        row("no logarithm", CRITIC, "fake.mean() - real.mean()"),
    )


def generator_rows(fool: str, logits: str) -> Sequence[Wrong]:
    """Wrong forms of the generator's loss ``fool``, written ``F.softplus(-logits).mean()``."""

    def row(cause: str, says: str, new: str) -> Wrong:
        return wrong(cause, says, (fool, new))

    return (
        row("saturating", SATURATING, f"-F.softplus({logits}).mean()"),
        row("generator calls its codes fake", FAKE, f"F.softplus({logits}).mean()"),
        row(
            "sum over the batch",
            "You sum the generator's loss over the batch. Take the mean.",
            f"F.softplus(-{logits}).sum()",
        ),
        row("sigmoid applied twice", SIGMOID_TWICE, f"F.softplus(-{logits}.sigmoid()).mean()"),
        row("no logarithm", CRITIC, f"-{logits}.mean()"),
    )
