"""What a sweep came to, point by point: as plain values, and as a table of the terminal."""

from collections.abc import Iterable
from typing import Any

from allspin.host.show.table import Cell, Column, Table
from allspin.host.study.sweep.point import Point
from allspin.host.study.sweep.runner import Sweep
from allspin.host.study.sweep.table import Row

SHOWN = 60
"""Points that are printed; the sweep's own table has all."""


def line_faults(rows: Iterable[Row]) -> dict[str, int]:
    """What went wrong on the line while these rows were measured, by this run of the command."""
    outcomes = [row.outcome for row in rows]
    return {
        "resent": sum(outcome.resent for outcome in outcomes),
        "damaged": sum(outcome.damaged for outcome in outcomes),
    }


def summary(sweep: Sweep, point: Point) -> dict[str, Any]:
    """A point's chips together, as ``allspin sweep --json`` prints them."""
    shares = sweep.accuracies(point)
    return {
        **vars(point),
        "chips": len(shares),
        "accuracy": float(shares.mean()),
        "deviation": float(shares.std(ddof=1)) if len(shares) > 1 else None,
        "worst": float(shares.min()),
        "best": float(shares.max()),
        **line_faults(row for row in sweep.rows if row.point == point),
    }


def _said(value: Any) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if value is None or isinstance(value, int | float) else str(value)


def summary_table(sweep: Sweep) -> Table:
    """The first points, with what was varied and what it came to."""
    plan = sweep.plan
    names = plan.grid.varied()
    chips = plan.grid.chips
    rows = []
    for point in plan.points[:SHOWN]:
        found = summary(sweep, point)
        figures = (found[key] for key in ("accuracy", "deviation", "worst", "best"))
        rows.append(
            (
                *(_said(getattr(point, name)) for name in names),
                *(None if figure is None else 100 * figure for figure in figures),
            )
        )
    return Table(
        f"Accuracy, {chips} chip{'s' if chips > 1 else ''} a point, {plan.images:,} images, "
        f"{plan.grid.on}",
        (
            *(Column(name, form="g") for name in names),
            *(Column(name, "%", form=".2f") for name in ("mean", "deviation", "worst", "best")),
        ),
        rows,
    )


def remarks(sweep: Sweep) -> list[str]:
    """What is said below the table, line by line."""
    lines = []
    if len(sweep.plan.points) > SHOWN:
        more = len(sweep.plan.points) - SHOWN
        lines.append(f"... and {more:,} points more; the table has all")
    faults = line_faults(sweep.rows)
    if any(faults.values()):
        lines.append(
            f"{faults['damaged']:,} frames came damaged, "
            f"{faults['resent']:,} requests were sent again"
        )
    return lines
