"""Programming against closed forms, against the draws themselves, and against itself."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.chip.retained import stuck_cells
from allspin.sim.device.device import Device, Electrical, Imperfections, NeuronVariation
from allspin.sim.network.formats import uniform_levels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.programming import write_verify
from allspin.sim.programming.programming import (
    Programmed,
    chip_network,
    planned_counts,
    program_chip,
)
from allspin.sim.programming.schemes import Counts, Programming, default_tries
from allspin.sim.programming.trains import penalty
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse, Synapse
from allspin.sim.synapse.table_synapse import TableResponse, TableSynapse

C2C = CycleVariation(0.065, 0.029)
D2D = DeviceVariation(0.13, 0.48, "weight")


def synapse(c2c: CycleVariation = C2C, d2d: DeviceVariation | None = None) -> SotSynapse:
    """The paper's synapse, from -1 to 1."""
    return SotSynapse(
        PulseResponse(22, 100), PulseResponse(9, 100), 100, c2c, d2d or DeviceVariation()
    )


def network(
    levels: npt.ArrayLike, rows: int = 40, columns: int = 30, seed: int = 0, classes: int = 3
) -> Network:
    """A network of random states."""
    rng = np.random.default_rng(seed)
    states = len(np.asarray(levels))
    neuron = SotNeuron()
    return Network(
        (
            Layer(
                rng.integers(0, states, (rows, columns), np.uint8),
                np.asarray(levels, np.int16),
                Converter(
                    rng.integers(1, 9, columns, np.int32), rng.integers(-5, 6, columns, np.int32), 6
                ),
                neuron.table(8, 4),
            ),
            Layer(
                rng.integers(0, states, (columns, classes), np.uint8), np.asarray(levels, np.int16)
            ),
        ),
        neuron,
        (1, rows),
    )


def program(
    of: Synapse, net: Network, how: Programming, seed: int = 1, wrong: Imperfections | None = None
) -> Programmed:
    return program_chip(
        Chip(Device("test", of, imperfections=wrong or Imperfections()), seed), net, how
    )


TEN = uniform_levels(10)
HUNDRED = uniform_levels(100)


def test_open_loop_by_depression_is_the_papers_formula_with_its_spread() -> None:
    """One train of whole pulses from the highest R_AH: mean and deviation in closed form."""
    net = network(TEN, 300, 200)
    words = program(synapse(), net, Programming("open-loop", "depression")).words[0]
    pulses = np.arange(101)
    curve = 126 - 252 * (1 - np.exp(-pulses / 9)) / (1 - math.exp(-100 / 9))
    for state in range(1, 9):
        reached = curve[np.abs(curve - TEN[state]).argmin()]
        here = words[net.layers[0].states == state].astype(float)
        assert abs(here.mean() - reached) < 0.5 + 4 * 7.3 / math.sqrt(here.size)
        if abs(reached) < 90:  # beyond, the width of a word cuts the tails off
            assert here.std() == pytest.approx(0.029 * 252, rel=0.05)
            # Rounding to whole words leaves steps of a seventh of a deviation.
            assert stats.kstest((here - np.rint(reached)) / 7.308, "norm").statistic < 0.06


def test_open_loop_by_potentiation_spreads_more() -> None:
    net = network(TEN, 300, 200)
    words = program(synapse(), net, Programming("open-loop", "potentiation")).words[0]
    curve = -126 + 252 * (1 - np.exp(-np.arange(101) / 22)) / (1 - math.exp(-100 / 22))
    reached = curve[np.abs(curve - TEN[4]).argmin()]
    here = words[net.layers[0].states == 4].astype(float)
    assert here.mean() == pytest.approx(reached, abs=0.5 + 4 * 16.4 / math.sqrt(here.size))
    assert here.std() == pytest.approx(0.065 * 252, rel=0.05)


def test_halves_and_quieter_take_the_polarity_that_they_say() -> None:
    net = network(TEN)
    states = np.concatenate([layer.states.ravel() for layer in net.layers])
    counts = program(synapse(), net, Programming("open-loop", "halves")).counts
    # By hand: the whole pulses nearest to each level, from below at A = 22.
    share = (TEN[5:].astype(float) + 126) / 252
    exact = -22 * np.log(1 - share * (1 - math.exp(-100 / 22)))
    by_hand = sum((states == state).sum() * exact[state - 5] for state in range(5, 10))
    assert counts.potentiation == pytest.approx(by_hand, rel=0.02)
    assert 0 < counts.depression < (states < 5).sum() * 100
    assert program(synapse(), net, Programming()).counts.potentiation == 0
    quiet_up = program(synapse(CycleVariation(0.02, 0.029)), net, Programming()).counts
    assert quiet_up.potentiation > 10 * quiet_up.depression


