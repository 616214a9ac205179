"""Accuracy in tiles as a picture: over bits, by rows; and on chips, trained for tiles or not."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from allspin.host.show.pictures.style import (
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)
from allspin.host.study.tiles.scan import Reached

COLOURS = {64: ORANGE, 128: BLUE, 256: GREEN}
MARKS = {64: "s", 128: "o", 256: "D"}
LEAST, MOST = 0.8, 100
"""Error rates that are drawn, in percent."""


def _error(share: float) -> float:
    return 100 * (1 - share)


def _finish(axes: Axes, title: str, whole: float) -> None:
    """Axes of error rates over bits."""
    axes.axhline(_error(whole), color="#8A8A8A", linestyle=":", linewidth=1, label="no tiles")
    axes.set_yscale("log")
    axes.set_ylim(LEAST, MOST)
    ticks = (1, 2, 5, 10, 20, 50, 100)
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("bits of a conversion")
    axes.set_ylabel("error rate (%)")
    axes.set_title(title)
    axes.legend(fontsize=8)
    add_grid(axes)


def _by_rows(axes: Axes, untrained: Sequence[Reached], trained: Sequence[Reached]) -> None:
    for kind, found, line in (("untrained", untrained, "--"), ("trained", trained, "-")):
        for rows in dict.fromkeys(each.tiles.rows for each in found):
            here = [each for each in found if each.tiles.rows == rows]
            axes.plot(
                [each.tiles.bits for each in here],
                [_error(each.ideal) for each in here],
                linestyle=line,
                marker=MARKS.get(rows, "^"),
                color=COLOURS.get(rows, VERMILION),
                label=f"{rows} rows, {kind}",
            )


def _on_chips(axes: Axes, title: str, found: Sequence[Reached], colour: str) -> None:
    here = [each for each in found if each.chips.size]
    bits = [each.tiles.bits for each in here]
    means = [_error(float(each.chips.mean())) for each in here]
    worst = [_error(float(each.chips.min())) for each in here]
    ideal = [_error(each.ideal) for each in here]
    axes.plot(bits, ideal, color=colour, linestyle=":", label=f"{title}: ideal")
    axes.plot(bits, means, color=colour, marker="o", label=f"{title}: mean of chips")
    axes.fill_between(bits, means, worst, color=colour, alpha=0.2, label=f"{title}: to the worst")


@styled
def tiles_picture(
    untrained: Sequence[Reached], trained: Sequence[Reached], whole: float, chips: int
) -> Figure:
    """Draw what networks reach in tiles.

    Parameters
    ----------
    untrained, trained : sequence of Reached
        Of a network that was cut after training, and of networks that were trained through tiles.
    whole : float
        Accuracy of the network without tiles.
    chips : int
        How many chips were measured.
    """
    figure = new_figure(9, 4, "Columns cut into tiles, each with a converter")
    left, right = figure.subplots(1, 2)
    _by_rows(left, untrained, trained)
    _finish(left, "ideal converters", whole)
    _on_chips(right, "untrained", untrained, VERMILION)
    _on_chips(right, "trained", trained, BLUE)
    _finish(right, f"{chips} chips, offset and noise of half an LSB", whole)
    return figure
