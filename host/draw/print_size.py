"""Layout for print: change a figure's size and texts, restack its panels, fold its titles."""

import math
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text

from allspin.host.draw.picture_style import PictureStyle
from allspin.host.draw.style import RC

PRINT_POINTS = 7.0
"""Default size of text in print, in points."""
JOURNAL_POINTS = 8.0
LEAST_POINTS = 6.0
"""Points: default and smallest size of text in a journal."""
JOURNAL_HEIGHT = 0.8
"""Height of a picture in a journal, as a share of the height that its text needs on a screen."""
LETTER = 0.68
"""Width of a bold letter, as a share of the text's size."""
SLACK = 0.03
"""Inches that text may extend beyond a picture: the margin around letters."""


def has_room(figure: Figure) -> bool:
    """Return True if no title, label or legend extends beyond the figure's sides."""
    drawn = figure.get_tightbbox()
    return drawn.x0 >= -SLACK and drawn.x1 <= figure.get_size_inches()[0] + SLACK


def _are_maps(panels: Iterable[Axes]) -> bool:
    """Return True if all panels have square units, and labels at their ticks."""
    return all(
        panel.get_aspect() == 1 and panel.get_xticklabels()
        for panel in panels
        if panel.get_subplotspec() is not None
    )


def _even_grid(panels: list[Axes]) -> GridSpec | None:
    """Return the grid that the panels fill, if all its cells have one size; else None."""
    grids = {panel.get_gridspec() for panel in panels}
    if len(grids) != 1:
        return None
    grid: Any = grids.pop()
    for ratios in (grid.get_width_ratios(), grid.get_height_ratios()):
        if len(np.unique(ratios or 1)) != 1:
            return None
    return grid if len(panels) == grid.ncols * grid.nrows else None


def _restack(figure: Figure, room: float) -> tuple[float, float]:
    """Move panels that stand side by side into fewer columns.

    Panels without labels at their ticks, or in grids of several sizes, stay.

    Parameters
    ----------
    figure : Figure
        The picture.
    room : float
        Available width, as a share of the width that all its columns need.

    Returns
    -------
    fewer, higher : float
        Factors of the reduction of columns, and of the increase of rows.
    """
    unchanged = (1.0, 1.0)
    panels = [panel for panel in figure.axes if panel.get_subplotspec() is not None]
    visible = [panel for panel in panels if panel.axison]
    grid = _even_grid(panels)
    if grid is None or not all(panel.get_xticklabels() for panel in visible):
        return unchanged
    # Text in maps needs less room than text beside curves.
    wanted = grid.ncols * room
    wanted = math.ceil(wanted) if _are_maps(visible) else round(wanted)
    columns = max(1, min(grid.ncols, wanted))
    if columns == grid.ncols:
        return unchanged
    for panel in set(panels) - set(visible):
        panel.remove()
    rows = math.ceil(len(visible) / columns)
    places = GridSpec(rows, columns, figure=figure)
    for number, panel in enumerate(visible):
        panel.set_subplotspec(places[number // columns, number % columns])
        panel.tick_params(labelleft=True, labelbottom=True)
    return grid.ncols / columns, rows / grid.nrows


def _fold(texts: Iterable[object], title: str, letters: float) -> None:
    """Break the text that equals a title into lines of at most `letters` letters."""
    for words in texts:
        if isinstance(words, Text) and title and words.get_text() == title:
            lines = [textwrap.fill(line, int(letters)) for line in title.split("\n")]
            words.set_text("\n".join(lines))


def _fold_titles(figure: Figure, scale: float) -> None:
    """Break titles into lines that fit the figure or the panel."""
    # Width of the figure in bold letters of one point.
    width = 72 * figure.get_size_inches()[0] / scale / LETTER
    _fold(figure.texts, figure.get_suptitle(), width / RC["figure.titlesize"])
    for axes in figure.axes:
        place = axes.get_subplotspec()
        if place is not None:
            right = place.colspan.stop / place.get_gridspec().ncols
            room = (right - axes.get_position().x0) * width
            _fold(axes.findobj(Text), axes.get_title(loc="left"), room / RC["axes.titlesize"])


def _scale_texts(figure: Figure, scale: float, least: float) -> None:
    """Scale all texts of a figure, none below `least` points."""

    def scaled(words: Text) -> float:
        return max(float(words.get_fontsize()) * scale, least)

    texts: set[Any] = set(figure.findobj(Text))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # Ticks make their labels anew: their size is the axis's.
            texts -= set(axis.findobj(Text)) - {axis.label, axis.offsetText}
            major = axis.get_major_ticks()
            minor = axis.get_minor_ticks()
            if major:
                axis.set_tick_params("major", labelsize=scaled(major[0].label1))
            if minor:
                axis.set_tick_params("minor", labelsize=scaled(minor[0].label1))
    for words in texts:
        words.set_fontsize(scaled(words))


def set_for_print(figure: Figure, style: PictureStyle) -> None:
    """Change a figure's size, the size of its texts, and the arrangement of its panels."""
    figure.draw_without_rendering()  # Matplotlib makes ticks as it draws
    width, height = figure.get_size_inches()
    points = style.points or (JOURNAL_POINTS if style.journal else PRINT_POINTS)
    scale = points / RC["font.size"]
    share = style.inches(width) / width
    fewer, higher = _restack(figure, share / min(scale, PRINT_POINTS / RC["font.size"]))
    # The figure is as high as its lines of text need, and no higher than before; maps keep their
    # shape.
    maps = _are_maps(figure.axes)
    needed = 0.0
    if not maps:
        needed = min(1.0, scale) * (JOURNAL_HEIGHT if style.journal else 1)
    figure.set_size_inches(width * share, height * higher * max(share * fewer, needed))
    _scale_texts(figure, scale, LEAST_POINTS if style.journal else 0.0)
    figure.draw_without_rendering()
    _fold_titles(figure, scale)
    # The places of maps depend on the texts beside them, and the other way round.
    for _ in range(2 if maps else 1):
        figure.draw_without_rendering()
