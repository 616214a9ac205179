"""One small generator of random draws that all blocks share."""

from amaranth.hdl import Module, Mux, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import IterativeNormal, product_bits
from allspin.hdl.chip.speck import IterativeSpeck, draw_layout
from allspin.hdl.stream.component import Component
from allspin.sim.chip.generator import SEED_BITS
from allspin.sim.chip.speck import WORD_BITS

WISH_LAYOUT = data.StructLayout({"raw": 1, "which": 1})
"""Return the ports of a draw unit, which gives the bits of a draw (`raw`), or its normal value
times the user's spread `which`."""


def draw_signature(spread_bits: int) -> wiring.Signature:
    """Return the ports of a user of a draw unit."""
    return wiring.Signature(
        {
            # `draw_layout` with a `WISH_LAYOUT`. A user has room for each result that it requests:
            # results do not wait. Results of one kind come in the order of the draws.
            "draws": Out(stream.Signature(draw_layout(WISH_LAYOUT))),
            # Factors of its normal values, by the wish's `which`.
            "spreads": Out(signed(spread_bits)).array(2),
            # A draw's bits, for one clock.
            "drawn": In(1),
            "bits": In(2 * WORD_BITS),
            # A normal value times its spread, for one clock.
            "made": In(1),
            "product": In(signed(product_bits(spread_bits))),
        }
    )


class DrawUnit(Component):
    """One small generator of draws, which serves the first of its users that asks.

    Throughput: one draw or product at a time.

    Parameters
    ----------
    users : int
        Number of users.
    spread_bits : int
        Width of a signed spread.
    registered : bool
        Rounds in a clock, as in `IterativeNormal`.
    """

    def __init__(self, users: int, spread_bits: int, *, registered: bool = False) -> None:
        self._registered = registered
        self._spread_bits = spread_bits
        super().__init__(
            {
                # The chip.
                "seed": In(SEED_BITS),
                # The users.
                "users": In(draw_signature(spread_bits)).array(users),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the unit."""
        count = len(self.users)
        tag = data.StructLayout({"user": range(max(count, 2)), "wish": WISH_LAYOUT})
        m.submodules.speck = speck = IterativeSpeck(tag)
        m.submodules.normal = normal = IterativeNormal(
            self._spread_bits, tag, registered=self._registered
        )
        m.d.comb += speck.seed.eq(self.seed)

        for number, user in reversed(list(enumerate(self.users))):
            with m.If(user.draws.valid):
                m.d.comb += speck.draws.valid.eq(1)
                for name in ("layer", "purpose", "row", "column", "number"):
                    m.d.comb += speck.draws.payload[name].eq(user.draws.payload[name])
                m.d.comb += [
                    speck.draws.payload.tag.user.eq(number),
                    speck.draws.payload.tag.wish.eq(user.draws.payload.tag),
                ]
        busy = 0
        for user in self.users:
            m.d.comb += user.draws.ready.eq(speck.draws.ready & ~busy)
            busy = busy | user.draws.valid

        found = speck.bits.payload
        result = normal.products.payload
        m.d.comb += [
            normal.bits.payload.eq(found),
            normal.bits.valid.eq(speck.bits.valid & ~found.tag.wish.raw),
            speck.bits.ready.eq(found.tag.wish.raw | normal.bits.ready),
            normal.products.ready.eq(1),
        ]
        for number, user in enumerate(self.users):
            m.d.comb += [
                user.bits.eq(found.bits),
                user.drawn.eq(speck.bits.valid & found.tag.wish.raw & (found.tag.user == number)),
                user.product.eq(result.product),
                user.made.eq(normal.products.valid & (result.tag.user == number)),
            ]
            with m.If(normal.lookup.user == number):
                m.d.comb += normal.spread.eq(
                    Mux(normal.lookup.wish.which, user.spreads[1], user.spreads[0])
                )
