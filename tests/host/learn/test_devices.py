"""Devices that learn, against an independent Monte Carlo of single devices."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from allspin.host.learn.array_network import ArrayNetwork, row_values
from allspin.host.learn.paper_types import raw_synapse
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.learn.symmetry import reference_resistance, symmetry_point
from allspin.host.learn.training import train_in_array
from allspin.host.learn.weights import PulsedWeights
from allspin.sim.chip.device_deviates import device_deviates
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_toml, device_to_toml
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.errors import UserError
from allspin.sim.synapse.lookup_table import load_lookup_tables
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.sim.synapse.monte_carlo import Table

LOW, HIGH, SIGMA = 2.0, 6.0, 0.03
UP = LOW + (HIGH - LOW) * np.linspace(0, 1, 61) ** 0.6
DOWN = HIGH - (HIGH - LOW) * np.linspace(0, 1, 41) ** 0.8
SPREAD = (1 + 0.5 * np.cos(np.arange(61))) * SIGMA


def table_synapse() -> TableSynapse:
    none = np.zeros(61)
    up = TableResponse(UP, SPREAD, none)
    return TableSynapse(up, TableResponse(DOWN, SPREAD[:41], none[:41]), occasion="pulse")


def curve_synapse(occasion: str) -> SotSynapse:
    up, down = PulseResponse(22.0, 60, LOW, HIGH), PulseResponse(9.0, 60, LOW, HIGH)
    share = SIGMA / (HIGH - LOW)
    return SotSynapse(up, down, 61, CycleVariation(share, share, occasion=occasion))


def by_table(films, sign, rng):
    """One pulse each: the step and the deviation of the table where the film is."""
    way, order = (UP, UP) if sign > 0 else (DOWN, DOWN[::-1])
    step = np.append(np.diff(way), 0.0)
    spread = np.append(SPREAD[1 : way.size], SPREAD[way.size - 1])
    if sign < 0:
        step, spread = step[::-1], spread[::-1]
    moved = np.interp(films, order, step) + np.interp(films, order, spread) * rng.normal(
        size=films.size
    )
    return np.clip(films + moved, LOW, HIGH)


def by_curve(films, sign, rng):
    """The same of the paper's law: a share of the way to an asymptote, never beyond the range."""
    a = 22.0 if sign > 0 else 9.0
    goal = (LOW if sign > 0 else HIGH) + sign * (HIGH - LOW) / (1 - math.exp(-60 / a))
    moved = np.clip(films + (goal - films) * (1 - math.exp(-1 / a)), LOW, HIGH)
    return np.clip(moved + SIGMA * rng.normal(size=films.size), LOW, HIGH)


def pairs(tmp_path: Path):
    """Return devices, and the effect of a pulse on each."""
    rising, falling = Table(1), Table(-1)
    files = rising.write(tmp_path / "dG_increasing.txt"), falling.write(tmp_path / "dG_falling.txt")
    lookup = load_lookup_tables(files)
    # The tables pass through a device file.
    lookup = device_from_toml(device_to_toml(Device("measured", lookup))).synapse
    return {
        "table": (table_synapse(), by_table),
        "curve": (curve_synapse("pulse"), by_curve),
        "lookup": (lookup, lambda films, sign, rng: (rising, falling)[sign < 0].pulsed(films, rng)),
    }


def alike(first, second) -> bool:
    """True by the Kolmogorov-Smirnov test; equal distributions fail in one case of a thousand."""
    found: Any = stats.ks_2samp(first, second)
    return found.pvalue > 1e-3


@pytest.mark.parametrize(
    "name",
    ["lookup", *(pytest.param(name, marks=pytest.mark.long) for name in ("table", "curve"))],
)
def test_a_thousand_pulses_leave_the_same_distribution(tmp_path: Path, name: str) -> None:
    synapse, pulse = pairs(tmp_path)[name]
    rng, other = np.random.default_rng(5), np.random.default_rng(6)
    films = np.full((2, 10_000), (synapse.low + synapse.high) / 2)
    for number in range(1000):
        up = rng.random((2, 10_000)) < 0.6
        for polarity, sign in ((Polarity.POTENTIATION, 1), (Polarity.DEPRESSION, -1)):
            mine, own = (each == (sign > 0) for each in up)
            films[0, mine] = synapse.walked(polarity, films[0, mine], 1.0, 0.0, rng)
            films[1, own] = pulse(films[1, own], sign, other)
        if number in (3, 30, 999):
            # The ends of the range, where many are, are equal but for rounding.
            assert alike(*np.round(films / synapse.high, 9)), number


