"""SdramController: each command's distance, refresh in time, one open row, words as written."""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.resident import sdram as source
from tests.formal.proof import Mutant, Proof, about, moves, when

SHORT = SdramParameters(
    1, 1, 1, rcd=2, rp=2, ras=3, rfc=3, wr=2, refresh=20, power_up=30, cas=2, way=1
)
LONG = SdramParameters(
    1, 2, 2, rcd=2, rp=3, ras=4, rfc=7, wr=3, refresh=700, power_up=900, cas=3, way=3
)


def since(m: Module, event: Value, limit: int) -> tuple[Signal, Signal]:
    """Clocks since an event, `limit` at most and before the first; the same with this clock's."""
    clocks = Signal(range(limit + 1), init=limit)
    now = Signal.like(clocks)
    m.d.comb += [now.eq(Mux(event, 0, clocks)), Assert(clocks <= limit)]
    m.d.sync += clocks.eq(Mux(now == limit, limit, now + 1))
    return clocks, now


def chain(m: Module, value: Value, clocks: int) -> list[Signal]:
    """A value a clock later, two clocks later, and so on."""
    registers = [Signal.like(value) for _ in range(clocks)]
    m.d.sync += Cat(registers).eq(Cat(value, *registers[:-1]))
    return registers


def properties(hdl: Any, p: SdramParameters) -> Module:
    m, inside = about(dut := hdl.SdramController(p))
    pins, request = dut.pins, dut.requests.payload
    command = Signal(3)
    m.d.comb += command.eq(Cat(pins.ras, pins.cas, pins.we))
    activate, refresh, precharge, mode = (command == each for each in (1, 3, 5, 7))
    read, write = command == 2, command == 6

    # Rules of a data sheet about the commands on the pins, by the clocks since the commands before.
    active, active_now = since(m, activate, p.ras + p.rp)
    closed, closed_now = since(m, precharge, p.rp)
    fresh, fresh_now = since(m, refresh, p.refresh + 1)
    moded, moded_now = since(m, mode, 2)
    wrote, wrote_now = since(m, write, p.wr)
    opened, set_up, place = Signal(), Signal(), Signal(2 + p.row_bits)
    opened_now, set_up_now, place_now = Signal(), Signal(), Signal.like(place)
    refreshed, refreshed_now = Signal(range(9)), Signal(range(9))
    begun = Signal(range(p.power_up + 2))
    m.d.comb += [
        opened_now.eq((opened | activate) & ~precharge),
        place_now.eq(Mux(activate, Cat(pins.bank, pins.address[: p.row_bits]), place)),
        set_up_now.eq(set_up | mode),
        refreshed_now.eq(Mux(refreshed == 8, 8, refreshed + refresh)),
    ]
    m.d.sync += [
        opened.eq(opened_now),
        place.eq(place_now),
        set_up.eq(set_up_now),
        refreshed.eq(refreshed_now),
        begun.eq(Mux(begun > p.power_up, begun, begun + 1)),
    ]
    m.d.comb += [
        Assert(command != 4),
        when(command != 0, begun > p.power_up),
        when(activate, set_up, ~opened, closed >= p.rp, fresh >= p.rfc, active >= p.ras + p.rp),
        when(refresh, ~opened, closed >= p.rp, fresh >= p.rfc, moded >= 2),
        when(mode, ~opened, closed >= p.rp, fresh >= p.rfc, refreshed == 8, ~set_up),
        when(activate, moded >= 2),
        when(read | write, opened, active >= p.rcd, pins.bank == place[:2], ~pins.address[10]),
        when(precharge, pins.address[10], active >= p.ras, wrote >= p.wr, fresh >= p.rfc),
        Assert(pins.drives == write),
        when(set_up, fresh <= p.refresh),
    ]

    # A memory of one word, any one: its word is on the wires `cas` clocks after the read.
    followed = AnyConst(p.address_bits)
    stored, now, asked = Signal(p.width), Signal(p.width), Signal(p.width)
    here = Cat(pins.address[: p.column_bits], place) == followed
    mine = moves(dut.requests) & (request.address == followed)
    m.d.comb += now.eq(Mux(write & here, pins.word, stored))
    m.d.sync += stored.eq(now)
    with m.If(mine & request.write):
        m.d.sync += asked.eq(request.word)
    due = chain(m, asked, p.latency)
    reads = chain(m, moves(dut.requests) & ~request.write, p.latency)
    own = chain(m, mine & ~request.write, p.latency)
    kept = chain(m, now, p.latency - 1)
    m.d.comb += [
        Assume(~own[-1] | (dut.read == kept[-1])),
        Assert(dut.comes == reads[-1]),
        when(own[-1], dut.comes, dut.found == due[-1]),
        Assert(own[0] == (read & here)),
        # No driver is on while a word may be on the wires.
        when(pins.drives, ~Cat(reads).any()),
        Cover(own[-1] & dut.read),
        Cover(refresh & set_up),
        Cover(write & (wrote < p.wr)),
    ]
    m.d.comb += [
        # Invariants that close the induction: words on their way.
        Assert(Cat(reads) == inside["reads"]),
        Assert(read == reads[0]),
        Assert(now == asked),
        *(when(mine, to == word) for mine, word, to in zip(own[1:], due[1:], kept, strict=True)),
        when(own[0], now == due[0]),
        *(when(mine, one) for mine, one in zip(own, reads, strict=True)),
    ]
    _situation(m, inside, dut, p, locals())
    return m


