"""Chart of an imported network: accuracies by stage, and errors of its layers."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    BLUE,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)

COLOURS = (BLUE, VERMILION, SKY)
CLEAR = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""Box behind a number, so that no line of the grid crosses it."""


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
    drawn = left.bar(stages, wrong, width=0.6, color=(SOFT, *COLOURS[: len(stages) - 1]))
    left.bar_label(drawn, fmt="{:.2f}", padding=2, fontsize=7.5, bbox=CLEAR)
    left.set(ylabel="error (%)", title="Test images classified wrongly")
    layers = len(next(iter(errors.values())))
    width = 0.8 / len(errors)
    for number, ((stage, shares), colour) in enumerate(zip(errors.items(), COLOURS, strict=False)):
        places = np.arange(layers) + (number - (len(errors) - 1) / 2) * width
        percent = [100 * share for share in shares]
        drawn = right.bar(places, percent, width=width, color=colour, label=stage)
        right.bar_label(drawn, fmt="{:.1f}", padding=2, fontsize=7.5, bbox=CLEAR)
    right.set_xticks(range(layers), [f"layer {number}" for number in range(layers)])
    right.set(ylabel="error of outputs (% rms)", title="Each layer against the model")
    right.margins(y=0.25)
    right.legend(fontsize=8)
    for axes in (left, right):
        add_grid(axes)
    return figure
