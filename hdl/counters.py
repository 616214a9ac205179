"""Activity counters: reports use counts, not guesses."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.parameters import ENGINE, EngineParameters


class Counters(wiring.Component):
    """Count what the engine does.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Attributes
    ----------
    busy : In(1)
        At least one image is under way in this clock.
    image : In(1)
        An image's result is complete in this clock.
    row, column : In(array of layers)
        Layer by layer: how many rows are driven, and how many columns' sums are taken (their
        neurons are used), up to 4 each.
    clear : In(1)
        Set all counters to zero.
    layer : In(4)
        Layer whose counters are shown, or `ENGINE`.
    line : In(1)
        Which of its two counters, as ``docs/protocol.md`` numbers them.
    value : Out(64)
        That counter, one clock later. It knows what happened up to two clocks before.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        layers = len(parameters.crossbars)
        super().__init__(
            {
                "busy": In(1),
                "image": In(1),
                "row": In(data.ArrayLayout(range(5), layers)),
                "column": In(data.ArrayLayout(range(5), layers)),
                "clear": In(1),
                "layer": In(4),
                "line": In(1),
                "value": Out(64),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()

        def counter(name: str, events: Value) -> Signal:
            count = Signal(self._parameters.counter_bits, name=name)
            # A register, since what happens in a clock is known late in it.
            seen = Signal.like(events, name=f"{name}_seen")
            m.d.sync += [seen.eq(events), count.eq(count + seen)]
            with m.If(self.clear):
                m.d.sync += [seen.eq(0), count.eq(0)]
            return count

        whole = (counter("cycles", self.busy), counter("images", self.image))
        layers = [
            (
                counter(f"rows_{number}", self.row[number]),
                counter(f"columns_{number}", self.column[number]),
            )
            for number in range(len(self._parameters.crossbars))
        ]
        with m.Switch(self.layer):
            for number, (rows, columns) in enumerate(layers):
                with m.Case(number):
                    m.d.sync += self.value.eq(rows)
                    with m.If(self.line):
                        m.d.sync += self.value.eq(columns)
            with m.Case(ENGINE):
                m.d.sync += self.value.eq(whole[0])
                with m.If(self.line):
                    m.d.sync += self.value.eq(whole[1])
        return m
