"""The block that docs/decisions/learning-in-gateware.md measures makes what its model makes."""

import itertools

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, draw_bits
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.synapse import CycleVariation
from tests.hdl.driving import put, simulate
from tests.learning.core import (
    UNIT_BITS,
    WISH_CLOCKS,
    WRITTEN,
    LearningCore,
    WordSynapse,
    pulsed,
    wanted,
)

LANES, ROWS, COLUMNS, SWEEPS, SEED, NUMBER = 2, 80, 8, 3, 7, 41


@pytest.mark.parametrize(("stochastic", "film_bits"), [(3, 16), (0, 16), (2, 10), (1, 18)])
def test_films_are_the_models(stochastic, film_bits):
    rng = np.random.default_rng(film_bits)
    response = [PulseResponse(a, 60) for a in (22.0, -9.0)]
    table = WordSynapse(*response, c2c=CycleVariation(0.02, 0.1), film_bits=film_bits).table
    films = rng.integers(2**film_bits, size=(ROWS, COLUMNS))
    values, deltas = rng.integers(256, size=ROWS), rng.integers(-(2**11), 2**11, size=COLUMNS)
    chances = rng.integers(2**16, size=ROWS), rng.integers(2**16, size=COLUMNS)
    wished = wanted(values[:, None], deltas, chances[0][:, None], chances[1], stochastic & 1)
    expected, held, more = films.copy(), films.copy(), []
    for sweep in range(SWEEPS):
        row, column = np.nonzero(np.abs(wished) > sweep)
        bits = draw_bits(SEED, 0, Purpose.WRITE, sweep << 10 | row, column, NUMBER)
        down = (wished[row, column] < 0).astype(int)
        before = expected[row, column]
        expected[row, column] = pulsed(before, down, table, bits, film_bits, stochastic & 2)
    dut = LearningCore(LANES, film_bits)

    async def bench(ctx):
        put(ctx, dut, seed=SEED, number=NUMBER, stochastic=stochastic, rekey=1, load=1)
        for address, (step, spread) in enumerate(table.reshape(-1, 2).tolist()):
            put(ctx, dut, load_address=address, loaded=spread << UNIT_BITS | step)
            await ctx.tick()
            put(ctx, dut, rekey=0)
        put(ctx, dut, load=0)
        lines = list(itertools.product(range(SWEEPS), range(ROWS), range(0, COLUMNS, LANES)))
        late = [0] * LANES
        for clock in range(len(lines) + WRITTEN + 1):
            put(ctx, dut, valid=clock < len(lines))
            sweep, row, first = lines[min(clock, len(lines) - 1)]
            put(ctx, dut, sweep=sweep, row=row, value=int(values[row]))
            put(ctx, dut, row_chance=int(chances[0][row]))
            for lane, column in enumerate(range(first, first + LANES)):
                ctx.set(dut.columns[lane], column)
                ctx.set(dut.deltas[lane], int(deltas[column]))
                ctx.set(dut.column_chances[lane], int(chances[1][column]))
            found = await ctx.tick().sample(
                dut.more, dut.write, dut.write_row, dut.read_row,
                *dut.write_columns, *dut.written, *dut.read_columns,
            )  # fmt: skip
            more.append(found[2])
            at = np.array(found[6:]).reshape(3, LANES)
            for lane, film in enumerate(late):
                ctx.set(dut.films[lane], film)
                if found[3] >> lane & 1:
                    held[found[4], at[0, lane]] = at[1, lane]
            late = [int(held[found[5], column]) for column in at[2]]

    simulate(dut, bench)
    assert np.array_equal(held, expected)
    assert (expected != films).mean() > 0.3
    asked = np.abs(wished).reshape(ROWS, -1, LANES).max(axis=2).ravel()
    again = [asked > sweep + 1 for sweep in range(SWEEPS)]
    assert np.array_equal(more[WISH_CLOCKS:][: SWEEPS * asked.size], np.concatenate(again))
