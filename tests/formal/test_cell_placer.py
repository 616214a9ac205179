"""A CellPlacer puts each word where the crossbar looks for it, a clock later."""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Mux, Signal, Value

from allspin.hdl.crossbar import placers as source
from allspin.hdl.parameters.crossbar import CrossbarParameters
from tests.formal.proof import Mutant, Opened, Proof


def completes(column: int, p: CrossbarParameters) -> bool:
    """Whether the next column's word is in another memory or line, or there is none."""
    where = [
        (c // p.lanes, c % p.lanes // p.bank_lanes) for c in (column, column + 1) if c < p.columns
    ]
    return len(where) == 1 or where[0] != where[1]


def properties(hdl: ModuleType, crossbar: CrossbarParameters) -> Module:
    m = Module()
    p = crossbar
    dut = hdl.CellPlacer(p)
    m.submodules.dut = inside = Opened(dut)
    cell = dut.cells.payload
    m.d.comb += [dut.cells.valid.eq(AnySeq(1)), cell.as_value().eq(AnySeq(len(cell.as_value())))]

    # Words come row by row; what they say of themselves is all that is kept here.
    row, column = Signal(range(p.rows + 1)), Signal(range(p.columns))
    next_row, next_column = Signal.like(row), Signal.like(column)
    m.d.comb += [
        row.eq(Mux(cell.first, cell.row, next_row)),
        column.eq(Mux(cell.first, 0, next_column)),
        Assume(~dut.cells.valid | (row < p.rows)),
        Assert(dut.cells.ready),
    ]
    valid, word = Signal(), Signal.like(cell.word)
    placed_row, placed_column = Signal.like(row), Signal.like(column)
    m.d.sync += valid.eq(dut.cells.valid)
    with m.If(dut.cells.valid):
        m.d.sync += [
            word.eq(cell.word),
            placed_row.eq(row),
            placed_column.eq(column),
            next_column.eq(Mux(column == p.columns - 1, 0, column + 1)),
            next_row.eq(row + (column == p.columns - 1)),
        ]

    # A place by its definition.
    def of(values: list[int], index: Signal) -> Value:
        return Array(Const(value, 16) for value in values)[index]

    columns, rows = range(p.columns), range(p.rows + 1)
    place = dut.place
    m.d.comb += Assert(dut.valid == valid)
    with m.If(valid):
        m.d.comb += [
            Assert(place.word == word),
            Assert(place.part == of([r % p.rows_per_clock for r in rows], placed_row)),
            Assert(
                place.address
                == of([r // p.rows_per_clock for r in rows], placed_row)
                + of([c // p.lanes * p.part_rows for c in columns], placed_column)
            ),
            Assert(place.bank == of([c % p.lanes // p.bank_lanes for c in columns], placed_column)),
            Assert(place.lane == of([c % p.lanes % p.bank_lanes for c in columns], placed_column)),
            Assert(dut.completes == of([completes(c, p) for c in columns], placed_column)),
        ]

    # What makes the induction close: the next word's place.
    m.d.comb += [
        Assert(next_row <= p.rows),
        Assert(next_column < p.columns),
        Assert(placed_row < p.rows),
        Assert(placed_column < p.columns),
        Assert(inside["next_row"] == next_row),
        Assert(inside["next_column"] == next_column),
        Assert(
            inside["next_base"] == of([c // p.lanes * p.part_rows for c in columns], next_column)
        ),
        Assert(
            inside["next_bank"] == of([c % p.lanes // p.bank_lanes for c in columns], next_column)
        ),
        Assert(
            inside["next_lane"] == of([c % p.lanes % p.bank_lanes for c in columns], next_column)
        ),
        Cover(valid & (placed_row == 1) & (placed_column == p.columns - 1)),
    ]
    return m


PROOFS = [
    Proof(
        f"CellPlacer, {name}",
        source,
        lambda hdl, crossbar=crossbar: properties(hdl, crossbar),
        depth=1,
        cover_depth=2 * crossbar.columns + 2,
        mutants=(
            Mutant("lane=p.bank_lanes - 1", "lane=p.bank_lanes"),
            Mutant("bank=p.banks - 1", "bank=p.banks"),
            Mutant("column=p.columns - 1", "column=p.columns"),
            Mutant("(p.lanes - 1) % p.bank_lanes", "p.lanes % p.bank_lanes"),
            Mutant('here["base"] + p.part_rows', 'here["base"] + p.rows'),
            Mutant("bank_ends | group_ends | row_ends", "bank_ends | row_ends"),
            Mutant('start = cell.row if name == "row" else 0', "start = 0"),
        ),
    )
    for name, crossbar in (
        (
            "block RAM",
            CrossbarParameters(5, 7, lanes=3, value_bits=2, rows_per_clock=2),
        ),
        (
            "ECP5",
            CrossbarParameters(3, 11, lanes=6, value_bits=2, rows_per_clock=2, memory="ecp5"),
        ),
    )
]


def test_cell_placer(prove: Callable[[], None]) -> None:
    prove()
