"""Shell of a machine on a board: clock and reset, UART or USB, SDRAM, LEDs and pins.

The machine itself is a cell of another netlist (`MACHINE`). It is by far the larger part, and the
same on all boards with one kind of FPGA, so it is synthesised once for all of them.
"""

from dataclasses import dataclass
from typing import Any, Self

from amaranth.build import TemplatedPlatform
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer, ResetSynchronizer

from allspin.boards.board import Board
from allspin.boards.button import Button
from allspin.boards.lights import LightsDriver
from allspin.boards.pll import MHZ, Ecp5PllParameters, PllParameters
from allspin.boards.profiles import MARGIN, RIPUP
from allspin.boards.top import TopParameters
from allspin.hdl.link.uart import UartReceiver, UartTransmitter
from allspin.hdl.link.usb import CLOCK as USB_CLOCK, UsbPort
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.sdram_parameters import TOLERANCE, SdramParameters
from allspin.hdl.resident.sdram import pins_layout
from allspin.hdl.stream.ecp5_copies import is_ecp5
from allspin.hdl.stream.registers import RegisterSlice
from allspin.sim.errors import check_number, refused
from allspin.sim.network.network import Network

MACHINE = "machine"
"""Name of the machine's module and of its cell on the board."""
SDRAM_LATE = 0.8
"""Delay of an SDRAM's clock behind the machine's, as a share of the period.

Let T be the period in ns, and d the delay in ns of pads and wires for the clock to the memory and a
word back. For the slowest data sheet of these parts (access 5.4 ns, hold 2.5 ns; setup 1.5 ns, hold
0.8 ns):

- A word is valid from 2.8 T + 5.4 + d to 3.8 T + 2.5 + d after its command leaves a register, and
  is sampled at 4 T. So d may be from 0.2 T - 2.5 to 1.2 T - 5.4, minus and plus a register's setup
  and hold times: 0 to 9.6 ns at 80 MHz, and 0 to 6.6 ns at 100 MHz.
- Commands, whose pads are as slow as the clock's, have 0.8 T - 1.5 ns before the rising edge and
  0.2 T - 0.8 ns after it: 8.5 and 1.7 ns at 80 MHz, 6.5 and 1.2 ns at 100 MHz.

nextpnr knows no delays of pads. A delay of half a period (an inverted clock) would allow d from 3.8
to 13.4 ns at 80 MHz, which a fast part misses, and a falling edge after that less than 7.1 ns. The
numbers hold for 60 to 100 MHz.
"""
SETTLING_SECONDS = 15e-6
"""Duration of the reset once the clock is stable. An iCE40's block RAM reads as zero for 3 us after
configuration, and no signal shows when they are over."""

USB_TOLERANCE = 0.0024
"""Largest relative error of a USB port's clock: 0.25 % of USB 2.0, less a crystal's 0.01 %."""


class Pll(Elaboratable):
    """PLL of a part.

    Parameters
    ----------
    parameters : PllParameters
        Its divisors.
    source : SingleEndedPort or Signal
        Its input.
    *others
        Further arguments of `Ecp5PllParameters.instance`.

    Attributes
    ----------
    clock : Signal, 1 bit
        Its output.
    locked : Signal, 1 bit
        High while the output can be used; asynchronous.
    """

    def __init__(self, parameters: PllParameters, source: object, *others: Any) -> None:
        self.clock = Signal(name="pll_clock")
        self.locked = Signal(name="pll_locked")
        self._parameters = parameters
        self._source = source
        self._others = others

    def elaborate(self, platform: object) -> Module:
        """Build the PLL."""
        m = Module()
        m.submodules.pll = self._parameters.instance(
            self._source, self.clock, self.locked, *self._others
        )
        return m