def test_pulse_width_meets_every_level_with_one_pulse_a_state() -> None:
    """Depression from the top: the k-th state below it takes k pulses, ever wider ones."""
    net = network(TEN)
    still = synapse(CycleVariation())
    done = program(still, net, Programming("pulse-width", "depression"))
    for words, layer in zip(done.words, net.layers, strict=True):
        np.testing.assert_array_equal(words, layer.words)
    states = np.concatenate([layer.states.ravel() for layer in net.layers])
    assert done.counts.pulses == (9 - states).sum()
    # The paper's equation solved for P; the last level is the end of the range.
    share = (126 - TEN.astype(float)) / 252
    width = -9 * np.log(1 - share * (1 - math.exp(-100 / 9)))
    assert done.counts.depression == pytest.approx(width[states].sum())
    assert np.all(np.diff(width[::-1], 2) > 0)
    # Whole pulses do not meet them.
    missed = program(still, net, Programming("open-loop", "depression")).words[0]
    assert np.abs(missed.astype(int) - net.layers[0].words).max() > 3


def test_a_polarity_that_ends_short_is_not_asked_for_more() -> None:
    """Depression from 1 to -0.5 only: lower levels are potentiation's, whatever is quieter."""
    narrow = SotSynapse(
        PulseResponse(22, 100), PulseResponse(9, 100, -0.5, 1), c2c=CycleVariation(0.01, 0.001)
    )
    net = network(TEN, 100, 50)
    lower = net.layers[0].states <= 2
    for scheme in ("open-loop", "pulse-width", "write-verify"):
        words = program(narrow, net, Programming(scheme)).words[0]
        miss = np.abs(words.astype(float) - net.layers[0].words)
        assert miss[lower].max() < 6 + 5 * 0.01 * 252
        if scheme == "pulse-width":
            assert miss[~lower].max() <= 2
    forced = program(narrow, net, Programming("pulse-width", "depression")).words[0]
    assert forced.min() >= -126 * 0.5 - 3


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    states=st.sampled_from([2, 10, 100]),
    tries=st.integers(1, 20),
    band=st.sampled_from([0.005, 0.02, 0.1]),
    polarity=st.sampled_from(["quieter", "depression", "potentiation", "halves"]),
    reading=st.sampled_from(["range", "step", "weight", "span", "nonlinearity"]),
    hall=st.sampled_from([0.0, 0.05]),
    reference=st.sampled_from([0.0, 0.05]),
    stuck=st.sampled_from([0.0, 0.1]),
)
def test_who_converged_is_within_the_band(
    seed: int,
    states: int,
    tries: int,
    band: float,
    polarity: str,
    reading: str,
    hall: float,
    reference: float,
    stuck: float,
) -> None:
    net = network(uniform_levels(states), 12, 9)
    how = Programming("write-verify", polarity, tries, band)
    device = synapse(d2d=DeviceVariation(0.13, 0.48, reading))
    wrong = Imperfections(hall_offset=hall, reference=reference, stuck=stuck)
    done = program(device, net, how, seed, wrong)
    outside = 0
    for words, layer, converged in zip(done.words, net.layers, done.converged, strict=True):
        span = float(layer.levels[-1] - layer.levels[0])
        miss = np.abs(words.astype(float) - layer.words)
        assert np.all(miss[converged] <= band * span + 0.5 + 1e-6)
        outside += (~converged).sum()
    cells = done.counts.cells
    assert done.counts.unconverged == outside
    assert cells <= done.counts.reads <= tries * cells
    assert done.counts.saturations == done.counts.reads


def test_a_cell_that_never_got_there_keeps_its_last_write() -> None:
    """With one polarity and no D2D, write number k of a cell is level and draw number k."""
    level = round(126 - 252 * (1 - math.exp(-6 / 9)) / (1 - math.exp(-100 / 9)))
    net = network([-126, level, 126], 30, 20)
    how = Programming("write-verify", "depression", 5, 1e-6)
    done = program(synapse(), net, how, seed=9)
    draws = cell_normals(9, 0, Purpose.WRITE, (30, 20), 4) / 2**13
    middle = (net.layers[0].states == 1) & ~done.converged[0]
    reached = 126 - 252 * (1 - math.exp(-6 / 9)) / (1 - math.exp(-100 / 9))
    expected = np.rint(reached + 0.029 * 252 * draws)
    np.testing.assert_array_equal(done.words[0][middle], np.clip(expected, -127, 127)[middle])


