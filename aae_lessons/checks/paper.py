"""Questions for paper and pencil: each answer is one or a few numbers, to three digits.

The worked answers are written as formulas, so that an edit of a formula is a misconception.
"""

from __future__ import annotations

import math

from aae_lessons.checks.questions import question


def _grey_image():
    squared_error = 0.5 * 784 * 0.5**2
    cross_entropy = 784 * math.log(2)
    return squared_error, cross_entropy


GREY_IMAGE = """
1.6 the cost of a grey image
read: lesson 1, section 1.2
hint: What does one pixel cost? Then multiply by the number of pixels.
hint: ½ (1 − ½)² and ½ (0 − ½)² are the same number. So are −log ½ and −log(1 − ½).
hint: 0.5 * 784 * 0.25, and 784 * math.log(2).
part: half the squared error, summed over the pixels
part: the cross-entropy in nats
half forgotten: The ½ in front of the squared error is missing.
    0.5 * 784 → 784
mean over pixels: Both costs are sums over the 784 pixels of an image.
    0.5 * 784 * → 0.5 *
    784 * math → math
bits, not nats: That is the number of bits. In nats a pixel costs log 2 = 0.693.
    math.log(2) → 1
"""
grey_image = question(_grey_image, GREY_IMAGE)


def _best_discriminator():
    at_zero = 1 / (1 + math.exp(-1 / 2))
    at_half = 1 / 2
    return at_zero, at_half, 2 * math.log(2), math.log(2)


BEST_DISCRIMINATOR = """
2.8 the best discriminator of two known densities
read: lesson 2, section 2.3
hint: The best D(z) is p(z)/(p(z) + q(z)), p being the prior's density and q the codes'.
hint: Divide above and below by p: 1/(1 + q/p), and q/p = exp(z − ½) here.
hint: At equilibrium D = ½ everywhere. What are −log ½ − log ½, and −log ½?
part: D at z = 0
part: D at z = ½
part: the discriminator's loss at equilibrium
part: the generator's
real and fake swapped: That is the share of the codes. D is the probability of *real*, of the
    prior's density.
    math.exp(-1 / 2) → math.exp(1 / 2)
half of the exponent forgotten: The exponent of a Gaussian is −½ z²: the ½ is missing.
    math.exp(-1 / 2) → math.exp(-1)
ratio of the densities: That is q/p. D is p/(p + q), between 0 and 1.
    1 / (1 + math.exp(-1 / 2)) → math.exp(-1 / 2)
one half of the loss: The discriminator's loss has two halves, each log 2 at D = ½.
    2 * math.log(2) → math.log(2)
losses of 0 at equilibrium: At equilibrium nobody wins: D = ½ everywhere, and −log ½ is not 0.
    2 * math.log(2), math.log(2) → 0.0, 0.0
"""
best_discriminator = question(_best_discriminator, BEST_DISCRIMINATOR)


def _two_gaussians():
    return 0.5 * (2**2 + 1**2 - 1 - math.log(2**2))


TWO_GAUSSIANS = """
3.7 the KL of one Gaussian to another
read: lesson 3, section 3.3
hint: ½ (σ² + μ² − 1 − log σ²). Which of the given numbers is σ?
hint: σ = 2, so σ² = 4.
hint: ½ (4 + 1 − 1 − log 4).
part: the KL in nats
half forgotten: Twice too large: the ½ is missing.
    0.5 * → 1.0 *
deviation for the variance: You use σ = 2 where σ² = 4 stands.
    2**2 → 2
log of the deviation: The logarithm is of σ², too.
    math.log(2**2) → math.log(2)
the other direction: That is the KL of N(0, 1) to the posterior. It is not symmetric: the posterior
    comes first.
    2**2 + 1**2 - 1 - math.log(2**2) → (1 + 1) / 4 - 1 + math.log(4)
bits, not nats: That is in bits. Use the natural logarithm.
    - math.log(2**2)) → - math.log(2**2)) / math.log(2)
one forgotten: The −1 is missing: the KL of N(0, 1) to itself has to be 0.
    - 1 - → -
"""
two_gaussians = question(_two_gaussians, TWO_GAUSSIANS)


def _two_entropies():
    of_the_rows = (0 + math.log(2)) / 2
    of_the_mean = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    return of_the_rows, of_the_mean


TWO_ENTROPIES = """
4.8 two entropies of a batch of codes
read: lesson 4, section 4.2
hint: A one-hot row has entropy 0, an even one of two classes log 2.
hint: The mean of (1, 0) and (½, ½) is (¾, ¼).
hint: ½ log 2, and −¾ log ¾ − ¼ log ¼.
part: the mean of the rows' entropies
part: the entropy of the mean row
sum of the rows: You add up the rows' entropies. Take their mean: there are two rows.
    math.log(2)) / 2 → math.log(2))
bits, not nats: That is in bits. In nats an even row of two classes has log 2 = 0.693.
    math.log(2)) / 2 → 1) / 2
half of the sum: −p log p is to be added over *both* classes.
    - 0.25 * math.log(0.25) →
sign lost: An entropy is never negative.
    -0.75 * math.log(0.75) - → 0.75 * math.log(0.75) +
"""
two_entropies = question(_two_entropies, TWO_ENTROPIES)


def _epoch_and_plateau():
    updates = 50_000 // 100
    times = updates * 100 / 100
    plateau = math.log(1 + 9 * math.exp(-1))
    return updates, times, plateau


