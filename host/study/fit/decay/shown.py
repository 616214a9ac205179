"""Fitted decays as a table and as a picture."""

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from allspin.host.show.pictures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.study.fit.decay.fitted import FittedDecay
from allspin.host.study.fit.model.response import Interval

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of temperatures, in turn."""


def decay_table(fitted: FittedDecay) -> Table:
    """Values and intervals of a retention that was fitted."""
    fit = fitted.fit
    table = Table(title=f"Retention of {fitted.name}: values and 95 % intervals")
    for heading in ("", "value", "unit"):
        table.add_column(heading, overflow="fold")
    for start, barrier in zip(fit.starts, fit.barriers, strict=True):
        table.add_row(f"barrier from {start:.3g} {fitted.decays.unit}", _shown(barrier), "eV")
    for name, one, unit in (
        ("deviation within a cell", fit.within, "eV"),
        ("deviation between cells", fit.between, "eV"),
        ("attempt time", fit.attempt_time, "s"),
    ):
        if one is not None:
            table.add_row(name, _shown(one), unit)
    if fit.attempt_time is None:
        table.add_row("attempt time, given", f"{fit.used_attempt:.4g}", "s")
    table.add_row("p-value of one barrier", f"{fit.p_value:.2g}", "")
    return table


def _shown(one: Interval) -> str:
    return f"{one.value:.4g}  ({one.low:.4g} to {one.high:.4g})"


def decay_lines(fitted: FittedDecay) -> list[str]:
    """What the fit says in words."""
    law = (
        "One barrier describes the decays: they are exponentials."
        if fitted.fit.within is None
        else "One barrier does not describe the decays; a distribution of barriers is taken."
    )
    lines = [law]
    if fitted.fit.attempt_time is None:
        lines.append(
            "The attempt time was not measured, which needs several temperatures: barriers hold "
            "for it, and for temperatures near those that were measured."
        )
    if fitted.fit.between is None:
        lines.append("One device was measured: the deviation between cells is not known.")
    return lines


@styled
def decay_picture(fitted: FittedDecay) -> Figure:
    """Data, fits and residuals over the logarithm of time."""
    figure = new_figure(7.2, 5.4, f"{name_text(fitted.name)}: decays, fits and residuals")
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (2.2, 1)})
    curves, fit = fitted.decays.curves, fitted.fit
    temperatures = sorted({curve.temperature for curve in curves})
    named: set[float] = set()
    for number, (curve, model) in enumerate(zip(curves, fit.models, strict=True)):
        colour = COLOURS[temperatures.index(curve.temperature) % len(COLOURS)]
        later = curve.time > 0
        time, value, line = curve.time[later], curve.resistance[later], model[later]
        label = None if curve.temperature in named else f"{curve.temperature:g} K"
        named.add(curve.temperature)
        upper.plot(time, value, ".", color=colour, markersize=3, alpha=0.5)
        upper.plot(time, line, color=colour, linewidth=1.1, label=label)
        lower.plot(time, value - line, ".", color=colour, markersize=3, alpha=0.7)
        for own, place in fit.aside:
            if own == number and curve.time[place] > 0:
                upper.plot(curve.time[place], curve.resistance[place], "x", color=INK)
    lower.axhline(0, color=INK, linewidth=0.8)
    scatter = [curve.resistance - model for curve, model in zip(curves, fit.models, strict=True)]
    reach = 6 * float(np.median(np.abs(np.concatenate(scatter)))) or 1.0
    lower.set_ylim(-reach, reach)
    upper.set_xscale("log")
    upper.set_ylabel(f"{R_AH} ({fitted.decays.unit})")
    lower.set_ylabel(f"residual ({fitted.decays.unit})")
    lower.set_xlabel("time since it was written (s)")
    upper.legend(fontsize=7)
    for axes in (upper, lower):
        add_grid(axes)
    return figure