def test_the_share_that_converges_is_that_of_the_normal_distribution() -> None:
    """A level that a train meets, no D2D: each try is within the band with one chance."""
    level = 126 - 252 * (1 - math.exp(-6 / 9)) / (1 - math.exp(-100 / 9))
    net = network([-126, round(level), 126], 300, 200)
    inside = net.layers[0].states == 1
    off = (round(level) - level) / 252
    for tries in (1, 4):
        done = program(synapse(), net, Programming("write-verify", "depression", tries, 0.02))
        chance = stats.norm.cdf((0.02 + off) / 0.029) - stats.norm.cdf((-0.02 + off) / 0.029)
        left = (1 - chance) ** tries
        cells = inside.sum()
        sigma = math.sqrt(left * (1 - left) / cells)
        assert abs((~done.converged[0][inside]).mean() - left) < 4 * sigma


def test_verify_learns_how_a_device_differs() -> None:
    """Without C2C a first read tells the deviate: the second train is the right one."""
    net = network(TEN, 60, 50)
    of = synapse(CycleVariation(), DeviceVariation(0.13, 0.13, "weight"))
    open_loop = program(of, net, Programming("open-loop"))
    once, thrice = (
        program(of, net, Programming("write-verify", "quieter", tries, 0.03)) for tries in (1, 3)
    )
    outermost = np.isin(net.layers[0].states, [0, 9])
    # A device that falls short of the end of the range cannot be brought there.
    assert thrice.converged[0][~outermost].mean() > 0.98 > once.converged[0].mean() + 0.1
    error = [
        np.abs(done.words[0].astype(float) - net.layers[0].words)[~outermost].mean()
        for done in (open_loop, thrice)
    ]
    assert error[1] < error[0] / 2


def test_of_a_device_that_was_never_read_all_of_d2d_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the formula: the posterior's variance is 1 / (1 + sum (d / s)^2) deviates."""
    of = synapse(d2d=D2D)
    trains = of.trains
    seen: list[npt.NDArray[np.float64]] = []

    def kept(miss: npt.NDArray[np.float64], variance: npt.NDArray[np.float64]) -> object:
        seen.append(variance)
        return penalty(miss, variance)

    monkeypatch.setattr(write_verify, "penalty", kept)
    net = network(TEN, 6, 5)
    program(of, net, Programming("write-verify", tries=2, band=0.01))
    targets = TEN[net.layers[0].states.ravel()] / 126
    for polarity, found in zip(Polarity, seen[:2], strict=True):
        n = np.abs(trains[polarity].law.mean - targets[:, None]).argmin(axis=1)
        wanted = (
            trains[polarity].law.cycle[n] ** 2 + trains[polarity].law.device[n] ** 2 + 0.02**2 / 3
        )
        np.testing.assert_allclose(found, wanted)
    # What was read of it tells a part, of the polarity that it was written with.
    assert max(found.max() for found in seen[2:4]) <= max(found.max() for found in seen[:2])


def test_a_chip_is_its_seed_cell_by_cell() -> None:
    """The same seed makes the same words, and a cell's do not depend on its neighbours."""
    net = network(HUNDRED)
    of = synapse(d2d=D2D)
    small = dataclasses.replace(
        net,
        layers=(
            dataclasses.replace(
                net.layers[0],
                states=net.layers[0].states[:13],
            ),
            net.layers[1],
        ),
        image_shape=(1, 13),
    )
    for how in (
        Programming("open-loop"),
        Programming("pulse-width"),
        Programming("write-verify", tries=6),
    ):
        one, same, other = (program(of, net, how, seed).words[0] for seed in (5, 5, 6))
        np.testing.assert_array_equal(one, same)
        assert (one != other).mean() > 0.5
        np.testing.assert_array_equal(program(of, small, how, 5).words[0], one[:13])


def test_one_read_is_enough_where_nothing_varies() -> None:
    net = network([-126, -99, 126])
    done = program(synapse(CycleVariation()), net, Programming("write-verify"))
    assert done.counts.reads == done.counts.cells == 40 * 30 + 30 * 3
    assert done.counts.unconverged == 0


def test_read_noise_makes_verify_err_and_not_lie_about_what_it_read() -> None:
    net = network(TEN)
    how = Programming("write-verify", tries=8, band=0.01)
    done = program(synapse(), net, how, wrong=Imperfections(read_noise=0.05))
    miss = np.abs(done.words[0].astype(float) - net.layers[0].words)[done.converged[0]]
    assert miss.max() > 0.02 * 252


