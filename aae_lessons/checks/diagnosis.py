"""Naming the mistakes of the debugging exercises: which line, and what it does to the curves.

The statements of each exercise are in its notebook. An answer is the set of the letters of the
true ones. A table has a row for each letter: the worked answer with that statement judged wrongly.
"""

from __future__ import annotations

from aae_lessons.checks.questions import statements


def _autoencoder():
    return {"A", "C", "F"}


autoencoder = statements(
    _autoencoder,
    """
1.5 name the mistakes of exercise 1.4
read: lesson 1, section 1.4
hint: Three of the six are true: one about a missing line, two about the same wrong one.
A: backward() adds to what is in .grad. Without zero_grad() every step also follows all earlier
    gradients, which acts like a momentum near 1: the loss swings.
B: The sigmoid is right: the decoder gives logits, and the cost compares pixels.
C: .sum() runs over the pixels and over the images. With 32 images the gradient is 32 times as long
    as that of the mean, at the same rate.
D: detach() comes after backward() and step(): it changes no weight, only what is kept.
E: A swing of this kind grows with the rate. The cure is zero_grad(), not a larger step.
F: The sum over the images doubles with every image given twice; the mean does not.
""",
)


def _adversarial():
    return {"B", "C", "E"}


adversarial = statements(
    _adversarial,
    """
2.7 name the mistakes of exercise 2.6
read: lesson 2, sections 2.4 and 2.12
hint: Three of the six are true, one for each mistake.
A: The reconstruction phase is sound: the digits are rebuilt well.
B: The codes are passed as real, the prior's samples as fake. The generator's loss then asks for
    what the discriminator rewards already: both losses fall to 0.
C: The generator's backward() adds to what the two phases before left in the encoder's .grad, so
    its step follows them too.
D: The order real, fake of the two means in the sum does not matter; which logits get which sign
    does.
E: The codes are not detached for the discriminator, so its backward() also computes a gradient for
    the encoder: it is left in .grad, where the generator's step finds it.
F: Losses of 0 for both players are no equilibrium: that is 2 log 2 for the discriminator and log 2
    for the generator.
""",
)


def _variational():
    return {"A", "D", "E"}


variational = statements(
    _variational,
    """
3.6 name the mistakes of exercise 3.5
read: lesson 3, section 3.5
hint: Three of the six are true: two lines, and what one of them does to the pictures.
A: binary_cross_entropy_with_logits takes the mean over all pixels by default. The reconstruction
    is then 784 times too weak next to the KL, which falls to 0.
B: The KL is right: summed over dimensions, then averaged over the images.
C: zero_grad() before backward() is where it belongs.
D: ε is multiplied by the log-variance in place of σ = exp(½ log σ²). At a log-variance of 0 that
    is no noise at all, where σ would be 1.
E: With a KL of 0 every posterior is the prior: z says nothing of the image, and the decoder can
    only give the mean image.
F: A larger beta makes the KL dearer still. The imbalance is in the reconstruction.
""",
)


def _categorical():
    return {"B", "D", "F"}


categorical = statements(
    _categorical,
    """
4.7 name the mistakes of exercise 4.6
read: lesson 4, sections 4.2 and 4.3
hint: Three of the six are true: one about the decoder, two about the discriminator.
A: The generator sees the soft y, as it should: only so can a gradient reach the encoder.
B: The decoder is trained on logits, and later gets y = softmax(logits). Whatever passes in the
    size of the logits never has to go into y.
C: Losses near 2 log 2 and log 2 look balanced, but here the discriminator was never shown what y
    looks like.
D: argmax makes one-hot vectors of the codes, which look like prior samples whether y is sharp or
    not. The discriminator can't tell them apart.
E: No zero_grad() is missing: each phase has its own.
F: Since nothing rewards sharp codes, the mean largest probability stays below 1, and no loss shows
    it.
""",
)


def _semi_supervised():
    return {"A", "C", "D", "F"}


semi_supervised = statements(
    _semi_supervised,
    """
5.6 name the mistakes of exercise 5.5
read: lesson 5, section 5.11
hint: Four of the six are true: one for each mistake, and one more about the target.
A: x is overwritten by its noisy version, so the noise is part of the target. Clean images are then
    rebuilt worse than they could be.
B: The discriminators are right: prior samples are real, codes fake and detached.
C: mean() runs over pixels and images. With the rate meant for the sum, the decoder learns as many
    times more slowly as there are pixels.
D: cross_entropy applies the softmax itself. Probabilities in place of logits differ by 1 at most,
    so that its least value is log(1 + 2/e) for three classes.
E: The generator's loss is the sum over both codes, as it should be.
F: The decoder is given fewer free numbers than the target has pixels, and noise has no pattern:
    part of it can't be rebuilt, so the reconstruction loss has a floor above 0.
""",
)


def _clustering():
    return {"A", "B", "D"}


clustering = statements(
    _clustering,
    """
6.7 name the mistakes of exercise 6.6
read: lesson 5, section 5.14
hint: Three of the six are true, one for each mistake.
A: The batches of epoch 0 are kept in a list and used in every epoch: the shuffle is frozen.
B: The schedulers are never stepped, so the rate stays high, and the error jumps about to the end.
C: no_grad() saves memory and time; it does not turn off dropout or batch statistics.
D: The model is measured in training mode: dropout hides inputs, and batch norm uses the moments of
    the validation batch.
E: The optimizers are handed to the step, which descends: the loop need not.
F: The first half of both runs has the same rate. They part when the sound one's falls.
""",
)


def _wasserstein():
    return {"B", "C", "F"}


wasserstein = statements(
    _wasserstein,
    """
7.7 name the mistakes of exercise 7.6
read: lesson 7, sections 7.12 and 7.14
hint: Three of the six are true: one for each mistake, and one about the printed number.
A: The MMD may be negative, but here it climbs: the sign in the sum is the cause.
B: The penalty is subtracted, so a descent *raises* the discrepancy: the codes flee from the prior.
C: x is overwritten by the noisy image, which is then the target as well.
D: The noise on the encoder's input is intended: it makes this a denoising model.
E: Both optimizers' jobs are done by one, which holds the weights of both networks: that is what a
    WAE with a fixed discrepancy needs.
F: The decoder is given two numbers, and noise of 784 pixels has no pattern: nearly none of it can
    be rebuilt. It costs ½ · 784 · 0.09 = 35.3 for each image.
""",
)
