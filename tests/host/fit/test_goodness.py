"""The runs test against all arrangements of signs, what is called described, and meter noise."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.fit.curves import Curve, Measurement, ReadScatter
from allspin.host.fit.fit import fit_all
from allspin.host.fit.goodness import from_reads, runs_test
from allspin.host.fit.result import FitOptions, PolarityResult
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

Makes = Callable[..., Any]


def measured(curves: list[Curve]) -> Measurement:
    return Measurement(curves, "ohm", "A")


def one_polarity(measurement: Measurement, polarity: Polarity) -> PolarityResult:
    options = FitOptions("x", meter="none")
    return fit_all(measurement, options, open_device("paper")).polarities[polarity]


def test_runs_against_every_arrangement() -> None:
    """Of six signs and six."""
    places = np.array(list(itertools.combinations(range(12), 6)))
    signs = -np.ones((len(places), 12))
    np.put_along_axis(signs, places, 1.0, axis=1)
    runs = 1 + np.count_nonzero(np.diff(signs, axis=1), axis=1)
    for row, count in zip(signs[::20], runs[::20], strict=True):
        got, expected, p_value = runs_test(row)
        assert (got, expected) == (count, pytest.approx(runs.mean()))
        assert p_value == pytest.approx(np.mean(runs <= count), abs=0.02)


def test_too_few_signs_tell_nothing_and_one_sign_tells_much() -> None:
    assert runs_test(np.array([1.0, 1, -1, -1]))[2] == 1
    assert runs_test(np.ones(5))[2] == 1
    assert runs_test(np.ones(20))[2] == pytest.approx(2.0**-19)
    assert runs_test(np.zeros(20)) == (0, 1, 1)


@pytest.mark.parametrize(
    ("devices", "cycles", "occasion"),
    # One cycle cannot tell a deviation that lasts from a curve of another shape.
    [(1, 1, "write"), (1, 5, "write"), (1, 5, "pulse"), (4, 3, "write"), (4, 3, "pulse")],
)
def test_the_model_s_own_data_are_described(
    devices: int, cycles: int, occasion: str, known: Makes
) -> None:
    device = known(a=(30, 25), c2c=(0.02, 0.02), occasion=occasion)
    described = [
        one_polarity(Measurement(device.draw(seed, devices, cycles), "ohm", "A"), polarity)
        for seed in range(20)
        for polarity in Polarity
    ]
    assert sum(one.goodness.described for one in described) >= 39


@pytest.mark.parametrize(("devices", "cycles"), [(1, 1), (1, 5), (4, 3)])
def test_a_sigmoid_is_not_described(devices: int, cycles: int) -> None:
    rng = np.random.default_rng(0)
    n = np.arange(61.0)
    curves = [
        Curve(f"d{device}", str(cycle), Polarity.POTENTIATION, n, np.tanh((n - 30) / 10) + noise)
        for device in range(devices)
        for cycle in range(cycles)
        for noise in [rng.normal(0, 0.03, 61)]
    ]
    result = one_polarity(Measurement(curves, "ohm", "A"), Polarity.POTENTIATION)
    assert not result.goodness.described
    assert result.goodness.misfit > 0.05
    assert result.goodness.runs_p_value < 1e-6
    assert "runs where" in str(result.goodness)


def test_a_small_misfit_will_do(known: Makes) -> None:
    # Half a per cent of the range, seen clearly: it is no reason to refuse.
    device = known(c2c=(0.001, 0.001))
    curves = [
        Curve(one.device, one.cycle, one.polarity, one.x, one.resistance + 0.005 * np.sin(one.x))
        for one in device.draw(0, 1, 4)
    ]
    result = one_polarity(Measurement(curves, "ohm", "A"), Polarity.DEPRESSION)
    assert result.goodness.misfit == pytest.approx(0.005 / np.sqrt(2), rel=0.2)
    assert result.goodness.described


NOISE = 0.03


def read_again(curves: list[Curve], reads: int, noise: float = NOISE, seed: int = 5) -> list[Curve]:
    """What a meter says of curves of which each point is read some times."""
    rng = np.random.default_rng(seed)
    found = []
    for curve in curves:
        read = curve.resistance + noise * rng.normal(size=(reads, curve.x.size))
        square = np.sum((read - read.mean(axis=0)) ** 2, axis=0)
        scatter = ReadScatter(square, np.full(curve.x.size, reads - 1))
        found.append(dataclasses.replace(curve, resistance=read.mean(axis=0), scatter=scatter))
    return found


@pytest.mark.parametrize("occasion", ["write", "pulse"])
def test_repeated_reads_tell_the_meter_from_the_film(known: Makes, occasion: str) -> None:
    truth = known(c2c=(0.03, 0.02), occasion=occasion, pulses=80)
    measurement = measured(read_again(truth.draw(3, 3, 6), 4))
    options = FitOptions("x")
    result = fit_all(measurement, options)
    assert result.meter is not None
    assert result.meter.basis == "reads"
    assert result.meter.deviation.value == pytest.approx(NOISE, rel=0.05)
    assert result.meter.deviation.low < NOISE < result.meter.deviation.high
    for polarity, part in result.polarities.items():
        assert part.cycles.occasion == occasion
        figure = part.cycles.of(occasion)
        assert figure.value == pytest.approx(truth.c2c[polarity], rel=0.1)
        assert figure.low < truth.c2c[polarity] < figure.high
    device = result.device()
    # Of the range, which is 1 ohm.
    assert device.imperfections.read_noise == pytest.approx(NOISE, rel=0.05)
    assert device.source["fit"]["meter_noise"]["from"] == "reads"
    none = fit_all(measurement, FitOptions("x", meter="none"))
    assert none.meter is None
    write = none.polarities[Polarity.POTENTIATION].cycles.write.value
    assert write > result.polarities[Polarity.POTENTIATION].cycles.write.value


def fading(noise: float, seed: int = 0) -> list[Curve]:
    """C2C in proportion to what a pulse changes, so that it is gone on the plateau."""
    rng = np.random.default_rng(seed)
    n = np.arange(101.0)
    curves = []
    for polarity, sign in zip(Polarity, (1.0, -1.0), strict=True):
        for cycle in range(8):
            way = sign * -np.expm1(-n / 12)
            film = 0.05 * np.exp(-n / 12) * rng.normal(size=n.size)
            meter = noise * rng.normal(size=n.size)
            curves.append(Curve("d", str(cycle), polarity, n, way + film + meter))
    return curves


def test_a_plateau_that_is_quieter_than_the_rest_tells_too() -> None:
    measurement = measured(fading(0.004))
    result = fit_all(measurement, FitOptions("x"))
    assert result.meter is not None
    assert result.meter.basis == "plateau"
    assert result.meter.deviation.value == pytest.approx(0.004, rel=0.1)


def test_where_a_plateau_scatters_like_the_rest_nothing_is_told(known: Makes) -> None:
    measurement = measured(known(c2c=(0.03, 0.02), pulses=120).draw(0, 2, 6))
    result = fit_all(measurement, FitOptions("x"))
    assert result.meter is None
    asked = fit_all(measurement, FitOptions("x", meter="plateau"))
    assert asked.meter is not None
    # All of it is then the meter's.
    assert asked.polarities[Polarity.DEPRESSION].cycles.write.value < 0.015
    with pytest.raises(UserError, match=r"no state was read several times; .*--meter-noise"):
        fit_all(measurement, FitOptions("x", meter="reads"))
    short = measured(known(a=(40.0, 40.0), pulses=20).draw(0, 1, 3))
    with pytest.raises(UserError, match="no curve has a plateau of 10 pulses"):
        fit_all(short, FitOptions("x", meter="plateau"))


def test_noise_and_c2c_lie_within_their_intervals_as_often_as_they_should(known: Makes) -> None:
    hits = np.zeros(2, int)
    for seed in range(25):
        curves = read_again(known(c2c=(0.03, 0.03), pulses=30).draw(seed, 1, 5), 3, seed=seed + 100)
        result = fit_all(measured(curves), FitOptions("x"))
        assert result.meter is not None
        noise, figure = result.meter.deviation, result.polarities[Polarity.DEPRESSION].cycles.write
        hits += [noise.low < NOISE < noise.high, figure.low < 0.03 < figure.high]
    # Of 25, 23.75 on average; fewer than 20 are a matter of one in a thousand.
    assert (hits >= 20).all(), hits


def test_a_spike_among_the_reads_is_no_noise_of_the_meter(known: Makes) -> None:
    rng = np.random.default_rng(0)
    curves = []
    for curve in known().draw(3, 1, 6):
        read = curve.resistance + NOISE * rng.normal(size=(3, curve.x.size))
        read[0, rng.random(curve.x.size) < 0.01] += 0.5
        square = np.sum((read - read.mean(axis=0)) ** 2, axis=0)
        scatter = ReadScatter(square, np.full(curve.x.size, 2))
        curves.append(dataclasses.replace(curve, resistance=read.mean(axis=0), scatter=scatter))
    noise = from_reads(curves)
    assert noise is not None
    assert noise.deviation.value == pytest.approx(NOISE, rel=0.06)
