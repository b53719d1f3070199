"""What all figures share: palette, markers, resolution."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn

DPI = 76
COLOURS = [*seaborn.color_palette("colorblind", 10)]
COLOURS[7] = (0.1, 0.1, 0.1)  # the palette has a grey there: that is the prior's
MARKERS = "osD^v<>hX*"
THIN = {"X": 2.0, "*": 2.0}  # markers that need more room to be seen, in multiples of the area
PRIOR_GREY = "0.8"


def new_figure(rows: int, columns: int, width: float, height: float):
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), dpi=DPI, layout="constrained", squeeze=False
    )
    plt.close(figure)  # a notebook would show it a second time
    return figure, axes
