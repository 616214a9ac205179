"""Pictures of fits: data and models, and beside them residuals."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.style import INK, name_text
from allspin.host.fit.panels import Panel
from allspin.sim.synapse.response import Array

NAMED = 12
"""Largest number of curves with names."""
MARGIN = 0.1
"""Share of the range of R_AH that is left free above and below it; outliers may be beyond."""


def _dots(label: str, x: Array, y: Array, turn: int, error: Array | None = None) -> ChartLine:
    deviations = None if error is None else error.tolist()
    return ChartLine(label, x.tolist(), y.tolist(), deviations, joined=False, turn=turn)


def _data(panel: Panel, unit: str) -> ChartPanel:
    """Return the panel of data and models: means of cycles with their deviation, and lines."""
    lines = []
    for turn, one in enumerate(panel.curves):
        label = name_text(one.name) if 1 < len(panel.curves) <= NAMED else ""
        error = np.nanstd(one.cycles, axis=0) if len(one.cycles) > 1 else None
        lines.append(_dots(label, one.x, one.mean, turn, error))
        x, y = one.line or (one.x, one.model)
        lines.append(ChartLine("", x.tolist(), y.tolist(), marked=False, turn=turn))
    if panel.mean is not None:
        x, y = panel.mean
        points = x.tolist(), y.tolist()
        lines.append(ChartLine("mean device", *points, marked=False, dashed=True, colour=INK))
    if panel.aside:
        x, y = np.concatenate(panel.aside, axis=1)
        points = x.tolist(), y.tolist()
        lines.append(ChartLine("set aside", *points, joined=False, colour=INK, turn=3))
    title = panel.title
    if panel.goodness is not None and not panel.goodness.described:
        title += "\nnot described by the model"
    values = np.concatenate([one.cycles.ravel() for one in panel.curves])
    low = float(np.nanmin(values))
    high = float(np.nanmax(values))
    margin = MARGIN * (high - low)
    return ChartPanel(
        lines,
        panel.x,
        f"R_AH ({unit})",
        title,
        x_scale="log" if panel.log else "linear",
        y_range=(low - margin, high + margin),
    )


def _residuals(panel: Panel, unit: str) -> ChartPanel:
    """Return the panel of residuals of the means."""
    pairs = enumerate(panel.curves)
    lines = [_dots("", one.x, one.mean - one.model, turn) for turn, one in pairs]
    title = ""
    if panel.goodness is not None:
        title = f"Residuals: {panel.goodness}".replace("R^2", "R²").replace("range, ", "range\n")
    scale = "log" if panel.log else "linear"
    return ChartPanel(
        lines, panel.x, f"residual of the mean ({unit})", title, {"": 0.0}, x_scale=scale
    )


def fit_picture(name: str, unit: str, panels: Sequence[Panel]) -> Figure:
    """Draw data, fit and residuals.

    Parameters
    ----------
    name : str
        Name of the device.
    unit : str
        Unit of R_AH.
    panels : sequence of Panel
        Data with their models; each makes a row.
    """
    charts = []
    for panel in panels:
        charts += [_data(panel, unit), _residuals(panel, unit)]
    return curves(f"{name_text(name)}: data, fit and residuals", charts)
