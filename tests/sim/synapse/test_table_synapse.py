"""Measured synapses, and CrossSim's lookup tables against distributions known beforehand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import optimize, stats

from allspin.sim.errors import UserError
from allspin.sim.synapse.lookup_table import load_lookup_tables
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_response import TableResponse, rising
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.sim.chip.exact import synapse
from tests.sim.synapse.monte_carlo import HIGH, LOW, Table

P, D = Polarity


def measured(occasion: str = "write", cycle: float = 0.02, device: float = 0.05) -> TableSynapse:
    """The paper's curves as tables."""
    model = synapse()
    n = np.arange(101)
    spread = np.full(101, cycle), np.full(101, device)
    return TableSynapse(
        TableResponse(model.curve(P, n), *spread),
        TableResponse(model.curve(D, n), *spread),
        occasion=occasion,
    )


@pytest.mark.parametrize("polarity", list(Polarity))
def test_a_table_of_the_model_moves_as_the_model_does(polarity: Polarity) -> None:
    model = synapse()
    table = measured()
    starts = np.linspace(-0.99, 0.99, 40)
    for pulses in (0, 0.5, 1, 7):
        got = table.advance(polarity, starts, pulses)
        assert got == pytest.approx(model.advance(polarity, starts, pulses), abs=3e-3)
    assert table.pulses_to(polarity, starts) == pytest.approx(
        model.pulses_to(polarity, starts), abs=0.05
    )
    assert (table.low, table.high) == pytest.approx((-1, 1))


def test_devices_and_cycles_are_as_measured() -> None:
    table = measured()
    assert float(table.curve(P, 10, 2) - table.curve(P, 10)) == pytest.approx(0.1)
    assert float(table.read(D, 0.3, -1)) == pytest.approx(0.25)
    assert float(table.cycle_deviation(P, -1, 5)) == pytest.approx(0.02)
    assert float(table.cycle_deviation(P, -1, 0)) == 0
    assert table.device_deviation(P, np.arange(3)) == pytest.approx(np.full(3, 0.05))


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_writes_by_lookup_tables_are_those_of_films_pulsed_one_by_one(
    tmp_path: Path, noise: float
) -> None:
    """Mean and deviation of every write, in words of 254 for the range, of films and as drawn."""
    tables = Table(1, noise), Table(-1, noise)
    paths = [table.write(tmp_path / f"{table.sign}.txt") for table in tables]
    synapse = load_lookup_tables(paths)
    rng = np.random.default_rng(0)
    normal = np.sort(rng.standard_normal(100_000))[:, None]
    for polarity, table in zip(Polarity, tables, strict=True):
        pulses = synapse.response(polarity).resistance.size - 1
        films = table.trains(pulses, len(normal), rng)
        sure = 3 * films.std(axis=1).max() / np.sqrt(len(normal)) * 254 / (HIGH - LOW)
        written = synapse.written(polarity, np.arange(pulses + 1))
        # Words end a bit beyond the range, as those of ten states do.
        ends = synapse.low - (HIGH - LOW) / 252, synapse.high + (HIGH - LOW) / 252
        law = written.drawn(ends)
        drawn = np.clip(law.mean + law.cycle * normal, *ends)
        for mean, deviation in (
            (written.law.mean, written.law.cycle),
            (drawn.mean(axis=0), drawn.std(axis=0)),
        ):
            scale = 254 / (HIGH - LOW)
            assert mean * scale == pytest.approx(films.mean(axis=1) * scale, abs=0.1 + sure)
            assert deviation * scale == pytest.approx(films.std(axis=1) * scale, rel=0.03, abs=0.1)


def test_a_table_of_deviations_by_pulse_is_pulsed_one_by_one() -> None:
    """Normal changes from any state, as the table has them for it, and never beyond the ends."""
    table = measured("pulse", cycle=0.05)
    rng, films = np.random.default_rng(0), np.full(100_000, table.low)
    written = table.written(P, np.arange(31))
    for pulse in range(31):
        assert written.law.mean[pulse] == pytest.approx(films.mean(), abs=1e-3)
        assert written.law.cycle[pulse] == pytest.approx(films.std(), rel=0.02, abs=1e-3)
        moved = table.advance(P, films) + 0.05 * rng.standard_normal(films.size)
        films = np.clip(moved, table.low, table.high)
    assert written.ends is not None
    # From a state in the middle, too.
    films = np.full(100_000, 0.4)
    for _ in range(5):
        moved = table.advance(P, films) + 0.05 * rng.standard_normal(films.size)
        films = np.clip(moved, table.low, table.high)
    assert table.cycle_deviation(P, 0.4, 5) == pytest.approx(films.std(), rel=0.01)
    # And the draws, near an end where some films are saturated.
    films = np.full(100_000, 0.97)
    for _ in range(3):
        moved = table.advance(D, films) + 0.05 * rng.standard_normal(films.size)
        films = np.clip(moved, table.low, table.high)
    left = table.pulsed(D, np.full(1, 0.97), 3.0)
    drawn = left.read(left.stored_normal(), rng.standard_normal(films.size), np.zeros(1))
    assert drawn.mean() == pytest.approx(films.mean(), abs=2e-3)
    assert drawn.std() == pytest.approx(films.std(), rel=0.02)
    assert table.pulsed(D, 0.97, 3.0).ends == (table.low, table.high)


