"""The generator's random bits in gateware: Speck32/64, one block for each draw.

``docs/generator.md`` defines the block of a draw and the cipher. Two forms compute the same bits:
`IterativeSpeck` is small and takes 22 clocks for a draw; it computes its round keys alongside, so
that every draw may have a key of its own. `PipelinedSpeck` makes a draw a clock, with round keys
that are computed once for a layer.
"""

import itertools
from typing import Any, NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component
from allspin.sim.chip.generator import NUMBER_BITS, SEED_BITS, Purpose
from allspin.sim.chip.speck import LEFT, RIGHT, ROUNDS, WORD_BITS

LAYER_BITS = 4
PURPOSE_BITS = max(Purpose).bit_length()
NUMBERED = (Purpose.WRITE, Purpose.NEURON_USE, Purpose.READ)
"""Purposes whose draws have a number; other purposes have number 0."""


class Key(NamedTuple):
    """Key of a set of round keys.

    Parameters
    ----------
    purpose : Purpose
        Purpose of the draws.
    behind : int
        Number of layers by which these draws lie behind the others.
    """

    purpose: Purpose
    behind: int = 0


def mix(x: Value, y: Value, key: Value) -> tuple[Value, Value]:
    """Return one round of the cipher, as expressions."""
    mixed = (x.rotate_right(RIGHT) + y)[:WORD_BITS] ^ key
    return mixed, y.rotate_left(LEFT) ^ mixed


def draw_layout(tag: Any) -> data.StructLayout:
    """Return the layout of a draw's address, without the seed.

    Members
    -------
    layer, purpose, row, column, number : unsigned
        Numbered as in ``docs/generator.md``.
    tag
        Value that comes back with the bits.
    """
    return data.StructLayout(
        {
            "layer": LAYER_BITS,
            "purpose": PURPOSE_BITS,
            "row": WORD_BITS,
            "column": WORD_BITS,
            "number": NUMBER_BITS,
            "tag": tag,
        }
    )


def bits_layout(tag: Any) -> data.StructLayout:
    """Return the layout of a draw.

    Members
    -------
    bits : 32 bits
        The random bits.
    tag
        The draw's.
    """
    return data.StructLayout({"bits": 2 * WORD_BITS, "tag": tag})