@dataclass(frozen=True)
class ShellParameters:
    """Machine on a board.

    Parameters
    ----------
    board : Board
        The board.
    machine : TopParameters
        The machine, without a UART of its own.
    shown : tuple of bytes
        Requests of the images that the board's button shows (`allspin.boards.button.Button`); empty
        without a button.
    """

    board: Board
    machine: TopParameters
    shown: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.machine.uart is not None:
            raise ValueError("a board brings the UART: the machine must have none")
        if self.shown and not self.board.button:
            raise ValueError(f"{self.board.name} has no button that could show images")
        resident = self.machine.link.engine.resident
        if resident is not None and (sdram := resident.sdram):
            if not self.board.sdram:
                raise ValueError(f"{self.board.name} has no SDRAM that could keep images")
            check_number(
                "what an SDRAM's times are for",
                sdram.frequency / self.board.machine_frequency,
                1 - TOLERANCE,
                1 + TOLERANCE,
            )
            # The range of `SDRAM_LATE`.
            check_number("MHz of an SDRAM's clock", sdram.frequency / MHZ, 60, 100)
        if self.machine.link.frequency != self.board.machine_frequency:
            raise ValueError(
                f"the machine says {self.machine.link.frequency} Hz, "
                f"and {self.board.name} runs it at {self.board.machine_frequency}"
            )

    @classmethod
    def from_network(
        cls,
        board: Board,
        network: Network,
        profile: HardwareProfile,
        shown: tuple[bytes, ...] = (),
    ) -> Self:
        """Return the machine that runs a network on a board.

        Parameters
        ----------
        board, shown
            Parameters of the class.
        network : Network
            Network of the machine.
        profile : HardwareProfile
            Profile of the machine.

        Raises
        ------
        UserError
            If the machine is unknown.
        """
        with refused(f"{board.name} cannot run this network: "):
            machine = TopParameters.from_network(
                network, profile, frequency=board.machine_frequency, every_clock=False
            )
            return cls(board, machine, shown)


class Pads:
    """Pins of a platform; each resource is requested once.

    Parameters
    ----------
    platform : TemplatedPlatform
        The platform.
    """

    def __init__(self, platform: TemplatedPlatform) -> None:
        self._platform = platform
        self._requested: dict[tuple[str, int], Any] = {}

    def port(self, name: str, number: int = 0, signal: str = "") -> Any:
        """Return a resource's port, or that of one of its signals."""
        if (name, number) not in self._requested:
            self._requested[name, number] = self._platform.request(name, number, dir="-")
        resource = self._requested[name, number]
        return getattr(resource, signal) if signal else resource

    def named(self, path: str) -> Any:
        """Return the port that ``resource/number`` or ``resource/number/signal`` names."""
        name, number, *signal = path.split("/")
        return self.port(name, int(number), *signal)