def test_the_spread_at_saturation_is_measured_too() -> None:
    table = measured()
    tables = TableResponse(
        table.potentiation.resistance, np.linspace(0.01, 0.02, 101), np.zeros(101)
    )
    law = TableSynapse(tables, table.depression).written(P, np.array([0, 50, 100])).law
    assert law.cycle == pytest.approx([0.01, 0.015, 0.02])


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_rising_is_isotonic_regression(values: list[float]) -> None:
    got = rising(values)
    assert got == pytest.approx(optimize.isotonic_regression(values).x, abs=1e-9)


def response(*tables: list[float]) -> TableResponse:
    """A response of lists; deviations are 0 by default."""
    resistance, cycle, device = tables if len(tables) == 3 else (*tables, [0, 0], [0, 0])
    return TableResponse(np.array(resistance), np.array(cycle), np.array(device))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: response([1.0], [0.0], [0.0]), "must be a list of 2 to 20001 numbers up to 1e"),
        (lambda: response(*[[0.0] * 20_002] * 3), "must be a list of 2 to 20001 numbers up to 1e"),
        (
            lambda: response([0, np.nan], [0, 0], [0, 0]),
            "resistance must be a list of 2 to",
        ),
        (lambda: response([-1e308, 1e308]), "resistance must be a list .* up to 1e"),
        (lambda: response([0, 1], [0, 1e300], [0, 0]), "cycle must be a list .* up to 1e"),
        (
            lambda: TableSynapse(response([0, 5e-324]), response([5e-324, 0])),
            "R_AH must rise with pulses",
        ),
        (lambda: response([0, 1], [0, -1], [0, 0]), "deviations of cycle must not be neg"),
        (lambda: response([0, 1], [0, 0, 0], [0, 0]), "as many values each"),
        (
            lambda: TableSynapse(response([1, 0]), response([1, 0])),
            "R_AH must rise with pulses of potentiation, but it goes from 1 to 0",
        ),
        (
            lambda: TableSynapse(response([0, 1]), response([0, 1])),
            "R_AH must fall with pulses of depression",
        ),
    ],
)
def test_tables_that_cannot_be(make: Callable[[], object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        make()


def write_crosssim(path: Path, sign: int, a: float = 15.0, sigma: float = 2e-7) -> None:
    """A lookup table in CrossSim's own layout: normal changes, proportional to the way left."""
    g = np.linspace(1e-5, 3e-5, 201)
    share = np.linspace(0, 1, 101)
    left = (3.2e-5 - g) if sign > 0 else (g - 0.8e-5)
    mean = sign * left * -np.expm1(-1 / a)
    normal = stats.norm.ppf(np.clip(share, 0.001, 0.999))[:, None]
    changes = mean + sigma * normal
    header = "1st Row = Gbins, 2nd Row = CDF Points, 3rd row onward =  dG matrix (rows= CDF, \n"
    header += np.array2string(g, separator=",", max_line_width=10**9, threshold=10**9)[1:-1] + "\n"
    header += np.array2string(share, separator=",", max_line_width=10**9, threshold=10**9)[1:-1]
    np.savetxt(path, changes, delimiter=",", header=header + "\n", comments="")


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "dG_increasing.txt", tmp_path / "dG_decreasing.txt"
    for path, sign in zip(paths, (1, -1), strict=True):
        write_crosssim(path, sign)
    return paths


def test_pairs_of_lookup_tables_are_devices(tmp_path: Path) -> None:
    """The mean and the deviation of exponentials whose A differ, point by point."""
    rng = np.random.default_rng(0)
    bends = np.exp(rng.normal(np.log(15), 0.2, 12))
    paths = []
    for number, a in enumerate(bends):
        for sign in (1, -1):
            paths.append(tmp_path / f"{sign}_{number}.txt")
            write_crosssim(paths[-1], sign, a)
    rng.shuffle(paths)
    synapse = load_lookup_tables(paths)
    n = np.arange(20)
    ways = np.minimum(3.2e-5 - 2.2e-5 * np.exp(-n / bends[:, None]), 3e-5)
    response = synapse.response(P)
    assert response.resistance[:20] == pytest.approx(ways.mean(axis=0), rel=2e-3)
    assert response.device[1:20] == pytest.approx(ways.std(axis=0, ddof=1)[1:], rel=0.02)
    kept = np.exp(-2 / 15)
    assert response.cycle[5] == pytest.approx(2e-7 * np.sqrt((1 - kept**5) / (1 - kept)), rel=0.03)
    assert synapse.readings()[1].startswith("synapse D2D as measured")


def test_crosssim_s_lookup_tables(tables: tuple[Path, Path]) -> None:
    synapse = load_lookup_tables(tables)
    assert (synapse.low, synapse.high) == pytest.approx((1e-5, 3e-5))
    # A mean change in proportion to the way left gives the exponential.
    n = np.arange(10)
    expected = 3.2e-5 - 2.2e-5 * np.exp(-n / 15)
    assert synapse.curve(P, n) == pytest.approx(expected, rel=1e-3)
    assert synapse.curve(D, n) == pytest.approx(0.8e-5 + 2.2e-5 * np.exp(-n / 15), rel=1e-3)
    assert float(synapse.cycle_deviation(P, 1e-5)) == pytest.approx(2e-7, rel=0.02)
    assert synapse.bounded
    assert "once a write" in synapse.readings()[0]
    swapped = load_lookup_tables(tables[::-1])
    assert np.array_equal(swapped.curve(P, n), synapse.curve(P, n))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n1,2\n", "needs a row of conductances and one of cumulative shares"),
        ("a\n" + "0," * 10_000 + "1\n0,1\n", "of 2 to 10,000 numbers each"),
        ("a\n1;2\n0,1\n1,1\n1,1\n", "line 2 is not a row of numbers"),
        ("a\nnan,2\n0,1\n0,1\n0,1\n", "line 2 is not a row of numbers"),
        ("a\n1,2\n0,1\n1e308,1\n0,1\n", r"line 4 is not a row of numbers up to 1e\+30"),
        ("a\n1,2\n0,1\n1,1\n", "is damaged: .* not 1 rows"),
        ("a\n1,2\n0,1\n1,1\n1\n", "is damaged: .* not 2 rows"),
        ("a\n1,2\n0,1" + "\n0,1" * 3, "not 3 rows"),
        ("a\n2,1\n0,1\n1,1\n1,1\n", "conductances must rise, and cumulative shares from 0 to 1"),
        ("a\n1,2\n1,0\n0,1\n0,1\n", "cumulative shares from 0 to 1"),
        ("a\n1,2\n0,90\n0,1\n0,1\n", "cumulative shares from 0 to 1"),
        ("a\n1,2\n0,1\n0,1\n0,1\n", "a pulse does not move the mean away from 1"),
    ],
)
def test_damaged_lookup_tables(tables: tuple[Path, Path], text: str, expected: str) -> None:
    tables[0].write_text(text)
    with pytest.raises(UserError, match=f"dG_increasing.txt.*{expected}") as caught:
        load_lookup_tables(tables)
    assert "\n" not in str(caught.value)


