"""What the tables of several exercises share: one mistake, one name, one message."""

from __future__ import annotations

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
# of draws
SEEDED = (
    "Two calls give the same draws. Does your function set a seed? Then a training run would see "
    "the same samples at every step."
)
SERIAL = (
    "One draw depends on the draw before it: they come in a pattern (in turn, or sorted). Each "
    "draw is independent of all others."
)
EVEN = (
    "The draws are spread too evenly: equally many in each part, at each call. Independent draws "
    "scatter around equal shares, and so do those of a batch of images."
)
# of a step with one optimizer
UNSTEPPED = """
nothing moved: No weight has moved. backward() makes gradients, optimizer.step() uses them; a
    zero_grad() between the two throws them away.
    optimizer.step() → pass
"""
DESCENT = """
{UNSTEPPED}
stale gradients: Gradients that were there before your step change it: zero_grad() is missing
    before backward().
    optimizer.zero_grad() → pass
"""
# wrong forms of the cost ½ Σ_pixels (x − x_hat)²
COST = "0.5 * (x - x_hat).square().sum(1).mean()"
PIXEL_MEAN = """
mean over pixels: You take the mean over all pixels. The cost is a sum over the pixels of an image,
    and a mean over the images only: with a mean the gradient is hundreds of times smaller on
    MNIST.
    {COST} → 0.5 * (x - x_hat).square().mean()
"""
COSTS = "{PIXEL_MEAN}{OTHER_COSTS}"
OTHER_COSTS = """
mean over pixels: You take the mean over all pixels and leave out the ½, as F.mse_loss does. The
    cost is a sum over the pixels of an image, and a mean over the images only.
    {COST} → (x - x_hat).square().mean()
half forgotten: The ½ of the squared error is missing: yours is twice as large.
    {COST} → (x - x_hat).square().sum(1).mean()
sum over the batch: You sum over the images as well. Then the loss, and with it the step, grows
    with the batch size. Take the mean over the images.
    {COST} → 0.5 * (x - x_hat).square().sum()
sum over the batch: You sum over pixels and images and leave out the ½, as F.mse_loss with
    reduction='sum' does. Take the mean over the images, and half of it.
    {COST} → (x - x_hat).square().sum()
root taken: You take a square root: that is a distance, and its gradient another one. The cost is
    the squared error.
    {COST} → 0.5 * (x - x_hat).norm(dim=1).mean()
absolute error: You sum absolute differences. The cost is half the *squared* error.
    {COST} → 0.5 * (x - x_hat).abs().sum(1).mean()
sum over the images, mean over the pixels: You sum over the images and take the mean over the
    pixels (dimension 0 is the images'). It should be the other way round.
    {COST} → 0.5 * (x - x_hat).square().sum(0).mean()
"""
# of a discriminator's loss, of logits called real and fake; what stands before it, if it must
BEFORE, REAL, FAKE = "", "real", "fake"
TELL = "F.softplus(-{REAL}).mean() + F.softplus({FAKE}).mean()"
DISCRIMINATOR = "{REAL_AND_FAKE}{OTHER_DISCRIMINATOR}"
REAL_AND_FAKE = """
real and fake swapped: {SWAPPED}
    {BEFORE}{TELL} → {BEFORE}F.softplus({REAL}).mean() + F.softplus(-{FAKE}).mean()
"""
OTHER_DISCRIMINATOR = """
halved: You average the discriminator's two halves. The loss is their sum: 2 log 2 where D can't
    tell.
    {BEFORE}{TELL} → {BEFORE}0.5 * ({TELL})
half of the loss: Only codes count in your discriminator's loss. It would call everything fake.
    {BEFORE}{TELL} → {BEFORE}F.softplus({FAKE}).mean()
half of the loss: Only prior samples count in your discriminator's loss. It would call everything
    real.
    {BEFORE}{TELL} → {BEFORE}F.softplus(-{REAL}).mean()
sum over the batch: You sum the discriminator's loss over the batch. Take the mean of each half.
    {BEFORE}{TELL} → {BEFORE}F.softplus(-{REAL}).sum() + F.softplus({FAKE}).sum()
sigmoid applied twice: {SIGMOID_TWICE}
    {BEFORE}{TELL}
    → {BEFORE}F.softplus(-{REAL}.sigmoid()).mean() + F.softplus({FAKE}.sigmoid()).mean()
sign lost: You maximise: descend *minus* the log-likelihood.
    {BEFORE}{TELL} → {BEFORE}-({TELL})
no logarithm: {CRITIC}
    {BEFORE}{TELL} → {BEFORE}{FAKE}.mean() - {REAL}.mean()
"""
# of a generator's loss
FOOL = "F.softplus(-{LOGITS}).mean()"
GENERATOR = """
saturating: Your generator descends log(1 − D), the saturating form, which is flat where the
    discriminator is sure. Descend −log D (Goodfellow et al. 2014, §3).
    {FOOL} → -F.softplus({LOGITS}).mean()
generator calls its codes fake: You ask for codes that are easier to call fake. The generator's
    codes should pass for real.
    {FOOL} → F.softplus({LOGITS}).mean()
sum over the batch: You sum the generator's loss over the batch. Take the mean.
    {FOOL} → F.softplus(-{LOGITS}).sum()
sigmoid applied twice: {SIGMOID_TWICE}
    {FOOL} → F.softplus(-{LOGITS}.sigmoid()).mean()
no logarithm: {CRITIC}
    {FOOL} → -{LOGITS}.mean()
"""
