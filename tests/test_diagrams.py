"""The diagrams are valid drawings, say in words what they show, and show what moves."""

import xml.etree.ElementTree as ET

import pytest

from aae_lessons.plots import diagrams, drawing

SVG = "{http://www.w3.org/2000/svg}"
PHASES = ("reconstruction", "discriminator", "generator")
DRAWN = {
    "autoencoder": (diagrams.autoencoder, (None,)),
    "aae": (diagrams.aae, (None, *PHASES, "joint")),
    "vae": (diagrams.vae, (None,)),
    "categorical": (diagrams.categorical, (None, *PHASES)),
    "semi_supervised": (diagrams.semi_supervised, (None, *PHASES, "classification")),
    "clustering": (diagrams.clustering, (None, *PHASES)),
    "wae": (diagrams.wae, (None,)),
    "ladder": (diagrams.ladder, (None,)),
}
CASES = [(draw, phase) for draw, phases in DRAWN.values() for phase in phases]
UPDATED = {  # phase -> how many networks it updates, with one discriminator and with two
    None: (0, 0),
    "reconstruction": (2, 2),
    "discriminator": (1, 2),
    "generator": (1, 1),
    "joint": (2, 2),
    "classification": (1, 1),
}


def drawn(draw, phase, dark):
    return draw(phase, dark=dark) if phase else draw(dark=dark)


def texts(diagram):
    return ["".join(t.itertext()) for t in ET.fromstring(diagram.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("draw", "phase"), CASES)
def test_every_diagram_is_a_drawing_with_words(draw, phase, dark):
    diagram = drawn(draw, phase, dark)
    root = ET.fromstring(diagram.svg)
    assert root.find(f"{SVG}title").text == diagram.alt
    assert len(diagram.alt.split()) > 20
    data, metadata = diagram._repr_mimebundle_()
    assert data["image/svg+xml"] == diagram.svg
    assert metadata["image/svg+xml"]["alt"] == diagram.alt
    colours = {colour[dark] for colour in drawing.ROLES.values()}
    others = {colour[not dark] for colour in drawing.ROLES.values()} - colours
    used = {e.get(key) for e in root.iter() for key in ("fill", "stroke")}
    assert used & colours and not used & others


@pytest.mark.parametrize(("draw", "phase"), CASES)
def test_a_phase_marks_the_networks_that_it_updates(draw, phase):
    two = draw in (diagrams.semi_supervised, diagrams.clustering)
    assert texts(drawn(draw, phase, False)).count("updated") == UPDATED[phase][two]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("draw", "phase"), CASES)
def test_nothing_lies_outside_the_paper(draw, phase, dark):
    root = ET.fromstring(drawn(draw, phase, dark).svg)
    width, height = float(root.get("width")), float(root.get("height"))
    for text in root.iter(f"{SVG}text"):
        half = 0.3 * float(text.get("font-size")) * len("".join(text.itertext()))
        x, y = float(text.get("x")), float(text.get("y"))
        left, right = {"middle": (half, half), "end": (2 * half, 0), "start": (0, 2 * half)}[
            text.get("text-anchor")
        ]
        assert left <= x and x + right <= width and 8 <= y <= height - 3, text.text


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize("role", drawing.ROLES)
def test_every_role_can_be_read_on_its_paper(role, dark):
    a, b = luminance(drawing.ROLES[role][dark]), luminance(drawing.PAPER[dark])
    assert (max(a, b) + 0.05) / (min(a, b) + 0.05) >= 4.5  # WCAG AA


@pytest.mark.parametrize("draw", [diagrams.aae, diagrams.categorical, diagrams.clustering])
def test_an_unknown_phase_is_named(draw):
    with pytest.raises(ValueError, match=r"^phase"):
        draw("classification")