def test_lookup_tables_that_do_not_go_together(tables: tuple[Path, Path]) -> None:
    up, down = tables
    for paths, expected in (
        ([up], "1 of potentiation and 0 of depression; give a rising and a falling table"),
        ([up, up], "2 of potentiation and 0 of depression; give"),
        ([up, down.with_name("none")], "cannot read lookup table .*none"),
    ):
        with pytest.raises(UserError, match=expected):
            load_lookup_tables(paths)


def test_a_table_whose_pulses_cross_the_range_draws_the_measured_changes(tmp_path: Path) -> None:
    """Films pulsed one by one have the distribution of the file, cut at the ends of the range."""
    paths = (tmp_path / "up.txt", tmp_path / "down.txt")
    for path, sign in zip(paths, (1, -1), strict=True):
        write_crosssim(path, sign, a=0.7)
    synapse = load_lookup_tables(paths)
    assert [synapse.pulses_across(polarity) for polarity in Polarity] == [2, 2]
    assert "C2C as measured" in synapse.readings()[0]
    rng = np.random.default_rng(3)
    films = np.full(20_000, 1.5e-5)
    pulsed = synapse.one_train(P, films, np.ones(20_000), np.zeros(20_000), rng)
    # The way to 3.2e-5 shrinks by exp(-1 / 0.7), with a deviation of 2e-7.
    expected = 3.2e-5 - 1.7e-5 * np.exp(-1 / 0.7)
    assert pulsed.mean() == pytest.approx(expected, rel=1e-3)
    assert pulsed.std() == pytest.approx(2e-7, rel=0.03)
