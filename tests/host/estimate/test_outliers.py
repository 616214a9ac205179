"""Spikes and bad cycles in data whose truth is known, and data without any."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allspin.host.draw.style import INK
from allspin.host.estimate.outliers import Outlier, find_outliers, outlying_cycles, set_aside
from allspin.host.fit.fitting import fit_all
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Curve
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from tests.host.fit.known import Known, fitted, measured

P, D = Polarity


def spiked(curves: list[Curve], share: float, seed: int = 0) -> tuple[list[Curve], set[Any]]:
    """Curves with spikes of 0.3 to 3 ranges, and where they are."""
    rng = np.random.default_rng(seed)
    found, places = [], set()
    for curve in curves:
        hit = rng.random(curve.x.size) < share
        spikes = hit * rng.choice([-1, 1], hit.size) * rng.uniform(0.3, 3, hit.size)
        found.append(replace(curve, resistance=curve.resistance + spikes))
        places |= {(curve.device, curve.cycle, curve.polarity, x) for x in curve.x[hit]}
    return found, places


def places_of(outliers: list[Outlier]) -> set[Any]:
    return {(one.curve.device, one.curve.cycle, one.curve.polarity, one.x) for one in outliers}


@pytest.mark.parametrize("occasion", ["write", "pulse"])
@pytest.mark.parametrize(("devices", "cycles"), [(1, 10), (3, 4), (6, 1)])
def test_spikes_are_found_and_the_figures_are_those_of_the_truth(
    occasion: str, devices: int, cycles: int
) -> None:
    truth = Known(c2c=(0.008, 0.008), occasion=occasion, pulses=100)
    curves, places = spiked(truth.draw(1, devices, cycles), 0.004)
    measurement, outliers = set_aside(measured(curves))
    found = places_of(outliers)
    # A single curve's ends have no neighbours on the other side.
    ends = {place for place in places if place[-1] in (0, 100)} if cycles == 1 else set()
    assert found | ends == places | ends
    count = f"{len(found)} of {devices * cycles * 202:,} points are set aside as outliers: "
    assert measurement.notes[-1].startswith(count)
    if cycles == 1:
        return
    for part in fitted(measurement.curves).polarities.values():
        assert part.cycles.occasion == occasion
        assert part.cycles.of(occasion).value == pytest.approx(0.008, rel=0.15)
        assert part.fit.nonlinearity.value == pytest.approx(truth.a[part.fit.polarity], rel=0.1)


@pytest.mark.parametrize(
    "truth",
    [
        {"c2c": (0.03, 0.02)},
        {"c2c": (0.03, 0.02), "occasion": "pulse"},
        {"c2c": (0.01, 0.006), "occasion": "pulse"},
        {"c2c": (0.0, 0.0)},
        {"c2c": (0.0, 0.0), "a": (1.5, 0.8)},
        {"c2c": (0.01, 0.01), "d2d": (0.3, 0.3), "reading": "nonlinearity"},
    ],
)
@pytest.mark.parametrize(("devices", "cycles"), [(1, 1), (1, 4), (1, 10), (2, 3), (5, 6)])
def test_data_without_spikes_keep_every_point_and_cycle(
    truth: dict[str, Any], devices: int, cycles: int
) -> None:
    for seed in (2, 4):
        assert set_aside(measured(Known(**truth).draw(seed, devices, cycles)))[1] == []


SWEEP = np.concatenate([np.linspace(0, 12, 61), np.linspace(12, 0, 61)])
N = np.arange(60.0)


def some(
    values: np.ndarray, count: int, noise: float, polarity: Polarity | None = P
) -> list[Curve]:
    """Cycles of a device, with noise."""
    noises = np.random.default_rng(0).normal(0, noise, (count, values.size))
    x = N if polarity is P else SWEEP
    return [
        Curve("d", str(k), polarity, x[: values.size], values + own) for k, own in enumerate(noises)
    ]


STEP = np.where(N < 30, 0.0, 1.0) + (N == 40)
RAMP = 30 * np.clip(SWEEP - 4, 0, 6)
SPIKED = (
    RAMP + 60 * (np.arange(122) == 30) - 70 * (np.arange(122) == 31) + 50 * (np.arange(122) == 90)
)


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        # A point of all cycles or devices is no outlier; nor is a step, or a fast first pulse.
        (some(STEP, 5, 0.01), []),
        ([replace(one, device=one.cycle) for one in some(STEP, 5, 0.01)], []),
        (some(STEP, 1, 0.01), [40]),
        (some(0.6 * (N > 0) - 0.4 * np.expm1(-N / 20), 1, 0.005), []),
        # A neuron's curve, with its currents in any order.
        (some(SPIKED, 1, 0.5, None), [30, 31, 90]),
    ],
)
def test_points_that_are_outliers(curves: list[Curve], expected: list[int]) -> None:
    assert np.flatnonzero(np.any(find_outliers(curves), axis=0)).tolist() == expected


@pytest.mark.parametrize("cycles", [1, 2])
@pytest.mark.parametrize(("a", "size"), [(17.0, 0.75), (17.0, 0.4), (3.0, 0.75)])
def test_a_spike_at_an_end_is_told_from_the_point_beside_it(
    a: float, size: float, cycles: int
) -> None:
    """The spike goes against the curve, on a slope or at the end of a plateau."""
    truth = Known(a=(a, a), c2c=(0.0075, 0.0075), pulses=60)
    for seed in range(10):
        curves = truth.draw(seed, 1, cycles)
        spikes = set()
        for number, curve in enumerate(curves[:: cycles + 1] if cycles > 1 else curves):
            end = (0, -1)[(number + seed) % 2]
            against = 1 - 2 * int(curve.polarity is D)
            curve.resistance[end] += against * (size if end == 0 else -size)
            spikes.add((curve.cycle, curve.polarity, curve.x[end]))
        found = places_of(set_aside(measured(curves))[1])
        assert {place[1:] for place in found} == spikes


def run_in(curves: list[Curve], cycles: int, share: float) -> list[Curve]:
    """Curves whose first cycles move by less than the others, by up to a share of the range."""
    found = []
    for curve in curves:
        moved = (curve.resistance - curve.resistance[0]) * (1 - share * (int(curve.cycle) < cycles))
        found.append(replace(curve, resistance=curve.resistance[0] + moved))
    return found


@pytest.mark.parametrize("occasion", ["write", "pulse"])
@pytest.mark.parametrize(("devices", "cycles"), [(1, 10), (1, 8), (3, 9)])
def test_first_cycles_that_are_bad_are_set_aside(occasion: str, devices: int, cycles: int) -> None:
    truth = Known(c2c=(0.008, 0.008), occasion=occasion, pulses=60)
    curves = run_in(truth.draw(1, devices, cycles), 2, 0.4)
    measurement, outliers = set_aside(measured(curves))
    assert places_of(outliers) == {
        (f"d{device}", cycle, polarity, None)
        for device in range(devices)
        for cycle in "01"
        for polarity in Polarity
    }
    said = measurement.notes[-1]
    assert said.startswith(f"{4 * devices} of {2 * devices * cycles} cycles are set aside, which")
    assert "d0 cycle 0 potentiation, the whole cycle; d0 cycle 1 potentiation, the wh" in said
    assert outliers[0].to_dict()["at"] is None
    result = fit_all(measurement, FitOptions("x"), outliers=outliers)
    for polarity, part in result.polarities.items():
        assert part.cycles.of(occasion).value == pytest.approx(0.008, rel=0.25)
        assert part.fit.nonlinearity.value == pytest.approx(truth.a[polarity], rel=0.1)


def test_bad_cycles_are_drawn_within_the_axes() -> None:
    curves = run_in(Known(c2c=(0.008, 0.008), pulses=60).draw(1, 1, 8), 2, 0.4)
    measurement, outliers = set_aside(measured(curves))
    figure = fit_all(measurement, FitOptions("x"), outliers=outliers).plot()
    data, residuals, *_ = figure.axes
    dots = [line for line in data.lines if line.get_linestyle() == "None"]
    (aside,) = [line for line in dots if line.get_color() == INK]
    assert len(aside.get_xdata()) == 2 * 61
    # Residuals are dots without lines.
    assert {line.get_linestyle() for line in residuals.lines[:-1]} == {"None"}


@pytest.mark.parametrize(
    ("spikes", "cycles", "bad", "message"),
    [
        (0.08, 6, 0, r"too many for outliers, d0 cycle 0 .*`keep_outliers`"),
        (0.0, 10, 4, r"4 of 10 cycles stand apart .*d0 cycle 0 .*cycle=3\.\.10"),
    ],
)
def test_too_many_are_no_outliers(spikes: float, cycles: int, bad: int, message: str) -> None:
    curves = run_in(Known(c2c=(0.01, 0.01)).draw(0, 1, cycles), bad, 0.4)
    with pytest.raises(UserError, match=message):
        set_aside(measured(spiked(curves, spikes)[0]))


def test_a_neuron_s_first_sweep() -> None:
    late, *rest = some(RAMP, 6, 0.5, None)
    late = replace(late, resistance=late.resistance - RAMP + 30 * np.clip(SWEEP - 6, 0, 6))
    assert outlying_cycles([late, *rest]).tolist() == [True] + [False] * 5
    assert str(set_aside(measured([late, *rest]))[1][0]) == "d cycle 0, the whole cycle"