@pytest.mark.parametrize("name", ["table", "curve"])
def test_trains_are_pulses_one_by_one(tmp_path: Path, name: str) -> None:
    """Trains of different lengths at once, a last pulse that is shorter among them."""
    synapse, pulse = pairs(tmp_path)[name]
    rng, start = np.random.default_rng(1), np.full(20_000, 4.0)
    trains = np.repeat([0.0, 1.0, 5.0, 2.5], 5000)
    found = synapse.walked(Polarity.DEPRESSION, start, trains, 0.0, rng).reshape(4, 5000)
    once = pulse(start[:5000], -1, rng)
    five = once
    for _ in range(4):
        five = pulse(five, -1, rng)
    assert np.all(found[0] == 4.0)
    assert alike(found[1], once)
    assert alike(found[2], five)
    assert np.diff([found[3].mean(), pulse(once, -1, rng).mean()])[0] > 0


@pytest.mark.parametrize(("share", "sign"), [(1.0, 1), (0.25, 1), (1.0, -1), (0.25, -1)])
def test_a_shorter_pulse_moves_its_share_and_deviates_by_its_root(share, sign) -> None:
    way, place = (UP, 30) if sign > 0 else (DOWN, 20)
    films = np.full(40_000, way[place])
    polarity = Polarity.POTENTIATION if sign > 0 else Polarity.DEPRESSION
    found = table_synapse().walked(polarity, films, share, 0.0, np.random.default_rng(0))
    deviation = SPREAD[place + 1] * math.sqrt(share)
    assert found.std() == pytest.approx(deviation, rel=0.012)
    expected = way[place] + share * (way[place + 1] - way[place])
    assert found.mean() == pytest.approx(expected, abs=5 * deviation / 200)


