"""CRC of a frame, computed from a byte per clock or a bit per clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import CRC_BYTES
from allspin.hdl.stream.component import Component


class FrameCrc(Component):
    """Compute the CRC of the bytes since the last start.

    Throughput: one byte per cycle; behind a UART one byte per 8 cycles.

    Parameters
    ----------
    every_clock : bool
        True if a byte can come in every clock, False for one in eight clocks: a CRC bit by bit is
        little more than a shift register.
    """

    def __init__(self, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Bytes; `valid` stays until one is taken. Between two bytes, `value` and `matches`
                # cover all bytes taken.
                "i": In(stream.Signature(8)),
                # Start anew; between two bytes.
                "start": In(1),
                # The CRC; its low byte is sent first.
                "value": Out(8 * CRC_BYTES),
                # The last bytes taken are the CRC of the bytes before them.
                "matches": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the CRC."""
        width = 8 if self._every_clock else 1
        m.submodules.processor = processor = catalog.CRC32_ISO_HDLC(data_width=width).create()
        m.d.comb += [
            processor.start.eq(self.start),
            self.value.eq(processor.crc),
            self.matches.eq(processor.match_detected),
        ]
        if self._every_clock:
            m.d.comb += [
                self.i.ready.eq(1),
                processor.valid.eq(self.i.valid),
                processor.data.eq(self.i.payload),
            ]
            return
        # A byte stays where it is until its last bit is taken.
        place = Signal(3)
        m.d.comb += [
            self.i.ready.eq(place == 7),
            processor.valid.eq(self.i.valid),
            processor.data.eq(self.i.payload.bit_select(place, 1)),
        ]
        with m.If(self.i.valid):
            m.d.sync += place.eq(place + 1)
