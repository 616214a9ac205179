"""The block of docs/decisions/learning-in-gateware.md, against its integer model."""

import itertools

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, draw_bits
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.synapse_variation import CycleVariation
from tests.hdl.driving import put, simulate
from tests.learning.core import (
    ROW_BITS,
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
    synapse = WordSynapse(
        *(PulseResponse(22.0, 60), PulseResponse(-9.0, 60)),
        c2c=CycleVariation(0.02, 0.1),
        film_bits=film_bits,
    )
    first = rng.integers(2**film_bits, size=(ROWS, COLUMNS))
    values, deltas = rng.integers(256, size=ROWS), rng.integers(-(2**11), 2**11, size=COLUMNS)
    of_row, of_column = rng.integers(2**16, size=ROWS), rng.integers(2**16, size=COLUMNS)
    wished = wanted(values[:, None], deltas, of_row[:, None], of_column, stochastic & 1)
    expected, held, seen, dut = (
        first.copy(),
        first.copy(),
        [],
        LearningCore(LANES, LANES, film_bits),
    )
    for sweep in range(SWEEPS):
        at = np.nonzero(np.abs(wished) > sweep)
        expected[at] = pulsed(
            expected[at],
            (wished[at] < 0).astype(int),
            synapse.table,
            draw_bits(SEED, 0, Purpose.WRITE, sweep << ROW_BITS | at[0], at[1], NUMBER),
            film_bits,
            stochastic & 2,
        )

    async def bench(ctx):
        put(ctx, dut, seed=SEED, number=NUMBER, stochastic=stochastic, load=1)
        for address, (step, spread) in enumerate(synapse.table.reshape(-1, 2).tolist()):
            put(
                *(ctx, dut),
                rekey=address == 0,
                load_address=address,
                loaded=spread << UNIT_BITS | step,
            )
            await ctx.tick()
        lines = itertools.product(range(SWEEPS), range(ROWS), range(0, COLUMNS, LANES))
        late, later = [0] * LANES, [0] * LANES
        for sweep, row, column in [*lines, *[(0, 0, 0)] * WRITTEN, (0, 0, 0)]:
            put(
                *(ctx, dut),
                **{"load": 0, "valid": len(seen) < SWEEPS * held.size // LANES, "sweep": sweep},
                **{"row": row, "value": int(values[row]), "row_chance": int(of_row[row])},
            )
            lanes = np.arange(column, column + LANES)
            inputs = np.concatenate([lanes, deltas[lanes], of_column[lanes], late]).tolist()
            ports = dut.columns + dut.deltas + dut.column_chances + dut.films
            for port, value in zip(ports, inputs, strict=True):
                ctx.set(port, value)
            found = await ctx.tick().sample(
                *(dut.write, dut.write_row, dut.read_row),
                *(dut.write_columns + dut.written + dut.read_columns + dut.pulses),
            )
            to, films, at, pulses = np.array(found[5:]).reshape(4, LANES)
            given = found[2] >> np.arange(LANES) & 1 == 1
            held[found[3], to[given]] = films[given]
            late, later = later, held[found[4], at]
            seen.append(pulses)

    simulate(dut, bench)
    assert np.array_equal(np.ravel(seen[WISH_CLOCKS:][: wished.size // LANES]), wished.ravel())
    assert np.array_equal(held, expected)
    assert (expected != first).mean() > 0.3
