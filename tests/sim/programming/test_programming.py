"""Programming against closed forms, against the draws themselves, and against itself."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.device.device import Device
from allspin.sim.device.electrical import Electrical
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.program import ProgrammedChip, program, with_words
from allspin.sim.programming.schemes import SCHEMES, Programming
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.sim.chip.model import golden

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


def programmed(
    of: Synapse, net: Network, how: Programming, seed: int = 1, wrong: Imperfections | None = None
) -> ProgrammedChip:
    return program(net, Device("test", of, imperfections=wrong or Imperfections()), seed, how)


TEN = uniform_levels(10)
HUNDRED = uniform_levels(100)


def test_open_loop_by_depression_is_the_papers_formula_with_its_spread() -> None:
    """One train of whole pulses from the highest R_AH: mean and deviation in closed form."""
    net = network(TEN, 300, 200)
    words = programmed(synapse(), net, Programming("open-loop", "depression")).words[0]
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


def test_halves_and_quieter_take_the_polarity_that_they_say() -> None:
    net = network(TEN)
    states = np.concatenate([layer.states.ravel() for layer in net.layers])
    counts = programmed(synapse(), net, Programming("open-loop", "halves")).counts
    # By hand: the whole pulses nearest to each level, from below at A = 22.
    share = (TEN[5:].astype(float) + 126) / 252
    exact = -22 * np.log(1 - share * (1 - math.exp(-100 / 22)))
    by_hand = sum((states == state).sum() * exact[state - 5] for state in range(5, 10))
    assert counts.potentiation == pytest.approx(by_hand, rel=0.02)
    assert 0 < counts.depression < (states < 5).sum() * 100
    assert programmed(synapse(), net, Programming()).counts.potentiation == 0
    quiet_up = programmed(synapse(CycleVariation(0.02, 0.029)), net, Programming()).counts
    assert quiet_up.potentiation > 10 * quiet_up.depression


def test_pulse_width_meets_every_level_with_one_pulse_a_state() -> None:
    """Depression from the top: the k-th state below it takes k pulses, ever wider ones."""
    net = network(TEN)
    still = synapse(CycleVariation())
    done = programmed(still, net, Programming("pulse-width", "depression"))
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
    missed = programmed(still, net, Programming("open-loop", "depression")).words[0]
    assert np.abs(missed.astype(int) - net.layers[0].words).max() > 3


def test_a_polarity_that_ends_short_is_not_asked_for_more() -> None:
    """Depression from 1 to -0.5 only: lower levels are potentiation's, though it is noisier."""
    narrow = SotSynapse(
        PulseResponse(22, 100), PulseResponse(9, 100, -0.5, 1), c2c=CycleVariation(0.01, 0.001)
    )
    net = network(TEN, 100, 50)
    lower = net.layers[0].states <= 2
    for scheme in ("open-loop", "pulse-width", "write-verify"):
        words = programmed(narrow, net, Programming(scheme)).words[0]
        miss = np.abs(words.astype(float) - net.layers[0].words)
        assert miss[lower].max() < 6 + 5 * 0.01 * 252
        if scheme == "pulse-width":
            assert miss[~lower].max() <= 2
    forced = programmed(narrow, net, Programming("pulse-width", "depression")).words[0]
    assert forced.min() >= -126 * 0.5 - 3


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    states=st.sampled_from([2, 10, 100]),
    tries=st.integers(1, 20),
    scheme=st.sampled_from(["write-verify", "incremental"]),
    column=st.sampled_from(["centred", "written"]),
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
    scheme: str,
    column: str,
    band: float,
    polarity: str,
    reading: str,
    hall: float,
    reference: float,
    stuck: float,
) -> None:
    net = network(uniform_levels(states), 12, 9)
    how = Programming(scheme, polarity, tries, band)
    device = synapse(d2d=DeviceVariation(0.13, 0.48, reading))
    wrong = Imperfections(
        hall_offset=hall, reference=reference, stuck=stuck, reference_column=column
    )
    done = programmed(device, net, how, seed, wrong)
    outside = 0
    for words, layer, converged in zip(done.words, net.layers, done.converged, strict=True):
        span = float(layer.levels[-1] - layer.levels[0])
        miss = np.abs(words.astype(float) - layer.words)
        assert np.all(miss[converged] <= band * span + 0.5 + 1e-6)
        outside += (~converged).sum()
    cells = done.counts.cells
    assert done.counts.unconverged == outside
    assert cells <= done.counts.reads <= tries * cells
    saturations = done.counts.saturations - (column == "written") * (12 + 9)
    assert saturations == done.counts.reads or scheme == "incremental"
    assert cells <= saturations <= done.counts.reads


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
        Programming("incremental", tries=6),
    ):
        one, same, other = (programmed(of, net, how, seed).words[0] for seed in (5, 5, 6))
        np.testing.assert_array_equal(one, same)
        assert (one != other).mean() > 0.5
        np.testing.assert_array_equal(programmed(of, small, how, 5).words[0], one[:13])


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