class Shell(Elaboratable):
    """All gateware of a board except the machine.

    Parameters
    ----------
    parameters : ShellParameters
        The board and its machine.
    """

    def __init__(self, parameters: ShellParameters) -> None:
        self.parameters = parameters
        resident = parameters.machine.link.engine.resident
        self._sdram = None if resident is None else resident.sdram
        # A second output of the PLL, for the SDRAM's clock.
        late = Signal(name="sdram_clock"), SDRAM_LATE
        self._late = [late] if self._sdram else []

    def elaborate(self, platform: TemplatedPlatform) -> Module:
        """Build the shell."""
        m = Module()
        board = self.parameters.board
        pads = Pads(platform)
        source = self._elaborate_clock(m, platform, pads)

        engine = self.parameters.machine.link.engine
        m.submodules.lights = driver = LightsDriver(
            board.machine_frequency, engine.classes * engine.logit_bytes, len(board.lights.digit)
        )
        if board.link == "usb":
            received, to_host, damaged = self._elaborate_usb(m, platform, pads, source)
        else:
            received, to_host, damaged = self._elaborate_uart(m, pads)
        # Bytes are rare, so no combinational path joins the machine and the UART: `took` comes a
        # clock after a byte from the UART was taken, and a byte to the UART waits in a register.
        took = Signal()
        offered = Signal()
        machine_ready = Signal()
        m.submodules.sent = sent = RegisterSlice(8)
        wiring.connect(m, sent.o, to_host)
        if self.parameters.shown:
            button = Button(board.machine_frequency, self.parameters.shown)
            m.submodules.button = button
            wiring.connect(m, received, button.received)
            m.submodules.button_pin = pin = io.Buffer(io.Direction.Input, pads.named(board.button))
            m.d.comb += [button.pressed.eq(pin.i), button.programmed.eq(driver.programmed)]
            received = button.o
        m.d.comb += [offered.eq(received.valid & ~took), received.ready.eq(took)]
        m.d.sync += took.eq(offered & machine_ready)

        sdram = {}
        if self._sdram is not None:
            sdram = self._elaborate_sdram(m, pads, self._sdram)
        m.submodules.machine = Instance(
            MACHINE,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_received__payload=received.payload,
            i_received__valid=offered,
            o_received__ready=machine_ready,
            o_sent__payload=sent.i.payload,
            o_sent__valid=sent.i.valid,
            i_sent__ready=sent.i.ready,
            **sdram,
        )

        came = Signal()
        m.d.sync += [
            came.eq(sent.i.valid & sent.i.ready),
            # In registers, since LEDs may be at the other end of the part.
            driver.byte.eq(sent.o.payload),
            driver.taken.eq(came),
            driver.damaged.eq(damaged),
        ]
        self._elaborate_lights(m, pads, driver)
        return m

    def _elaborate_uart(self, m: Module, pads: Pads) -> tuple[Any, Any, Value]:
        """Build the UART; return its received and sent bytes, and the signal of damaged ones."""
        board = self.parameters.board
        m.submodules.receiver = receiver = UartReceiver(board.uart_parameters)
        m.submodules.transmitter = transmitter = UartTransmitter(board.uart_parameters)
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, pads.port(board.uart, 0, "rx"))
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, pads.port(board.uart, 0, "tx"))
        m.d.comb += [receiver.rx.eq(rx.i), tx.o.eq(transmitter.tx)]
        damaged = receiver.framing_error | receiver.overrun
        return receiver.received, transmitter.sent, damaged

    def _elaborate_usb(
        self, m: Module, platform: TemplatedPlatform, pads: Pads, source: Any
    ) -> tuple[Any, Any, Value]:
        """Build a USB port, which damages no bytes, and its clock; return the same signals."""
        board = self.parameters.board
        clock = Signal(name="usb_clock", attrs={"keep": 1})
        unready: Value = ResetSignal()
        if board.source_frequency == USB_CLOCK:
            m.d.comb += clock.eq(source)
        else:
            parameters = Ecp5PllParameters.search(board.source_frequency, USB_CLOCK)
            error = parameters.frequency / USB_CLOCK - 1
            check_number("error of the USB port's clock", error, -USB_TOLERANCE, USB_TOLERANCE)
            m.submodules.usb_pll = made = Pll(parameters, source)
            m.d.comb += clock.eq(made.clock)
            unready = unready | ~made.locked
        platform.add_clock_constraint(clock, USB_CLOCK)
        m.domains.usb_io = ClockDomain()
        m.d.comb += ClockSignal("usb_io").eq(clock)
        m.submodules.usb_reset = ResetSynchronizer(unready, domain="usb_io")

        m.submodules.usb = port = UsbPort(f"allspin on {board.title}")
        for place, name in enumerate(("d_p", "d_n")):
            pin = io.Buffer(io.Direction.Bidir, pads.named(f"{board.wires}/{name}"))
            m.submodules[name] = pin
            m.d.comb += [
                port.wires_in[place].eq(pin.i),
                pin.o.eq(port.wires_out[place]),
                pin.oe.eq(port.driven),
            ]
        pullup = io.Buffer(io.Direction.Output, pads.named(f"{board.wires}/pullup"))
        m.submodules.pullup = pullup
        m.d.comb += pullup.o.eq(port.attached)
        return port.received, port.sent, Const(0)

    def _elaborate_sdram(
        self, m: Module, pads: Pads, parameters: SdramParameters
    ) -> dict[str, Any]:
        """Build the SDRAM's pins, each with a register; its clock is late by `SDRAM_LATE`."""
        m.domains.sdram = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal("sdram").eq(self._late[0][0])
        pins = Signal(pins_layout(parameters))
        read = Signal(parameters.width)
        port = pads.named(self.parameters.board.sdram)
        clock: Any = io.DDRBuffer(io.Direction.Output, port.clk, o_domain="sdram")
        m.submodules.sdram_clock = clock
        m.submodules.sdram_words = words = io.FFBuffer(io.Direction.Bidir, port.dq)
        m.d.comb += [
            clock.o[0].eq(1),
            words.o.eq(pins.word),
            words.oe.eq(pins.drives),
            read.eq(words.i),
        ]
        sent = {"ras": pins.ras, "cas": pins.cas, "we": pins.we, "ba": pins.bank, "a": pins.address}
        for name, value in {**sent, "clk_en": Const(1), "cs": Const(1), "dqm": Const(0)}.items():
            if hasattr(port, name):
                buffer = io.FFBuffer(io.Direction.Output, getattr(port, name))
                m.submodules[f"sdram_{name}"] = buffer
                m.d.comb += buffer.o.eq(value)
        return {"o_sdram": pins, "i_sdram_read": read}

    def _elaborate_lights(self, m: Module, pads: Pads, driver: LightsDriver) -> None:
        """Build the LEDs, and the outputs that are held at a level."""
        board = self.parameters.board
        lights = board.lights
        shown = {
            lights.programmed: driver.programmed,
            lights.streaming: driver.streaming,
            lights.error: driver.error,
            **{led: driver.digit[bit] for bit, led in enumerate(lights.digit)},
        }
        for path, value in {**shown, **dict.fromkeys(board.inactive, Const(0))}.items():
            if path:
                name = path.replace("/", "_")
                m.submodules[name] = buffer = io.Buffer(io.Direction.Output, pads.named(path))
                m.d.comb += buffer.o.eq(value)
        for path, button in board.raised:
            m.submodules[f"{button.replace('/', '_')}_pin"] = pin = io.Buffer(
                io.Direction.Input, pads.named(button)
            )
            raised = pads.named(path)
            m.submodules[path.replace("/", "_")] = buffer = io.Buffer(io.Direction.Output, raised)
            # High until the button is pressed, whatever the pin's polarity is.
            pressed = Signal()
            m.submodules[f"{button.replace('/', '_')}_level"] = FFSynchronizer(pin.i, pressed)
            m.d.comb += buffer.o.eq(~pressed ^ raised.invert[0])

    def _elaborate_clock(self, m: Module, platform: TemplatedPlatform, pads: Pads) -> Any:
        """Build the domain ``sync``: its clock, and a reset until the clock is stable.

        Returns
        -------
        SingleEndedPort or Signal
            The clock on the board.
        """
        board = self.parameters.board
        source = pads.port(board.clock_name)
        pll = board.pll_parameters
        # The timing constraint refers to this name.
        clock = Signal(name="machine_clock", attrs={"keep": 1})
        good = Signal()
        if pll is None or not getattr(pll, "pad", False):
            m.submodules.clock = buffer = io.Buffer(io.Direction.Input, source)
            source = buffer.i
        if pll is None:
            m.d.comb += [clock.eq(source), good.eq(1)]
        else:
            m.submodules.pll = made = Pll(pll, source, *self._late)
            m.d.comb += [clock.eq(made.clock), good.eq(made.locked)]
        asked = MARGIN if RIPUP in board.profile().routing else 1
        platform.add_clock_constraint(clock, asked * board.machine_frequency)

        if platform.default_rst is not None:
            m.submodules.reset_pin = pin = io.Buffer(
                io.Direction.Input, pads.port(platform.default_rst)
            )
            bad = Signal()
            m.d.comb += bad.eq(~good | pin.i)
        else:
            bad = ~good
        m.domains.settling = settling = ClockDomain(local=True)
        m.domains.sync = ClockDomain()
        m.d.comb += [settling.clk.eq(clock), ClockSignal().eq(clock)]  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
        m.submodules.settling_reset = ResetSynchronizer(bad, domain="settling")
        clocks = round(SETTLING_SECONDS * board.machine_frequency)
        left = Signal(range(clocks + 1), init=clocks)
        over = Signal()
        unsettled = Signal(init=1)  # a register alone: its wire crosses the whole part
        m.d.settling += unsettled.eq(~over)
        with m.If(left == 0):
            m.d.settling += over.eq(1)
        with m.Else():
            m.d.settling += left.eq(left - 1)
        reset = unsettled
        if is_ecp5(platform):
            # On a clock net, which reaches the whole part quickly.
            reset = Signal()
            m.submodules.reset_net = Instance("DCCA", i_CLKI=unsettled, o_CLKO=reset)
        m.d.comb += ResetSignal().eq(reset)
        return source
