"""The learning curve: loss and accuracy, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from allspin.host.show.pictures.style import (
    BLUE,
    PALE,
    SOFT,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)

PHASES = {"float": "real numbers", "quantised": "the machine's integers"}
"""Phases of training, and what the network computes with in each."""


@styled
def learning_curve(
    curve: Sequence[Mapping[str, Any]], validation_accuracy: float, test_accuracy: float
) -> Figure:
    """Draw loss and validation error over the epochs.

    Parameters
    ----------
    curve : sequence of mappings
        An epoch each, in order: ``phase`` (a key of `PHASES`), ``loss`` (mean cross-entropy,
        in nats) and ``validation_accuracy`` (0 to 1).
    validation_accuracy, test_accuracy : float
        Of the network that was kept, 0 to 1.
    """
    epochs = np.arange(1, len(curve) + 1)
    phases = [str(epoch["phase"]) for epoch in curve]
    errors = 100 * (1 - np.array([epoch["validation_accuracy"] for epoch in curve]))
    right = f"{100 * test_accuracy:.2f} % test accuracy"
    figure = new_figure(7, 5, f"Learning: {right}, after {len(curve)} epochs")
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(epochs, [epoch["loss"] for epoch in curve], color=BLUE, marker=".", markersize=4)
    top.set_ylabel("loss (nats)")
    top.set_title("Training loss")
    bottom.plot(epochs, errors, color=VERMILION, marker=".", markersize=4)
    bottom.set_ylabel("error (%)")
    bottom.set_xlabel("epoch")
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    kept = 100 * (1 - validation_accuracy)
    bottom.set_title(f"Validation error (dashed: of the epoch that was kept, {kept:.2f} %)")
    bottom.axhline(kept, color=SOFT, linestyle="--", linewidth=1, zorder=0)
    for axes in (top, bottom):
        add_grid(axes)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        for number, phase in enumerate(dict.fromkeys(phases)):
            first = phases.index(phase) + 0.5
            last = first + phases.count(phase)
            if number % 2:
                axes.axvspan(first, last, color=PALE, alpha=0.5, linewidth=0, zorder=-1)
            if axes is top:
                axes.text(
                    (first + last) / 2,
                    0.97,
                    PHASES.get(phase, phase),
                    transform=axes.get_xaxis_transform(),
                    ha="center",
                    va="top",
                )
    bottom.set_xlim(0.5, len(curve) + 0.5)
    return figure
