"""The foot of columns: tiles' ADCs, sums of words that states stand for, and where sums leave."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.buffers import Component
from allspin.hdl.stream.ecp5 import LANES_PER_LEAF, add_or_begin, tree


def conversion_ports(parameters: CrossbarParameters) -> dict[str, Any]:
    """Ports of what converts the sums of tiles, whatever its pipeline."""
    p = parameters
    ports: dict[str, Any] = {
        "terms": In(data.ArrayLayout(signed(p.term_bits), p.lanes)),
        "begins": In(1),
        "converts": In(1),
        "bare": In(1),
        "conversions": Out(data.ArrayLayout(signed(p.tile_widths.conversion), p.lanes)),
    }
    if p.tiling is not None and p.tiling.offsets:
        ports["starts"] = In(data.ArrayLayout(signed(p.tiling.start_bits), p.lanes))
    return ports


class Conversions(Component):
    """A tile's sum of each lane, and its converter.

    A conversion is ``clamp(sum >> shift)``, of a sum that starts at half a step, or where its
    converter has an offset there.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.

    Attributes
    ----------
    clocks : int
        From `converts` to the conversions.
    terms : In(array of signed)
        What they add to each lane.
    begins : In(1)
        The beat is the first of its tile.
    converts : In(1)
        All beats of a tile have been before.
    starts : In(array of signed)
        Where the sums of a tile start that begins; where converters have offsets.
    bare : In(1)
        Nothing is added and nothing rounded: the row that is driven alone is read as it is. It
        stands for long before and behind.
    conversions : Out(array of signed)
        `clocks` behind `converts` what comes of the sums; 0 at any other time.
    """

    clocks = 1

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # A beat's products are on `terms`.
                "adds": In(1),
            }
            | conversion_ports(parameters)
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sums. Theirs need no reset: the first beat of a tile starts them."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        top = 1 << tiling.bits - 1
        for lane in range(p.lanes):
            sum_ = Signal(signed(p.tile_widths.running), name=f"sum_{lane}", reset_less=True)
            before = Signal.like(sum_, name=f"before_{lane}")
            read = Signal.like(sum_, name=f"read_{lane}")
            start = self.starts[lane] if tiling.offsets else tiling.start
            m.d.comb += [
                before.eq(Mux(self.begins, Mux(self.bare, 0, start), sum_)),
                read.eq(sum_ >> tiling.shift),
            ]
            with m.If(self.adds):
                m.d.sync += sum_.eq(before + self.terms[lane])
            conversion = Signal.like(self.conversions[lane], name=f"conversion_{lane}")
            m.d.comb += self.conversions[lane].eq(conversion)
            m.d.sync += conversion.eq(0)
            with m.If(self.converts):
                m.d.sync += conversion.eq(read)
                with m.If(self.bare):
                    m.d.sync += conversion.eq(sum_)
                with m.Elif(read >= top):
                    m.d.sync += conversion.eq(top - 1)
                with m.Elif(read < -top):
                    m.d.sync += conversion.eq(-top)


# What converts the sums of tiles at an ECP5's speed.


class FastConversions(Component):
    """As `allspin.hdl.crossbar.adc.Conversions`, a carry chain or a choice in a clock.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.

    Attributes
    ----------
    clocks : int
        From `converts` to the conversions.
    terms : In(array of signed)
        What a beat adds to each lane; 0 where none is.
    begins : In(1)
        Two clocks later: the beat is the first of its tile.
    converts : In(1)
        Two clocks later: all beats of a tile have been before.
    bare, starts : In
        As there; starts are 0 where no tile begins.
    conversions : Out(array of signed)
        `clocks` behind `converts` what comes of the sums; 0 at any other time.
    """

    clocks = 4

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(conversion_ports(parameters))

    def build(self, m: Module, platform: object) -> None:
        """Build the sums. None has a reset: what was under way flows out behind one."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        leaves = -(-p.lanes // LANES_PER_LEAF)
        begins = tree(m, platform, self.begins, leaves, "begin")
        halves: list[Value] = []
        if not tiling.offsets:
            halves = tree(m, platform, self.begins & ~self.bare, leaves, "half")
        ends = tree(m, platform, self.converts, leaves, "end")
        bares = tree(m, platform, self.bare, leaves, "bare")
        converts = []
        for number, end in enumerate(ends):
            converts.append(Signal(name=f"convert_{number}", reset_less=True))
            m.d.sync += converts[-1].eq(end)
        for lane in range(p.lanes):
            leaf = lane // LANES_PER_LEAF
            term = self.terms[lane]
            start: Value = Const(0)
            if tiling.offsets:
                start = self.starts[lane]
            elif tiling.start:
                start = Cat(Const(0, tiling.shift - 1), halves[leaf], Const(0, 1))
            sum_ = Signal(signed(p.tile_widths.running), name=f"sum_{lane}", reset_less=True)
            total = add_or_begin(m, platform, term, sum_, begins[leaf], start, f"total_{lane}")
            m.d.sync += sum_.eq(total)
            conversion = self._convert(m, sum_, bares[leaf], converts[leaf], lane)
            m.d.comb += self.conversions[lane].eq(conversion)

    def _convert(self, m: Module, sum_: Signal, bare: Signal, converts: Signal, lane: int) -> Value:
        """What two registers make of a sum: whether it is beyond the range, and what then."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        width, top = p.tile_widths.conversion, tiling.bits - 1

        def bits(first: int) -> Value:
            return Cat(sum_[min(first + bit, len(sum_) - 1)] for bit in range(width))

        read = Signal(width, name=f"read_{lane}", reset_less=True)
        beyond = Signal(name=f"beyond_{lane}", reset_less=True)
        sign = Signal(name=f"sign_{lane}", reset_less=True)
        conversion = Signal(width, name=f"conversion_{lane}", reset_less=True)
        over = sum_[tiling.shift + top :]
        m.d.sync += [
            read.eq(Mux(bare, bits(0), bits(tiling.shift))),
            beyond.eq(~bare & over.any() & ~over.all()),
            sign.eq(sum_[-1]),
        ]
        ends = Cat(~sign if bit < top else sign for bit in range(width))
        m.d.sync += conversion.eq(Mux(beyond, ends, read) & converts.replicate(width))
        return conversion.as_signed()


# Products with a number that is known: sums of shifted values, as few as will do.


def signed_digits(factor: int) -> list[tuple[int, int]]:
    """Powers of two that a number is the sum of, the fewest, none next to another.

    Parameters
    ----------
    factor : int
        The number.

    Returns
    -------
    list of tuple of int
        Of each its exponent and its sign, 1 or -1, the lowest first; none for 0.

    Examples
    --------
    >>> signed_digits(28)
    [(2, -1), (5, 1)]
    """
    found = []
    exponent = 0
    while factor:
        if factor % 2:
            sign = 2 - factor % 4
            found.append((exponent, sign))
            factor -= sign
        factor //= 2
        exponent += 1
    return found


def times(value: Value, factor: int) -> Value:
    """A value times a number, without a register.

    Parameters
    ----------
    value : Value
        The value.
    factor : int
        The number, at least 1.
    """
    *lower, (exponent, _) = signed_digits(factor)
    product = value << exponent  # the highest digit of a positive number is positive
    for exponent, sign in lower:
        product = product + (value << exponent) if sign > 0 else product - (value << exponent)
    return product


# From sums over states to sums over the R_AH words for which they stand, at an ECP5's speed.


class LevelSums(Component):
    """``step * S + lowest * V`` of each column's S, with a register behind each addition.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar; it has `levels`.

    Attributes
    ----------
    clocks : int
        Registers on the way.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        assert p.levels is not None
        self._step = signed_digits(p.levels.step)
        self._lowest = signed_digits(p.levels.lowest)
        self._depth = max((len(digits) - 1).bit_length() for digits in (self._step, self._lowest))
        self.clocks = self._depth + 1
        super().__init__(
            {
                # Sums of values times states, `neurons_per_clock` of them.
                "states": In(data.ArrayLayout(unsigned(p.lane_bits), p.neurons_per_clock)),
                # The sum of the values.
                "driven": In(unsigned(p.most_driven.bit_length())),
                # Sums of values times R_AH words.
                "sums": Out(data.ArrayLayout(signed(p.sum_bits), p.neurons_per_clock)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. No reset: consumers of the sums track validity."""
        lowest, sign = self._times(m, self.driven, self._lowest, "driven")
        for number in range(self._parameters.neurons_per_clock):
            own = self.states[number]
            # A step is positive, and so is what begins with its highest digit.
            times_step, _ = self._times(m, own, self._step, f"sum_{number}")
            shape = signed(self._parameters.sum_bits)
            total = Signal(shape, name=f"total_{number}", reset_less=True)
            m.d.sync += total.eq(times_step + lowest if sign > 0 else times_step - lowest)
            m.d.comb += self.sums[number].eq(total)

    def _times(
        self, m: Module, value: Value, digits: list[tuple[int, int]], name: str
    ) -> tuple[Value, int]:
        """A value times the number of these digits, after `depth` registers, and its sign."""
        bits = self._parameters.sum_bits
        # Positive terms first: where two are brought together, the first says the sign.
        terms = [(value << exponent, sign) for exponent, sign in digits]
        for level in range(self._depth):
            terms.sort(key=lambda term: -term[1])
            pairs = [terms[k : k + 2] for k in range(0, len(terms), 2)]
            terms = []
            for number, ((one, sign), *others) in enumerate(pairs):
                total: Value = one
                for other, its in others:
                    total = one + other if its == sign else one - other
                # No more bits than a column's sum has: what is beyond cancels out.
                shape = total.shape()
                shape = Shape(min(shape.width, bits), shape.signed)
                register = Signal(shape, name=f"{name}_{level}_{number}", reset_less=True)
                m.d.sync += register.eq(total)
                terms.append((register, sign))
        return terms[0] if terms else (Const(0), 1)


class Departure(Component):
    """Sums set out when there is a credit, and the next pass may end when they are sure to be gone.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.
    ahead : int
        Clocks from a pass's last beat to its sums in the shadow; of `credits_ahead` too.
    """

    def __init__(self, parameters: CrossbarParameters, ahead: int, **more: Any) -> None:
        self._parameters = parameters
        self._ahead = ahead
        super().__init__(
            {
                # A pass's last beat is taken.
                "begins": In(1),
                # Its sums go into the shadow; those of an image's last pass.
                "ends": In(1),
                "final": In(1),
                # As of `allspin.hdl.stream.buffers.Reservation`.
                "credit": In(1),
                "credits_ahead": In(1),
                # No pass may end.
                "busy": Out(1),
                # The next `neurons_per_clock` sums set out.
                "sets_out": Out(1),
                # They are the image's last.
                "last": Out(1),
                **more,
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the counter."""
        p = self._parameters
        step = p.neurons_per_clock
        left = Signal(range(p.lanes + 1))  # sums in the shadow that have not set out
        promised = Signal()  # the others are sure to
        image_ends = Signal()
        m.d.comb += [
            self.sets_out.eq((left != 0) & (self.credit | promised)),
            self.last.eq((left <= step) & image_ends),
        ]
        with m.If(self.sets_out):
            m.d.sync += left.eq(Mux(left > step, left - step, 0))
            with m.If(left <= step):
                m.d.sync += promised.eq(0)
                # There never were credits for all, so the next sums have waited until now.
                with m.If(~promised):
                    m.d.sync += self.busy.eq(0)
        # Few are left, and there are credits for all: by the time that the next sums come they
        # are gone.
        with m.If((left != 0) & (left <= self._ahead * step) & self.credits_ahead & ~promised):
            m.d.sync += self.busy.eq(0)
            with m.If(~(self.sets_out & (left <= step))):
                m.d.sync += promised.eq(1)
        with m.If(self.ends):
            m.d.sync += [
                left.eq(Mux(self.final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(self.final),
            ]
        with m.If(self.begins):
            m.d.sync += self.busy.eq(1)


class PipelinedDeparture(Departure):
    """A pass may end when there are places for all its sums, so that these follow without a stop.

    They set out at a fixed distance from its last beat, and so a pass may end as soon as those of
    the one before will have left by the time that its own come. `ends` and `final` are here of the
    clock of `begins`, and `credits_ahead` of a pass's sums; `credit` is not asked for.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.
    ahead : int
        Clocks from a pass's last beat to its first sums that set out.
    """

    def __init__(self, parameters: CrossbarParameters, ahead: int) -> None:
        # A place is taken for the next sums.
        super().__init__(parameters, ahead, taken=Out(1))

    def build(self, m: Module, platform: object) -> None:
        """Build the counter."""
        whole, final = self._parameters.drains
        left = Signal(range(max(whole, final)))  # that take their places later than in this clock
        image_ends = Signal()
        closes = Signal()
        way = Signal(self._ahead)
        lasts = Signal(self._ahead)
        m.d.comb += [
            self.busy.eq((left != 0) | ~self.credits_ahead),
            self.taken.eq(self.begins | (left != 0)),
            closes.eq(Mux(self.begins, self.final & (final == 1), image_ends & (left == 1))),
            self.sets_out.eq(way[-1]),
            self.last.eq(lasts[-1]),
        ]
        m.d.sync += [way.eq(Cat(self.taken, way)), lasts.eq(Cat(closes, lasts))]
        with m.If(self.begins):
            m.d.sync += [
                left.eq(Mux(self.final, final - 1, whole - 1)),
                image_ends.eq(self.final),
            ]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
