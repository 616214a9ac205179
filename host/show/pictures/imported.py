"""What is left of a network that was imported: its accuracy, and the error of each layer."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.show.pictures.style import (
    BLUE,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)

COLOURS = (BLUE, VERMILION, SKY)


def _mark(axes: Axes, places: Sequence[float], heights: Sequence[float], shape: str) -> None:
    for place, height in zip(places, heights, strict=True):
        axes.annotate(
            format(height, shape),
            (place, height),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
        )


@styled
def imported_network(
    title: str, accuracies: Mapping[str, float], errors: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw accuracies as bars, and the errors of layers as groups of bars.

    Parameters
    ----------
    title : str
        Of the whole.
    accuracies : mapping of str to float
        By stage, the model itself first; 0 to 1.
    errors : mapping of str to sequence of float
        By stage, one for each layer, as shares of the model's outputs.
    """
    figure = new_figure(8, 3.6, title)
    left, right = figure.subplots(1, 2)
    stages = list(accuracies)
    wrong = [100 * (1 - accuracy) for accuracy in accuracies.values()]
    left.bar(stages, wrong, width=0.6, color=(SOFT, *COLOURS[: len(stages) - 1]))
    _mark(left, range(len(stages)), wrong, ".2f")
    left.set_ylabel("error (%)")
    left.set_title("Test images classified wrongly")
    layers = len(next(iter(errors.values())))
    width = 0.8 / len(errors)
    for number, ((stage, shares), colour) in enumerate(zip(errors.items(), COLOURS, strict=False)):
        places = np.arange(layers) + (number - (len(errors) - 1) / 2) * width
        percent = [100 * share for share in shares]
        right.bar(places, percent, width=width, color=colour, label=stage)
        _mark(right, places.tolist(), percent, ".1f")
    right.set_xticks(range(layers), [f"layer {number}" for number in range(layers)])
    right.set_ylabel("error of outputs (% rms)")
    right.set_title("Each layer against the model")
    right.margins(y=0.25)
    right.legend(fontsize=8)
    for axes in (left, right):
        add_grid(axes)
    return figure
