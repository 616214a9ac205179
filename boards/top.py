"""The complete machine: engine and link, behind a byte stream or a UART's two pins."""

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.engine.engine import Engine
from allspin.hdl.link.bus import Bus
from allspin.hdl.link.link import Link
from allspin.hdl.link.protocol import MAX_WINDOW, LinkParameters
from allspin.hdl.link.uart import UartParameters, UartReceiver, UartTransmitter
from allspin.hdl.neuron.neuron_kinds import NEURONS as GATEWARE, check_gateware
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.tiling import OFFSET_BITS
from allspin.hdl.resident.resident import Resident
from allspin.hdl.resident.sdram import memory_ports
from allspin.hdl.stream.component import Component
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS

# The sources that gateware is made of, as one digest.

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sim", "hdl", "boards")
"""Whose sources a design is made of."""


def sources_digest() -> str:
    """Digest of everything that a design is made of, except its parameters.

    What it takes a while to find of a design (its RTLIL, its cycles per image) is remembered under
    this digest, which takes milliseconds.
    """
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(path.read_bytes() + b"\0")
    for content in sorted(set(_of_users())):
        total.update(content + b"\0")
    total.update(importlib.metadata.version("amaranth").encode())
    total.update(sys.version.encode())
    return total.hexdigest()


def _of_users() -> Iterator[bytes]:
    """The sources of neurons that come from elsewhere."""
    for kind in (*NEURONS.values(), *GATEWARE.values()):
        if kind.__module__.startswith("allspin."):
            continue
        place = getattr(sys.modules.get(kind.__module__), "__file__", None)
        # Of what was typed in, nothing can be found again.
        yield os.urandom(16) if place is None else Path(place).read_bytes()


REQUEST_BYTES = 32
"""Room for what surrounds an image or a line: kind, tag, address, CRC, framing."""


@dataclass(frozen=True)
class TopParameters:
    """A complete machine.

    Parameters
    ----------
    link : LinkParameters
        The link, and the engine behind it.
    uart : UartParameters or None
        None for bare byte streams in place of the pins.
    every_clock : bool
        As `Link`'s; a UART's bytes are clocks apart, whatever this says.
    """

    link: LinkParameters
    uart: UartParameters | None = None
    every_clock: bool = True

    @classmethod
    def from_network(
        cls,
        network: Network,
        profile: HardwareProfile | None = None,
        *,
        frequency: int = 0,
        uart: UartParameters | None = None,
        every_clock: bool = True,
    ) -> Self:
        """The machine that runs a network on a part.

        Parameters
        ----------
        network : Network
            What to run.
        profile : HardwareProfile, optional
            What the part offers.
        frequency : int
            Clock frequency in Hz; 0 when time is simulated.
        uart : UartParameters, optional
            None for bare byte streams.
        every_clock : bool
            As `Link`'s.

        Raises
        ------
        ValueError
            If the network does not fit the profile, or its images do not fit the largest
            receive buffer.
        UserError
            If there is no gateware for its neurons.
        """
        engine = EngineParameters.from_network(network, profile)
        check_gateware(engine)
        # An image's longest code has a header for each run of seven; half a window holds a
        # line, so that the next is received while one is written.
        image = engine.image.rows * 8 // 7 + REQUEST_BYTES
        line = 2 * (max(_line_bytes(crossbar) for crossbar in engine.crossbars) + REQUEST_BYTES)
        window = max(engine.target.smallest_window, 1 << (max(image, line) - 1).bit_length())
        if window > MAX_WINDOW:
            raise ValueError(
                f"a network of {'-'.join(map(str, network.topology))} needs a receive buffer "
                f"of {window} bytes, and the largest has {MAX_WINDOW}: "
                "take smaller images or fewer columns"
            )
        link = LinkParameters(engine, window=window, frequency=frequency)
        return cls(link, uart, every_clock)


def _line_bytes(crossbar: CrossbarParameters) -> int:
    """A crossbar's longest line: a byte for each column, or its converters' offsets."""
    offsets = crossbar.tiling is not None and crossbar.tiling.offsets
    return crossbar.columns * (OFFSET_BITS // 8 if offsets else 1)


def join(m: Module, parameters: EngineParameters, link: Link | Bus) -> Engine:
    """An engine with what asks it, and the memory of images between them where there is one.

    Parameters
    ----------
    m : Module
        Gets all of them.
    parameters : EngineParameters
        Of the engine.
    link : Link or Bus
        What asks it.
    """
    m.submodules.engine = engine = Engine(parameters)
    m.submodules.link = link
    streams = ["events", "results", "fetch", "fetched"]
    if parameters.numbered:
        streams.append("numbers")
    load, idle = engine.load, engine.idle
    if parameters.resident is None:
        for name in streams:
            wiring.connect(m, getattr(engine, name), getattr(link, name))
    else:
        m.submodules.resident = resident = Resident(parameters)
        for name in streams:
            wiring.connect(m, getattr(link, name), getattr(resident, f"link_{name}"))
            wiring.connect(m, getattr(resident, name), getattr(engine, name))
        wiring.connect(m, resident.load, engine.load)
        m.d.comb += resident.idle.eq(engine.idle)
        load, idle = resident.link_load, resident.link_idle
    wiring.connect(m, link.load, load)
    m.d.comb += link.idle.eq(idle)
    return engine


class Top(Component):
    """Engine and link.

    Parameters
    ----------
    parameters : TopParameters
        What to build.
    """

    def __init__(self, parameters: TopParameters) -> None:
        self.parameters = parameters
        layers = len(parameters.link.engine.crossbars)
        if parameters.uart is None:
            ports = {
                # Bytes from and to the host; without a UART.
                "received": In(stream.Signature(8)),
                "sent": Out(stream.Signature(8)),
            }
        else:
            ports = {
                # The same on two wires; with a UART.
                "rx": In(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                "tx": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
            }
        super().__init__(
            {
                **ports,
                **memory_ports(parameters.link.engine.resident),
                # As the engine's.
                "idle": Out(1),
                # As the engine's.
                "activity": Out(4 * layers),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the machine."""
        m = Module()
        p = self.parameters
        link = Link(p.link, every_clock=p.every_clock and p.uart is None)
        engine = join(m, p.link.engine, link)
        m.d.comb += [self.idle.eq(link.idle), self.activity.eq(engine.activity)]
        if p.link.engine.resident is not None and p.link.engine.resident.sdram is not None:
            resident = m.submodules.resident
            m.d.comb += [self.sdram.eq(resident.sdram), resident.sdram_read.eq(self.sdram_read)]
        if p.uart is None:
            wiring.connect(m, wiring.flipped(self.received), link.received)
            wiring.connect(m, link.sent, wiring.flipped(self.sent))
        else:
            m.submodules.receiver = receiver = UartReceiver(p.uart)
            m.submodules.transmitter = transmitter = UartTransmitter(p.uart)
            wiring.connect(m, receiver.received, link.received)
            wiring.connect(m, link.sent, transmitter.sent)
            m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        return m
