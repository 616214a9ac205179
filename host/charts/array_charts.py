"""Charts of the array: error of each cell, and accuracy against the array's parameters."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.style import new_figure, styled

READINGS = ("selected", "series", "buffered", "selected, 1e12 ohm")
"""Titles with a colour and a mark that are the same in all panels; suffixes behind a comma do
not count."""


def array_accuracy(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], ideal: float
) -> Figure:
    """Draw accuracy against parameters of an array.

    Parameters
    ----------
    panels : mapping
        By the label of a panel's axis, by the title of a curve: pairs of value and accuracy.
    ideal : float
        Accuracy in the ideal array.
    """
    drawn = []
    for label, curve_points in panels.items():
        lines: list[ChartLine] = []
        for title, points in curve_points.items():
            values, shares = np.array(points).T
            turn = READINGS.index(title if title in READINGS else title.split(",")[0])
            percent, grounded = (100 * shares).tolist(), title.endswith("grounded")
            lines.append(ChartLine(title, values.tolist(), percent, dashed=grounded, turn=turn))
        drawn.append(
            ChartPanel(
                lines,
                label,
                "accuracy (%)",
                levels={"ideal": 100 * ideal},
                x_scale="linear" if "dB" in label else "log",
                y_range=(0, 103),
            )
        )
    return curves("Which readings of the array compute", drawn)


@styled
def array_error(maps: Mapping[str, npt.NDArray[np.float64]]) -> Figure:
    """Draw the error of each cell of an array.

    Parameters
    ----------
    maps : mapping of str to ndarray of float64, each (rows, columns)
        By title, the error's magnitude as a fraction of a cell's range.
    """
    figure = new_figure(9, 4.6, "Where the array's error is, as a fraction of a cell's range")
    for axes, (title, error) in zip(figure.subplots(1, len(maps)).flat, maps.items(), strict=True):
        image = axes.imshow(
            np.maximum(error, 1e-6),
            norm=LogNorm(1e-6, 1),
            cmap="cividis",
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_title(title, fontsize=9)
        axes.set(xlabel="column", ylabel="row")
        figure.colorbar(image, ax=axes)
    return figure
