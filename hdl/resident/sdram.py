"""Controller of an SDR SDRAM: one open row, a word per clock, refresh in time."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.profile import ResidentParameters
from allspin.hdl.parameters.sdram_parameters import ALL_BANKS, BANK_BITS, SdramParameters
from allspin.hdl.stream.component import Component

FIRST_REFRESHES = 8
"""Refreshes before the mode register is written."""


def request_layout(parameters: SdramParameters) -> data.StructLayout:
    """Layout of a request for a word: its address, and the word to write."""
    return data.StructLayout(
        {"address": parameters.address_bits, "write": 1, "word": parameters.width}
    )


def pins_layout(parameters: SdramParameters) -> data.StructLayout:
    """Layout of the outputs to the memory; commands are active high, as in amaranth-boards."""
    return data.StructLayout(
        {
            "ras": 1,
            "cas": 1,
            "we": 1,
            "bank": BANK_BITS,
            "address": parameters.pins,
            "word": parameters.width,
            # The word is driven; otherwise the memory may drive it.
            "drives": 1,
        }
    )


def memory_ports(resident: ResidentParameters | None) -> dict[str, Any]:
    """Return the ports to an SDRAM and from it, as of the `SdramController`; empty without one."""
    if resident is None or resident.sdram is None:
        return {}
    sdram = resident.sdram
    return {"sdram": Out(pins_layout(sdram)), "sdram_read": In(sdram.width)}


class SdramController(Component):
    """Read and write words of an SDRAM, in the order of the requests.

    Words of one row go one per clock; another row must be closed and opened first. Each refresh
    comes within `parameters.refresh` clocks after the previous one, and closes the row. Every
    access is a burst of one word, so any clock may be the last. The clock enable, the chip select
    and the masks of the memory are held active.

    Parameters
    ----------
    parameters : SdramParameters
        The memory at this block's clock.
    """

    def __init__(self, parameters: SdramParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # `request_layout`.
                "requests": In(stream.Signature(request_layout(parameters))),
                # A word that was read, `latency` clocks after its request.
                "comes": Out(1),
                "found": Out(parameters.width),
                # The memory has been started.
                "started": Out(1),
                # `pins_layout`, from registers.
                "pins": Out(pins_layout(parameters)),
                # The memory's words, as a register at the pins took them.
                "read": In(parameters.width),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the controller."""
        p = self._parameters
        request = self.requests.payload
        pins = self.pins
        place = request.address[p.column_bits :]
        opened = Signal.like(place)  # bank and row
        hit = Signal()
        taken = Signal()
        left = Signal(range(max(p.rp, p.rcd, p.rfc, 2)))  # clocks until the next command
        keep = Signal(range(max(p.ras, p.wr)))  # clocks until the row may be closed
        reads = Signal(p.latency)  # words under way
        due = self._build_clock(m)
        count = Signal(
            range(max(p.power_up // self._period + 2, FIRST_REFRESHES) + 1),
            init=p.power_up // self._period + 2,
        )
        m.d.comb += [
            hit.eq(opened == place),
            self.requests.ready.eq(taken),
            self.comes.eq(reads[-1]),
            self.found.eq(self.read),
        ]
        m.d.sync += [
            Cat(pins.ras, pins.cas, pins.we, pins.drives).eq(0),
            pins.word.eq(request.word),
            reads.eq(Cat(taken & ~request.write, reads)),
        ]
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(keep != 0):
            m.d.sync += keep.eq(keep - 1)
        with m.FSM(name="sdram"):
            with m.State("POWER_UP"):
                # The refresh periods until the supply is stable.
                with m.If(due):
                    m.d.sync += [due.eq(0), count.eq(count - 1)]
                with m.If(count == 0):
                    m.d.sync += count.eq(FIRST_REFRESHES)
                    self._close(m, left)
                    m.next = "START"
            with m.State("START"), m.If(left == 0):
                m.d.sync += count.eq(count - 1)
                with m.If(count != 0):
                    self._refresh(m, left, due)
                with m.Else():
                    # Bursts of one word.
                    m.d.sync += [
                        Cat(pins.ras, pins.cas, pins.we).eq(0b111),
                        pins.bank.eq(0),
                        pins.address.eq(p.cas << 4),
                        left.eq(1),
                        self.started.eq(1),
                    ]
                    m.next = "CLOSED"
            with m.State("CLOSED"), m.If(left == 0):
                with m.If(due):
                    self._refresh(m, left, due)
                with m.Elif(self.requests.valid):
                    m.d.sync += [
                        Cat(pins.ras, pins.cas, pins.we).eq(0b001),
                        Cat(pins.bank, pins.address).eq(place),
                        opened.eq(place),
                        left.eq(p.rcd - 1),
                        keep.eq(p.ras - 1),
                    ]
                    m.next = "OPEN"
            with m.State("OPEN"), m.If(left == 0):
                # Words that are read leave the wires before a word is written.
                m.d.comb += taken.eq(
                    self.requests.valid & hit & ~due & ~(request.write & reads.any())
                )
                with m.If(taken):
                    m.d.sync += [
                        pins.cas.eq(1),
                        pins.we.eq(request.write),
                        pins.drives.eq(request.write),
                        pins.bank.eq(place),
                        pins.address.eq(request.address[: p.column_bits]),
                    ]
                    with m.If(request.write & (keep < p.wr)):
                        m.d.sync += keep.eq(p.wr - 1)
                with m.Elif((keep == 0) & (due | (self.requests.valid & ~hit))):
                    self._close(m, left)
                    m.next = "CLOSED"

    @property
    def _period(self) -> int:
        """Clocks between the times at which two refreshes become due."""
        return self._parameters.refresh - self._parameters.slack

    def _build_clock(self, m: Module) -> Signal:
        """Build the timer; return a signal that a refresh is due."""
        due = Signal(init=1)
        timer = Signal(range(self._period), init=self._period - 1)
        m.d.sync += timer.eq(Mux(timer == 0, self._period - 1, timer - 1))
        with m.If(timer == 0):
            m.d.sync += due.eq(1)
        return due

    def _close(self, m: Module, left: Signal) -> None:
        """Precharge all banks."""
        pins = self.pins
        m.d.sync += [
            Cat(pins.ras, pins.cas, pins.we).eq(0b101),
            pins.address.eq(Const(1 << ALL_BANKS)),
            left.eq(self._parameters.rp - 1),
        ]

    def _refresh(self, m: Module, left: Signal, due: Signal) -> None:
        """Refresh a row of each bank."""
        m.d.sync += [
            Cat(self.pins.ras, self.pins.cas).eq(0b11),
            left.eq(self._parameters.rfc - 1),
            due.eq(0),
        ]
