"""Questions to ask in front of an explorer, with folded answers, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

PAINTER = (
    (
        "Draw a shape and press *train*. What do the networks get to know about the drawing?",
        "Samples only: 6,000 points, evenly spread over the ink. In each update the discriminator "
        "sees 64 of them next to 64 codes. Nobody writes down a density of the drawing, which the "
        "KL divergence of a VAE (lesson 3) would need.",
    ),
    (
        "In the browser it trains with the joint step. Which networks move in one update, on "
        "which loss?",
        "First the discriminator D alone, on its own loss: prior samples are real, codes are "
        "fake. Then encoder Q and decoder G together, on the reconstruction cost + λ · "
        "generator loss, with λ = 30. The gradient of the second term passes through D to Q; D "
        "stays as it is, and no gradient of this term reaches G.",
    ),
    (
        "What does λ do here, and why does it do so only in the joint step?",
        "In the joint step one Adam divides the sum of both gradients by its size, so that λ "
        "decides which of them has more weight in Q's direction. A larger λ weighs the match "
        "with the drawing more and the reconstruction less. In the algorithm of three phases each "
        "loss has an Adam of its own, which divides λ out again.",
    ),
    (
        "The table has a column for training digits and one for test digits. Which of them "
        "says whether the encoder has learnt the drawing, and why are they apart?",
        "The column of the test digits. Q and D played on the 2,000 training digits only, and Q "
        "can memorise where to put these: in the list under *What to expect of each shape* "
        "everything was measured with test digits. To make it harder to memorise, training "
        "images are moved by up to a pixel and get noise.",
    ),
    (
        "Draw three dots or two islands. At the end some codes lie between them, off the ink, "
        "although the sliced Wasserstein distance is small. How can both be true?",
        "Q is a continuous function: a picture that changes step by step from one island's digits "
        "to another's has a code that crosses the gap. The distance counts how far codes must be "
        "moved, and a few of them, a short way off, cost little. The share off the ink counts "
        "each of them as one, however near it is. So read both figures.",
    ),
)


def folded(questions: Iterable[tuple[str, str]]) -> str:
    """Questions and answers (Markdown each), numbered, each answer folded away."""
    return "\n\n".join(
        f"**{place}.** {question}\n\n<details><summary>Answer</summary>\n\n{answer}\n\n</details>"
        for place, (question, answer) in enumerate(questions, start=1)
    )


def answered_below(title: str, questions: Iterable[tuple[str, str]]) -> str:
    """Questions and below them their answers, numbered, all in one fold (Markdown)."""
    lines, answers = (
        "\n".join(f"{place}. {text}" for place, text in enumerate(texts, start=1))
        for texts in zip(*questions, strict=True)
    )
    body = f"{lines}\n\n**The answers:**\n\n{answers}"
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def painter_dropdown() -> str:
    """The painter's questions as a dropdown of the site (MyST)."""
    return f"::::{{dropdown}} Five questions about the drawing\n{folded(PAINTER)}\n::::"
