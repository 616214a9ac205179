"""Noise of a meter beside C2C, both known."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.fit.columns import Curve, Measurement, ReadScatter
from allspin.host.fit.device import make_device
from allspin.host.fit.goodness import from_reads
from allspin.host.fit.options import FitOptions
from allspin.host.fit.result import fit_all
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import SotSynapse
from allspin.sim.synapse.table_synapse import TableSynapse

Makes = Callable[..., Any]
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


def measured(curves: list[Curve]) -> Measurement:
    return Measurement(curves, "ohm", "A")


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
    device = make_device(result, measurement, options)
    # Of the range, which is 1 ohm.
    assert device.imperfections.read_noise == pytest.approx(NOISE, rel=0.05)
    assert device.source["fit"]["meter_noise"]["from"] == "reads"
    none = fit_all(measurement, FitOptions("x", meter="none"))
    assert none.meter is None
    write = none.polarities[Polarity.POTENTIATION].cycles.write.value
    assert write > result.polarities[Polarity.POTENTIATION].cycles.write.value


def test_the_measured_table_is_without_it_too(known: Makes) -> None:
    truth = known(c2c=(0.03, 0.02), d2d=(0.05, 0.05))
    measurement = measured(read_again(truth.draw(3, 20, 6), 2, 0.05))
    options = FitOptions("x", table=True)
    synapse = make_device(fit_all(measurement, options), measurement, options).synapse
    assert isinstance(synapse, TableSynapse)
    for polarity in Polarity:
        response = synapse.response(polarity)
        assert np.mean(response.cycle) == pytest.approx(truth.c2c[polarity], rel=0.12)
        assert np.mean(response.device) == pytest.approx(0.05, rel=0.3)


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


def test_too_few_reads_tell_nothing() -> None:
    scatter = ReadScatter(np.ones(5), np.array([1, 1, 1, 1, 0]))
    curve = Curve("d", "", Polarity(0), np.arange(5.0), np.arange(5.0), scatter)
    assert from_reads([curve]) is None


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


def test_a_model_device_keeps_it(known: Makes) -> None:
    measurement = measured(read_again(known().draw(3, 1, 3), 3))
    device = make_device(fit_all(measurement, FitOptions("x")), measurement, FitOptions("x"))
    assert isinstance(device.synapse, SotSynapse)
    assert any(line.startswith("read_noise 0.0") for line in device.readings())
