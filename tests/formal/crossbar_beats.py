"""Beats on their way through a crossbar: passes from outside, kept states, and register stages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Module,
    Shape,
    Signal,
    Value,
    signed,
)
from amaranth.lib import data

from allspin.hdl.crossbar.pass_source import Replay
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.formal.proof import anything


class Passes(Replay):
    """In place of a Replay, which is proved by itself: any passes, in the order of their groups."""

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(parameters)
        self.group = Signal.like(self.passes.payload.group)

    def elaborate(self, platform: object) -> Module:
        """Join them."""
        m = Module()
        passes: Any = self.passes
        m.d.comb += [
            passes.valid.eq(AnySeq(1)),
            anything(passes.payload.beat),
            passes.payload.group.eq(self.group),
        ]
        return m


@dataclass(frozen=True)
class Kept:
    """Memory of states, and the sum besides.

    Attributes
    ----------
    stored : callable
        The state of a row and a column.
    factor : int
        Factor of the values, 1 or the lowest level.
    shape : Shape
        Shape of their sum.
    """

    stored: Callable[[int, int], Value]
    factor: int
    shape: Shape


def sum_shape(parameters: CrossbarParameters) -> Shape:
    """Return the shape of a sum over words, which is wide enough for a sum over states."""
    if parameters.levels is None:
        return signed(parameters.sum_bits)
    return signed(max(parameters.sum_bits, parameters.lane_bits) + 1)


class StageLayout(data.StructLayout):
    """A clock's beat on its way through a crossbar.

    Members
    -------
    valid, last, final : 1 bit each
        A beat is at this stage; it ends its pass; the pass is its image's last.
    values, lines : array of parts
        Values of the parts' rows, and lines of the parts' memories.
    terms : array of lanes, of parts
        Terms of the beat in each lane's sum; 0 without a beat. With states, one lane more has the
        terms of words that are all `Kept.factor`.
    before, after : array of lanes
        The sums of its pass before it and with it.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = parameters
        sum_, lanes = sum_shape(p), p.lanes + p.keeps_states
        lines = range(p.lines)
        super().__init__(
            {
                "valid": 1,
                "last": 1,
                "final": 1,
                "values": data.ArrayLayout(p.value_bits, p.rows_per_clock),
                "lines": data.ArrayLayout(lines, p.rows_per_clock),
                "terms": data.ArrayLayout(data.ArrayLayout(sum_, p.rows_per_clock), lanes),
                "before": data.ArrayLayout(sum_, lanes),
                "after": data.ArrayLayout(sum_, lanes),
            }
        )


def word_in(line: Value, place: int, parameters: CrossbarParameters) -> Value:
    """A word, or a state, of a memory's line."""
    p = parameters
    found = line.word_select(place, p.word_bits)
    return found if p.keeps_states else found.as_signed()
