"""The shell at work: its PLL locks late, its machine makes bytes wait, and buttons are pressed.

Cells of the part, and the machine, are models here; pins are those of amaranth-boards.
"""

import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Fragment,
    Instance,
    Module,
    Mux,
    Signal,
    Value,
)
from amaranth.lib import io
from amaranth.sim import Simulator

from allspin.boards import lights
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import MACHINE, SETTLING_SECONDS, Shell, ShellParameters
from allspin.boards.top import Top
from allspin.hdl.link.protocol import Answer
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.frames import encode_frame
from allspin.host.link.transport import Disconnected, Transport
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.link.usb_host import LEVELS, UsbHost
from tests.processes import PATIENCE

NETWORK, PROFILE = random_network((6, 3, 2), 0), HardwareProfile(lanes=1)
LOCK_SECONDS = 3 * SETTLING_SECONDS
"""A PLL that takes its time: the part's may take 15 ms."""
PLLS = {"EHXPLLL": ("CLKOS", "CLKOP"), "SB_PLL40_CORE": ("PLLOUTGLOBAL",)}
"""Outputs of a PLL, of which the first that a board has is its clock."""


class Desk:
    """A platform whose pins are signals, where a board's are.

    Attributes
    ----------
    pins : dict of str to SimulationPort
        Each pin that was asked for, as a board's file names it.
    """

    def __init__(self, board: Any) -> None:
        self._platform = board.create_platform()
        self.family = getattr(self._platform, "family", None)
        self.device = getattr(self._platform, "device", "")
        self.default_rst = self._platform.default_rst
        self.pins: dict[str, io.SimulationPort] = {}

    def add_clock_constraint(self, *_: object) -> None:
        """Accept a constraint without effect: a simulation places no cell."""

    def request(self, name: str, number: int, dir: str) -> Any:
        """The port of a resource, or one with a port for each of its signals."""
        resource = self._platform.lookup(name, number)
        path = f"{name}/{number}"
        if hasattr(resource.ios[0], "names"):
            return self._port(path, resource.ios[0])
        ports = {part.name: part.ios[0] for part in resource.ios}
        made = {key: self._port(f"{path}/{key}", pins) for key, pins in ports.items()}
        return type("Ports", (), made)

    def _port(self, path: str, pins: Any) -> io.SimulationPort:
        invert, width = getattr(pins, "invert", False), len(pins)
        self.pins[path] = io.SimulationPort(pins.dir, width, invert=invert, name=path)
        return self.pins[path]


