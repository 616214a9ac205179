"""A CellPlacer puts each word where the crossbar looks for it, a clock later."""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from allspin.hdl.crossbar import cell_placer as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.formal.proof import Mutant, Proof, about, later, pick, when


def completes(column: int, p: CrossbarParameters) -> bool:
    """Return whether the next column's word is in another memory or line, or does not exist."""
    where = [
        (c // p.lanes, c % p.lanes // p.bank_lanes) for c in (column, column + 1) if c < p.columns
    ]
    return len(where) == 1 or where[0] != where[1]


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m, inside = about(dut := hdl.CellPlacer(p))
    cell, place = dut.cells.payload, dut.place

    # Words come row by row; this model keeps their places only.
    next_row, next_column = Signal(range(p.rows + 1)), Signal(range(p.columns))
    row, column = Mux(cell.first, cell.row, next_row), Mux(cell.first, 0, next_column)
    word, placed_row = Signal.like(cell.word), Signal.like(next_row)
    placed_column = Signal.like(next_column)
    valid = later(m, dut.cells.valid)
    ends = column == p.columns - 1
    with m.If(dut.cells.valid):
        m.d.sync += [
            word.eq(cell.word),
            placed_row.eq(row),
            placed_column.eq(column),
            next_column.eq(Mux(ends, 0, column + 1)),
            next_row.eq(row + ends),
        ]

    # A place by its definition.
    columns, rows = range(p.columns), range(p.rows + 1)
    part = [r % p.rows_per_clock for r in rows]
    line = [r // p.rows_per_clock for r in rows]
    base = [c // p.lanes * p.part_rows for c in columns]
    bank = [c % p.lanes // p.bank_lanes for c in columns]
    lane = [c % p.lanes % p.bank_lanes for c in columns]
    m.d.comb += [
        Assume(~dut.cells.valid | (row < p.rows)),
        Assert(dut.cells.ready),
        Assert(dut.valid == valid),
        when(
            valid,
            place.word == word,
            place.part == pick(part, placed_row),
            place.address == pick(line, placed_row) + pick(base, placed_column),
            place.bank == pick(bank, placed_column),
            place.lane == pick(lane, placed_column),
            dut.completes == pick([completes(c, p) for c in columns], placed_column),
        ),
        # Invariants that close the induction: the next word's place.
        Assert(next_row <= p.rows),
        Assert(next_column < p.columns),
        Assert(placed_row < p.rows),
        Assert(placed_column < p.columns),
        Assert(inside["next_row"] == next_row),
        Assert(inside["next_column"] == next_column),
        Assert(inside["next_base"] == pick(base, next_column)),
        Assert(inside["next_bank"] == pick(bank, next_column)),
        Assert(inside["next_lane"] == pick(lane, next_column)),
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
