"""Proof at the gate: a netlist programmed and asked through its pins, against the golden model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.boards.gates.build import build
from allspin.boards.gates.netlist import Netlist
from allspin.boards.gates.pins import Pins
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.virtual.board import VirtualTransport
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

SLOWEST = 1e3
"""Clocks a second that any machine simulates of a netlist."""
QUIET_CLOCKS = 200_000
"""Clocks without a bit on either wire after which no board has anything left to say."""
START_CLOCKS = 4096
"""Clocks before the first bit, in which a board releases its reset."""

Progress = Callable[[str, float], None]
"""Called several times a second with what is being done and how far it is: seconds or a count."""


@dataclass(frozen=True)
class Proof:
    """What came of a netlist's simulation.

    Attributes
    ----------
    netlist : str
        Its digest.
    cells : dict of str to int
        How many of each type.
    images, logits, mismatches : int
        How many images were run, logits compared, and logits or classes found wrong.
    resent : int
        Requests that had to be sent again.
    clocks_programming, clocks_streaming : int
        Of the machine, from the first byte to the last.
    seconds_compiling, seconds_programming, seconds_streaming : float
        Of the wall's clock.
    """

    netlist: str
    cells: dict[str, int]
    images: int
    logits: int
    mismatches: int
    resent: int
    clocks_programming: int
    clocks_streaming: int
    seconds_compiling: float
    seconds_programming: float
    seconds_streaming: float


def prove(
    netlist: Netlist,
    pins: Pins,
    bit_clocks: float,
    network: Network,
    images: npt.NDArray[np.uint8],
    progress: Progress,
    *,
    optimise: bool = True,
) -> Proof:
    """Simulate a netlist, program a network through its pins, and compare its logits.

    Parameters
    ----------
    netlist : Netlist
        What was built for such a network.
    pins : Pins
        How to speak to it.
    bit_clocks : float
        Clocks of the machine that a bit of the host takes.
    network : Network
        What to program.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels, 0 to 255.
    progress : callable
        Told what is being done.
    optimise : bool
        See `allspin.boards.gates.build.build`.

    Raises
    ------
    UserError
        If the netlist cannot be simulated, or does not answer.
    """
    begun = time.monotonic()
    program = build(netlist, pins, progress, optimise=optimise)
    compiled = time.monotonic()
    with open_netlist(program, bit_clocks) as machine:
        machine.check(network)
        machine.start_stopwatch()
        machine.program(network, lambda done: progress("programming, frames", done))
        clocks_programming = machine.elapsed_clocks()
        programmed = time.monotonic()
        answers = machine.stream(images, lambda done: progress("streaming, images", done))
        streamed = time.monotonic()
        resent = machine.resent
    expected = GoldenModel(network).logits(images)
    mismatches = np.count_nonzero(answers.logits != expected) + np.count_nonzero(
        answers.classes != expected.argmax(axis=1)
    )
    assert clocks_programming is not None
    assert answers.clocks is not None
    return Proof(
        netlist=netlist.digest,
        cells=netlist.types,
        images=len(images),
        logits=expected.size,
        mismatches=int(mismatches),
        resent=resent,
        clocks_programming=clocks_programming,
        clocks_streaming=answers.clocks,
        seconds_compiling=compiled - begun,
        seconds_programming=programmed - compiled,
        seconds_streaming=streamed - programmed,
    )


def open_netlist(program: Path, bit_clocks: float) -> LinkedMachine:
    """The device that a netlist's program simulates.

    Parameters
    ----------
    program : Path
        What `allspin.boards.gates.build.build` returned.
    bit_clocks : float
        Clocks of the machine that a bit of the host takes.
    """
    options = ("--quiet-clocks", str(QUIET_CLOCKS), "--start-clocks", str(START_CLOCKS))
    return LinkedMachine(
        VirtualTransport(
            program, bit_clocks=bit_clocks, options=options, slowest=SLOWEST, name="the netlist"
        )
    )
