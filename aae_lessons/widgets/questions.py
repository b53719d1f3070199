"""Questions to ask in front of an explorer, with folded answers, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

PAINTER = (
    (
        "Draw a shape and press *train* (the joint step, with λ = 30). What do the networks learn "
        "of the drawing itself?",
        "Samples only: 6,000 points, evenly spread over the ink. In each update the discriminator "
        "sees 64 of them next to 64 codes. Nobody writes down a density of the drawing, which the "
        "KL divergence of a VAE (lesson 3) would need.",
    ),
    (
        "The table has a column for training digits and one for test digits. Which of them "
        "says whether the encoder has learnt the drawing, and why do they differ?",
        "The column of the test digits. Q can memorise where to put the 2,000 training digits. To "
        "make that harder, training images are moved by up to a pixel and get noise.",
    ),
    (
        "Draw three dots or two islands. At the end some codes lie between them, off the ink, "
        "although the sliced Wasserstein distance is small. How can both be true?",
        "Q is a continuous function: a picture that changes step by step from one island's digits "
        "to another's has a code that crosses the gap. The distance counts how far codes must be "
        "moved, and a few that are a short way off add little to it. The share off the ink counts "
        "each of them fully. So read both numbers.",
    ),
)


def folded(questions: Iterable[tuple[str, str]]) -> str:
    """Questions and answers (Markdown each), numbered, each answer folded away."""
    return "\n\n".join(
        f"**{place}.** {question}\n\n<details><summary>Answer</summary>\n\n{answer}\n\n</details>"
        for place, (question, answer) in enumerate(questions, start=1)
    )


def painter_dropdown() -> str:
    """The painter's questions as a dropdown of the site (MyST)."""
    return f"::::{{dropdown}} Three questions about the drawing\n{folded(PAINTER)}\n::::"
