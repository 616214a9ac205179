"""What a notebook shows of measured chips: each chip as a point, and means by variation."""

from typing import TYPE_CHECKING

from allspin.sim.drawing.card import beside, grid
from allspin.sim.drawing.chart import COLOURS, Line, lines_svg
from allspin.sim.drawing.scale import Axis

if TYPE_CHECKING:
    from allspin.host.study.chips.measured import MeasuredChips


def chips_card(measured: "MeasuredChips") -> str:
    """The card of measured chips, as HTML."""
    found = [
        *((one, one.column.title) for one in measured.results),
        *((one, one.title) for one in measured.probed),
    ]
    lines, rows = [], []
    for number, (one, title) in enumerate(found, 1):
        shares = (100 * one.accuracies).tolist()
        places = [float(number)] * len(shares)
        lines.append(Line("", places, shares, (number - 1) % len(COLOURS), dots=True))
        deviation = "" if one.deviation is None else f" ± {100 * one.deviation:.2f}"
        rows.append((str(number), one.network, title, f"{100 * one.mean:.2f}{deviation}"))
    chips = len(measured.seeds)
    title = (
        f"{chips:,} chip{'s' if chips > 1 else ''} of {measured.device.name}, "
        f"{measured.images:,} images"
    )
    table = grid(title, ("", "network", "chips have", "accuracy (%)"), rows)
    axes = Axis("row of the table", ends=(0.5, len(found) + 0.5)), Axis("accuracy (%)")
    picture = lines_svg("Accuracy of each chip, by row", lines, *axes, counted=True)
    return beside(picture, table)
