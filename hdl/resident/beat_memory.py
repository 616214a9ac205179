"""Memory of resident images: beats, packed for block RAM.

A beat has a slot for each row that is driven in a clock. Slot k drives the rows whose number is k
modulo the number of slots; a slot's *step* counts these rows.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.profile import distance_bits
from allspin.hdl.resident.plain_memory import BitMemory, PlainMemory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import copies
from allspin.hdl.stream.ecp5_memory import WordMemory
from allspin.hdl.stream.registers import later

COLUMN_BITS = 9

COLUMN_LINES = 2048
"""Lines of a DP16KD as a column of words."""

PLANE_LINES = 16384
"""Lines of a DP16KD as a column of bits."""

MEMORIES_PER_COPY = 8
"""Memories that one register of the address drives."""

BANKS_PER_HOP = 2
"""Banks between two registers of the write bus."""

WAYS_BITS = 2

WAYS = 2**WAYS_BITS
"""Banks that a multiplexer between two registers selects from."""


def packed_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Layout of a beat in the memory.

    Members
    -------
    slots : array of struct
        ``distance``: steps from the row of the previous beat; from step 0 in an image's first beat.
        ``value``: the row's value; 0 drives no row.
    last : 1 bit
        The image's last beat.
    """
    slot = data.StructLayout(
        {
            "distance": distance_bits(parameters.value_bits),
            "value": parameters.value_bits,
        }
    )
    return data.StructLayout(
        {"slots": data.ArrayLayout(slot, parameters.rows_per_clock), "last": 1}
    )


class BeatMemory(PlainMemory):
    """Memory of packed beats, as every tool infers it.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    beats : int
        Number of beats.

    Attributes
    ----------
    write, place, stored, address, found, latency, settling
        Ports and attributes of `PlainMemory`, with a `packed_layout`.
    """

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        super().__init__(packed_layout(parameters), beats)


