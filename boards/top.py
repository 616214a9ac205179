"""Complete machine: engine and link, behind a byte stream or a UART's two pins."""

from dataclasses import dataclass
from typing import Self

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.bus.bus import Bus
from allspin.hdl.engine.engine import Engine
from allspin.hdl.link.link import Link
from allspin.hdl.link.protocol import MAX_WINDOW, LinkParameters
from allspin.hdl.link.uart import UartParameters, UartReceiver, UartTransmitter
from allspin.hdl.neuron.neuron_kinds import check_gateware
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.tiling import OFFSET_BITS
from allspin.hdl.resident.resident import Resident
from allspin.hdl.resident.sdram import memory_ports
from allspin.hdl.stream.component import Component
from allspin.sim.network.network import Network

REQUEST_BYTES = 32
"""Room for the kind, tag, address, CRC and framing of an image or a line."""


@dataclass(frozen=True)
class TopParameters:
    """Parameters of a complete machine.

    Parameters
    ----------
    link : LinkParameters
        The link, and the engine behind it.
    uart : UartParameters or None
        None for bare byte streams in place of the pins.
    every_clock : bool
        As `Link`'s; without effect with a UART, whose bytes are clocks apart.
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
        """Return the machine that runs a network on a part.

        Parameters
        ----------
        network : Network
            The network.
        profile : HardwareProfile, optional
            Profile of the machine.
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
            If no gateware computes its neurons.
        """
        engine = EngineParameters.from_network(network, profile)
        check_gateware(engine)
        # An image's longest code has a header for each run of seven rows. Half a window holds a
        # line, so that the next line is received while one is written.
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
    """Bytes of a crossbar's longest line: one per column, or its ADCs' offsets."""
    offsets = crossbar.tiling is not None and crossbar.tiling.offsets
    return crossbar.columns * (OFFSET_BITS // 8 if offsets else 1)


def join(m: Module, parameters: EngineParameters, link: Link | Bus) -> Engine:
    """Add an engine, its link or bus, and the memory of resident images between them, if any.

    Parameters
    ----------
    m : Module
        Module that receives them.
    parameters : EngineParameters
        Parameters of the engine.
    link : Link or Bus
        The link or bus.
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
        Parameters of the machine.
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