def test_energy_and_time_by_hand() -> None:
    electrical = Electrical(0.008, 0.011, 0.011, 1e-3, 312.5, 1e-3, 2e-3)
    counts = Counts(cells=2, potentiation=3, depression=4, pulses=7, saturations=5, reads=6)
    joules = 312.5 * 1e-3 * (3 * 0.008**2 + 4 * 0.011**2 + 5 * 0.011**2)
    joules += 6 * 1e-6 * 312.5 * 2e-3
    assert counts.energy(electrical) == pytest.approx(joules)
    assert counts.time(electrical) == pytest.approx(12e-3 + 12e-3)
    assert counts.energy(Electrical()) is None
    assert counts.time(Electrical()) is None
    assert (counts + counts).reads == 12


def test_a_measured_table_is_programmed_like_the_curve_it_was_taken_from() -> None:
    n = np.arange(101)
    up = -1 + 2 * (1 - np.exp(-n / 22)) / (1 - math.exp(-100 / 22))
    down = 1 - 2 * (1 - np.exp(-n / 9)) / (1 - math.exp(-100 / 9))
    none = np.zeros(101)
    table = TableSynapse(
        TableResponse(up, none + 0.13, none), TableResponse(down, none + 0.058, none)
    )
    net = network(TEN)
    for scheme in ("open-loop", "write-verify"):
        first, second = (program(of, net, Programming(scheme)) for of in (table, synapse()))
        np.testing.assert_array_equal(first.words[0], second.words[0])
        assert first.counts == second.counts


def test_saturated_films_drift_from_where_they_are() -> None:
    """Each pulse switches a film whole or not at all; then all lose a tenth in a decade."""
    switched = np.asarray(1 - 0.9 ** np.arange(80), np.float64)
    spread = 2 * np.sqrt(switched * (1 - switched))
    up, down = (TableResponse(sign * (2 * switched - 1), spread, np.zeros(80)) for sign in (1, -1))
    films = TableSynapse(up, down, 10, bounded=True)
    device = Device("films", films, imperfections=Imperfections(drift=0.1, age=9.0))
    held = program_chip(Chip(device, 3), network(uniform_levels(10)), Programming()).cells[0].held
    words = np.abs(held) / 2**21
    assert words.max() == pytest.approx(0.9 * 127, abs=0.01)
    assert np.mean(words > 0.9 * 125) > 0.9


def ramps(low: float, high: float, cycle: float, device: float) -> TableSynapse:
    """Straight lines of 50 pulses between two ends; deviations are shares of the range."""
    n = np.linspace(0, 1, 51) * (high - low) + low
    spread = np.ones(51) * (high - low)
    return TableSynapse(
        TableResponse(n, cycle * spread, device * spread),
        TableResponse(n[::-1], cycle * spread, device * spread),
    )


@pytest.mark.parametrize("cycle", [0.0, 0.02])
@pytest.mark.parametrize("unit", [2.0**-20, 2.0**20])
def test_verify_does_the_same_in_any_unit_of_resistance(unit: float, cycle: float) -> None:
    net = network(TEN)
    how = Programming("write-verify", tries=4, band=0.01)
    first = program(ramps(-1, 1, cycle, 0.1), net, how)
    second = program(ramps(-unit, unit, cycle, 0.1), net, how)
    assert 0 < first.counts.unconverged < first.counts.cells
    assert second.counts == first.counts
    np.testing.assert_array_equal(first.words[0], second.words[0])


def test_halves_of_verify_part_in_the_middle_of_the_range() -> None:
    net = network(TEN)
    states = np.concatenate([layer.states.ravel() for layer in net.layers])
    counts = program(ramps(2, 6, 0, 0), net, Programming("write-verify", "halves")).counts
    # By hand: the whole pulses nearest to a level of ten, a ninth of the range apart.
    up = sum((states == state).sum() * round(50 * state / 9) for state in range(5, 10))
    down = sum((states == state).sum() * round(50 * (9 - state) / 9) for state in range(5))
    assert (counts.potentiation, counts.depression) == (up, down)


def test_a_programmed_chip_is_a_network_that_any_machine_takes() -> None:
    net = network(TEN)
    variation = NeuronVariation(0.18, 0.18)
    chip = Chip(Device("test", synapse(), neuron_variation=variation), 3)
    words = program_chip(chip, net, Programming()).words
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 40), dtype=np.uint8)
    as_network = chip_network(chip, net, words)
    np.testing.assert_array_equal(as_network.layers[0].words, words[0])
    np.testing.assert_array_equal(
        GoldenModel(as_network).logits(images), chip.golden(net, words).logits(images)
    )
    assert not np.array_equal(
        GoldenModel(net).logits(images), chip.golden(net, words).logits(images)
    )