def column_widths(parameters: CrossbarParameters) -> list[int]:
    """Return the bits of each column of block RAM for the slots of a beat, lowest first."""
    slot = distance_bits(parameters.value_bits) + parameters.value_bits
    widths = [COLUMN_BITS] * (slot // COLUMN_BITS) + [slot % COLUMN_BITS] * (slot % COLUMN_BITS > 0)
    return widths * parameters.rows_per_clock


class WriteBus(Component):
    """Carry writes from bank to bank, with registers on the way.

    Parameters
    ----------
    layout : StructLayout
        Layout of a beat.
    beats : int
        Number of beats.
    """

    def __init__(self, layout: data.StructLayout, beats: int) -> None:
        banks = -(-beats // COLUMN_LINES)
        bus = data.StructLayout({"write": 1, "place": range(beats), "stored": layout})
        super().__init__(
            {
                # Ports of a `BeatMemory`.
                "write": In(1),
                "place": In(range(beats)),
                "stored": In(layout),
                # The same after each register on the way, one for `BANKS_PER_HOP` banks.
                "hops": Out(bus).array(-(-banks // BANKS_PER_HOP)),
                # Write enables of the banks, each for its hop.
                "banks": Out(banks),
                # Write enables of the planes, for the last hop.
                "planes": Out(-(-beats // PLANE_LINES)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the bus."""
        start: Any = Signal(self.hops[0].shape())
        before = [start, *self.hops[:-1]]
        m.d.comb += [
            start.write.eq(self.write),
            start.place.eq(self.place),
            start.stored.eq(self.stored),
        ]
        m.d.sync += [hop.eq(earlier) for hop, earlier in zip(self.hops, before, strict=True)]
        # Write enables are in registers, like the data.
        for bank, enable in enumerate(self.banks):
            hop = before[bank // BANKS_PER_HOP]
            m.d.sync += enable.eq(hop.write & (hop.place[_address_bits(COLUMN_LINES) :] == bank))
        hop = before[-1]
        for plane, enable in enumerate(self.planes):
            m.d.sync += enable.eq(hop.write & (hop.place[_address_bits(PLANE_LINES) :] == plane))


class BankChoice(Component):
    """Select the beat of the addressed bank, after all banks have been read.

    Each step selects from `WAYS` banks, and ends with a register.

    Parameters
    ----------
    layout : StructLayout
        Layout of a beat.
    beats : int
        Number of beats.

    Attributes
    ----------
    levels : int
        Number of steps.
    """

    def __init__(self, layout: data.StructLayout, beats: int) -> None:
        self.levels = 0
        while WAYS**self.levels * COLUMN_LINES < beats:
            self.levels += 1
        super().__init__(
            {
                # Address of the beat, three clocks before its words.
                "address": In(range(beats)),
                # Word that each bank has read: a beat without its last bit.
                "words": In(layout.size - 1).array(-(-beats // COLUMN_LINES)),
                # Last bit that each plane has read.
                "lasts": In(1).array(-(-beats // PLANE_LINES)),
                # The beat, `levels` clocks later.
                "beat": Out(layout),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the steps."""
        # The bank's number follows the address.
        chosen = later(m, self.address[_address_bits(COLUMN_LINES) :], "bank", 3)
        plane_shift = _address_bits(PLANE_LINES) - _address_bits(COLUMN_LINES)
        words = self.words
        lasts = self.lasts
        for level in range(self.levels):
            low = WAYS_BITS * level
            words = _choose(m, words, chosen[low : low + WAYS_BITS], f"words_{level}")
            chosen_plane = (
                chosen[plane_shift : plane_shift + WAYS_BITS] if level == 0 else Const(0, 0)
            )
            lasts = _choose(m, lasts, chosen_plane, f"last_{level}")
            chosen = later(m, chosen, f"bank_of_{level}")
        m.d.comb += self.beat.eq(Cat(words[0], lasts[0]))


def _address_bits(lines: int) -> int:
    """Address bits of a memory with a number of lines that is a power of two."""
    return lines.bit_length() - 1


def _choose(m: Module, values: list[Signal], which: Value, name: str) -> list[Signal]:
    """Registers with one value of each `WAYS`, all by the same selection."""
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


class EcpBeatMemory(BeatMemory):
    """Memory of packed beats for an ECP5's clock; only the latency differs from `BeatMemory`.

    Each slot is a column of block RAMs of nine bits, and the last bits of beats are a column of
    single bits. Between any two registers lies at most one block RAM, one stage of a multiplexer,
    or one path across the chip.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    beats : int
        Number of beats.
    """

    def __init__(self, parameters: CrossbarParameters, beats: int) -> None:
        super().__init__(parameters, beats)
        self._widths = column_widths(parameters)
        self._bus = WriteBus(self._shape, beats)
        self._choice = BankChoice(self._shape, beats)
        self.latency = 3 + self._choice.levels
        self.settling = len(self._bus.hops) + 1

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        m.submodules.bus = bus = self._bus
        m.submodules.choice = choice = self._choice
        m.d.comb += [
            bus.write.eq(self.write),
            bus.place.eq(self.place),
            bus.stored.eq(self.stored),
            choice.address.eq(self.address),
            self.found.eq(choice.beat),
        ]
        memories = len(bus.banks) * len(self._widths) + len(bus.planes)
        addresses = copies(m, platform, self.address, -(-memories // MEMORIES_PER_COPY), "address")
        turns = (address for address in addresses for _ in range(MEMORIES_PER_COPY))
        for bank, word in enumerate(choice.words):
            hop = bus.hops[bank // BANKS_PER_HOP]
            packed = hop.stored.as_value()
            lines = min(COLUMN_LINES, self._lines - bank * COLUMN_LINES)
            low = 0
            for column, width in enumerate(self._widths):
                memory = WordMemory(lines, 1, width)
                m.submodules[f"bank_{bank}_column_{column}"] = memory
                m.d.comb += [
                    memory.address.eq(next(turns)),
                    memory.write_enable.eq(bus.banks[bank]),
                    memory.write_address.eq(hop.place),
                    memory.word.eq(packed[low : low + width]),
                    word[low : low + width].eq(memory.words.as_value()),
                ]
                low += width
        for plane, last in enumerate(choice.lasts):
            memory = BitMemory(min(PLANE_LINES, self._lines - plane * PLANE_LINES))
            m.submodules[f"plane_{plane}"] = memory
            m.d.comb += [
                memory.address.eq(next(turns)),
                memory.write.eq(bus.planes[plane]),
                memory.place.eq(bus.hops[-1].place),
                memory.stored.eq(bus.hops[-1].stored.last),
                last.eq(memory.found),
            ]
