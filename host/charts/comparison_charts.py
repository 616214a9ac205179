"""Charts of the comparison with CMOS: parts of the energy, sensitivity, and break-even."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from allspin.host.draw.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SOFT,
    VERMILION,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.table import short, significant

PARTS = {
    "claimed": (SOFT, "o"),
    "set": (BLUE, "s"),
    "reset": (SKY, "D"),
    "cells": (VERMILION, "^"),
    "loads": (ORANGE, "v"),
    "leakage": (PURPLE, "P"),
    "amplifier": (SOFT, "<"),
    "converter": (GREEN, ">"),
    "adc": (INK, "X"),
}
"""Colour and mark of each part of the energy of a use."""
LEFT_OUT = ("cmos-column",)
"""Neurons off the scale, which only the table has."""
SPELLED = {"adc": "ADC"}
WORDS = {
    "sot": "SOT neuron",
    "relu": "ReLU in spin's place",
    "cmos-bare": "bare CMOS gate",
    "cmos-relu": "registered CMOS ReLU",
    "cmos-sigmoid": "CMOS sigmoid",
}
"""Names of neurons in titles; others keep their own."""
APART = 0.19
"""Decades between two labels that do not touch."""


def _say_at_the_right(axes: Axes, place: float, text: str) -> None:
    """Write a text behind the axes' right edge, at a place of the vertical axis."""
    axes.annotate(
        text,
        (1, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
    )


def _parts(axes: Axes, neurons: list[dict[str, Any]], keys: tuple[str, ...], total: str) -> None:
    """Draw the parts of each neuron and their sum, the first neuron on top."""
    places = np.arange(len(neurons))[::-1]
    axes.hlines(places, 0, 1, transform=axes.get_yaxis_transform(), color=PALE, linewidth=1)
    for part, (colour, mark) in PARTS.items():
        energies = np.zeros(len(neurons))
        for key in keys:
            energies += [neuron[key].get(part, 0.0) for neuron in neurons]
        has = energies > 0
        if has.any():
            label = SPELLED.get(part, part)
            axes.plot(energies[has], places[has], mark, color=colour, markersize=6, label=label)
    totals = [neuron[total] for neuron in neurons]
    axes.plot(totals, places, "|", color=INK, markersize=15, markeredgewidth=2, label="sum")
    for place, value in zip(places, totals, strict=True):
        _say_at_the_right(axes, place, significant(value))
    axes.set_yticks(places, [neuron["name"] for neuron in neurons])
    said = "energy of a use (fJ); the sum at the right"
    axes.set(ylim=(-0.6, len(neurons) - 0.4), xscale="log", xlabel=said)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(length=3)


@styled
def energy_split(comparison: dict[str, Any]) -> Figure:
    """Draw the parts of the energy of a use, bare and with the periphery.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.compare.comparison.compare`.
    """
    neurons = [each for each in comparison["neurons"] if each["name"] not in LEFT_OUT]
    name = name_text(comparison["network"])
    figure = new_figure(11, 5.0, f"Where the energy of a use goes: {name}")
    bare, whole = figure.subplots(1, 2, sharey=True)
    _parts(bare, neurons, ("energy_parts_fj",), "energy_fj")
    bare.set_title("the neuron alone")
    _parts(whole, neurons, ("energy_parts_fj", "periphery_parts_fj"), "energy_with_periphery_fj")
    whole.set_title("with what surrounds it at the foot of a spin column")
    marks, names = whole.get_legend_handles_labels()
    across = -(-len(names) // 2)
    figure.legend(marks, names, loc="outside lower center", ncols=across, fontsize=8)
    return figure


def _tornado(axes: Axes, panel: dict[str, Any]) -> None:
    bars = panel["bars"]
    places = np.arange(len(bars))[::-1]
    ratios = [1.0]
    for place, bar in zip(places, bars, strict=True):
        low = bar["ratio_low"]
        high = bar["ratio_high"]
        ratios += [low, high]
        axes.barh(place, abs(high - low), left=min(low, high), height=0.5, color=SKY)
        axes.plot(low, place, "o", color=BLUE, markerfacecolor="white", markersize=6)
        axes.plot(high, place, "o", color=BLUE, markersize=6)
        unit = bar["unit"].replace("uA", "µA")
        span = f"{short(bar['low'])} to {short(bar['high'])} {unit}"
        _say_at_the_right(axes, place, span.rstrip())
    axes.set_yticks(places, [bar["name"] for bar in bars])
    axes.set(xscale="log", xlim=(min(ratios) / 2, max(ratios) * 2))
    axes.axvline(panel["ratio"], color=INK, linewidth=1, zorder=0)
    axes.axvline(1, color=VERMILION, linewidth=1.2, linestyle="--", zorder=0)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(length=3)
    around = "with periphery" if panel["periphery"] else "alone"
    against = WORDS.get(panel["against"], panel["against"])
    ratio = panel["ratio"]
    less = f"{ratio:.2g} times as much"
    if ratio < 1:
        less = f"{significant(1 / ratio, 2)} times less"
    axes.set_title(f"against the {against}\n{around}: {less}")


@styled
def tornado_chart(comparison: dict[str, Any]) -> Figure:
    """Draw the range of the ratio of energies over the range of each parameter.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.compare.comparison.compare`; an even number of panels is drawn.
    """
    panels = comparison["tornado"]
    title = "How much less energy spin takes, with each parameter over its published range"
    figure = new_figure(11, 1.75 * len(panels), title)
    grid = figure.subplots(len(panels) // 2, 2, squeeze=False)
    for axes, panel in zip(grid.ravel(), panels, strict=True):
        _tornado(axes, panel)
    figure.supxlabel(
        "energy of a use, spin over CMOS; left of the dashed line spin takes less\n"
        "open: at the low end of the range at the right; filled: at its high end; line: as here",
        fontsize=9,
    )
    return figure


def _levels(axes: Axes, by_name: dict[str, Any], others: set[str], heat: float) -> None:
    """Draw the levels of CMOS neurons, and mark where the spin neuron's line crosses them."""
    styles = {"cmos-bare": "-", "relu": ":", "cmos-sigmoid": "-.", "cmos-relu": "--"}
    styles |= {name: "-" for name in sorted(others - set(styles))}
    levels = {name: by_name[name]["energy_fj"] for name in styles}
    place = -np.inf  # of a label, in decades: near its level, and touching no other
    for name, level in sorted(levels.items(), key=lambda one: one[1]):
        place = max(np.log10(level), place + APART)
        axes.axhline(level, color=VERMILION, linestyle=styles[name], linewidth=1.1)
        axes.plot([level - heat], [level], "o", color=INK, markersize=4)
        words = WORDS.get(name, name)
        _say_at_the_right(axes, 10**place, f"{words}, {significant(level)} fJ")


@styled
def break_even_chart(comparison: dict[str, Any]) -> Figure:
    """Draw a spin neuron's energy against that of its periphery, and the CMOS neurons' levels.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.compare.comparison.compare`.
    """
    figure = new_figure(8.4, 4.8, "A spin neuron takes less than a CMOS neuron up to the dots")
    axes = figure.subplots()
    by_name = {neuron["name"]: neuron for neuron in comparison["neurons"]}
    heat = by_name["sot"]["energy_fj"]
    around = np.logspace(-2, 4, 400)
    axes.plot(around, around + heat, color=BLUE, linewidth=2)
    axes.annotate(
        "spin neuron with what surrounds it",
        (0.03, 0.03 + heat),
        xytext=(14, -2),
        textcoords="offset points",
        color=BLUE,
        va="top",
    )
    against = {row["against"] for row in comparison["break_even"]}
    _levels(axes, by_name, against, heat)
    here = sum(by_name["sot"]["periphery_parts_fj"].values())
    if here > 0:
        axes.axvline(here, color=SOFT, linewidth=1)
        axes.annotate(
            f"what surrounds\nit here: {significant(here)} fJ",
            (here, 2e-2),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set(xscale="log", yscale="log", xlim=(1e-2, 1e4), ylim=(1e-2, 1e4))
    axes.set_xlabel("energy of what surrounds the spin neuron, a use (fJ)")
    axes.set_ylabel("energy of a use (fJ)")
    axes.tick_params(length=3)
    return figure
