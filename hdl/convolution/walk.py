"""From places that are set to one of them after another, several lanes side by side."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.registers import RegisterSlice

DEPTH = 8
"""Masks that wait before each lane."""


def mask_layout(lanes: int, bits: int, tag: Any) -> data.StructLayout:
    """Return the layout of a mask: the places of each lane.

    Members
    -------
    places : array of unsigned, `bits`
        Places that are set.
    tag
        Value that belongs to the places.
    last : 1 bit
        The walk's last mask.
    """
    places = data.ArrayLayout(bits, lanes)
    return data.StructLayout({"places": places, "tag": tag, "last": 1})


def step_layout(lanes: int, bits: int, tag: Any) -> data.StructLayout:
    """Return the layout of a step, with a place of each lane or no place.

    Members
    -------
    lanes : array of struct
        For each lane a bit if it has a place (`drives`), the `place`, and the `tag` of its mask.
    last : 1 bit
        The walk's last step.
    """
    lane = data.StructLayout({"drives": 1, "place": range(max(bits, 2)), "tag": tag})
    return data.StructLayout({"lanes": data.ArrayLayout(lane, lanes), "last": 1})


class Walk(Component):
    """Walk through masks, in each clock to the next place of each lane.

    A walk is one mask or several. Lanes need not be at the same mask, since each has a queue, but
    all end a walk together: in as many clocks as the busiest lane has places, or one clock for an
    empty walk. While a lane waits for its next mask, the others go on.

    Throughput: one beat per cycle.

    Parameters
    ----------
    lanes : int
        Lanes side by side.
    bits : int
        Places of a lane in a mask.
    tag : ShapeLike
        Value that goes with a mask.
    """

    def __init__(self, lanes: int, bits: int, tag: Any) -> None:
        self._lanes = lanes
        self._bits = bits
        self._tag = tag
        super().__init__(
            {
                "masks": In(stream.Signature(mask_layout(lanes, bits, tag))),
                "steps": Out(stream.Signature(step_layout(lanes, bits, tag))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the lanes."""
        masks = self.masks
        m.submodules.out = out = RegisterSlice(self.steps.payload.shape(), every_clock=True)
        wiring.connect(m, out.o, wiring.flipped(self.steps))
        steps = out.i
        # With each mask whether it has any place, and whether it has several.
        layout = {"places": self._bits, "tag": self._tag, "last": 1, "some": 1, "several": 1}
        queues = [
            Queue(data.StructLayout(layout), DEPTH, distributed=True) for _ in range(self._lanes)
        ]
        closes = Signal()
        goes = Signal()
        room = Cat(queue.i.ready for queue in queues).all()
        # State of each lane's mask, in registers, since all lanes wait for all: a place is left, no
        # place is behind it, and it ends the walk.
        has = Signal(self._lanes)
        empty = Signal(self._lanes, init=-1)
        done = Signal(self._lanes)
        m.d.comb += [
            masks.ready.eq(room),
            closes.eq(done.all()),
            steps.valid.eq(closes | has.any()),
            steps.payload.last.eq(closes),
            goes.eq(steps.valid & steps.ready),
        ]
        for number, queue in enumerate(queues):
            m.submodules[f"queue_{number}"] = queue
            places = masks.payload.places[number]
            some, several = _some(places)
            m.d.comb += [
                queue.i.valid.eq(masks.valid & room & (some | masks.payload.last)),
                queue.i.payload.places.eq(places),
                queue.i.payload.tag.eq(masks.payload.tag),
                queue.i.payload.last.eq(masks.payload.last),
                queue.i.payload.some.eq(some),
                queue.i.payload.several.eq(several),
            ]
            step = steps.payload.lanes[number]
            left = Signal(self._bits, name=f"left_{number}")
            tag = Signal(queue.o.payload.tag.shape(), name=f"tag_{number}", reset_less=True)
            holds = Signal(name=f"holds_{number}")
            ends = Signal(name=f"ends_{number}")
            rest = Signal.like(left, name=f"rest_{number}")
            further = Signal.like(left, name=f"further_{number}")
            lowest = Signal.like(left)
            loads = Signal(name=f"loads_{number}")
            waiting = Signal.like(left, name=f"waiting_{number}")
            m.d.comb += [
                lowest.eq(left ^ rest),
                further.eq(rest & (rest - 1)),
                loads.eq(~holds | (goes & empty[number] & (~ends | closes))),
                queue.o.ready.eq(loads),
                waiting.eq(queue.o.payload.places & queue.o.valid.replicate(self._bits)),
            ]
            # The mask without its lowest place is a register too, so that the end is known early.
            with m.If(goes):
                m.d.sync += [
                    has[number].eq(~empty[number]),
                    empty[number].eq(~further.any()),
                    done[number].eq(holds & ends & ~further.any()),
                    left.eq(rest),
                    rest.eq(further),
                ]
            with m.If(loads):
                several = queue.o.payload.several
                m.d.sync += [
                    has[number].eq(queue.o.valid & queue.o.payload.some),
                    empty[number].eq(~(queue.o.valid & several)),
                    done[number].eq(queue.o.valid & queue.o.payload.last & ~several),
                    holds.eq(queue.o.valid),
                    ends.eq(queue.o.payload.last),
                    tag.eq(queue.o.payload.tag),
                    left.eq(waiting),
                    rest.eq(waiting & (waiting - 1)),
                ]
            m.d.comb += [
                step.drives.eq(has[number]),
                step.place.eq(_index(lowest)),
                step.tag.eq(tag),
            ]


def _some(places: Value) -> tuple[Value, Value]:
    """Return whether any bit is set, and whether several bits are set."""
    if len(places) == 1:
        return places, Const(0)
    half = len(places) // 2
    (one, more) = _some(places[:half])
    (other, others) = _some(places[half:])
    return one | other, more | others | (one & other)


def _index(one: Value) -> Value:
    """Return the index of the only bit that is set."""
    count = len(one)
    return Cat(
        Cat(one[place] for place in range(count) if place >> bit & 1).any()
        for bit in range((count - 1).bit_length())
    )
