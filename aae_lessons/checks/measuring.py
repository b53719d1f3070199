"""What chance alone can do to a measure: the floor of a distance, a two-sample test's null."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Misused, Trial


def _over_floor(measured, sample, distance, n, repeats):
    nulls = [distance(sample(n), sample(n)) for _ in range(repeats)]
    floor = sum(nulls) / repeats
    return [d / floor for d in measured], [d <= max(nulls) for d in measured]


FLOOR = """
1.7 which distances could be chance
read: lesson 1, section 1.6
hint: A null is the distance between two samples of the prior: distance(sample(n), sample(n)).
hint: The floor is the mean of the nulls. What is a distance as a multiple of it?
hint: Could the prior itself have given this distance? It did, if one of the nulls is as large.
a sample with itself: You compare a sample with itself, and that distance is 0 whatever the prior
    is. A null is the distance between *two* independent samples.
    distance(sample(n), sample(n)) → (lambda z: distance(z, z))(sample(n))
one sample for all nulls: One sample is used for several nulls, so its chance is in all of them,
    and they spread too little. Draw both samples afresh for each null.
    nulls = → z = sample(n); nulls =
    distance(sample(n), sample(n)) → distance(sample(n), z)
nulls of another size: Your samples don't have n points. The floor shrinks like 1/√n, so the
    samples of a null have to be as large as those whose distance was measured.
    sample(n), sample(n) → sample(1000), sample(1000)
one null only: You draw a single null, which is a random number itself. The floor is the mean of
    `repeats` nulls, and only several of them show how far chance goes.
    range(repeats) → range(1)
    / repeats →
largest null as the floor: You divide by the largest null. The floor is the mean of the nulls; the
    largest one is for the decision.
    sum(nulls) / repeats → max(nulls)
floor subtracted: You subtract the floor. A multiple is a quotient: divide the distance by it.
    d / floor → d - floor
compared with the floor: You take only what lies below the floor for chance. The floor is a mean,
    and the prior's own samples exceed it about half of the time.
    d <= max(nulls) → d <= floor
multiples compared with distances: You compare a multiple of the floor with the nulls, which are
    distances. Compare distances with distances, or multiples with multiples.
    d <= max(nulls) → d / floor <= max(nulls)
too small to be chance: You rule out distances below the smallest null. A small distance speaks for
    the prior, not against it.
    d <= max(nulls) → min(nulls) <= d <= max(nulls)
answer turned round: You say which distances can *not* be chance. Say which ones could.
    d <= max(nulls) → d > max(nulls)
"""


def _floor_of(part: int, n: int, repeats: int, measured: list[float], answer: Callable) -> Tensor:
    """One of the two lists; the distance gives known nulls, and looks at what it is given."""
    nulls = iter([1 + ((k + 3) ** 2 % 7) ** 2 / 10 for k in range(repeats)])
    seen: set[float] = set()

    def distance(a: Tensor, b: Tensor) -> float:
        left, right = set(a[:, 0].tolist()), set(b[:, 0].tolist())
        if {len(a), len(b)} != {n}:
            raise Misused("nulls of another size", "")
        if left & right:
            raise Misused("a sample with itself", "")
        if seen & (left | right):
            raise Misused("one sample for all nulls", "")
        seen.update(left | right)
        return next(nulls)

    inputs = list(measured), lambda rows: torch.randn(rows, 2), distance, n, repeats
    multiples, chance = answer(*inputs)
    return torch.as_tensor(chance if part else multiples).double()


def _floor_probes(_trial: Trial) -> Iterator[Probe]:
    names = "The multiples are wrong.", "What could be chance, and what could not, is wrong."
    for n, repeats, measured in ((50, 7, [0.7, 1.9, 2.5, 3.4, 30.0]), (9, 14, [2.7, 2.0])):
        for part, says in enumerate(names):
            yield Probe(partial(_floor_of, part, n, repeats, measured), says=says)


over_floor = exercise(_over_floor, _floor_probes, FLOOR)


def _two_sample_test(z, z_prior, train):
    half, half_prior = len(z) // 2, len(z_prior) // 2
    discriminator = train(z[:half], z_prior[:half_prior])
    fake, real = discriminator(z[half:]), discriminator(z_prior[half_prior:])
    accuracy = 0.5 * ((fake < 0).float().mean() + (real > 0).float().mean())
    deviation = 0.5 * (0.25 / len(fake) + 0.25 / len(real)) ** 0.5
    return accuracy, deviation, accuracy < 0.5 + 2 * deviation


TWO_SAMPLE_TEST = """
2.9 a two-sample test and its null
read: lesson 2, section 2.5
hint: Train on the first halves, test on the second. Which logits say that a point is a code?
hint: Balanced accuracy is the mean of two shares: of the codes, and of the prior samples.
hint: The share of n fair coins has the variance ¼/n. What is the variance of half of a sum?
tested on its training points: You test the discriminator on points that it was trained on. It may
    know them by heart, and tell them apart even where codes and prior are equal.
    z[half:]), discriminator(z_prior[half_prior:]) → z[:half]), discriminator(z_prior[:half_prior])
    or train(z[:half], z_prior[:half_prior]) → train(z, z_prior)
