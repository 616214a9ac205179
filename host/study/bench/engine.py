"""The three figures of the gateware's speed, which are never mixed.

engine
    Highest clock of the complete top, worst seed, over the mean cycles per image that a virtual
    board of the same machine counted over all test images: what the crossbars can do.
resident sweep
    The images that fit on the board, once for each chip, the chip's redraw included.
link
    Host to host: what a stream of images over the wires reaches.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from allspin.host.bitstreams.gateware import is_older
from allspin.sim.network.network import Network

TARGETS = {
    ("LFE5U-85F", None): 1_500_000,
    ("LFE5U-25F", None): 700_000,
    ("iCE40UP5K", "ideal"): 20_000,
    ("iCE40UP5K", "chips"): 12_000,
}
"""Images/s that the engine shall reach at least, by part and profile (None: any)."""


def resident_rate(frequency: float, cycles: float, images: int, redraw: int) -> float:
    """Images/s of a resident sweep.

    Parameters
    ----------
    frequency : float
        Clock in Hz.
    cycles : float
        Cycles per image.
    images : int
        Images that fit on the board, each shown once to each chip.
    redraw : int
        Clocks that a new chip takes.
    """
    return frequency * images / (images * cycles + redraw)


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
        Counted cycles per image.
    seeds : int
        Seeds that were placed and routed.
    older : bool
        Whether that was of other gateware than these sources make.
    """

    board: str
    part: str
    profile: str
    lanes: int
    rows_per_clock: int
    megahertz: float
    cycles: float
    seeds: int
    older: bool

    @property
    def images_per_second(self) -> float:
        """Clock over cycles per image."""
        return 1e6 * self.megahertz / self.cycles

    @property
    def target(self) -> int | None:
        """Images/s that its part shall reach; None for a part without one."""
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


def engine_figures(builds: Sequence[dict[str, Any]], network: Network) -> list[EngineFigure]:
    """Engine figures of boards that were placed and routed.

    Parameters
    ----------
    builds : sequence of dict
        What ``allspin build --json`` says of each; those that do not fit are left out, and those
        whose clocks nobody counted.
    network : Network
        What was built.
    """
    return [
        EngineFigure(
            board=build["board"],
            part=build["part"],
            profile=build["profile"],
            lanes=build["lanes"],
            rows_per_clock=build["rows_per_clock"],
            megahertz=build["worst_fmax_mhz"],
            cycles=build["cycles_per_image"],
            seeds=len(build["seeds"]),
            older=is_older(build, network),
        )
        for build in builds
        if build["fits"] and build["cycles_per_image"] is not None
    ]


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
    builds: Sequence[dict[str, Any]], network: Network, kept: int | None = None
) -> list[ResidentFigure]:
    """Resident figures of the builds that say how many images they keep (``resident_images``).

    Parameters
    ----------
    builds, network
        As of `engine_figures`.
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
        for figure in engine_figures([build], network)
    ]
