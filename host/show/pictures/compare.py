"""Pictures of the comparison: where energy goes, and what the verdict hangs on."""

from typing import Any

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.show.pictures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    SOFT,
    VERMILION,
    name_text,
    new_figure,
    styled,
)

PARTS = {
    "claimed": (SOFT, ""),
    "set": (BLUE, ""),
    "reset": (SKY, "//"),
    "cells": (VERMILION, ""),
    "loads": (ORANGE, "\\\\"),
    "leakage": (PURPLE, "xx"),
    "amplifier": ("#999999", ".."),
    "converter": (GREEN, "--"),
    "adc": ("#DDDDDD", "++"),
}
"""Colour and hatching of each part of a use's energy."""
LEFT_OUT = ("cmos-column",)
"""Off the scale; the table has it."""


def _figure(value: float) -> str:
    """Three figures, without an exponent where that is short."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bars(axes: Axes, neurons: list[dict[str, Any]], keys: tuple[str, ...], total: str) -> None:
    """Stacked bars, the first neuron on top."""
    places = np.arange(len(neurons))[::-1]
    widest = max(neuron[total] for neuron in neurons)
    left = np.zeros(len(neurons))
    for part, (colour, hatch) in PARTS.items():
        widths = np.array(
            [sum(neuron[key].get(part, 0.0) for key in keys) for neuron in neurons], float
        )
        if not widths.any():
            continue
        axes.barh(
            places,
            widths,
            left=left,
            height=0.62,
            color=colour,
            hatch=hatch,
            edgecolor=INK,
            linewidth=0.5,
            label=part,
        )
        left += widths
    for place, neuron in zip(places, neurons, strict=True):
        axes.text(
            neuron[total] + 0.012 * widest, place, _figure(neuron[total]), va="center", fontsize=8
        )
    axes.set_yticks(places, [neuron["name"] for neuron in neurons])
    axes.set_xlim(0, 1.14 * widest)
    axes.set_xlabel("energy of a use (fJ)")
    axes.tick_params(length=3)
    axes.legend(loc="upper right", fontsize=8)


@styled
def energy_split(comparison: dict[str, Any]) -> Figure:
    """Draw where the energy of a use goes, bare and with what surrounds a neuron.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.study.compare.comparison.compare`.
    """
    neurons = [each for each in comparison["neurons"] if each["name"] not in LEFT_OUT]
    name = name_text(comparison["network"])
    figure = new_figure(11, 4.6, f"Where the energy of a use goes: {name}")
    bare, whole = figure.subplots(1, 2)
    _bars(bare, neurons, ("energy_parts_fj",), "energy_fj")
    bare.set_title("the neuron alone")
    _bars(whole, neurons, ("energy_parts_fj", "periphery_parts_fj"), "energy_with_periphery_fj")
    whole.set_title("with what surrounds it at the foot of a spin column")
    return figure


def _tornado(axes: Axes, panel: dict[str, Any]) -> None:
    bars = panel["bars"]
    places = np.arange(len(bars))[::-1]
    for place, bar in zip(places, bars, strict=True):
        ends = (bar["ratio_low"], bar["ratio_high"])
        axes.barh(
            place,
            max(ends) - min(ends),
            left=min(ends),
            height=0.55,
            color=SKY,
            edgecolor=BLUE,
            linewidth=0.8,
        )
        for value, ratio in ((bar["low"], ends[0]), (bar["high"], ends[1])):
            outer = ratio == max(ends)
            axes.annotate(
                _figure(value),
                (ratio, place),
                xytext=(3 if outer else -3, 0),
                textcoords="offset points",
                ha="left" if outer else "right",
                va="center",
                fontsize=7.5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
    labels = [f"{bar['name']} ({bar['unit']})" if bar["unit"] else bar["name"] for bar in bars]
    axes.set_yticks(places, labels)
    axes.set_xscale("log")
    ratios = [bar[end] for bar in bars for end in ("ratio_low", "ratio_high")] + [1.0]
    axes.set_xlim(min(ratios) / 4, max(ratios) * 4)
    axes.axvline(panel["ratio"], color=INK, linewidth=1)
    axes.axvline(1, color=VERMILION, linewidth=1.2, linestyle="--")
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.tick_params(length=3)
    around = "with periphery" if panel["periphery"] else "bare"
    axes.set_title(f"against {panel['against']}, {around}: {panel['ratio']:.2g}")
    axes.set_xlabel("energy, spin over CMOS (left of the dashed line spin wins)")


@styled
def tornado_chart(comparison: dict[str, Any]) -> Figure:
    """Draw how far the ratio of energies goes as each parameter goes through its range.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.study.compare.comparison.compare`.
    """
    figure = new_figure(
        11, 6.6, "What the verdict hangs on: each parameter over its published range"
    )
    for axes, panel in zip(figure.subplots(2, 2).ravel(), comparison["tornado"], strict=True):
        _tornado(axes, panel)
    return figure


@styled
def break_even_chart(comparison: dict[str, Any]) -> Figure:
    """Draw a spin neuron's energy against that of its periphery, and the CMOS neurons' lines.

    Parameters
    ----------
    comparison : dict
        From `allspin.host.study.compare.comparison.compare`.
    """
    figure = new_figure(7.6, 4.6, "At which periphery energy the advantage is gone")
    axes = figure.subplots()
    by_name = {neuron["name"]: neuron for neuron in comparison["neurons"]}
    heat = by_name["sot"]["energy_fj"]
    around = np.logspace(-2, 4, 400)
    axes.plot(around, around + heat, color=BLUE, linewidth=2)
    axes.annotate(
        "spin neuron",
        (2e-2, 2e-2 + heat),
        xytext=(-4, 34),
        textcoords="offset points",
        color=BLUE,
        fontsize=9,
    )
    styles = {"cmos-bare": "-", "relu": ":", "cmos-sigmoid": "-.", "cmos-relu": "--"}
    styles |= {
        row["against"]: "-" for row in comparison["break_even"] if row["against"] not in styles
    }
    for name, dash in styles.items():
        level = by_name[name]["energy_fj"]
        axes.axhline(level, color=VERMILION, linestyle=dash, linewidth=1.1)
        axes.text(1.1e-2, level * 1.08, f"{name}, bare: {level:.3g} fJ", fontsize=8)
        axes.plot([level - heat], [level], "o", color=INK, markersize=4)
    here = sum(by_name["sot"]["periphery_parts_fj"].values())
    if here > 0:
        axes.axvline(here, color=SOFT, linewidth=1)
        axes.annotate(
            f"what surrounds it here: {here:.3g} fJ",
            (here, 2e-2),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1e-2, 1e4)
    axes.set_ylim(1e-2, 1e4)
    axes.set_xlabel("energy of what surrounds the spin neuron, a use (fJ)")
    axes.set_ylabel("energy of a use (fJ)")
    axes.tick_params(length=3)
    return figure
