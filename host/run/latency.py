"""Latency of one image alone: through the engine, and over a UART and back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import network_name, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.transport import BITS_PER_BYTE
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_virtual
from allspin.host.show.display import BuildWatch, Display
from allspin.host.show.result import Result
from allspin.host.show.table import Table, TableColumn
from allspin.host.show.version import commit
from allspin.sim.network.network import Network
from allspin.sim.systems import naming_extras

RATES = (115_200, 1_000_000, 3_000_000, 6_000_000, 12_000_000)
"""Bits a second of UARTs: those of the boards, and the usual slowest of adapters."""
BIT_CLOCKS = 8
"""Clocks of a bit of the simulated UART. With fewer, an answer begins before its last logit."""
HALVES = 1
"""Bits that are not waited for: half the stop bit of the request, and half of the answer's."""
SIMULATED = UartOptions(1_000_000, frequency=BIT_CLOCKS * 1_000_000)
NO_ZERO = 0x0101
"""A tag without a zero byte: after a zero byte an answer begins earlier than usual."""
FREQUENCY = 100_000_000
"""Default clock frequency of a board in Hz."""

Values = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Latency(Result):
    """Latency of images that are run one at a time.

    Attributes
    ----------
    network : str
        Name of the network.
    profile : HardwareProfile
        Lanes and rows per clock of the machine.
    engine : ndarray of int64, shape (images,)
        Cycles from the first event of each image to its last logit.
    bits : ndarray of int64, shape (images,)
        Bits of each request and its answer on the wires of a UART.
    turnaround : ndarray of float64, shape (images,)
        Cycles from the last bit of the request to the first bit of the answer.
    commit : str or None
        Commit of allspin.
    """

    network: str
    profile: HardwareProfile
    engine: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int64]
    turnaround: npt.NDArray[np.float64]
    commit: str | None

    def over_link(self, baud: int, frequency: int) -> npt.NDArray[np.float64]:
        """Compute the seconds from the first bit of each request to the last bit of its answer.

        The machine begins when it has the whole request, so the rate changes the time of the bits
        alone.

        Parameters
        ----------
        baud : int
            Bits a second.
        frequency : int
            Clock frequency of the machine in Hz.

        Returns
        -------
        ndarray of float64, shape (images,)
        """
        return self.bits / baud + self.turnaround / frequency

    def to_dict(self, frequency: int = FREQUENCY) -> dict[str, Any]:
        """Return the record that ``--json`` prints; see ``docs/formats.md``."""
        links = []
        for baud in RATES:
            seconds = _spread(self.over_link(baud, frequency))
            links.append({"baud": baud, "latency_seconds": seconds})
        return {
            "network": self.network,
            "on": "virtual",
            "rows_per_clock": self.profile.rows_per_clock,
            "images": len(self.engine),
            "latency_cycles": _spread(self.engine),
            "turnaround_cycles": _spread(self.turnaround),
            "frequency": frequency,
            "links": links,
            "commit": self.commit,
        }

    def tables(self) -> list[Table]:
        """Return cycles, and the time over a UART at each rate."""
        rows = [
            _row("engine, first event to last logit", self.engine, "cycles"),
            _row("turnaround, request in to answer", self.turnaround, "cycles"),
        ]
        for baud in RATES:
            microseconds = 1e6 * self.over_link(baud, FREQUENCY)
            rows.append(_row(f"UART of {baud:,} baud, there and back", microseconds, "us"))
        numbers = (TableColumn(name, form=",.1f") for name in ("mean", "least", "most"))
        columns = (TableColumn("from, to"), *numbers, TableColumn("unit"))
        title = f"Latency of {self.network} on virtual, {len(self.engine)} images one at a time"
        return [Table(title, columns, rows)]

    def notes(self) -> list[str]:
        """Return the rows per clock and the frequency of the machine."""
        shape = f"{self.profile.rows_per_clock} rows per clock"
        return [f"{shape}; times over a UART with a machine of {FREQUENCY / 1e6:g} MHz"]


def _row(name: str, values: Values, unit: str) -> tuple[str, float, float, float, str]:
    """Return a row of the table: mean, least and most."""
    return name, float(values.mean()), float(values.min()), float(values.max()), unit


def _spread(values: Values) -> dict[str, float]:
    """Return mean, least and most as a record."""
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
    progress: Display | None = None,
) -> Latency:
    """Measure a network's latency on the virtual board, clock by clock.

    Parameters
    ----------
    network : str, Path or Network
        A network, the name of one that ships, or a network file.
    profile : HardwareProfile, optional
        Lanes and rows per clock of the machine.
    images : int, optional
        Number of test images, the first ones (100).
    data : str or Path, optional
        Data set of the images (MNIST).
    progress : Display, optional
        Display of the steps.

    Raises
    ------
    UserError
        If the network or data set does not exist, or the gateware cannot run the network.
    """
    with naming_extras():
        from allspin.host.bitstreams.latency import ALONE, measure_latency  # Amaranth
    progress = progress or Display()
    profile = profile or HardwareProfile()
    name = network_name(network)
    network = open_network(network)
    count = ALONE if images is None else images
    pixels = load_test_set(data, [network], count)[0][:count]
    progress.start("counting the engine's cycles")
    engine = measure_latency(network, profile, pixels, BuildWatch(progress))
    progress.finish(f"{engine.mean():.1f} of {len(engine)} images, one at a time")
    progress.start("through a UART and back")
    with open_virtual(network, profile, SIMULATED, progress=BuildWatch(progress)) as machine:
        machine.load(network)
        carried, clocks = _round_trips(machine, pixels, progress)
    progress.finish()
    bits = BITS_PER_BYTE * carried - HALVES
    turnaround = clocks - bits * SIMULATED.bit_clocks
    return Latency(name, profile, engine, bits, turnaround, commit())


def _round_trips(
    machine: LinkedMachine, images: npt.NDArray[np.uint8], progress: Display
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Stream images one at a time, and return the bytes and the clocks of each round trip."""
    line = machine.session.line
    line.next_tag = NO_ZERO
    carried = np.zeros(len(images), np.int64)
    clocks = np.zeros(len(images), np.int64)
    for number in range(len(images)):
        before = line.carried
        taken = machine.stream(images[number : number + 1]).clocks
        assert taken is not None  # a simulated UART counts clocks
        clocks[number] = taken
        carried[number] = line.carried - before
        progress.advance(number + 1, len(images))
    return carried, clocks
