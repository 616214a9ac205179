"""The memory of resident images: beats, packed for block RAM.

A beat has a slot for each row that is driven in a clock. Slot k drives the rows whose number
is k modulo the number of slots; a slot's *step* counts them.
"""

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters import CrossbarParameters, distance_bits
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.ecp5 import WordMemory, copies, is_ecp5

COLUMN_BITS = 9
COLUMN_LINES = 2048
"""A DP16KD as a column of words."""
PLANE_LINES = 16384
"""A DP16KD as a column of bits."""
MEMORIES_PER_COPY = 8
"""Memories that one register of the address drives."""
BANKS_PER_HOP = 2
"""Banks between two registers of the write bus."""
WAYS_BITS = 2
WAYS = 2**WAYS_BITS
"""Banks that are brought together between two registers."""


class PackedLayout(data.StructLayout):
    """A beat as the memory holds it.

    Members
    -------
    slots : array of struct
        ``distance``: steps from the one that the slot drove in the beat before, in an image's
        first beat from step 0. ``value``: what the row is driven with; 0 drives nothing.
    last : 1 bit
        The image's last beat.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        slot = data.StructLayout(
            {
                "distance": distance_bits(parameters.value_bits),
                "value": parameters.value_bits,
            }
        )
        super().__init__({"slots": data.ArrayLayout(slot, parameters.rows_per_clock), "last": 1})


class BeatMemory(wiring.Component):
    """Packed beats.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
    beats : int
        How many fit.

    Attributes
    ----------
    write : In(1)
        Store `stored` at `place`.
    place : In
        Where to.
    stored : In
        `PackedLayout`.
    address : In
        What to read.
    beat : Out
        `PackedLayout`: what was at `address` `latency` clocks ago.
    latency : int
        In clocks.
    settling : int
        Clocks from `write` to the beat in its place.
    """

    write: Signal
    place: Signal
    stored: data.View
    address: Signal
    beat: data.View

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self._beats = beats
        self._layout = PackedLayout(parameters)
        self.latency = 2
        self.settling = 1
        super().__init__(
            {
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(self._layout),
                "address": In(range(beats)),
                "beat": Out(self._layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        m.submodules.memory = memory = block_memory(self._layout, self._beats)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.place),
            write.data.eq(self.stored),
            write.en.eq(self.write),
            read.addr.eq(self.address),
        ]
        # The first register is the block's own; the second ends the time that it takes.
        first = Signal(self._layout, reset_less=True)
        second = Signal(self._layout, reset_less=True)
        m.d.sync += [first.eq(read.data), second.eq(first)]
        m.d.comb += self.beat.eq(second)
        return m


class BitMemory(wiring.Component):
    """One block RAM of single bits with its output register: a bit comes two clocks after its
    address.

    Parameters
    ----------
    lines : int
        Bits that are used, at most `PLANE_LINES`.

    Attributes
    ----------
    address : In
        Which bit to read.
    bit : Out(1)
        It.
    write : In(1)
        Store `stored` at `place`.
    place, stored : In
        Where, and what.
    """

    address: Signal
    bit: Signal
    write: Signal
    place: Signal
    stored: Signal

    def __init__(self, lines: int) -> None:
        self._lines = lines
        super().__init__(
            {
                "address": In(range(lines)),
                "bit": Out(1),
                "write": In(1),
                "place": In(range(lines)),
                "stored": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        if is_ecp5(platform):
            self._elaborate_block(m)
            return m
        m.submodules.memory = memory = block_memory(1, self._lines)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        first = Signal(reset_less=True)
        second = Signal(reset_less=True)
        m.d.comb += [
            write.addr.eq(self.place),
            write.data.eq(self.stored),
            write.en.eq(self.write),
            read.addr.eq(self.address),
            self.bit.eq(second),
        ]
        m.d.sync += [first.eq(read.data), second.eq(first)]
        return m

    def _elaborate_block(self, m: Module) -> None:
        zero, one = Const(0, 1), Const(1, 1)
        ports: dict[str, Any] = {"i_WEA": self.write, "i_WEB": zero, "o_DOB0": self.bit}
        for side, address in (("A", self.place), ("B", self.address)):
            ports |= {
                f"i_CLK{side}": ClockSignal(),
                f"i_CE{side}": one,
                f"i_OCE{side}": one,
                f"i_RST{side}": zero,
            }
            for bit in range(14):
                ports[f"i_AD{side}{bit}"] = address[bit] if bit < len(address) else zero
            for bit in range(18):
                ports[f"i_DI{side}{bit}"] = self.stored if (side, bit) == ("A", 0) else zero
            for number in range(3):
                ports[f"i_CS{side}{number}"] = zero
        m.submodules.block = Instance(
            "DP16KD",
            p_DATA_WIDTH_A=1,
            p_DATA_WIDTH_B=1,
            p_REGMODE_A="OUTREG",
            p_REGMODE_B="OUTREG",
            p_RESETMODE="SYNC",
            p_ASYNC_RESET_RELEASE="SYNC",
            p_CSDECODE_A="0b000",
            p_CSDECODE_B="0b000",
            p_CLKAMUX="CLKA",
            p_CLKBMUX="CLKB",
            p_WRITEMODE_A="NORMAL",
            p_WRITEMODE_B="NORMAL",
            p_GSR="AUTO",
            **ports,
        )


def column_widths(parameters: CrossbarParameters) -> list[int]:
    """Bits of each column of block RAM that the slots of a beat take, lowest first."""
    slot = distance_bits(parameters.value_bits) + parameters.value_bits
    widths = [COLUMN_BITS] * (slot // COLUMN_BITS) + [slot % COLUMN_BITS] * (slot % COLUMN_BITS > 0)
    return widths * parameters.rows_per_clock


def beat_blocks(parameters: CrossbarParameters, beats: int) -> int:
    """Block RAMs of an ECP5 that a memory of so many beats takes."""
    columns = len(column_widths(parameters))
    return columns * -(-beats // COLUMN_LINES) + -(-beats // PLANE_LINES)


def most_beats(parameters: CrossbarParameters, blocks: int) -> int:
    """Beats that fit so many block RAMs of an ECP5, in whole blocks; 0 if not one."""
    columns = len(column_widths(parameters))
    banks = blocks // columns
    while banks and beat_blocks(parameters, banks * COLUMN_LINES) > blocks:
        banks -= 1
    return banks * COLUMN_LINES


class EcpBeatMemory(wiring.Component):
    """As `BeatMemory`, with the same ports, for an ECP5's clock; only the latency differs.

    Each slot is a column of block RAMs of nine bits, and what says whether a beat is its
    image's last a column of single bits. Between any two registers there is no more than one
    block RAM, one stage of a multiplexer, or one way across the chip.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar that is fed.
    beats : int
        How many fit.

    Attributes
    ----------
    write, place, stored, address, beat, latency, settling
        As of `BeatMemory`.
    """

    write: Signal
    place: Signal
    stored: data.View
    address: Signal
    beat: data.View

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        self._beats = beats
        self._layout = PackedLayout(parameters)
        self._widths = column_widths(parameters)
        self._levels = 0
        while WAYS**self._levels * COLUMN_LINES < beats:
            self._levels += 1
        self.latency = 3 + self._levels
        banks = -(-beats // COLUMN_LINES)
        self.settling = -(-banks // BANKS_PER_HOP) + 1
        super().__init__(
            {
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(self._layout),
                "address": In(range(beats)),
                "beat": Out(self._layout),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        banks = -(-self._beats // COLUMN_LINES)
        planes = -(-self._beats // PLANE_LINES)
        column_bits = COLUMN_LINES.bit_length() - 1
        plane_bits = PLANE_LINES.bit_length() - 1
        memories = banks * len(self._widths) + planes
        addresses = copies(m, platform, self.address, -(-memories // MEMORIES_PER_COPY), "address")

        # What is written passes from bank to bank.
        bus = data.StructLayout({"write": 1, "place": self.place.shape(), "stored": self._layout})
        upstream: Any = Signal(bus, name="bus_in")
        m.d.comb += [
            upstream.write.eq(self.write),
            upstream.place.eq(self.place),
            upstream.stored.eq(self.stored),
        ]
        hops = []
        before = []
        for number in range(-(-banks // BANKS_PER_HOP)):
            hop = Signal(bus, name=f"bus_{number}")
            m.d.sync += hop.eq(upstream)
            before.append(upstream)
            hops.append(hop)
            upstream = hop

        def enabled(number: int, shift: int, name: str) -> Signal:
            """A bank's write enable, in a register beside what is written."""
            hop = before[-1] if shift == plane_bits else before[number // BANKS_PER_HOP]
            enable = Signal(name=f"{name}_{number}_enable")
            m.d.sync += enable.eq(hop.write & (hop.place[shift:] == number))
            return enable

        driven = 0

        def address() -> Value:
            nonlocal driven
            driven += 1
            return addresses[(driven - 1) // MEMORIES_PER_COPY]

        words: list[Value] = []
        for bank in range(banks):
            hop = hops[bank // BANKS_PER_HOP]
            packed = hop.stored.as_value()
            lines = min(COLUMN_LINES, self._beats - bank * COLUMN_LINES)
            enable = enabled(bank, column_bits, "bank")
            parts: list[Value] = []
            low = 0
            for column, width in enumerate(self._widths):
                memory = WordMemory(lines, 1, width)
                m.submodules[f"bank_{bank}_column_{column}"] = memory
                m.d.comb += [
                    memory.address.eq(address()),
                    memory.write_enable.eq(enable),
                    memory.write_address.eq(hop.place),
                    memory.word.eq(packed[low : low + width]),
                ]
                parts.append(memory.words.as_value())
                low += width
            words.append(Cat(parts))
        lasts: list[Value] = []
        for plane in range(planes):
            memory = BitMemory(min(PLANE_LINES, self._beats - plane * PLANE_LINES))
            m.submodules[f"plane_{plane}"] = memory
            m.d.comb += [
                memory.address.eq(address()),
                memory.write.eq(enabled(plane, plane_bits, "plane")),
                memory.place.eq(hops[-1].place),
                memory.stored.eq(hops[-1].stored.last),
            ]
            lasts.append(memory.bit)

        # Which bank it is follows the address, and brings the banks together step by step.
        chosen: Value = self.address[column_bits:]
        for clock in range(3):
            later = Signal(len(chosen), name=f"bank_{clock}", reset_less=True)
            m.d.sync += later.eq(chosen)
            chosen = later
        plane_shift = plane_bits - column_bits
        for level in range(self._levels):
            low = WAYS_BITS * level
            words = _choose(m, words, chosen[low : low + WAYS_BITS], f"words_{level}")
            chosen_plane = (
                chosen[plane_shift : plane_shift + WAYS_BITS] if level == 0 else Const(0, 0)
            )
            lasts = _choose(m, lasts, chosen_plane, f"last_{level}")
            later = Signal(len(chosen), name=f"bank_of_{level}", reset_less=True)
            m.d.sync += later.eq(chosen)
            chosen = later
        (word,), (last,) = words, lasts
        m.d.comb += self.beat.eq(Cat(word, last))
        return m


def _choose(m: Module, values: list[Value], which: Value, name: str) -> list[Value]:
    """Registers of one in each `WAYS` values, all by the same choice."""
    chosen = []
    for first in range(0, len(values), WAYS):
        group = values[first : first + WAYS]
        register = Signal(len(values[0]), name=f"{name}_{first}", reset_less=True)
        with m.Switch(which):
            for number, value in enumerate(group[1:], start=1):
                with m.Case(number):
                    m.d.sync += register.eq(value)
            with m.Default():
                m.d.sync += register.eq(group[0])
        chosen.append(register)
    return chosen
