"""Figs. 3c and 3d: accuracy against the synapse's C2C and D2D."""

from functools import partial

from host.paper.chapter import (
    Chapter,
    Effort,
    Picture,
    Results,
    lines_table,
    sweep,
    sweep_line,
)
from host.paper.experiments import Experiment, paper_type
from host.paper.verdict import Claim, Reading, Spread, falls
from host.pictures.curves import Panel, curves

SIGMAS = [0.0, 0.007, 0.014, 0.029, 0.065, 0.13, 0.48]
FEW_SIGMAS = [0.0, 0.014, 0.065, 0.48]
"""Standard deviations; the paper's figures are among them."""
CYCLE = {
    "range": "C2C of the range, on each update",
    "step": "C2C of a mean step, on each update",
}
DEVICE = {
    "weight": "D2D a factor on the weight, in training",
    "range": "D2D an offset of the range, in training",
}
AFTER = "D2D a factor on the weight, after training"
EPOCHS = 1


def _cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=EPOCHS, c2c=[sigma, sigma], c2c_reading=reading)


def _device(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(
        3, seed, epochs=EPOCHS, c2c=[0.0, 0.0], d2d=[sigma, sigma], d2d_reading=reading
    )


def _after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(
        3, seed, epochs=EPOCHS, c2c=[0.0, 0.0], d2d_reading="weight", after_synapse=sigmas
    )


def experiments(effort: Effort) -> list[Experiment]:
    """See `host.paper.chapter.Part`."""
    sigmas = effort.points(SIGMAS, FEW_SIGMAS)
    seeds = range(effort.sweep_seeds)
    return [
        *(_cycle(reading, s, seed) for reading in CYCLE for s in sigmas for seed in seeds),
        *(_device(reading, s, seed) for reading in DEVICE for s in sigmas for seed in seeds),
        *(_after(seed, sigmas) for seed in seeds),
    ]


def fall_claim(what: str, paper: str, lines: dict[str, list[Spread]]) -> Claim:
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


def tolerance_claim(
    what: str, cycles: dict[str, list[Spread]], devices: dict[str, list[Spread]]
) -> Claim:
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


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `host.paper.chapter.Part`."""
    sigmas, seeds = effort.points(SIGMAS, FEW_SIGMAS), effort.sweep_seeds
    cycles = {
        name: sweep(results, partial(_cycle, reading), sigmas, seeds)
        for reading, name in CYCLE.items()
    }
    devices = {
        name: sweep(results, partial(_device, reading), sigmas, seeds)
        for reading, name in DEVICE.items()
    }
    after = [results[_after(seed, sigmas)]["after_synapse"] for seed in range(seeds)]
    devices[AFTER] = [Spread.of(at_sigma) for at_sigma in zip(*after, strict=True)]
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
        for lines, title in ((c2c, "Cycle to cycle (Fig. 3c)"), (d2d, "Device to device (Fig. 3d)"))
    ]
    picture = Picture(
        lines_table(
            "synapse-tolerance", "Accuracy against the synapse's variation", x, y, [*c2c, *d2d]
        ),
        "Figs. 3c and 3d: type 3 with other deviations, by reading of the unit; one epoch a point.",
        partial(curves, "The network against the synapse's variation", panels),
    )
    claims = (
        fall_claim("Accuracy falls as the synapse's C2C grows", "falls", cycles),
        fall_claim("Accuracy falls as the synapse's D2D grows", "falls", devices),
        tolerance_claim("Synapse: D2D is tolerated better than C2C", cycles, devices),
    )
    text = (
        "Each point is type 3 trained for one epoch with that deviation in both polarities; the "
        "other variation is off. C2C is drawn on each update. D2D is drawn once for a cell and "
        "polarity: in training the network learns around it, after training it cannot.",
    )
    return Chapter("The synapse's variation (Figs. 3c, 3d)", text, (picture,), (), claims)