def test_a_chip_of_a_network_with_tiles_has_them() -> None:
    net = with_steps(network(TEN), Tiles(16, 3), (9, 6))
    chip = Chip(Device("test", synapse(d2d=D2D)), 3)
    words = program_chip(chip, net, Programming()).words
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 40), dtype=np.uint8)
    logits = GoldenModel(chip_network(chip, net, words)).logits(images)
    np.testing.assert_array_equal(logits, chip.golden(net, words).logits(images))
    assert set(np.unique(logits >> 6)) <= set(range(-8, 7))  # two tiles of -4 to 3
    assert not np.any(logits & 63)


@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
def test_what_does_not_read_takes_the_same_on_every_chip(scheme: str) -> None:
    made_of = Device("test", synapse(d2d=D2D))
    net, how = network(uniform_levels(10)), Programming(scheme)
    taken = {program_chip(Chip(made_of, seed), net, how).counts for seed in range(3)}
    planned = planned_counts(made_of.synapse, net, how)
    assert taken == {planned} if planned else len(taken) == 3
    assert (planned is None) == (scheme == "write-verify")


class Tempered(SotSynapse):
    """A user's synapse, equal to any other of the same responses, whose C2C is times a factor."""

    factor: float = 1.0

    def cycle_deviation(
        self, polarity: Polarity, resistance: npt.ArrayLike, pulses: npt.ArrayLike = 1.0
    ) -> npt.NDArray[np.float64]:
        return self.factor * super().cycle_deviation(polarity, resistance, pulses)


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
def test_a_synapse_need_not_be_told_from_others_by_its_class(scheme: str, hashed: bool) -> None:
    of = synapse()
    kind = type("Kind", (Tempered,), {"__hash__": Tempered.__hash__ if hashed else None})
    calm, wild = (kind(of.potentiation, of.depression, 100, of.c2c) for _ in range(2))
    object.__setattr__(wild, "factor", 3.0)
    assert calm == wild
    net, how = network(TEN), Programming(scheme)
    ours = [program(each, net, how) for each in (of, calm, wild, calm)]
    as_wild = dataclasses.replace(of, c2c=CycleVariation(0.065 * 3, 0.029 * 3))
    wanted = [program(each, net, how) for each in (of, of, as_wild, of)]
    for mine, theirs in zip(ours, wanted, strict=True):
        assert mine.counts == theirs.counts
        assert all(map(np.array_equal, mine.words, theirs.words))


@dataclasses.dataclass(frozen=True)
class Endless(PulseResponse):
    """One whose ends no train of pulses reaches."""

    def pulses_for(self, share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(share < 1, super().pulses_for(share), np.inf)


def test_a_state_that_no_cell_has_takes_nothing() -> None:
    net = network(TEN)
    inner = [dataclasses.replace(layer, states=np.clip(layer.states, 1, 8)) for layer in net.layers]
    net = dataclasses.replace(net, layers=tuple(inner))
    ends = SotSynapse(Endless(22, 100), Endless(9, 100), 100, C2C)
    how = Programming("pulse-width")
    assert program(ends, net, how).counts == program(synapse(), net, how).counts


def test_few_states_get_few_tries() -> None:
    assert default_tries(network(TEN)) == 8
    assert default_tries(network(HUNDRED)) == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "blind"}, "open-loop, pulse-width, write-verify, not 'blind'"),
        ({"polarity": "up"}, "must be one of quieter"),
        ({"tries": 0}, "tries must be from 1 to 1024, not 0"),
        ({"band": 0.6}, "the band must be a number from 1e-06 to 0.5"),
        ({"band": math.nan}, "the band must be"),
    ],
)
def test_what_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Programming(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", ["low", "high", "between", "open"])
def test_write_verify_reads_a_stuck_cell_where_it_is_stuck(at: str) -> None:
    net = network(uniform_levels(5))
    wrong = Imperfections(stuck=0.4, stuck_at=at)
    straight = SotSynapse(PulseResponse(math.inf, 100), PulseResponse(math.inf, 100), 100)
    done = program(straight, net, Programming("write-verify", tries=3), wrong=wrong)
    stuck = stuck_cells(1, 0, net.layers[0].states.shape, wrong)
    assert stuck is not None
    levels = net.layers[0].levels
    held = stuck.held((int(levels[0]), int(levels[-1]))) / 2**21
    # Without any variation a cell converges at once, a stuck one only where it is by chance.
    at_level = np.abs(held - levels[net.layers[0].states]) <= 0.02 * (levels[-1] - levels[0])
    assert np.array_equal(done.converged[0], ~stuck.cells | at_level)
