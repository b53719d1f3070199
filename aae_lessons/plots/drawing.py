"""Vector drawing for the diagrams: shapes of the course's visual language, written as SVG.

Each role has one colour and one shape, in every diagram: an encoder is a trapezoid that narrows,
a decoder one that widens, a discriminator a hexagon, a prior a cloud-like ellipse; prior samples
("real") are filled circles, codes ("fake") are squares.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from aae_lessons.arguments import check

ROLES = {  # role -> colour on light paper, colour on dark paper
    "encoder": ("#1f6fb2", "#64b5f6"),
    "decoder": ("#1b7f53", "#5fd39a"),
    "discriminator": ("#b5472f", "#ff8a70"),
    "prior": ("#94690a", "#f2c14e"),
    "real": ("#94690a", "#f2c14e"),
    "fake": ("#7446b0", "#c3a6f5"),
    "image": ("#555b63", "#b4bac2"),
    "loss": ("#1f1f1f", "#e6e6e6"),
}
PAPER, INK, QUIET = ("#ffffff", "#111418"), ("#1f1f1f", "#e6e6e6"), ("#8a9099", "#7d848d")
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"

Point = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """A drawing: ``svg`` is the whole file, ``alt`` says in words what it shows.

    A notebook displays it, and :mod:`aae_lessons.authoring.execute` stores ``alt`` with it.
    """

    svg: str
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        data = {"image/svg+xml": self.svg, "text/plain": self.alt}
        return data, {"image/svg+xml": {"alt": self.alt}}


@dataclass
class Canvas:
    """Collects shapes; :meth:`finish` makes the :class:`Diagram`.

    Args:
        width, height: of the drawing, in pixels.
        dark: for dark paper.
        moving: names of the parts that the shown phase updates; they are filled. None where no
            phase is shown.
    """

    width: int
    height: int
    dark: bool = False
    moving: Sequence[str] | None = None
    parts: list[str] = field(default_factory=list)
    tips: set[str] = field(default_factory=set)  # colours of the arrows' tips

    def colour(self, role: str) -> str:
        """The colour of a role in this theme, as #rrggbb."""
        check(role in ROLES, "role", role, f"one of {', '.join(ROLES)}")
        return ROLES[role][self.dark]

    @property
    def ink(self) -> str:
        """The colour of lines and text in this theme, as #rrggbb."""
        return INK[self.dark]

    def network(self, role: str, at: Point, label: str, name: str = "") -> None:
        """An encoder, decoder or discriminator with its centre at ``at``."""
        x, y = at
        corners = {
            "encoder": [(-48, -40), (48, -20), (48, 20), (-48, 40)],
            "decoder": [(-48, -20), (48, -40), (48, 40), (-48, 20)],
            "discriminator": [(-58, 0), (-34, -28), (34, -28), (58, 0), (34, 28), (-34, 28)],
        }[role]
        points = " ".join(f"{x + dx},{y + dy}" for dx, dy in corners)
        moves = self.moving is not None and (name or role) in self.moving
        fill = f'fill="{self.colour(role)}" fill-opacity="{1 if moves else 0.13}"'
        edge = f'stroke="{self.colour(role)}" stroke-width="{4 if moves else 1.6}"'
        self.parts.append(f'<polygon points="{points}" {fill} {edge} stroke-linejoin="round"/>')
        self.text(at, label, colour=PAPER[self.dark] if moves else self.ink, bold=moves)
        if moves:
            self.text((x, y + 56), "updated", colour=self.colour(role), size=12, bold=True)

    def image(self, at: Point, label: str) -> None:
        """An image or a reconstruction: a square of pixels."""
        x, y = at
        style = (
            f'fill="{self.colour("image")}" fill-opacity="0.12" stroke="{self.colour("image")}"'
        )
        self.parts.append(
            f'<rect x="{x - 24}" y="{y - 24}" width="48" height="48" rx="3" {style}/>'
        )
        lines = "".join(
            f"M{x - 24 + 12 * i},{y - 24}v48M{x - 24},{y - 24 + 12 * i}h48" for i in (1, 2, 3)
        )
        self.parts.append(f'<path d="{lines}" stroke="{self.colour("image")}" opacity="0.3"/>')
        self.text(at, label, bold=True)

    def code(self, at: Point, label: str, role: str = "fake") -> None:
        """A code (a square: fake) or a prior sample (a circle: real)."""
        x, y = at
        colour = self.colour(role)
        style = f'fill="{colour}" fill-opacity="0.18" stroke="{colour}" stroke-width="2"'
        shape = (
            f'<circle cx="{x}" cy="{y}" r="25" {style}/>'
            if role == "real"
            else f'<rect x="{x - 20}" y="{y - 20}" width="40" height="40" rx="4" {style}/>'
        )
        self.parts.append(shape)
        self.text(at, label, size=13 if len(label) > 1 else 15, bold=True)

    def prior(self, at: Point, label: str, classes: bool = False) -> None:
        """A prior: an ellipse, in it the levels of a density, or equal bars for ``classes``."""
        x, y = at
        colour = self.colour("prior")
        rings = ((62, 0.12),) if classes else ((62, 0.12), (44, 0.14), (26, 0.16))
        for rx, opacity in rings:
            edge = f'stroke="{colour}" stroke-width="1.6"' if rx == 62 else ""
            self.parts.append(
                f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{rx / 2:g}" fill="{colour}" '
                f'fill-opacity="{opacity}" {edge}/>'
            )
        if classes:
            bars = "".join(f"M{x - 27 + 9 * k},{y + 20}v-12" for k in range(7))
            self.parts.append(f'<path d="{bars}" stroke="{colour}" stroke-width="5"/>')
        self.text((x, y - 9) if classes else at, label)

    def loss(self, at: Point, label: str, width: float = 150) -> None:
        """What is minimised: a pill."""
        x, y = at
        style = f'fill="none" stroke="{self.ink}" stroke-width="1.2" stroke-dasharray="4 3"'
        half = 24 if "\n" in label else 16
        self.parts.append(
            f'<rect x="{x - width / 2}" y="{y - half}" width="{width}" height="{2 * half}" '
            f'rx="16" {style}/>'
        )
        self.text(at, label, size=13)

    def frame(self, at: Point, width: float, height: float, label: str) -> None:
        """An outline with its centre at ``at`` around parts that belong together, named below."""
        x, y = at
        style = f'fill="none" stroke="{self.colour("fake")}" stroke-width="1.2"'
        self.parts.append(
            f'<rect x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" '
            f'rx="8" {style}/>'
        )
        below = x + 8, y + height / 2 + 12
        self.text(below, label, size=12, colour=self.colour("fake"), anchor="start")

    def arrow(self, *points: Point, role: str = "", quiet: bool = False, label: str = "") -> None:
        """An arrow along ``points``; ``role`` gives its colour, ``quiet`` greys it."""
        colour = QUIET[self.dark] if quiet else self.colour(role) if role else self.ink
        path = "M" + "L".join(f"{x},{y}" for x, y in points)
        marker = f"tip{colour[1:]}"
        dash = 'stroke-dasharray="2 4"' if quiet else ""
        self.tips.add(colour)
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8" {dash} '
            f'marker-end="url(#{marker})"/>'
        )
        if label:
            (x, y), (x2, y2) = points[0], points[1]
            self.text(((x + x2) / 2, (y + y2) / 2 - 9), label, size=12, colour=colour)

    def stop(self, at: Point, label: str) -> None:
        """Two bars across an arrow: no gradient passes here."""
        x, y = at
        self.parts.append(
            f'<path d="M{x - 9},{y - 3}h18M{x - 9},{y + 3}h18" stroke="{self.ink}" '
            f'stroke-width="2.4"/>'
        )
        self.text((x + 14, y), label, size=12, anchor="start")

    def text(
        self,
        at: Point,
        label: str,
        size: int = 15,
        colour: str = "",
        bold: bool = False,
        anchor: str = "middle",
    ) -> None:
        """Text centred at ``at``; ``a_b`` writes b as a subscript."""
        x, y = at
        lines = label.split("\n")
        for i, line in enumerate(lines):
            base = y + size * 0.36 + (i - (len(lines) - 1) / 2) * size * 1.15
            weight = ' font-weight="600"' if bold else ""
            self.parts.append(
                f'<text x="{x}" y="{base:.1f}" font-size="{size}" fill="{colour or self.ink}" '
                f'text-anchor="{anchor}"{weight}>{_subscripts(line)}</text>'
            )

    def finish(self, alt: str) -> Diagram:
        """The drawing as a whole file."""
        body = "\n".join([*map(_tip, sorted(self.tips)), *self.parts])
        head = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} height="{self.height}" role="img" '
            f'style="max-width:100%;height:auto" font-family="{FONT}">\n'
            f"<title>{html.escape(alt)}</title>\n"
            f'<rect width="{self.width}" height="{self.height}" rx="8" '
            f'fill="{PAPER[self.dark]}"/>\n{body}\n</svg>'
        )
        return Diagram(svg, alt)


def _tip(colour: str) -> str:
    return (
        f'<marker id="tip{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0L10,5L0,10z" fill="{colour}"/></marker>'
    )


def _subscripts(line: str) -> str:
    """``P_Z`` with its Z lowered; a subscript ends at a space or a bracket."""
    head, *rest = html.escape(line, quote=False).split("_")
    result = head
    for part in rest:
        length = next((i for i, c in enumerate(part) if c in " (),;·="), len(part))
        low, after = part[:length], part[length:]
        raised = f'<tspan dy="-4">{after}</tspan>' if after else ""
        result += f'<tspan dy="4" font-size="75%">{low}</tspan>{raised}'
    return result