def learn(films, values, labels, tests, orders, rate, across, pulse, rng):
    """A network of ReLUs that learns by single pulses, film by film; accuracy on `tests`."""

    def weights():
        return [(film - (LOW + HIGH) / 2) * 2 / (HIGH - LOW) for film in films]

    for order in orders:
        for chosen in order[: len(order) // 32 * 32].reshape(-1, 32):
            first, last = weights()
            hidden = np.maximum(values[chosen] @ first, 0)
            shares = np.exp(hidden @ last)
            shares /= shares.sum(axis=1, keepdims=True)
            shares[np.arange(32), labels[chosen]] -= 1
            back = -rate * shares / 32
            changes = [values[chosen].T @ (back @ last.T * (hidden > 0)), hidden.T @ back]
            for film, change in zip(films, changes, strict=True):
                wanted = change * np.where(change > 0, *across) / 2
                pulses = np.floor(np.abs(wanted) + rng.random(film.shape)) * np.sign(wanted)
                while pulses.any():
                    for sign in (1, -1):
                        these = pulses * sign > 0
                        film[these] = pulse(film[these], sign, rng)
                        pulses[these] -= sign
    first, last = weights()
    answers = np.argmax(np.maximum(tests[0] @ first, 0) @ last, axis=1)
    return np.mean(answers == tests[1])


@pytest.mark.parametrize(("name", "across"), [("table", (60, 40)), ("curve", (60, 60))])
def test_a_network_learns_as_films_one_by_one_do(dataset, tmp_path, name, across) -> None:
    synapse, pulse = pairs(tmp_path)[name]
    values, tests = row_values(dataset.train_images), row_values(dataset.test_images)
    found = []
    for seed in range(10):
        given = ArrayParameters(rate=0.3, epochs=2, hidden=(12,), seed=seed, synapse=synapse)
        network = ArrayNetwork(given, values.shape[1], dataset.classes)
        films = [np.array(each.stored, np.float64) for each in network.pulsed]
        orders = [
            np.random.default_rng([seed, 3, epoch]).permutation(len(values)) for epoch in range(2)
        ]
        own = learn(
            films,
            *(values, dataset.train_labels, (tests, dataset.test_labels), orders),
            *(0.3, across, pulse, np.random.default_rng(seed + 99)),
        )
        found.append((train_in_array(dataset, given, marks=1).curve[-1][2], own))
    means, error = np.mean(found, axis=0), np.diff(found, axis=1).std(ddof=1) / math.sqrt(10)
    assert means.min() > 0.5
    assert abs(means[0] - means[1]) <= max(0.005, 2 * error), (means, error)


class Ladder(Synapse):
    """A device of one's own: 50 rungs of equal height, which a pulse climbs to three in four."""

    low: Any = 0.0
    high: Any = 50.0
    states = 51

    def curve(self, polarity, pulses, deviate=0.0):
        moved = np.minimum(0.75 * np.asarray(pulses) + 0 * np.asarray(deviate), 50.0)
        return 50.0 - moved if polarity else moved

    def pulses_to(self, polarity, resistance):
        r = np.clip(resistance, 0.0, 50.0)
        return (50.0 - r if polarity else r) / 0.75

    def advance(self, polarity, resistance: Any, pulses: Any = 1.0, deviate: Any = 0.0):
        moved = -0.75 * np.asarray(pulses) if polarity else 0.75 * np.asarray(pulses)
        return np.clip(resistance + moved, 0.0, 50.0)

    def read(self, polarity, resistance: Any, deviate: Any = 0.0):
        return resistance

    def cycle_deviation(self, polarity, resistance, pulses=1.0):
        return np.sqrt(0.1875 * np.asarray(pulses))

    def draws_each_pulse(self, polarity):
        return True

    def one_train(self, polarity, resistance, pulses, deviate, rng):
        climbs = (rng.random(resistance.shape) < 0.75) * (-1.0 if polarity else 1.0)
        return np.clip(resistance + climbs, 0.0, 50.0)

    def varied(self, c2c, d2d):
        return self

    def record(self):
        return {}

    def readings(self):
        return []


def test_a_class_of_one_s_own_learns_by_its_own_law(dataset) -> None:
    given = ArrayParameters(rate=0.3, epochs=6, hidden=(12,), synapse=Ladder(), rounding="nearest")
    found = weights(Ladder(), rounding="nearest")
    start = found.stored.copy()
    found.update(np.full(SHAPE, 0.3, np.float32))  # a change by 0.3 of 2 is 10 of 67 pulses
    climbed = np.bincount((found.stored - start).ravel().astype(int), minlength=11)
    expected = 3000 * stats.binom.pmf(np.arange(11), 10, 0.75)
    assert np.allclose(climbed, expected, atol=5 * np.sqrt(expected + 1))
    trained = train_in_array(dataset, given)
    assert trained.curve[-1][2] > 0.6


def test_straight_and_fine_pulses_learn_as_numbers_do(dataset) -> None:
    response = PulseResponse(math.inf, 5000)
    shares = []
    for seed in range(5):
        given = ArrayParameters(rate=0.1, epochs=3, hidden=(20,), seed=seed)
        pulsed = dataclasses.replace(given, synapse=SotSynapse(response, response))
        shares.append([train_in_array(dataset, each).curve[-1][2] for each in (given, pulsed)])
    first, second = np.mean(shares, axis=0)
    assert first > 0.8
    assert second == pytest.approx(first, abs=0.01)


SHAPE = (60, 50)


def weights(synapse, **given) -> PulsedWeights:
    return PulsedWeights(synapse, ArrayParameters(**given), np.zeros(SHAPE, np.float32))


def test_once_a_write_deviates_less_often_than_at_each_pulse() -> None:
    """At the range's end a film is cut at every pulse, so that it leaves it at every pulse."""
    means = [
        curve_synapse(occasion)
        .walked(Polarity.POTENTIATION, np.full(20_000, HIGH), 50.0, 0.0, np.random.default_rng(0))
        .mean()
        for occasion in ("write", "pulse")
    ]
    assert HIGH - means[0] == pytest.approx(SIGMA / math.sqrt(2 * math.pi), rel=0.05)
    assert means[1] < means[0]


def test_a_sign_is_one_pulse_beyond_a_threshold() -> None:
    found = weights(curve_synapse("write").varied(0, 0), update="sign", threshold=0.1)
    before, asked = (
        found.stored.copy(),
        np.linspace(-0.3, 0.3, 3000, dtype=np.float32).reshape(SHAPE),
    )
    found.update(asked.copy())
    assert np.array_equal(np.sign(found.stored - before), np.sign(asked) * (np.abs(asked) > 0.1))
    assert np.array_equal(found.devices[0].pulse_counts, np.abs(asked) > 0.1)


def test_a_change_asks_for_its_share_of_p_max_of_its_polarity() -> None:
    found = weights(table_synapse(), rounding="nearest")
    asked = np.array([0.5, -0.5, 0.1, -0.1, 3.0, -3.0], np.float32)
    found.update(np.resize(asked, SHAPE))
    expected = np.resize([15, 10, 3, 2, 60, 40], SHAPE)
    assert np.array_equal(found.devices[0].pulse_counts, expected)
    assert found.devices[0].widths == [500 * 78, 500 * 52]


def test_a_pair_is_a_difference_and_is_written_again_before_it_is_full() -> None:
    found = weights(raw_synapse(), pair=True, rounding="nearest")

    def share(pulses: int) -> float:
        return (1 - math.exp(-pulses / 22)) / (1 - math.exp(-100 / 22))

    for change, first, second in ((0.4, 40, 0), (-0.1, 40, 10)):
        found.update(np.full(SHAPE, change, np.float32))
        assert np.allclose(found.matrix, share(first) - share(second), atol=1e-5)
    assert not found.devices[0].saturations
    found.update(np.full(SHAPE, 0.2, np.float32))
    up, down = found.devices
    assert up.saturations == down.saturations == 3000
    assert np.all(down.stored == -1)
    # The rewritten pair is rounded to whole pulses, each worth less than 0.02 at this point.
    assert np.abs(found.matrix - (share(60) - share(10))).max() < 0.02
    assert np.ptp(found.matrix) == 0


def test_the_reference_is_where_up_and_down_are_equal() -> None:
    """The paper's law gives (goal_up - r)(1 - q_up) = (r - goal_down)(1 - q_down)."""
    up, down = (1 - math.exp(-1 / a) for a in (22.0, 9.0))
    high = -1 + 2 / (1 - math.exp(-100 / 22))
    low = 1 - 2 / (1 - math.exp(-100 / 9))
    expected = (high * up + low * down) / (up + down)
    point = symmetry_point(raw_synapse())
    assert point is not None
    assert point == pytest.approx(expected, abs=2 / 4096)
    found = weights(raw_synapse(), reference="symmetry")
    assert np.allclose(found.matrix, found.stored - point, atol=1e-6)
    for wrong in ("2", "nan", "centre"):
        with pytest.raises(UserError, match="`reference` must be middle, symmetry or R_AH between"):
            reference_resistance(raw_synapse(), wrong)


def test_stuck_cells_of_the_chip_take_pulses_and_stay() -> None:
    synapse = dataclasses.replace(raw_synapse(), d2d=DeviceVariation(0.2, 0.2, "range"))
    device = Device("stuck", synapse, imperfections=Imperfections(stuck=0.2, stuck_at="low"))
    found = weights(synapse, device=device, rounding="nearest")
    potentiation, _ = device_deviates(synapse, 0, 0, SHAPE)
    found.update(np.full(SHAPE, 0.5, np.float32))
    stuck = found.matrix == -1
    assert stuck.mean() == pytest.approx(0.2, abs=0.03)
    assert np.allclose(
        found.matrix, np.where(stuck, -1, found.stored + 0.4 * potentiation), atol=1e-5
    )
    assert np.all(found.devices[0].pulse_counts == 25)


def test_of_one_image_only_driven_rows_change_and_as_a_batch_of_it_would() -> None:
    values = np.zeros((2, 30), np.float32)
    values[:, 3:9] = np.linspace(0.2, 1, 6)
    found = []
    for images in (1, 2):
        given = ArrayParameters(
            rate=20.0, hidden=(7,), synapse=raw_synapse(), rounding="nearest", batch=images
        )
        network = ArrayNetwork(given, 30, 3)
        before = [each.stored.copy() for each in network.pulsed]
        network.learn(values[:images], np.full(images, 2), np.random.default_rng(0))
        found.append([each.stored for each in network.pulsed])
        assert np.array_equal(found[-1][0][9:], before[0][9:])
        assert not np.array_equal(found[-1][0][3:9], before[0][3:9])
    for one, two in zip(*found, strict=True):
        assert np.allclose(one, two, atol=1e-5)


def test_momentum_asks_again_for_a_share_of_each_change() -> None:
    given = ArrayParameters(rate=1e-3, hidden=(), momentum=0.5)
    network, plain = (
        ArrayNetwork(each, 12, 3) for each in (given, dataclasses.replace(given, momentum=0.0))
    )
    values, labels = np.random.default_rng(0).random((2, 12), np.float32), np.array([0, 2])
    moves = []
    for each in (network, plain):
        places = [each.weights[0].matrix.copy()]
        for _ in range(3):
            each.learn(values, labels, np.random.default_rng(0))
            places.append(each.weights[0].matrix.copy())
        moves.append(np.diff(places, axis=0))
    # With so small a rate the gradient is the same each time.
    first, second, third = moves[1]
    assert np.allclose(
        moves[0], [first, second + first / 2, third + second / 2 + first / 4], atol=1e-6
    )


@pytest.mark.parametrize(("pair", "span"), [(False, 2.0), (True, 1.0)])
def test_sums_have_the_device_s_read_noise(pair: bool, span: float) -> None:
    device = Device("noisy", raw_synapse(), imperfections=Imperfections(read_noise=0.3))
    given = ArrayParameters(synapse=raw_synapse(), device=device, hidden=(), pair=pair)
    network = ArrayNetwork(given, 4, 50)
    sums = network._sums(np.zeros((400, 4), np.float32), network.pulsed[0].matrix, 1.0, RNG)
    assert sums.std() == pytest.approx(0.3 * span, rel=0.03)


RNG = np.random.default_rng(2)
