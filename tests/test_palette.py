"""Ten classes can be told apart, with and without red or green cones: CIEDE2000 differences."""

import itertools
import math

import numpy as np
import pytest

from aae_lessons.plots.style import COLOURS

TO_XYZ = np.array(  # of linear sRGB
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
     [0.0193339, 0.119192, 0.9503041]]
)  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])
EYES = {  # what such an eye sees of linear sRGB (Machado et al. 2009, severity 1)
    "normal": np.eye(3),
    "without red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "without green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip


def lab(colour, eye="normal"):
    """CIE L*a*b* of an sRGB colour, as an eye sees it."""
    rgb = np.asarray(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(EYES[eye] @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def hue_terms(h1, h2, grey):
    """Difference and mean of two hues, in degrees."""
    difference = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    mean = h1 + h2 if grey else (h1 + difference / 2) % 360
    return difference, mean


def ciede2000(first, second):
    """Colour difference of two L*a*b* colours (Sharma, Wu & Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    c1, c2 = math.hypot(stretch * a1, b1), math.hypot(stretch * a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh, h = hue_terms(h1, h2, c1 * c2 == 0)
    lightness, c = (l1 + l2) / 2 - 50, (c1 + c2) / 2
    cos = [math.cos(math.radians(angle)) for angle in (h - 30, 2 * h, 3 * h + 6, 4 * h - 63)]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    dl = (l2 - l1) / (1 + 0.015 * lightness**2 / math.sqrt(20 + lightness**2))
    dc = (c2 - c1) / (1 + 0.045 * c)
    dhue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2)) / (1 + 0.015 * c * t)
    turn = 60 * math.exp(-(((h - 275) / 25) ** 2))
    rotation = -math.sin(math.radians(turn)) * 2 * math.sqrt(c**7 / (c**7 + 25**7))
    return math.sqrt(dl**2 + dc**2 + dhue**2 + rotation * dc * dhue)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # from the test data of Sharma, Wu & Dalal 2005
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_colour_difference_is_ciede2000(first, second, expected):
    assert ciede2000(first, second) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("eye", "least"), [("normal", 30), ("without red cones", 15), ("without green cones", 15)]
)
def test_any_two_classes_can_be_told_apart(eye, least):
    seen = [lab(colour, eye) for colour in COLOURS]
    closest = min(
        (ciede2000(seen[i], seen[j]), i, j) for i, j in itertools.combinations(range(10), 2)
    )
    assert closest[0] >= least, closest


def test_every_class_stands_out_from_white_paper():
    for colour in COLOURS:
        assert ciede2000(lab(colour), lab((1.0, 1.0, 1.0))) >= 15
