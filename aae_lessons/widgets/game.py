"""AdversarialGameExplorer: the adversarial game, phase by phase, trained in the browser."""

from __future__ import annotations

from matplotlib.figure import Figure
from traitlets import Bytes, Unicode
from traitlets import List as ListOf

from aae_lessons.arguments import check
from aae_lessons.plots.style import new_figure
from aae_lessons.widgets import bundle, digits
from aae_lessons.widgets.base import Explorer
from aae_lessons.widgets.questions import folded

CAPTION = (
    "The plane shows codes (coloured by class), prior samples (grey) and the discriminator's "
    "field; an arrow says where its gradient pulls a code. Play one phase or one update at a "
    "time, or let it run, turn the dials and switch a mistake on. Losses near the dotted lines "
    "mean that the players are balanced; only the second chart says whether the codes match the "
    "prior."
)
MOVES = {
    "reconstruction": ("Q", "G"),
    "discriminator": ("D",),
    "generator": ("Q",),
}
BUILDS = ("relaxed", "simd", "javascript")


class AdversarialGameExplorer(Explorer):
    """The game of encoder and discriminator on two-pixel pictures or digits.

    The networks train in the browser, in JupyterLab as on a page without a kernel: 2-64-64-2 on
    the toy of lesson 2, 784-128-128-2 on 2,000 digits (28 × 28 grey)
    that travel with the explorer.

    Args:
        builds: which of the trainer's builds may be used, of "relaxed", "simd" (WebAssembly) and
            "javascript"; by default whatever runs, fastest first.
        caption: in place of the usual one.
    """

    _esm = bundle.script("game")
    kinds = ListOf(Unicode()).tag(sync=True)
    training_digits = Bytes().tag(sync=True)
    shown_digits = Bytes().tag(sync=True)
    shown_labels = Bytes().tag(sync=True)

    def __init__(self, builds: tuple[str, ...] = (), *, caption: str = "") -> None:
        ok = isinstance(builds, tuple | list) and all(build in BUILDS for build in builds)
        check(ok, "builds", builds, f"a tuple of some of {BUILDS}")
        super().__init__(title="The game, phase by phase", caption=self.words(caption, CAPTION))
        packed = digits.packed()
        self.kinds = list(builds)
        self.training_digits, self.shown_digits = packed.training, packed.shown
        self.shown_labels = packed.shown_labels

    def static(self) -> Figure:
        """Which networks each of the three phases moves."""
        figure, axes = new_figure(1, 1, 6, 2.4)
        sheet = axes[0, 0]
        for row, (phase, moves) in enumerate(MOVES.items()):
            sheet.text(0, 2 - row, f"{phase} phase moves", va="center")
            for column, network in enumerate("QGD"):
                lit = network in moves
                box = {"boxstyle": "round,pad=0.5", "fc": "#9cc4ec" if lit else "white"}
                box["ec"] = "#1565c0" if lit else "0.6"
                sheet.text(
                    3.4 + 0.7 * column, 2 - row, network, bbox=box, ha="center", va="center"
                )
        sheet.set(xlim=(0, 5.2), ylim=(-0.6, 2.6))
        sheet.axis("off")
        return figure


QUESTIONS = (
    (
        "Press *one phase* three times. Which networks move in each phase, and which loss do "
        "they descend?",
        "Reconstruction phase: encoder Q and decoder G, on the reconstruction cost. "
        "Discriminator phase: D alone, on its own loss; codes are detached, so Q "
        "can't move. Generator phase: Q alone, on the generator's loss; the gradient "
        "passes through D, but D's weights stay. Q belongs to two phases: it encodes, "
        "and it is the game's generator.",
    ),
    (
        "On digits, run about 400 updates from a reset: with the joint step and λ = 0, 1 and "
        "40, and with three phases and λ = 1 and 40. Where does λ change the result, and is "
        "the largest λ the closest?",
        "λ acts in the joint step only. With λ = 0 nothing pulls the codes: they stay far from "
        "the prior, and D's loss falls to nearly 0. With λ = 1 they come close to it. With "
        "λ = 40 they are farther away after as many updates, and the reconstruction is worse: "
        "a larger weight is not always a closer match. In three phases the generator's Adam "
        "divides every gradient by its own size, so both values give nearly the same.",
    ),
    (
        "On pictures of two pixels, with three phases: where do both losses end when codes and "
        "prior are equal, and what do these values mean? Then reset, switch on *D too weak*, and "
        "run 1000 updates.",
        "Near 2 log 2 and log 2: a discriminator that can't tell says ½ everywhere. "
        "The converse is false. One that learns too slowly says nearly ½ too, wherever the codes "
        "are: D's loss is near its line, while the second chart stays high.",
    ),
    (
        "On the same data, run 300 updates from a reset with *no generator phase*, and 300 with "
        "*a generator that fools nobody* instead. How do the two differ in the plane, and in the "
        "losses?",
        "Without the generator phase nothing pulls the codes: they stay several times the floor "
        "from the prior, and D's loss stays below 2 log 2, as it can tell the two apart. The "
        "generator that fools nobody minimises D's own loss: the arrows point away from the "
        "prior, the codes move away from it, and both losses fall to 0.",
    ),
    (
        "Again 300 updates from a reset, with *real and fake swapped*. Why do the codes now leave "
        "the prior, although D still learns to tell the two apart?",
        "D learns the opposite labels: it says 1 for codes and 0 for prior samples. "
        "The generator still moves codes to where D is near 1, and that is now where the prior "
        "is not.",
    ),
)


def questions(*chosen: int) -> str:
    """Questions about the explorer with folded answers, as Markdown for a lesson's cell.

    Args:
        chosen: which of the five, 1 … 5; by default all. They are numbered in this order.
    """
    numbers = chosen or range(1, len(QUESTIONS) + 1)
    for number in numbers:
        whole = isinstance(number, int) and 1 <= number <= len(QUESTIONS)
        check(whole, "chosen", number, f"numbers of questions, 1 to {len(QUESTIONS)}")
    return folded(QUESTIONS[number - 1] for number in numbers)
