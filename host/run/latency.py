"""How long one image alone takes: through the engine, and over a UART and back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name
from allspin.host.data.datasets import load_test_set
from allspin.host.link.transport import BITS_PER_BYTE
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import open_virtual
from allspin.host.show.display import BuildWatch, Display
from allspin.host.show.version import commit
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief
from allspin.sim.systems import naming_extras

RATES = (115_200, 1_000_000, 3_000_000, 6_000_000, 12_000_000)
"""Bits a second of the UARTs that boards have, and of the slowest that adapters have."""
BIT_CLOCKS = 8
"""Of the UART that is simulated. With fewer, an answer begins before its last logit is there."""
HALVES = 1
"""Bits that nobody waits for: half the stop bit of the request, and of the answer."""
SIMULATED = UartOptions(1_000_000, frequency=BIT_CLOCKS * 1_000_000)
NO_ZERO = 0x0101
"""A tag without a byte of 0, as nearly all are: after such a byte an answer begins too soon."""
FREQUENCY = 100_000_000
"""Hz of a board's clock unless another is named."""


@dataclass(frozen=True, eq=False)
class Latency(Brief):
    """What images take one at a time.

    Attributes
    ----------
    network : str
        What it is called.
    profile : HardwareProfile
        The machine.
    engine : ndarray of int64, shape (images,)
        Cycles from the first event of each image to its last logit.
    bits : ndarray of int64, shape (images,)
        Of each image's request and its answer on a UART's wires.
    turnaround : ndarray of float64, shape (images,)
        Cycles from the last bit of the request to the first of the answer.
    commit : str or None
        Which allspin it was.
    """

    network: str
    profile: HardwareProfile
    engine: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int64]
    turnaround: npt.NDArray[np.float64]
    commit: str | None

    def over_link(self, baud: int, frequency: int) -> npt.NDArray[np.float64]:
        """Seconds from the first bit of each request to the last bit of its answer.

        A request is carried out when all of it is there, so the rate changes nothing but the time
        of the bits.

        Parameters
        ----------
        baud : int
            Bits a second.
        frequency : int
            Hz of the machine's clock.

        Returns
        -------
        ndarray of float64, shape (images,)
        """
        return self.bits / baud + self.turnaround / frequency

    def to_dict(self, frequency: int = FREQUENCY) -> dict[str, Any]:
        """What ``--json`` prints; see ``docs/formats.md``."""
        return {
            "network": self.network,
            "on": "virtual",
            "rows_per_clock": self.profile.rows_per_clock,
            "images": len(self.engine),
            "latency_cycles": _spread(self.engine),
            "turnaround_cycles": _spread(self.turnaround),
            "frequency": frequency,
            "links": [
                {"baud": baud, "latency_seconds": _spread(self.over_link(baud, frequency))}
                for baud in RATES
            ],
            "commit": self.commit,
        }


def _spread(values: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "least": values.min().item(),
        "most": values.max().item(),
    }


def latency(
    network: str | Path | Network,
    profile: HardwareProfile | None = None,
    *,
    images: int | None = None,
    data: str | Path | None = None,
    tiles: Tiles | None = None,
    progress: Display | None = None,
) -> Latency:
    """Measure a network's latency on the virtual board, clock by clock.

    Parameters
    ----------
    network : str, Path or Network
        A network, the name of one that ships, or a network file.
    profile : HardwareProfile, optional
        The machine.
    images : int, optional
        How many of the first test images (100).
    data : str or Path, optional
        The data set that they are of (MNIST).
    tiles : Tiles, optional
        What the network's columns are cut into (its own).
    progress : Display, optional
        Told of each step.

    Raises
    ------
    UserError
        If there is no such network or data set, or no such machine.
    """
    with naming_extras():
        from allspin.host.bitstreams.latency import ALONE, measure_latency
    progress = progress or Display()
    profile = profile or HardwareProfile()
    name, network = network_name(network), cut_network(network, tiles, data, progress)
    count = ALONE if images is None else images
    shown = load_test_set(data, [network], count)[0][:count]
    progress.start("counting the engine's cycles")
    engine = measure_latency(network, profile, shown, BuildWatch(progress))
    progress.finish(f"{engine.mean():.1f} of {len(engine)} images, one at a time")
    progress.start("through a UART and back")
    with open_virtual(network, profile, SIMULATED, progress=BuildWatch(progress)) as machine:
        machine.load(network)
        line = machine.session.line
        line.next_tag = NO_ZERO
        carried, clocks = np.zeros((2, len(shown)), np.int64)
        for number in range(len(shown)):
            before = line.carried
            taken = machine.stream(shown[number : number + 1]).clocks
            assert taken is not None  # a UART's time is simulated
            clocks[number], carried[number] = taken, line.carried - before
            progress.advance(number + 1, len(shown))
    progress.finish()
    bits = BITS_PER_BYTE * carried - HALVES
    turnaround = clocks - bits * SIMULATED.bit_clocks
    return Latency(name, profile, engine, bits, turnaround, commit())
