"""Charts of training: the learning curve, and the pulses of devices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from allspin.host.draw.style import (
    BLUE,
    PALE,
    SOFT,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.say import shortened


def _plain_ticks(axes: Axes) -> None:
    """Set the ticks of a logarithmic vertical axis to 1, 2, 5 and so on, as plain numbers."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


PHASES = {
    "float": "real numbers",
    "quantised": "the machine's integers",
    "array": "pulses in the array",
}
"""Phases of training, each with the arithmetic that the network computes in."""
MOST_MARKED = 60
"""Most epochs whose points are marked."""
SMALLEST_ERROR = 0.01
"""Percent that stand for no error, which a logarithmic axis cannot show."""


@styled
def learning_curve(
    curve: Sequence[Mapping[str, Any]], validation_accuracy: float | None, test_accuracy: float
) -> Figure:
    """Draw loss and validation error over the epochs.

    Parameters
    ----------
    curve : sequence of mappings
        An epoch each, in order: ``phase`` (a key of `PHASES`), ``loss`` (mean cross-entropy,
        in nats) and ``validation_accuracy`` (0 to 1).
    validation_accuracy, test_accuracy : float
        Accuracies of the network that was kept, 0 to 1; the former None if unknown.
    """
    epochs = np.arange(1, len(curve) + 1)
    phases = [str(epoch.get("phase")) for epoch in curve]
    accuracies = np.array([epoch["validation_accuracy"] for epoch in curve])
    # An error of 0 has no place on a logarithmic axis.
    errors = np.maximum(100 * (1 - accuracies), SMALLEST_ERROR)
    right = f"{100 * test_accuracy:.2f} % test accuracy"
    array = "array" in phases
    unit = "mark" if array else "epoch"
    figure = new_figure(7, 5, f"Learning: {right}, after {len(curve)} {unit}s")
    top, bottom = figure.subplots(2, 1, sharex=True)
    mark = "." if len(curve) <= MOST_MARKED else None
    top.plot(epochs, [epoch["loss"] for epoch in curve], color=BLUE, marker=mark, markersize=4)
    top.set(ylabel="loss (nats)", title="Training loss")
    bottom.plot(epochs, errors, color=VERMILION, marker=mark, markersize=4)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    said = ""
    if validation_accuracy is not None:
        kept = 100 * (1 - validation_accuracy)
        said = f" (dashed: of the epoch that was kept, {kept:.2f} %)"
        bottom.axhline(kept, color=SOFT, linestyle="--", linewidth=1, zorder=0)
    name = "Test error of the chip that learns" if array else "Validation error"
    bottom.set(xlabel=unit, ylabel="error (%)", title=f"{name}{said}")
    for axes in (top, bottom):
        add_grid(axes)
        axes.set_yscale("log")
        if axes is top:  # which has room for the phases' names above the curve
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * (high / low) ** 0.18)
        _plain_ticks(axes)
        for number, phase in enumerate(dict.fromkeys(phases)):
            first = phases.index(phase) + 0.5
            last = first + phases.count(phase)
            if number % 2:
                axes.axvspan(first, last, color=PALE, alpha=0.5, linewidth=0, zorder=-1)
            if axes is top:
                axes.text(
                    (first + last) / 2,
                    0.97,
                    name_text(shortened(PHASES.get(phase, phase), 24)),
                    transform=axes.get_xaxis_transform(),
                    ha="center",
                    va="top",
                )
    bottom.set_xlim(0.5, len(curve) + 0.5)
    return figure


@styled
def pulse_histogram(given: npt.NDArray[np.integer[Any]]) -> Figure:
    """Draw the distribution of pulses over devices, which shows the endurance they need.

    Parameters
    ----------
    given : ndarray of int
        Pulses of each device.
    """
    most = int(given.max(initial=0))
    title = f"Pulses: {given.mean():.3g} a device, {most:,} at most"
    figure = new_figure(6.4, 3.6, title)
    axes = figure.subplots()
    axes.hist(given, bins=np.linspace(0, most + 1, min(most + 2, 61)).tolist(), color=BLUE)
    axes.set(xlabel="pulses that a device got", ylabel="devices", yscale="log")
    add_grid(axes)
    return figure