def _situation(m: Module, inside: Any, dut: Any, p: SdramParameters, of: dict[str, Any]) -> None:
    """Invariants that close the induction: the controller's state follows from the commands on the
    pins."""
    left, keep, count, timer = (inside[name] for name in ("left", "keep", "count", "timer"))
    due = inside["due"]
    power_up, start, shut, open_ = (
        inside.state("sdram", name) for name in ("POWER_UP", "START", "CLOSED", "OPEN")
    )
    period = p.refresh - p.slack
    ticks = p.power_up // period + 2
    late = max(p.ras, p.wr, p.rfc) + p.rp
    age, passed = Signal(range(period)), Signal(range((ticks + 2) * period))
    refreshed = of["refreshed_now"]
    m.d.comb += [
        age.eq(period - 1 - timer),
        passed.eq((ticks - 1 - count + due) * period + age),
        Assert(timer < period),
        Assert(refreshed <= 8),
        Assert(of["begun"] <= p.power_up + 1),
        Assert(power_up | start | shut | open_),
        when(power_up, of["command"] == 0, ~of["opened"], ~of["set_up"], refreshed == 0),
        when(
            power_up,
            count <= ticks,
            of["begun"] == Mux(passed > p.power_up, p.power_up + 1, passed),
        ),
        when(power_up, Mux(due, (age == 0) & (count != 0), count < ticks)),
        when(~power_up, of["begun"] > p.power_up),
        when(start, count + refreshed == 8, ~of["set_up_now"], ~of["opened_now"]),
        when(power_up | start, of["active_now"] == p.ras + p.rp, of["wrote_now"] == p.wr),
        when(power_up | start, of["moded_now"] == 2, keep == 0, ~inside["reads"].any()),
        when(power_up, of["closed_now"] == p.rp, of["fresh_now"] == p.refresh + 1),
        when(shut | open_, of["set_up_now"], refreshed == 8),
        when(dut.started, of["set_up_now"]),
        when(shut, ~of["opened_now"], left + of["active_now"] + 1 >= p.ras + p.rp),
        when(start | shut, left + of["closed_now"] + 1 >= p.rp),
        when(start | shut, left + of["fresh_now"] + 1 >= p.rfc),
        when(shut, left + of["moded_now"] + 1 >= 2),
        when(open_, of["opened_now"], of["place_now"] == inside["opened"]),
        when(open_, left + of["active_now"] + 1 >= p.rcd, keep + of["active_now"] + 1 >= p.ras),
        when(open_, of["fresh_now"] + 1 >= p.rfc, of["closed_now"] + 1 >= p.rp),
        when(open_, of["moded_now"] + 1 >= 2, keep + of["wrote_now"] + 1 >= p.wr),
        # Age of a refresh.
        when((refreshed != 0) & ~due, of["fresh_now"] <= age),
        when((refreshed != 0) & due, of["fresh_now"] <= period + age),
        when(due & start, age + left < max(p.rp, p.rfc)),
        when(due & shut, age + left <= late),
        when(due & open_, age + left < late - p.rp, age + keep < late - p.rp),
        Assert(keep < max(p.ras, p.wr)),
        when(start, left < max(p.rp, p.rfc)),
        when(shut, left < max(p.rp, p.rfc, 2)),
        when(open_, left < p.rcd),
    ]


MUTANTS = (
    Mutant("left.eq(p.rcd - 1)", "left.eq(p.rcd - 2)", 100),
    Mutant("keep.eq(p.ras - 1)", "keep.eq(p.ras - 2)", 100),
    Mutant("hit & ~due", "~due", 100),
    Mutant("~(request.write & reads.any())", "1", 100),
    Mutant("keep.eq(p.wr - 1)", "keep.eq(0)", 100),
)

PROOFS = [
    Proof(
        "SdramController", source, lambda hdl: properties(hdl, SHORT), 2, MUTANTS, cover_depth=100
    ),
    Proof(
        "SdramController, the times of 80 MHz",
        source,
        lambda hdl: properties(hdl, LONG),
        2,
        (Mutant("init=p.power_up // self._period + 2", "init=1", 60),),
        command="prove",
        cover_depth=0,
    ),
]
