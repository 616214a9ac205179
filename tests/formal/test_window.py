"""Each position of a Window gets the values of the map, each once."""

from typing import Any

import numpy as np
from amaranth.hdl import Array, Assume, Const, Cover, Module, Mux, Signal

from allspin.hdl.convolution import maps, walk, window as source
from allspin.hdl.parameters.window_parameters import WindowParameters
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.reference import under_kernels
from tests.formal.proof import Mutant, Proof, about, moves, number_below, when


def properties(hdl: Any, p: WindowParameters) -> Module:
    hdl.DEPTH = 2
    m, _ = about(dut := hdl.Window(p))
    came, left = moves(dut.map), moves(dut.events)
    beat, event = dut.map.payload, dut.events.payload
    parts, pixels, positions = p.rows_per_clock, p.map.pixels, p.kind.positions

    # The proof follows any map, position and row of the kernel: the map's value, 0 in the padding.
    image, position, row = (number_below(m, k) for k in (2, positions, p.rows))
    numbers = under_kernels(p.kind, np.arange(1, p.map.rows + 1)[np.newaxis]).ravel().tolist()
    place = Array(Const(k, range(p.map.rows + 1)) for k in numbers)[position * p.rows + row]

    maps_in, maps_out = Signal(2), Signal(2)
    pixel, here = Signal(range(pixels + 1)), Signal(range(positions + 1))
    value, seen = Signal(p.value_bits), Signal()
    ends = beat.last if p.flat else beat.last & (pixel == pixels - 1)
    first = 0 if p.flat else pixel * p.map.channels
    limit = p.map.rows if p.flat else p.map.channels
    found = Signal(p.value_bits)
    for part, slot in enumerate(beat.slots):
        own = slot.row * parts + part
        m.d.comb += Assume((own < limit) | (slot.value == 0))
        with m.If(came & (maps_in == image) & (first + own + 1 == place) & (slot.value != 0)):
            m.d.comb += [found.eq(slot.value), Assume(value == 0)]
            m.d.sync += value.eq(slot.value)
    with m.If(came & beat.last):
        m.d.sync += [pixel.eq(Mux(ends, 0, pixel + 1)), maps_in.eq(maps_in + ends)]

    last = here == positions - 1
    due = (maps_out == image) & (here == position)
    gives, given = Signal(), Signal(p.value_bits)
    for part, slot in enumerate(event.slots):
        with m.If(left & due & (slot.row * parts + part == row) & (slot.value != 0)):
            m.d.comb += [gives.eq(1), given.eq(slot.value)]
    m.d.sync += seen.eq(seen | gives)
    with m.If(left & event.last):
        m.d.sync += [here.eq(Mux(last, 0, here + 1)), maps_out.eq(maps_out + last)]
    m.d.comb += [
        Assume(~came | (maps_in != 3)),
        when(gives, ~seen, given == value),
        when(left & event.last & due, (value != 0) == (seen | gives)),
        when(left, maps_out < maps_in),
        Cover((maps_out == 1) & seen),
    ]
    return m


def _proof(name: str, p: WindowParameters, depth: int, *mutants: Mutant) -> Proof:
    return Proof(
        f"Window, {name}",
        source,
        lambda hdl: properties(hdl, p),
        depth=depth,
        bounded="a map passes through all registers",
        cover_depth=28,
        mutants=mutants,
        parts=(walk, maps),
        command="prove",
    )


PROOFS = [
    _proof(
        "an image",
        WindowParameters(Convolution((2, 2, 1), (2, 1), padding=(1, 0, 0, 0)), 1, 2, flat=True),
        24,
        Mutant("origin.eq(origin + step)", "origin.eq(origin)", depth=28),
        Mutant("(at >= above) &", "", depth=28),
    ),
    _proof(
        "pixels",
        WindowParameters(Convolution((1, 2, 3), (1, 2)), 1, 2),
        20,
        Mutant("+ step.place - (turn > part)", "+ step.place", depth=26),
        Mutant("turned = Mux(turn == by, vector << by, turned)", "turned = vector", depth=26),
    ),
]