class Bench:
    """A board, seen from the pins.

    Parameters
    ----------
    name : str
        Name of the board.
    lock : bool
        Whether the PLL is locked from the start.
    shown : tuple of bytes
        See `ShellParameters`.
    whole : bool
        True for the machine itself in place of its model.
    **others
        Arguments of `Board.running`.

    Attributes
    ----------
    taken : bytearray
        Bytes that the machine took.
    answers : deque of int
        Bytes that the machine is going to send.
    heard : bytearray
        Bytes that came out of the UART.
    cells : dict of str to dict of str to Signal
        The ports of each cell, by the cell's type; those of further ones by type and number.
    """

    def __init__(
        self,
        name: str,
        *,
        lock: bool = True,
        shown: tuple[bytes, ...] = (),
        whole: bool = False,
        **others: Any,
    ) -> None:
        board = find_boards()[name]
        self.board = board.running(next(iter(board.profiles)), **others)
        self.desk = Desk(self.board)
        parameters = ShellParameters.from_network(self.board, NETWORK, PROFILE, shown)
        self._top = Module()
        self._top.submodules.shell = shell = Fragment.get(Shell(parameters), self.desk)
        self.cells: dict[str, dict[str, Any]] = {}
        self._collect(shell)
        self._whole = whole
        if whole:
            self._top.submodules.machine = machine = Top(parameters.machine)
            ports = self.cells[MACHINE]
            self._top.d.comb += [
                machine.received.payload.eq(ports["received__payload"]),
                machine.received.valid.eq(ports["received__valid"]),
                ports["received__ready"].eq(machine.received.ready),
                ports["sent__payload"].eq(machine.sent.payload),
                ports["sent__valid"].eq(machine.sent.valid),
                machine.sent.ready.eq(ports["sent__ready"]),
            ]
        self._said, self._speaks = Signal(2), Signal()
        if self.board.link == "usb":
            self._join_usb()
        self.taken, self.heard = bytearray(), bytearray()
        self.answers: deque[int] = deque()
        self._lock = lock
        self._random = random.Random(1)

    def _collect(self, fragment: Any) -> None:
        if isinstance(fragment, Instance):
            cell: Any = fragment
            alike = sum(name.split()[0] == cell.type for name in self.cells)
            name = f"{cell.type} {alike + 1}" if alike else cell.type
            ports = self.cells[name] = {}
            for name, (value, kind) in cell.ports.items():
                ports[name] = value
                if kind == "i":  # it may be a domain's clock or reset
                    ports[name] = Signal(Value.cast(value).shape())
                    self._top.d.comb += ports[name].eq(value)
        parts: Any = fragment
        for part, *_ in parts.subfragments:
            self._collect(part)

    def _join_usb(self) -> None:
        # The clock on the board, which else only the PLL's model sees.
        self._top.domains.crystal = ClockDomain()
        self._top.d.comb += self.desk.pins[f"{self.board.clock_name}/0"].i.eq(
            ClockSignal("crystal")
        )
        d_p, d_n, pullup = (
            self.desk.pins[f"{self.board.wires}/{name}"] for name in ("d_p", "d_n", "pullup")
        )
        nobody = Mux(pullup.o, LEVELS["J"], LEVELS["_"])
        level = Mux(d_p.oe, Cat(d_p.o, d_n.o), Mux(self._speaks, self._said, nobody))
        self._top.d.comb += Cat(d_p.i, d_n.i).eq(level)

    def usb_host(self, ctx: Any) -> UsbHost:
        """A host on the USB port's wires."""

        def drive(ctx: Any, level: int | None) -> None:
            ctx.set(self._speaks, level is not None)
            ctx.set(self._said, level or 0)

        pins = [self.desk.pins[f"{self.board.wires}/{name}"].i for name in ("d_p", "d_n")]
        return UsbHost(ctx, drive, lambda ctx: ctx.get(Cat(*pins)))

    def pll(self) -> tuple[Any, Any]:
        """Ports of the PLL's clock and of its lock."""
        [kind] = PLLS.keys() & self.cells.keys()
        return self._clock_and_lock(kind, self.cells[kind])

    def usb_pll(self) -> tuple[Any, Any]:
        """Ports of the clock and the lock of the second PLL, which makes the USB port's clock."""
        return self._clock_and_lock("EHXPLLL", self.cells["EHXPLLL 2"])

    @staticmethod
    def _clock_and_lock(kind: str, ports: dict[str, Any]) -> tuple[Any, Any]:
        clock = next(name for name in PLLS[kind] if name in ports)
        return ports[clock], ports["LOCK"]

    def set_lock(self, ctx: Any, locked: int) -> None:
        """The PLL locks, or loses its lock."""
        ctx.set(self.pll()[1], locked)

    async def clock(self, ctx: Any) -> None:
        """The PLL's clock, with a random period until the PLL is locked."""
        clock, locked = self.pll()
        half = 0.5 / self.board.machine_frequency
        while True:
            for level in (1, 0):
                off = 1.0 if ctx.get(locked) else self._random.uniform(0.5, 1.5)
                await ctx.delay(half * off)
                ctx.set(clock, level)

    async def net(self, ctx: Any) -> None:
        """An ECP5's net for clocks."""
        if ports := self.cells.get("DCCA"):
            while True:
                ctx.set(ports["CLKO"], ctx.get(ports["CLKI"]))
                await ctx.changed(ports["CLKI"])

    async def machine(self, ctx: Any) -> None:
        """Model of the machine: it makes bytes wait at random, and sends its answers."""
        ports, (clock, _) = self.cells[MACHINE], self.pll()
        ready, wait = ports["received__ready"], 0
        names = "rst", "received__valid", "received__payload", "sent__ready"
        sampled = [ports[name] for name in names]
        offers = False
        while True:
            _, rst, valid, byte, taken = await ctx.posedge(clock).sample(*sampled)
            if rst:
                ctx.set(ready, 0)
                continue
            if ctx.get(ready) and valid:
                self.taken.append(byte)
            wait = wait - 1 if wait else self._random.choice((0, 0, 3, 40))
            ctx.set(ready, wait == 0)
            if offers and taken:
                self.answers.popleft()
            offers = bool(self.answers)
            ctx.set(ports["sent__valid"], offers)
            ctx.set(ports["sent__payload"], self.answers[0] if offers else 0)

    async def listener(self, ctx: Any) -> None:
        """The host's end of the wire, by the rate alone."""
        wire = self.desk.pins["uart/0/tx"].o
        while True:
            await ctx.negedge(wire)
            await ctx.delay(0.5 / self.board.baud)
            bits = []
            for _ in range(9):
                await ctx.delay(1 / self.board.baud)
                bits.append(ctx.get(wire))
            assert bits[8] == 1
            self.heard.append(sum(bit << place for place, bit in enumerate(bits[:8])))

    async def say(self, ctx: Any, data: bytes) -> None:
        """Send bytes of the host, without a gap."""
        for byte in data:
            for bit in (0, *(byte >> place & 1 for place in range(8)), 1):
                ctx.set(self.desk.pins["uart/0/rx"].i, bit)
                await ctx.delay(1 / self.board.baud)

    async def wait(self, ctx: Any, seconds: float) -> None:
        """Let time pass."""
        await ctx.delay(seconds)

    def in_reset(self, ctx: Any) -> bool:
        """Whether the machine is in reset."""
        return bool(ctx.get(self.cells[MACHINE]["rst"]))

    async def until_reset_ends(self, ctx: Any) -> float:
        """Wait for the end of the reset, and return its duration in seconds."""
        waited, step = 0.0, SETTLING_SECONDS / 50
        while self.in_reset(ctx):
            await self.wait(ctx, step)
            waited += step
            assert waited < 2 * SETTLING_SECONDS
        return waited

    def run(self, script: Callable[..., Any]) -> None:
        """Run a script to its end."""
        simulator = Simulator(self._top)
        wire = () if self.board.link == "usb" else (self.listener,)
        machine = () if self._whole else (self.machine,)
        if not wire:
            simulator.add_clock(1 / self.board.source_frequency, domain="crystal")
        for process in (self.clock, self.net, *wire, *machine):
            simulator.add_testbench(process, background=True)

        async def bench(ctx: Any) -> None:
            self.set_lock(ctx, self._lock)
            if wire:
                ctx.set(self.desk.pins["uart/0/rx"].i, 1)
            for path in self.desk.pins:
                if path.startswith(("rst", "button", "boot")):
                    self.press(ctx, path, 0)
            await script(ctx, self)

        simulator.add_testbench(bench)
        simulator.run()

    def press(self, ctx: Any, path: str, pressed: int) -> None:
        """Hold a button, or let it go."""
        pin = self.desk.pins[path]
        ctx.set(pin.i, pressed ^ pin.invert[0])


