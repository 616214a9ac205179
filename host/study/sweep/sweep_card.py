"""What a notebook shows of a sweep: accuracy over what varied, and the first points."""

from typing import TYPE_CHECKING, Any

from allspin.sim.drawing.card import beside, grid
from allspin.sim.drawing.chart import COLOURS, Line, lines_svg
from allspin.sim.drawing.scale import Axis

if TYPE_CHECKING:
    from allspin.host.study.sweep.point import Point
    from allspin.host.study.sweep.runner import Sweep

SHOWN = 12
"""Points of the table."""
MOST_LINES = len(COLOURS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_factor(sweep: "Sweep") -> str | None:
    """The first factor of several values that are numbers."""
    for name in sweep.plan.grid.varied():
        values = {getattr(point, name) for point in sweep.plan.points}
        if len(values) > 1 and all(map(_is_number, values)):
            return name
    return None


def _name(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _picture(sweep: "Sweep") -> str:
    """Mean accuracy over a factor, a line for each combination of the others, and each chip."""
    factor = numeric_factor(sweep)
    others = [name for name in sweep.plan.grid.varied() if name != factor]
    lines: dict[tuple[Any, ...], list[Point]] = {}
    if factor is None:
        return ""
    for point in sweep.plan.points:
        lines.setdefault(tuple(getattr(point, name) for name in others), []).append(point)
    drawn = []
    for style, (values, points) in enumerate(list(lines.items())[:MOST_LINES]):
        points = sorted(points, key=lambda point: getattr(point, factor))
        places = [float(getattr(point, factor)) for point in points]
        shares = [100 * sweep.accuracies(point) for point in points]
        each = [(x, share) for x, several in zip(places, shares, strict=True) for share in several]
        drawn.append(Line("", [x for x, _ in each], [y for _, y in each], style, dots=True))
        label = ", ".join(map(_name, values)) or "mean"
        drawn.append(Line(label, places, [float(several.mean()) for several in shares], style))
    axes = Axis(factor), Axis("accuracy (%)")
    return lines_svg(f"Accuracy of chips over {factor}: each, and their mean", drawn, *axes)


def sweep_card(sweep: "Sweep") -> str:
    """The card of a sweep, as HTML."""
    plan = sweep.plan
    names = plan.grid.varied()
    rows = []
    for point in plan.points[:SHOWN]:
        shares = 100 * sweep.accuracies(point)
        rows.append(
            (
                *(_name(getattr(point, name)) for name in names),
                *(f"{value:.2f}" for value in (shares.mean(), shares.min(), shares.max())),
            )
        )
    more = len(plan.points) - len(rows)
    title = f"Sweep: {plan.grid.chips:,} chips a point, {plan.images:,} images, {plan.grid.on}" + (
        f"; {more:,} more points" if more else ""
    )
    table = grid(title, (*names, "mean (%)", "worst", "best"), rows)
    return beside(*filter(None, [_picture(sweep), table]))
