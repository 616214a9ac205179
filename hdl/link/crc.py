"""The CRC of a frame, of a byte a clock or of a bit a clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import CRC_BYTES


class FrameCrc(wiring.Component):
    """CRC of the bytes since the last start.

    Parameters
    ----------
    every_clock : bool
        Whether a byte can come in every clock, or one every eight: bit by bit a CRC is a shift
        register and little else.

    Attributes
    ----------
    i : In(stream)
        Bytes; `valid` stays until one is taken. Between two, `value` and `matches` are of all that
        were taken.
    start : In(1)
        Forget what was taken; between two bytes.
    value : Out(32)
        The CRC; its low byte is sent first.
    matches : Out(1)
        The last bytes taken are the CRC of those before.
    """

    i: stream.Interface
    start: Signal
    value: Signal
    matches: Signal

    def __init__(self, *, every_clock: bool = True) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "start": In(1),
                "value": Out(8 * CRC_BYTES),
                "matches": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the CRC."""
        m = Module()
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
            return m
        # A byte stays where it is until its last bit is taken.
        place = Signal(3)
        m.d.comb += [
            self.i.ready.eq(place == 7),
            processor.valid.eq(self.i.valid),
            processor.data.eq(self.i.payload.bit_select(place, 1)),
        ]
        with m.If(self.i.valid):
            m.d.sync += place.eq(place + 1)
        return m
