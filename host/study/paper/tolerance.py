"""What the chapters on variation share: their picture and their claims."""

from functools import partial

from allspin.host.show.pictures.curves import Panel, curves
from allspin.host.study.paper.chapter import Picture, lines_table, sweep_line
from allspin.host.study.paper.verdict import Claim, Reading, Spread, falls

Lines = dict[str, list[Spread]]
"""By reading, the accuracy at each deviation."""


def fall_claim(what: str, paper: str, lines: Lines) -> Claim:
    """The claim that accuracy falls as a deviation grows, a reading a line."""
    readings = tuple(
        Reading(name, f"{spreads[0].percent()} to {spreads[-1].percent()}", falls(spreads))
        for name, spreads in lines.items()
    )
    return Claim(
        what,
        paper,
        readings,
        "from no deviation to the largest; a fall exceeds half a point and two standard errors",
    )


def tolerance_claim(what: str, cycles: Lines, devices: Lines) -> Claim:
    """The claim that D2D is tolerated better than C2C, a reading a pair of lines."""

    def mean(spreads: list[Spread]) -> float:
        return sum(spread.mean for spread in spreads[1:]) / (len(spreads) - 1)

    readings = tuple(
        Reading(
            f"{device} against {cycle}",
            f"{100 * mean(others):.1f} against {100 * mean(ones):.1f} %",
            mean(others) > mean(ones),
        )
        for cycle, ones in cycles.items()
        for device, others in devices.items()
    )
    return Claim(
        what,
        "D2D tolerated better",
        readings,
        "mean accuracy over equal deviations of both; neither unit nor moment is in the text",
        f"true of {sum(reading.agrees for reading in readings)} of {len(readings)} pairs of "
        "readings. "
        + "; ".join(
            f"{name}: {100 * mean(ones):.1f} %" for name, ones in (cycles | devices).items()
        ),
    )


def tolerance(
    subject: str, figure: int, caption: str, sigmas: list[float], cycles: Lines, devices: Lines
) -> tuple[Picture, tuple[Claim, ...]]:
    """The picture of accuracy against C2C and D2D, and the claims that it is held to.

    Parameters
    ----------
    subject : str
        ``synapse`` or ``neuron``.
    figure : int
        Number of the paper's figure, whose parts c and d these are.
    caption : str
        What a point is.
    sigmas : list of float
        Standard deviations.
    cycles, devices : dict of str to list of Spread
        Accuracy with C2C and with D2D.
    """
    c2c = [sweep_line(name, sigmas, spreads) for name, spreads in cycles.items()]
    d2d = [sweep_line(name, sigmas, spreads) for name, spreads in devices.items()]
    x, y = "standard deviation", "test accuracy (%)"
    panels = [
        Panel(
            lines,
            x,
            y,
            title,
            x_scale="symlog",
            ticks=sigmas,
            y_range=(0, 100),
            places="lower left",
        )
        for lines, title in (
            (c2c, f"Cycle to cycle (Fig. {figure}c)"),
            (d2d, f"Device to device (Fig. {figure}d)"),
        )
    ]
    name, title = f"{subject}-tolerance", f"Accuracy against the {subject}'s variation"
    picture = Picture(
        lines_table(name, title, x, y, [*c2c, *d2d]),
        f"Figs. {figure}c and {figure}d: {caption}",
        partial(curves, f"The network against the {subject}'s variation", panels),
    )
    claims = (
        fall_claim(f"Accuracy falls as the {subject}'s C2C grows", "falls", cycles),
        fall_claim(f"Accuracy falls as the {subject}'s D2D grows", "falls", devices),
        tolerance_claim(f"{subject.title()}: D2D is tolerated better than C2C", cycles, devices),
    )
    return picture, claims