class IterativeSpeck(Component):
    """Random bits from the cipher, one draw after another: 22 clocks each and one for the result.

    Throughput: one draw per 22 cycles, or 11 with two rounds per cycle.

    Parameters
    ----------
    tag : ShapeLike
        Shape of the tags.
    """

    def __init__(self, tag: Any) -> None:
        super().__init__(
            {
                # The chip.
                "seed": In(SEED_BITS),
                "draws": In(stream.Signature(draw_layout(tag))),
                "bits": Out(stream.Signature(bits_layout(tag))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        draw = self.draws.payload
        words = [Signal(WORD_BITS, name=name) for name in ("x", "y", "key")]
        queue = [Signal(WORD_BITS, name=f"queue_{place}") for place in range(3)]
        place = Signal(range(ROUNDS))
        running = Signal()

        x, y = mix(*words)
        # `+ 0` keeps the digests of boards that were built; it costs no logic.
        head, key = mix(queue[0], words[2], place + 0)
        m.d.comb += [
            self.draws.ready.eq(~running & (~self.bits.valid | self.bits.ready)),
            self.bits.payload.bits.eq(Cat(words[1], words[0])),
        ]
        with m.If(self.bits.ready):
            m.d.sync += self.bits.valid.eq(0)
        with m.If(running):
            # The words of a round stay equal in width, so the assignment loses no bit.
            m.d.sync += [
                Cat(*words, *queue).eq(Cat(x, y, key, *queue[1:], head)),
                place.eq(place + 1),
            ]
            with m.If(place == ROUNDS - 1):
                m.d.sync += [running.eq(0), self.bits.valid.eq(1)]
        with m.Elif(self.draws.ready):
            # Loaded at any time, so that the words do not wait for `valid`.
            m.d.sync += [
                running.eq(self.draws.valid),
                place.eq(0),
                self.bits.payload.tag.eq(draw.tag),
                words[0].eq(draw.row),
                words[1].eq(draw.column),
                words[2].eq(self.seed[:WORD_BITS]),
                queue[0].eq(self.seed[WORD_BITS:]),
                queue[1].eq(Cat(draw.purpose, Const(0, 8 - PURPOSE_BITS), draw.layer)),
                queue[2].eq(draw.number),
            ]


def block_layout(lanes: tuple[tuple[Key, ...], ...], tag: Any) -> data.StructLayout:
    """Return the layout of the draws that a `PipelinedSpeck` makes in a clock.

    Members
    -------
    row : 16 bits
        Purposes and layers of all lanes.
    columns : 16 bits for each lane
        One for each lane.
    selects : unsigned for each lane
        Key of the lane that is used.
    tag
        Value that comes back with the bits.
    """
    most = max(len(keys) for keys in lanes)
    return data.StructLayout(
        {
            "row": WORD_BITS,
            "columns": data.ArrayLayout(WORD_BITS, len(lanes)),
            "selects": data.ArrayLayout(range(most), len(lanes)),
            "tag": tag,
        }
    )


class PipelinedSpeck(Component):
    """Random bits from the pipelined cipher.

    The round keys are made one after another when `rekey` asks for it: 23 clocks for each `Key`.
    Two keys of one lane cost a multiplexer in each round and no second cipher.

    Throughput: one draw of each lane per cycle; latency `ROUNDS`.

    Parameters
    ----------
    lanes : tuple of tuple of Key
        For each draw that is made in a clock, the keys that it may have.
    tag : ShapeLike
        Shape of the tags.
    """

    def __init__(self, lanes: tuple[tuple[Key, ...], ...], tag: Any) -> None:
        self._lanes = lanes
        self._tag = tag
        super().__init__(
            {
                # Seed, layer and number of all draws; a purpose outside `NUMBERED` has number 0,
                # and a `Key` may name an earlier layer. They stay the same from `rekey` until
                # `keyed`.
                "seed": In(SEED_BITS),
                "layer": In(LAYER_BITS),
                "number": In(NUMBER_BITS),
                # Compute new round keys. No draw may be under way at `rekey`, and none may be sent
                # until `keyed`.
                "rekey": In(1),
                # The keys are made; low from the clock after `rekey`.
                "keyed": Out(1, init=1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                # `block_layout`.
                "valid": In(1),
                "draws": In(block_layout(lanes, tag)),
                # The bits of all lanes, an array, and the tag.
                "done": Out(1),
                "bits": Out(data.ArrayLayout(2 * WORD_BITS, len(lanes))),
                "tag": Out(tag),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        keys = self._build_keys(m)
        valid = self.valid
        tag = self.draws.tag
        selects = self.draws.selects
        xs: list[Value] = [Value.cast(self.draws.row) for _ in self._lanes]
        ys: list[Value] = [Value.cast(self.draws.columns[n]) for n in range(len(self._lanes))]
        for number in range(ROUNDS):
            next_valid = Signal(name=f"valid_{number}")
            next_tag = Signal(self._tag, name=f"tag_{number}", reset_less=True)
            next_selects = Signal.like(self.draws.selects, name=f"selects_{number}")
            m.d.sync += [next_valid.eq(valid), next_tag.eq(tag), next_selects.eq(selects)]
            for lane, chosen in enumerate(self._lanes):
                key = Array(keys[one][number] for one in chosen)[selects[lane]]
                mixed = mix(xs[lane], ys[lane], key)
                x = Signal(WORD_BITS, name=f"x_{lane}_{number}", reset_less=True)
                y = Signal(WORD_BITS, name=f"y_{lane}_{number}", reset_less=True)
                m.d.sync += [x.eq(mixed[0]), y.eq(mixed[1])]
                xs[lane] = x
                ys[lane] = y
            valid = next_valid
            tag = next_tag
            selects = next_selects
        m.d.comb += [self.done.eq(valid), self.tag.eq(tag)]
        for lane in range(len(self._lanes)):
            m.d.comb += self.bits[lane].eq(Cat(ys[lane], xs[lane]))

    def _build_keys(self, m: Module) -> dict[Key, list[Signal]]:
        """Make the round keys, by key and round."""
        kinds = sorted({key for lane in self._lanes for key in lane})
        keys = {
            kind: [
                Signal(WORD_BITS, name=f"key_{kind.purpose.name}_{number}", reset_less=True)
                for number in range(ROUNDS)
            ]
            for kind in kinds
        }
        turn = Signal(range(len(kinds)))
        # Enable of the registers, one for each purpose, since it drives hundreds of them.
        moves = [Signal(name=f"moves_{number}") for number in range(len(kinds))]
        place = Signal(range(ROUNDS))
        loading = Signal()
        key = Signal(WORD_BITS)
        queue = [Signal(WORD_BITS, name=f"queue_{place}") for place in range(3)]
        numbered = Array(Const(kind.purpose in NUMBERED, 1) for kind in kinds)
        names = Array(Const(kind.purpose, PURPOSE_BITS) for kind in kinds)
        layer: Value = self.layer
        if any(kind.behind for kind in kinds):
            layer = (layer + Array(Const(kind.behind, LAYER_BITS) for kind in kinds)[turn])[
                :LAYER_BITS
            ]
        head, following = mix(queue[0], key, place)
        with m.If(loading):
            m.d.sync += [
                *(move.eq(turn == number) for number, move in enumerate(moves)),
                loading.eq(0),
                place.eq(0),
                key.eq(self.seed[:WORD_BITS]),
                queue[0].eq(self.seed[WORD_BITS:]),
                queue[1].eq(Cat(names[turn], Const(0, 8 - PURPOSE_BITS), layer)),
                queue[2].eq(Mux(numbered[turn], self.number, 0)),
            ]
        with m.Elif(~self.keyed):
            m.d.sync += [
                place.eq(place + 1),
                key.eq(following),
                Cat(*queue).eq(Cat(queue[1], queue[2], head)),
            ]
            with m.If(place == ROUNDS - 1):
                m.d.sync += [
                    *(move.eq(0) for move in moves),
                    turn.eq(turn + 1),
                    loading.eq(1),
                ]
                with m.If(turn == len(kinds) - 1):
                    m.d.sync += [self.keyed.eq(1), loading.eq(0)]
        with m.If(self.rekey):
            m.d.sync += [
                self.keyed.eq(0),
                loading.eq(1),
                turn.eq(0),
                *(move.eq(0) for move in moves),
            ]
        # The keys of a purpose are a chain of registers, which the first goes through to its end.
        for move, kind in zip(moves, kinds, strict=True):
            chain = keys[kind]
            with m.If(move):
                m.d.sync += [
                    chain[-1].eq(key),
                    *(one.eq(two) for one, two in itertools.pairwise(chain)),
                ]
        return keys