def reset_takes(seconds: float) -> bool:
    """True if the reset's duration is right, counted from when its causes have gone."""
    return SETTLING_SECONDS <= seconds <= 1.1 * SETTLING_SECONDS


@pytest.mark.parametrize("name", ["ecpix-5", "upduino-v3"])
def test_the_machine_is_in_reset_until_the_pll_has_been_locked_for_long_enough(name: str) -> None:
    async def script(ctx: Any, bench: Bench) -> None:
        for _ in range(30):
            await ctx.delay(LOCK_SECONDS / 30)
            assert bench.in_reset(ctx)
        bench.set_lock(ctx, 1)
        assert reset_takes(await bench.until_reset_ends(ctx))
        # A lock that is lost is a reset, at once.
        bench.set_lock(ctx, 0)
        await ctx.delay(10 / bench.board.machine_frequency)
        assert bench.in_reset(ctx)

    Bench(name, lock=False).run(script)


def test_the_usb_port_attaches_once_its_pll_has_locked() -> None:
    async def script(ctx: Any, bench: Bench) -> None:
        clock, locked = bench.usb_pll()
        pullup = bench.desk.pins[f"{bench.board.wires}/pullup"]

        async def run(clocks: int) -> None:
            for _ in range(clocks):
                await ctx.delay(0.5 / 48e6)
                ctx.set(clock, 1)
                await ctx.delay(0.5 / 48e6)
                ctx.set(clock, 0)

        ctx.set(locked, 0)
        await bench.until_reset_ends(ctx)
        for _ in range(40):
            await run(10)
            assert not ctx.get(pullup.o)
        ctx.set(locked, 1)
        await run(400)
        assert ctx.get(pullup.o)
        # A lock that is lost takes the device from the bus.
        ctx.set(locked, 0)
        await run(10)
        assert not ctx.get(pullup.o)

    Bench("ulx3s-25f", link="usb", frequency=12_500_000).run(script)


def test_a_board_s_button_resets_the_machine() -> None:
    async def script(ctx: Any, bench: Bench) -> None:
        assert reset_takes(await bench.until_reset_ends(ctx))
        bench.press(ctx, "rst/0", 1)
        await ctx.delay(10 / bench.board.machine_frequency)
        assert bench.in_reset(ctx)
        await ctx.delay(2 * SETTLING_SECONDS)
        assert bench.in_reset(ctx)
        bench.press(ctx, "rst/0", 0)
        assert reset_takes(await bench.until_reset_ends(ctx))

    Bench("ecpix-5").run(script)


