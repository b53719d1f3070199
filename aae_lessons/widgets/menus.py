"""Menus over shipped runs: choose, and see that run's figure."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence

import ipywidgets as widgets
from matplotlib.figure import Figure

from aae_lessons.arguments import check, check_callable, sized

Menu = tuple[str, Sequence[str]]


class FigureMenus(widgets.VBox):
    """Controls in a row, the picture under them (PNG bytes in its ``value``), and a caption."""

    def __init__(
        self,
        menus: Sequence[widgets.Dropdown | widgets.SelectionSlider],
        picture: widgets.Image,
        caption: str,
    ) -> None:
        super().__init__([widgets.HBox(menus), picture, widgets.Label(caption)])
        self.menus, self.picture = menus, picture


def figure_menus(
    menus: Sequence[Menu],
    draw: Callable[..., Figure],
    caption: str = "",
    slider: bool = False,
) -> FigureMenus:
    """One menu per question, and under them the figure for what is chosen.

    Args:
        menus: (label, options) for each menu; the first option is shown first.
        draw: ``draw(option, option, …)`` -> the figure; called once for each combination.
        caption: what to look for, in words.
        slider: sliders in place of menus, for options that have an order. Arrow keys move both.
    """
    check_callable(draw, "draw", "a function of the chosen options")
    check(sized(menus) > 0, "menus", menus, "a list of one (label, options) or more")
    for menu in menus:
        ok = sized(menu) == 2 and sized(menu[1]) > 0
        check(ok, "menus", menu, "(label, options), one option or more")
    kind = widgets.SelectionSlider if slider else widgets.Dropdown
    wide = {"description_width": "initial"}
    controls = [kind(options=list(o), description=label, style=wide) for label, o in menus]
    picture = widgets.Image(format="png")

    @functools.cache
    def png(*chosen: str) -> bytes:
        stream = io.BytesIO()
        draw(*chosen).savefig(stream, format="png")
        return stream.getvalue()

    def show(_change: object = None) -> None:
        picture.value = png(*(control.value for control in controls))

    for control in controls:
        control.observe(show, names="value")
    show()
    return FigureMenus(controls, picture, caption)
