"""Questions for paper and pencil: each answer is one or a few numbers, to three digits.

The worked answers are written as formulas, so that an edit of a formula is a misconception.
"""

from __future__ import annotations

import math

from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.questions import question


def _grey_image():
    squared_error = 0.5 * 784 * 0.5**2
    cross_entropy = 784 * math.log(2)
    return squared_error, cross_entropy


grey_image = question(
    "1.6",
    "the cost of a grey image",
    "lesson 1, section 1.2",
    _grey_image,
    ("half the squared error, summed over the pixels", "the cross-entropy in nats"),
    (
        "What does one pixel cost? Then multiply by the number of pixels.",
        "½ (1 − ½)² and ½ (0 − ½)² are the same number. So are −log ½ and −log(1 − ½).",
        "0.5 * 784 * 0.25, and 784 * math.log(2).",
    ),
    (
        wrong("half forgotten", "The ½ in front of the squared error is missing.",
              ("0.5 * 784", "784")),
        wrong("mean over pixels", "Both costs are sums over the 784 pixels of an image.",
              ("0.5 * 784 *", "0.5 *"), ("784 * math", "math")),
        wrong("bits, not nats", "That is the number of bits. In nats a pixel costs log 2 = 0.693.",
              ("math.log(2)", "1")),
    ),
)  # fmt: skip


def _best_discriminator():
    at_zero = 1 / (1 + math.exp(-1 / 2))
    at_half = 1 / 2
    return at_zero, at_half, 2 * math.log(2), math.log(2)


best_discriminator = question(
    "2.8",
    "the best discriminator of two known densities",
    "lesson 2, section 2.3",
    _best_discriminator,
    ("D at z = 0", "D at z = ½", "the discriminator's loss at equilibrium", "the generator's"),
    (
        "The best D(z) is p(z)/(p(z) + q(z)), p being the prior's density and q the codes'.",
        "Divide above and below by p: 1/(1 + q/p), and q/p = exp(z − ½) here.",
        "At equilibrium D = ½ everywhere. What are −log ½ − log ½, and −log ½?",
    ),
    (
        wrong("real and fake swapped", "That is the share of the codes. D is the probability of "
              "*real*, of the prior's density.", ("math.exp(-1 / 2)", "math.exp(1 / 2)")),
        wrong("half of the exponent forgotten", "The exponent of a Gaussian is −½ z²: the ½ is "
              "missing.", ("math.exp(-1 / 2)", "math.exp(-1)")),
        wrong("ratio of the densities", "That is q/p. D is p/(p + q), between 0 and 1.",
              ("1 / (1 + math.exp(-1 / 2))", "math.exp(-1 / 2)")),
        wrong("one half of the loss", "The discriminator's loss has two halves, each log 2 at D = "
                                      "½.",
              ("2 * math.log(2)", "math.log(2)")),
        wrong("losses of 0 at equilibrium", "At equilibrium nobody wins: D = ½ everywhere, and "
              "−log ½ is not 0.", ("2 * math.log(2), math.log(2)", "0.0, 0.0")),
    ),
)  # fmt: skip


def _two_gaussians():
    return 0.5 * (2**2 + 1**2 - 1 - math.log(2**2))


two_gaussians = question(
    "3.7",
    "the KL of one Gaussian to another",
    "lesson 3, section 3.3",
    _two_gaussians,
    ("the KL in nats",),
    (
        "½ (σ² + μ² − 1 − log σ²). Which of the given numbers is σ?",
        "σ = 2, so σ² = 4.",
        "½ (4 + 1 − 1 − log 4).",
    ),
    (
        wrong("half forgotten", "Twice too large: the ½ is missing.", ("0.5 * ", "1.0 * ")),
        wrong("deviation for the variance", "You use σ = 2 where σ² = 4 stands.", ("2**2", "2")),
        wrong("log of the deviation", "The logarithm is of σ², too.",
              ("math.log(2**2)", "math.log(2)")),
        wrong("the other direction", "That is the KL of N(0, 1) to the posterior. It is not "
              "symmetric: the posterior comes first.", ("2**2 + 1**2 - 1 - math.log(2**2)",
              "(1 + 1) / 4 - 1 + math.log(4)")),
        wrong("bits, not nats", "That is in bits. Use the natural logarithm.",
              (" - math.log(2**2))", " - math.log(2**2)) / math.log(2)")),
        wrong("one forgotten", "The −1 is missing: the KL of N(0, 1) to itself has to be 0.",
              (" - 1 -", " -")),
    ),
)  # fmt: skip


def _two_entropies():
    of_the_rows = (0 + math.log(2)) / 2
    of_the_mean = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    return of_the_rows, of_the_mean


