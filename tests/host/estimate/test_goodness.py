"""Runs test against all arrangements of signs, described curves, and meter noise."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from allspin.host.estimate.goodness import Goodness, judge, runs_test
from allspin.host.estimate.intervals import Interval
from allspin.host.estimate.meter import from_reads
from allspin.host.estimate.response import fit_response
from allspin.host.estimate.spread import cycle_spread
from allspin.host.lab.curves import Curve
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from tests.host.fit.known import Known, fitted


def goodness_of(curves: list[Curve], polarity: Polarity) -> Goodness:
    """Return the goodness of the pulse response of one polarity."""
    fit = fit_response([one for one in curves if one.polarity is polarity], polarity)
    by_pulse = cycle_spread(fit).occasion == "pulse"
    kept = math.exp(-1 / fit.nonlinearity.value) if by_pulse else 0.0
    return judge(fit.devices, fit.models, kept)


def test_runs_against_every_arrangement() -> None:
    """Six positive and six negative signs."""
    places = np.array(list(itertools.combinations(range(12), 6)))
    signs = -np.ones((len(places), 12))
    np.put_along_axis(signs, places, 1.0, axis=1)
    runs = 1 + np.count_nonzero(np.diff(signs, axis=1), axis=1)
    for row, count in zip(signs[::20], runs[::20], strict=True):
        got, expected, p_value = runs_test(row)
        assert (got, expected) == (count, pytest.approx(runs.mean()))
        assert p_value == pytest.approx(np.mean(runs <= count), abs=0.02)


@pytest.mark.parametrize(
    ("devices", "cycles", "occasion"),
    # One cycle cannot tell a deviation that lasts from a curve of another shape.
    [(1, 1, "write"), (1, 5, "write"), (1, 5, "pulse"), (4, 3, "write"), (4, 3, "pulse")],
)
def test_the_model_s_own_data_are_described(devices: int, cycles: int, occasion: str) -> None:
    device = Known(a=(30, 25), c2c=(0.02, 0.02), occasion=occasion)
    draws = [device.draw(seed, devices, cycles) for seed in range(20)]
    good = [goodness_of(curves, polarity).described for curves in draws for polarity in Polarity]
    assert sum(good) >= 39


@pytest.mark.parametrize(("devices", "cycles"), [(1, 1), (1, 5), (4, 3)])
def test_a_sigmoid_is_not_described(devices: int, cycles: int) -> None:
    rng = np.random.default_rng(0)
    n = np.arange(61.0)
    curves = [
        Curve(f"d{d}", str(c), Polarity.POTENTIATION, n, np.tanh((n - 30) / 10) + noise)
        for d, c in itertools.product(range(devices), range(cycles))
        for noise in [rng.normal(0, 0.03, 61)]
    ]
    goodness = goodness_of(curves, Polarity.POTENTIATION)
    assert (goodness.described, goodness.runs_p_value < 1e-6) == (False, True)
    assert goodness.misfit > 0.05


def test_a_small_misfit_will_do() -> None:
    # Half a per cent of the range, seen clearly: it is no reason to refuse.
    curves = [
        dataclasses.replace(one, resistance=one.resistance + 0.005 * np.sin(one.x))
        for one in Known(c2c=(0.001, 0.001)).draw(0, 1, 4)
    ]
    goodness = goodness_of(curves, Polarity.DEPRESSION)
    assert goodness.misfit == pytest.approx(0.005 / np.sqrt(2), rel=0.2)
    assert goodness.described


NOISE = 0.03


def read_again(curves: list[Curve], reads: int, seed: int = 5, spikes: float = 0.0) -> list[Curve]:
    """Return the readings of a meter that reads each point several times."""
    rng = np.random.default_rng(seed)
    found = []
    for curve in curves:
        read = curve.resistance + NOISE * rng.normal(size=(reads, curve.x.size))
        read[0] += 0.5 * (rng.random(curve.x.size) < spikes)
        square = np.sum((read - read.mean(axis=0)) ** 2, axis=0)
        scatter = np.array([square, np.full(curve.x.size, reads - 1.0)])
        found.append(dataclasses.replace(curve, resistance=read.mean(axis=0), scatter=scatter))
    return found


def holds(one: Interval, truth: float, near: float = 1.0) -> bool:
    return one.low < truth < one.high and abs(one.value / truth - 1) < near


@pytest.mark.parametrize("occasion", ["write", "pulse"])
def test_repeated_reads_tell_the_meter_from_the_film(occasion: str) -> None:
    truth = Known(c2c=(0.03, 0.02), occasion=occasion, pulses=80)
    curves = read_again(truth.draw(3, 3, 6), 4)
    result = fitted(curves)
    assert result.meter is not None
    assert holds(result.meter.deviation, NOISE, 0.05)
    for polarity, part in result.polarities.items():
        assert part.cycles.occasion == occasion
        assert holds(part.cycles.of(occasion), truth.c2c[polarity], 0.1)
    device = result.device()
    # Read noise is a share of the range, which is 1 ohm.
    assert device.imperfections.read_noise == pytest.approx(NOISE, rel=0.05)
    assert device.source["fit"]["meter_noise"]["from"] == "reads"
    none = fitted(curves, meter="none")
    assert none.meter is None
    own = none.polarities[Polarity.POTENTIATION].cycles.write.value
    assert own > result.polarities[Polarity.POTENTIATION].cycles.write.value


def test_without_repeated_reads_the_meter_is_not_told() -> None:
    curves = Known(c2c=(0.03, 0.02), pulses=120).draw(0, 2, 6)
    assert fitted(curves).meter is None
    with pytest.raises(UserError, match=r"no state was read several times; .*`meter`"):
        fitted(curves, meter="reads")


def test_noise_and_c2c_lie_within_their_intervals_as_often_as_they_should() -> None:
    hits = np.zeros(2, int)
    for seed in range(25):
        curves = Known(c2c=(0.03, 0.03), pulses=30).draw(seed, 1, 5)
        result = fitted(read_again(curves, 3, seed=seed + 100))
        assert result.meter is not None
        figure = result.polarities[Polarity.DEPRESSION].cycles.write
        hits += [holds(result.meter.deviation, NOISE), holds(figure, 0.03)]
    # 23.75 of 25 on average; fewer than 20 are a matter of one in a thousand.
    assert (hits >= 20).all(), hits


def test_a_spike_among_the_reads_is_no_noise_of_the_meter() -> None:
    noise = from_reads(read_again(Known().draw(3, 1, 6), 3, seed=0, spikes=0.01))
    assert noise is not None
    assert noise.deviation.value == pytest.approx(NOISE, rel=0.06)


def test_a_p_value_below_1_is_not_told_as_1() -> None:
    assert "(p-value 0.96)" in str(Goodness(0.999, 0.0, 0.0, 38, 31.5, 0.9649))
