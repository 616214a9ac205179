"""Activity counters: reports use counts, not guesses."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
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
    row, column : In(layers)
        Layer by layer: a row is driven, a column's sum is taken (its neuron is used).
    clear : In(1)
        Set all counters to zero.
    layer : In(4)
        Layer whose counters are shown, or `ENGINE`.
    line : In(1)
        Which of its two counters, as ``docs/protocol.md`` numbers them.
    value : Out(64)
        That counter, one clock later.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        layers = len(parameters.crossbars)
        super().__init__(
            {
                "busy": In(1),
                "image": In(1),
                "row": In(layers),
                "column": In(layers),
                "clear": In(1),
                "layer": In(4),
                "line": In(1),
                "value": Out(64),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()

        def counter(name: str, event: object) -> Signal:
            count = Signal(self._parameters.counter_bits, name=name)
            with m.If(self.clear):
                m.d.sync += count.eq(0)
            with m.Elif(event):  # type: ignore[arg-type]
                m.d.sync += count.eq(count + 1)
            return count

        whole = (counter("cycles", self.busy), counter("images", self.image))
        layers = [
            (counter(f"rows_{number}", row), counter(f"columns_{number}", column))
            for number, (row, column) in enumerate(zip(self.row, self.column, strict=True))
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