def test_saturated_films_drift_from_where_they_are() -> None:
    """Each pulse switches a film whole or not at all; then all lose a tenth in a decade."""
    switched = np.asarray(1 - 0.9 ** np.arange(80), np.float64)
    spread = 2 * np.sqrt(switched * (1 - switched))
    up, down = (TableResponse(sign * (2 * switched - 1), spread, np.zeros(80)) for sign in (1, -1))
    films = TableSynapse(up, down, 10, bounded=True)
    device = Device("films", films, imperfections=Imperfections(drift=0.1, age=9.0))
    held = program(network(uniform_levels(10)), device, 3, Programming()).cells[0].held
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
    first = programmed(ramps(-1, 1, cycle, 0.1), net, how)
    second = programmed(ramps(-unit, unit, cycle, 0.1), net, how)
    assert 0 < first.counts.unconverged < first.counts.cells
    assert second.counts == first.counts
    np.testing.assert_array_equal(first.words[0], second.words[0])


@pytest.mark.parametrize("tiled", [False, True])
def test_a_programmed_chip_is_a_network_that_any_machine_takes(tiled: bool) -> None:
    net = with_steps(network(TEN), Tiles(16, 3), (9, 6)) if tiled else network(TEN)
    variation = NeuronVariation(0.18, 0.18)
    chip = Chip(Device("test", synapse(), neuron_variation=variation), 3)
    words = program(net, chip.device, chip.seed, Programming()).words
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 40), dtype=np.uint8)
    as_network = with_words(vary_columns(chip, net), words)
    np.testing.assert_array_equal(as_network.layers[0].words, words[0])
    logits = GoldenModel(as_network).logits(images)
    np.testing.assert_array_equal(logits, golden(chip, net, words).logits(images))
    # Sums of two tiles, of -4 to 3 steps of 64 each.
    assert tiled == (set(logits.flat) <= {64 * steps for steps in range(-8, 7)})
    assert not np.array_equal(
        GoldenModel(net).logits(images), golden(chip, net, words).logits(images)
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_without_reads_take_the_same_on_every_chip(scheme: str) -> None:
    made_of = Device("test", synapse(d2d=D2D))
    net, how = network(uniform_levels(10)), Programming(scheme)
    taken = {program(net, made_of, seed, how).counts for seed in range(3)}
    assert len(taken) == (3 if how.verifies else 1)


@dataclasses.dataclass(frozen=True)
class Endless(PulseResponse):
    """A response whose ends no train of pulses reaches."""

    def pulses_for(self, share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(share < 1, super().pulses_for(share), np.inf)


def test_a_state_that_no_cell_has_takes_nothing() -> None:
    net = network(TEN)
    inner = [dataclasses.replace(layer, states=np.clip(layer.states, 1, 8)) for layer in net.layers]
    net = dataclasses.replace(net, layers=tuple(inner))
    ends = SotSynapse(Endless(22, 100), Endless(9, 100), 100, C2C)
    how = Programming("pulse-width")
    assert programmed(ends, net, how).counts == programmed(synapse(), net, how).counts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "blind"}, "open-loop, pulse-width, write-verify, incremental, not 'blind'"),
        ({"polarity": "up"}, "must be one of quieter"),
        ({"tries": 0}, "tries must be from 1 to 1024, not 0"),
        ({"band": 0.6}, "the band must be a number from 1e-06 to 0.5"),
        ({"band": math.nan}, "the band must be"),
    ],
)
def test_illegal_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Programming(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", ["low", "high", "between", "open"])
@pytest.mark.parametrize(("unit", "reference"), [("ohm", 0.0), ("siemens", 0.05)])
def test_write_verify_reads_a_stuck_cell_where_it_is_stuck(
    at: str, unit: str, reference: float
) -> None:
    """A conductance less its row's reference."""
    net = network(uniform_levels(5))
    wrong = Imperfections(stuck=0.4, stuck_at=at, reference=reference)
    straight = SotSynapse(PulseResponse(math.inf, 100), PulseResponse(math.inf, 100), 100)
    chip = Chip(Device("test", straight, imperfections=wrong, unit=unit), 1)
    done = program(net, chip.device, chip.seed, Programming("write-verify", tries=3))
    levels, states = net.layers[0].levels, net.layers[0].states
    ends = int(levels[0]), int(levels[-1])
    stuck, exact = chip.stuck(0, (len(states), len(states[0])), ends, chip.open_cell(levels))
    held = (exact - chip.reference_errors(0, len(states), ends)) / 2**21
    # A stuck cell converges only where it is within the band by chance.
    at_level = np.abs(held - levels[states]) <= 0.02 * (ends[1] - ends[0])
    assert np.array_equal(done.converged[0][stuck], at_level[stuck])
    # Without any variation the others converge at once.
    assert reference or done.converged[0][~stuck].all()
