"""The three figures of the gateware's speed, which are never mixed.

engine
    Highest clock of the complete top over the mean clocks an image: what the crossbars can do.
resident sweep
    The images that fit on the board, once for each chip, the chip's redraw included.
link
    Host to host: what a stream of images over the wires reaches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hdl.parameters import EngineParameters, HardwareProfile
from host.bound import cycle_bounds
from sim.errors import UserError
from sim.network import Network

HAND_OVER = 1.1
"""Clocks an image beyond its slowest stage's, where no virtual board has counted them."""
BITS_PER_BYTE = 10
"""Of a UART: a start bit and a stop bit besides."""
TARGETS = {
    ("LFE5U-85F", None): 1_500_000,
    ("LFE5U-25F", None): 700_000,
    ("iCE40UP5K", "ideal"): 20_000,
    ("iCE40UP5K", "chips"): 12_000,
}
"""Images a second that the engine shall reach at least, by part and profile (None: any)."""

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cycles:
    """Mean clocks an image over the test set.

    Attributes
    ----------
    lanes : int or None
        Columns a row drives in a clock; None for all.
    rows_per_clock : int
        Rows driven in a clock.
    bound : float
        Of the slowest stage.
    hand_over : float
        Besides, from image to image.
    """

    lanes: int | None
    rows_per_clock: int
    bound: float
    hand_over: float = HAND_OVER

    @property
    def expected(self) -> float:
        """All of them."""
        return self.bound + self.hand_over

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "expected": self.expected}


Counted = Mapping[tuple[int | None, int], float]
"""Hand-over that virtual boards have counted, by lanes and rows a clock."""


def mean_cycles(
    network: Network,
    images: Images,
    lanes: int | None = None,
    rows_per_clock: int = 1,
    counted: Counted | None = None,
) -> Cycles:
    """Clocks an image by `host.bound.cycle_bounds`, mean over some images.

    Parameters
    ----------
    network : Network
        The network.
    images : ndarray of uint8, shape (images, height, width)
        The test set.
    lanes : int or None
        Columns a row drives in a clock; None for all.
    rows_per_clock : int
        1, 2 or 4.
    counted : mapping, optional
        Hand-over by lanes and rows a clock; `HAND_OVER` for what it lacks.
    """
    profile = HardwareProfile(lanes=lanes, rows_per_clock=rows_per_clock)
    engine = EngineParameters.from_network(network, profile)
    bound = float(cycle_bounds(network, engine, images).mean())
    # All lanes may be given as None or by their number.
    columns = max(crossbar.columns for crossbar in engine.crossbars)
    shape = (None if lanes is None or lanes >= columns else lanes, rows_per_clock)
    return Cycles(lanes, rows_per_clock, bound, (counted or {}).get(shape, HAND_OVER))


def resident_rate(frequency: float, cycles: float, images: int, redraw: int) -> float:
    """Images a second of a resident sweep.

    Parameters
    ----------
    frequency : float
        Clock in Hz.
    cycles : float
        Clocks an image.
    images : int
        Images that fit on the board, each shown once to each chip.
    redraw : int
        Clocks that a new chip takes.
    """
    return frequency * images / (images * cycles + redraw)


def link_rate(baud: int, bytes_per_image: float) -> float:
    """Images a second that a UART can carry at most."""
    return baud / BITS_PER_BYTE / bytes_per_image


@dataclass(frozen=True)
class EngineFigure:
    """What one build reaches.

    Attributes
    ----------
    board, part, profile : str
        What was built.
    lanes, rows_per_clock : int
        Of the first crossbar.
    megahertz : float
        Highest clock of the complete top, worst seed.
    cycles : float
        Expected clocks an image.
    seeds : int
        Seeds that were placed and routed.
    """

    board: str
    part: str
    profile: str
    lanes: int
    rows_per_clock: int
    megahertz: float
    cycles: float
    seeds: int

    @property
    def images_per_second(self) -> float:
        """Clock over clocks an image."""
        return 1e6 * self.megahertz / self.cycles

    @property
    def target(self) -> int | None:
        """Images a second that its part shall reach; None for a part without one."""
        return next(
            (
                least
                for (part, profile), least in TARGETS.items()
                if self.part.lower().startswith(part.lower()) and profile in (None, self.profile)
            ),
            None,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **asdict(self),
            "images_per_second": self.images_per_second,
            "target": self.target,
        }


def engine_figures(
    builds: Sequence[dict[str, Any]],
    network: Network,
    images: Images,
    counted: Counted | None = None,
) -> list[EngineFigure]:
    """Engine figures of boards that were placed and routed.

    Parameters
    ----------
    builds : sequence of dict
        What ``allspin build --json`` says of each; those that do not fit are left out.
    network : Network
        What was built.
    images : ndarray of uint8, shape (images, height, width)
        The test set.
    counted : mapping, optional
        As of `mean_cycles`.

    Raises
    ------
    UserError
        If a build lacks a key.
    """
    known: dict[tuple[int, int], Cycles] = {}
    figures = []
    try:
        for build in builds:
            if not build["fits"]:
                continue
            shape = (int(build["lanes"]), int(build["rows_per_clock"]))
            if shape not in known:
                known[shape] = mean_cycles(network, images, *shape, counted)
            figures.append(
                EngineFigure(
                    board=build["board"],
                    part=build["part"],
                    profile=build["profile"],
                    lanes=shape[0],
                    rows_per_clock=shape[1],
                    megahertz=float(build["worst_fmax_mhz"]),
                    cycles=max(known[shape].expected, build.get("noise_clocks") or 0),
                    seeds=len(build["seeds"]),
                )
            )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"not what `allspin build --json` prints: {error!r}") from error
    return figures


@dataclass(frozen=True)
class ResidentFigure:
    """What a build reaches with its images on board.

    Attributes
    ----------
    board : str
        What was built.
    megahertz, cycles : float
        As of `EngineFigure`.
    images : int
        Images that fit, of the test set's mean size.
    redraw_clocks : int
        Clocks that a new chip takes: about a cell a clock.
    """

    board: str
    megahertz: float
    cycles: float
    images: int
    redraw_clocks: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        rate = resident_rate(1e6 * self.megahertz, self.cycles, self.images, self.redraw_clocks)
        return {**asdict(self), "images_per_second": rate}


def resident_figures(
    builds: Sequence[dict[str, Any]],
    network: Network,
    images: Images,
    counted: Counted | None = None,
    kept: int | None = None,
) -> list[ResidentFigure]:
    """Resident figures of the builds that say how many images they keep (``resident_images``).

    Parameters
    ----------
    builds, network, images, counted
        As of `engine_figures`, and so are the errors.
    kept : int, optional
        How many images a build keeps that does not say so.
    """
    keeping = [{"resident_images": kept, **build} for build in builds]
    keeping = [build for build in keeping if build["resident_images"]]
    cells = sum(layer.states.size for layer in network.layers)
    return [
        ResidentFigure(
            board=figure.board,
            megahertz=figure.megahertz,
            cycles=figure.cycles,
            images=int(build["resident_images"]),
            redraw_clocks=int(build.get("redraw_clocks", cells)),
        )
        for build in keeping
        for figure in engine_figures([build], network, images, counted)
    ]