# 5.2 and 34 clocks a bit.
@pytest.mark.parametrize("name", ["upduino-v3", pytest.param("ulx3s-85f", marks=pytest.mark.long)])
def test_no_byte_is_lost_between_the_uart_and_a_machine_that_makes_it_wait(name: str) -> None:
    said, answered = bytes(range(0, 240, 17)), b"\0\xff\x55 more than the wire takes"

    async def script(ctx: Any, bench: Bench) -> None:
        await bench.until_reset_ends(ctx)
        bench.answers += answered
        await bench.say(ctx, said)
        await ctx.delay(12 * (1 + len(answered)) / bench.board.baud)
        assert (bytes(bench.taken), bytes(bench.heard)) == (said, answered)

    Bench(name).run(script)


def test_a_ulx3s_s_esp32_is_told_to_stay_away_until_the_button_is_pressed() -> None:
    """The button PWR is low while it is pressed, opposite to the logic's view."""

    async def script(ctx: Any, bench: Bench) -> None:
        gpio0 = bench.desk.pins["esp32/0/gpio0"]
        for pressed in (0, 1, 0):
            bench.press(ctx, "button_pwr/0", pressed)
            await ctx.delay(1e-6)
            assert (ctx.get(bench.desk.pins["button_pwr/0"].i), ctx.get(gpio0.oe)) == (
                1 - pressed,
                1,
            )
            assert ctx.get(gpio0.o) == 1 - pressed

    Bench("ulx3s-12f").run(script)


def test_only_the_orangecrab_s_button_loads_its_boot_loader() -> None:
    async def script(ctx: Any, bench: Bench) -> None:
        pin = bench.desk.pins["program/0"]
        bench.press(ctx, "boot/0", 1)  # the button is unknown before the first clock cycle
        assert ctx.get(pin.o) == 1
        for pressed in (0, 1, 0):
            bench.press(ctx, "boot/0", pressed)
            await ctx.delay(1e-6)
            assert (ctx.get(pin.oe), ctx.get(pin.o)) == (1, 1 - pressed)

    Bench("orangecrab-25f").run(script)


class UsbTransport(Transport):
    """A host's driver of serial ports, in step with the simulator, which is slow."""

    name = "a port on USB"
    latency = timeout = probe_timeout = 1e6

    def __init__(self) -> None:
        self.asked: Queue[bytes | None] = Queue()
        self.heard: Queue[bytes | None] = Queue()

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        self.asked.put(data)
        if (heard := self.heard.get()) is None:
            raise Disconnected("the simulation is over")
        return len(data), heard

    def close(self) -> None:
        self.asked.put(None)


@pytest.mark.long
def test_every_logit_comes_through_usb() -> None:
    """From the host's programs to D+ and D-, through both clocks, the machine, and back."""
    transport, images = UsbTransport(), random_images(NETWORK, 4, 1)

    def ask() -> Any:
        try:
            machine = LinkedMachine(transport)
            machine.load(NETWORK)
            return machine.stream(images), machine.resent
        finally:
            transport.close()

    async def script(ctx: Any, bench: Bench) -> None:
        await bench.until_reset_ends(ctx)
        host = bench.usb_host(ctx)
        await host.reset()  # it keeps the address 0
        while (data := transport.asked.get(timeout=PATIENCE)) is not None:
            got = await host.exchange(4, data, lambda _: True)
            if not got:
                await host.idle(60)
                got = await host.take(4) or b""
            transport.heard.put(got)

    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(ask)
        try:
            Bench("orangecrab-25f", whole=True, frequency=12_000_000).run(script)
        finally:
            transport.heard.put(None)
        found, resent = answers.result()
    assert resent == 0
    np.testing.assert_array_equal(found.logits, reference.logits(NETWORK, images))


def test_a_button_shows_an_image_once_the_machine_has_been_programmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lights, "TICK_SECONDS", 1e-6)
    frames = b"\x03abc\0", b"\x02x\0"

    async def press(ctx: Any, bench: Bench) -> None:
        for pressed in (1, 0):
            bench.press(ctx, "button_fire/0", pressed)
            await ctx.delay(20e-6)

    async def script(ctx: Any, bench: Bench) -> None:
        await bench.until_reset_ends(ctx)
        await press(ctx, bench)
        assert not bench.taken
        bench.answers += b"\0" + encode_frame(bytes([Answer.WRITTEN, 1, 0, 9]))
        await ctx.delay(40e-6)
        assert ctx.get(bench.desk.pins["led/0"].o)
        await press(ctx, bench)
        await press(ctx, bench)
        assert bytes(bench.taken) == b"".join(b"\0" + frame for frame in frames)

    Bench("ulx3s-85f", shown=frames).run(script)