not balanced: You take the share of all points. There are more prior samples than codes, so they
    count more. Take the mean of two shares, one for each side.
    0.5 * ((fake < 0).float().mean() + (real > 0).float().mean())
    → torch.cat([fake < 0, real > 0]).float().mean()
error, not accuracy: That is the share of wrong answers. A logit above 0 says *prior sample*, and
    `train` takes the codes first.
    (fake < 0) → (fake > 0)
    (real > 0) → (real < 0)
    or train(z[:half], z_prior[:half_prior]) → train(z_prior[:half_prior], z[:half])
logits taken for probabilities: You compare logits with ½. It is D = sigmoid(logit) that is ½ where
    both are equally likely; the logit is 0 there.
    (fake < 0) → (fake < 0.5)
    (real > 0) → (real > 0.5)
one sample of all points: You count all test points as one sample. With balanced accuracy the
    smaller side counts as much as the larger one, so its chance weighs more.
    (0.25 / len(fake) + 0.25 / len(real)) → (1 / (len(fake) + len(real)))
deviation of the sum: That is the standard deviation of the sum of both shares. The accuracy is
    half of the sum.
    0.5 * (0.25 → (0.25
training points counted: You count the points of the training halves as well. The accuracy is a
    share of the test points, of which there are half as many.
    0.25 / len(fake) + 0.25 / len(real) → 0.25 / len(z) + 0.25 / len(z_prior)
less than two deviations: Equal distributions exceed one standard deviation about once in six
    tests, and 50 % in every other test. Allow two.
    2 * deviation → deviation
    or accuracy < 0.5 + 2 * deviation → accuracy <= 0.5
answer turned round: You say when the accuracy can *not* be chance. Say when it could.
    accuracy < 0.5 + → accuracy > 0.5 +
"""


def _train(z: Tensor, z_prior: Tensor) -> Callable[[Tensor], Tensor]:
    """Knows its training points by heart, and goes by the first coordinate of any other."""
    known = dict.fromkeys(z[:, 0].tolist(), -9.0) | dict.fromkeys(z_prior[:, 0].tolist(), 9.0)
    way = (z_prior.mean() - z.mean()).sign().item()
    return lambda x: torch.tensor([known.get(v, way * v) for v in x[:, 0].tolist()])


def _halves(n: int, right: int, sign: int) -> Tensor:
    """(2n, 2); in the second half, ``right`` rows have this sign."""
    signs = torch.where(torch.arange(2 * n) < n + right, sign, -sign)
    return signs[:, None] * (torch.rand(2 * n, 2) + 0.01)


def _two_sample_probes(_trial: Trial) -> Iterator[Probe]:
    names = "The accuracy is wrong.", "The standard deviation is wrong.", "The decision is wrong."
    # 3.2, 0.3 and 1.5 standard deviations above 50 %: each decision row differs in another one
    for codes, prior in (((40, 27), (100, 63)), ((50, 25), (50, 27)), ((40, 22), (100, 59))):
        inputs = _halves(*codes, -1), _halves(*prior, 1), _train
        for part, says in enumerate(names):
            pick = partial(lambda part, result: torch.as_tensor(result[part]).float(), part)
            yield from values(*inputs, says=says, pick=pick, gradients=False)


two_sample_test = exercise(_two_sample_test, _two_sample_probes, TWO_SAMPLE_TEST)