EPOCH_AND_PLATEAU = """
5.7 an epoch, and a plateau
read: lesson 5, sections 5.3 and 5.11
hint: An epoch is a pass over the images without labels.
hint: Each update takes 100 labelled images, and there are 100.
hint: A perfect y is one-hot. As logits, 1 and nine times 0 give −log(e/(e + 9)).
part: updates in an epoch
part: how often each labelled image is seen
part: the least loss
epoch over the labelled images: One update uses all the labels once, but an epoch is a pass over
    the 50,000 images.
    50_000 // 100 → 100 // 100
each label once: The labelled images go round and round: 100 of them in each update.
    updates * 100 / 100 → 1
least loss 0: With y in place of logits the largest difference is 1: the loss can't reach 0.
    math.log(1 + 9 * math.exp(-1)) → 0.0
nine others forgotten: There are nine other classes, each with exp(0) = 1.
    9 * math → math
an even guess: That is the loss of an even guess, log 10. The best y does better.
    math.log(1 + 9 * math.exp(-1)) → math.log(10)
"""
epoch_and_plateau = question(_epoch_and_plateau, EPOCH_AND_PLATEAU)


def _three_clusters():
    many_to_one = 1 - (50 + 30 + 15) / 120
    one_to_one = 1 - (50 + 30) / 120
    return many_to_one, one_to_one


THREE_CLUSTERS = """
6.8 two errors of one table
read: lesson 6, section 6.3
hint: How many images are there in all? That is what both errors are divided by.
hint: Many-to-one: every cluster takes the name of its most frequent class.
hint: One-to-one: two classes name two clusters, and the third cluster counts as wrong.
part: the many-to-one error
part: the one-to-one error
accuracy, not error: Those are the shares of right ones. The error is the rest.
    1 - (50 + 30 + 15) / 120 → (50 + 30 + 15) / 120
    1 - (50 + 30) / 120 → (50 + 30) / 120
third cluster left out: The images of the unnamed cluster are errors, not absent: divide by all
    120.
    (50 + 30) / 120 → (50 + 30) / 100
largest counts alone: For the many-to-one error every cluster has a name, the third one too.
    50 + 30 + 15 → 50 + 30
percent: Return shares between 0 and 1, not per cent.
    return many_to_one, one → return 100 * many_to_one, 100 * one
"""
three_clusters = question(_three_clusters, THREE_CLUSTERS)


def _cheapest_plan():
    cheapest = (0**2 + 2**2 + 1**2) / 3
    row_by_row = (3**2 + 1**2 + 1**2) / 3
    return cheapest, row_by_row


CHEAPEST_PLAN = """
7.8 the cheapest plan for three points
read: lesson 7, section 7.1
hint: Sort both samples first: which point is carried to which?
hint: 0 to 0, 1 to 3 and 5 to 4.
hint: (0 + 4 + 1)/3. Row by row the differences are 3, 1 and 1.
part: the cheapest plan's mean cost
part: the mean cost row by row
not sorted: The cheapest plan carries the smallest to the smallest, and so on: sort both.
    0**2 + 2**2 + 1**2 → 3**2 + 1**2 + 1**2
sum in place of a mean: Those are sums. Divide by the number of points.
    / 3 →
not squared: The cost is the squared distance.
    2**2 + 1**2 → 2 + 1**2
root taken: You take a root. Return the mean of the squared distances.
    return cheapest, row_by_row → return cheapest**0.5, row_by_row**0.5
"""
cheapest_plan = question(_cheapest_plan, CHEAPEST_PLAN)


def _without_a_label():
    even = (1 + 3) / 2 - math.log(2)
    best = -math.log(math.exp(-1) + math.exp(-3))
    q = math.exp(-1) / (math.exp(-1) + math.exp(-3))
    return even, best, q


WITHOUT_A_LABEL = """
8.7 the bound of an image without a label
read: lesson 8, section 8.4
part: the bound for an even q(y|x)
part: the least bound
part: q(y = 0|x) where it is reached
hint: The bound is the mean of the losses under q(y|x), minus the entropy of q(y|x).
hint: The best q(y|x) is the softmax of minus the losses. What is the bound there?
hint: 2 − log 2; −log(exp(−1) + exp(−3)); exp(−1)/(exp(−1) + exp(−3)).
entropy left out: That is the mean of the two losses. The entropy of q(y|x) is subtracted from it.
    - math.log(2) →
entropy added: The entropy is *subtracted*: uncertainty makes the bound tighter.
    - math.log(2) → + math.log(2)
bits, not nats: That is in bits. In nats the entropy of two even classes is log 2 = 0.693.
    - math.log(2) → - 1
the cheapest class alone: A q(y|x) that is certain of class 0 costs 1 nat. A little doubt adds less
    to the mean loss than its entropy takes off: there is a better one.
    -math.log(math.exp(-1) + math.exp(-3)) → 1.0
prior counted twice: You weigh the two classes by ½ once more. The prior of the classes is in their
    losses already.
    (math.exp(-1) + math.exp(-3)) ⏎ q → (0.5 * math.exp(-1) + 0.5 * math.exp(-3)) ⏎ q
softmax of the losses: That is the probability of class 1. The smaller a loss, the more probable
    its class: take the softmax of minus the losses.
    q = math.exp(-1) / → q = math.exp(-3) /
shares of the losses: Probabilities are not in the ratio of the losses, 3 to 1. A loss is minus a
    logarithm of a probability: they are in the ratio of exp(−1) to exp(−3).
    q = math.exp(-1) / (math.exp(-1) + math.exp(-3)) → q = 3 / 4
"""
without_a_label = question(_without_a_label, WITHOUT_A_LABEL)