two_entropies = question(
    "4.8",
    "two entropies of a batch of codes",
    "lesson 4, section 4.6",
    _two_entropies,
    ("the mean of the rows' entropies", "the entropy of the mean row"),
    (
        "A one-hot row has entropy 0, an even one of two classes log 2.",
        "The mean of (1, 0) and (½, ½) is (¾, ¼).",
        "½ log 2, and −¾ log ¾ − ¼ log ¼.",
    ),
    (
        wrong("sum of the rows", "You add up the rows' entropies. Take their mean: there are two "
                                 "rows.",
              ("math.log(2)) / 2", "math.log(2))")),
        wrong("bits, not nats", "That is in bits. In nats an even row of two classes has log 2 = "
                                "0.693.",
              ("math.log(2)) / 2", "1) / 2")),
        wrong("half of the sum", "−p log p is to be added over *both* classes.",
              (" - 0.25 * math.log(0.25)", "")),
        wrong("sign lost", "An entropy is never negative.", ("-0.75 * math.log(0.75) - ",
              "0.75 * math.log(0.75) + ")),
    ),
)  # fmt: skip


def _epoch_and_plateau():
    updates = 50_000 // 100
    times = updates * 100 / 100
    plateau = math.log(1 + 9 * math.exp(-1))
    return updates, times, plateau


epoch_and_plateau = question(
    "5.7",
    "an epoch, and a plateau",
    "lesson 5, sections 5.3 and 5.9",
    _epoch_and_plateau,
    ("updates in an epoch", "how often each labelled image is seen", "the least loss"),
    (
        "An epoch is a pass over the images without labels.",
        "Each update takes 100 labelled images, and there are 100.",
        "A perfect y is one-hot. As logits, 1 and nine times 0 give −log(e/(e + 9)).",
    ),
    (
        wrong("epoch over the labelled images", "One update uses all the labels once, but an "
              "epoch is a pass over the 50,000 images.", ("50_000 // 100", "100 // 100")),
        wrong("each label once", "The labelled images go round and round: 100 of them in each "
                                 "update.",
              ("updates * 100 / 100", "1")),
        wrong("least loss 0", "With y in place of logits the largest difference is 1: the loss "
              "can't reach 0.", ("math.log(1 + 9 * math.exp(-1))", "0.0")),
        wrong("nine others forgotten", "There are nine other classes, each with exp(0) = 1.",
              ("9 * math", "math")),
        wrong("an even guess", "That is the loss of an even guess, log 10. The best y does "
              "better.",
              ("math.log(1 + 9 * math.exp(-1))", "math.log(10)")),
    ),
)  # fmt: skip


def _three_clusters():
    many_to_one = 1 - (50 + 30 + 15) / 120
    one_to_one = 1 - (50 + 30) / 120
    return many_to_one, one_to_one


three_clusters = question(
    "6.8",
    "two errors of one table",
    "lesson 6, section 6.3",
    _three_clusters,
    ("the many-to-one error", "the one-to-one error"),
    (
        "How many images are there in all? That is what both errors are divided by.",
        "Many-to-one: every cluster takes the name of its most frequent class.",
        "One-to-one: two classes name two clusters, and the third cluster counts as wrong.",
    ),
    (
        wrong("accuracy, not error", "Those are the shares of right ones. The error is the rest.",
              ("1 - (50 + 30 + 15) / 120", "(50 + 30 + 15) / 120"), ("1 - (50 + 30) / 120",
              "(50 + 30) / 120")),
        wrong("third cluster left out", "The images of the unnamed cluster are errors, not "
              "absent: divide by all 120.", ("(50 + 30) / 120", "(50 + 30) / 100")),
        wrong("largest counts alone", "For the many-to-one error every cluster has a name, the "
              "third one too.", ("50 + 30 + 15", "50 + 30")),
        wrong("percent", "Return shares between 0 and 1, not per cent.",
              ("return many_to_one, one",
              "return 100 * many_to_one, 100 * one")),
    ),
)  # fmt: skip


def _cheapest_plan():
    cheapest = (0**2 + 2**2 + 1**2) / 3
    row_by_row = (3**2 + 1**2 + 1**2) / 3
    return cheapest, row_by_row


cheapest_plan = question(
    "7.8",
    "the cheapest plan for three points",
    "lesson 7, section 7.1",
    _cheapest_plan,
    ("the cheapest plan's mean cost", "the mean cost row by row"),
    (
        "Sort both samples first: which point is carried to which?",
        "0 to 0, 1 to 3 and 5 to 4.",
        "(0 + 4 + 1)/3. Row by row the differences are 3, 1 and 1.",
    ),
    (
        wrong("not sorted", "The cheapest plan carries the smallest to the smallest, and so on: "
              "sort both.", ("0**2 + 2**2 + 1**2", "3**2 + 1**2 + 1**2")),
        wrong("sum in place of a mean", "Those are sums. Divide by the number of points.",
              (" / 3", "")),
        wrong("not squared", "The cost is the squared distance.", ("2**2 + 1**2", "2 + 1**2")),
        wrong("root taken", "You take a root. Return the mean of the squared distances.",
              ("return cheapest, row_by_row", "return cheapest**0.5, row_by_row**0.5")),
    ),
)  # fmt: skip
