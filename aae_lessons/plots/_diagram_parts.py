"""Parts that several diagrams of :mod:`aae_lessons.plots.diagrams` share."""

from __future__ import annotations

from aae_lessons.plots.drawing import Canvas


def autoencoder_row(canvas: Canvas, y: float, code: str = "z", quiet: bool = False) -> None:
    """x, encoder, code, decoder, x̂ along one line; the second half greyed where it is not used."""
    canvas.image((80, y), "x")
    canvas.network("encoder", (230, y), "encoder Q")
    canvas.code((380, y), code)
    canvas.network("decoder", (530, y), "decoder G")
    canvas.image((680, y), "x̂")
    canvas.arrow((105, y), (180, y))
    canvas.arrow((279, y), (358, y))
    canvas.arrow((401, y), (480, y), quiet=quiet)
    canvas.arrow((579, y), (654, y), quiet=quiet)


def cost_lines(
    canvas: Canvas, y: float, level: float, edge: float, left=80.0, right=680.0, inner=0.0
) -> None:
    """From x and from x̂ to the cost, which is at height ``level``."""
    side = 25 if level > y else -25
    canvas.arrow((left, y + side), (left, level), (edge, level))
    canvas.arrow((right, y + side), (right, level), (inner or 760 - edge, level))


def adversary(
    canvas: Canvas, name: str, y: float, code_y: float, prior: str, played: bool, phase: str | None
) -> None:
    """A prior, its sample and the discriminator of one code, in a row at height ``y``."""
    draws = phase in (None, "discriminator")
    canvas.prior((90, y), prior, classes=prior.startswith("Cat"))
    canvas.code((215, y), name, "real")
    canvas.network("discriminator", (480, y), f"D_{name} ({name})")
    canvas.arrow((152, y), (189, y), quiet=not draws, role="real" if draws else "")
    canvas.arrow((241, y), (420, y), quiet=not draws, role="real" if draws else "")
    towards = 21 if y > code_y else -21
    middle = (y + code_y) / 2
    canvas.arrow((340, code_y + towards), (340, middle), (440, y - towards), quiet=not played,
                 role="fake" if played else "")  # fmt: skip
    canvas.text((640, y), "real or fake?", size=13)
    canvas.arrow((539, y), (590, y), quiet=not played)
