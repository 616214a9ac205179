"""Disturbances in curves of known devices: a note reports each, and the values are the truth.

R_AH goes from -0.4 to 0.4 ohm with A of 17 and 12 pulses out of 64, and a C2C of 0.02 of that.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.estimate.drift import remove_disturbances
from allspin.host.estimate.outliers import set_aside
from allspin.host.fit.fitted import Fitted
from allspin.host.fit.fitting import fit_all
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Curve
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from tests.host.fit.known import Known, measured

Changes = Callable[[int, int, int, np.ndarray, np.random.Generator], Any]
N = np.arange(65.0)
A, C2C, SPAN = (17.0, 12.0), 0.02, 0.8


def draw(changes: Changes, devices: int = 5, cycles: int = 6, seed: int = 0) -> list[Curve]:
    """Cycles in the order in which they came, each changed: of a device, a cycle, a polarity."""
    rng = np.random.default_rng(seed)
    found = []
    for device in range(devices):
        for cycle in range(cycles):
            for polarity in Polarity:
                way = np.expm1(-N / A[polarity]) / np.expm1(-64 / A[polarity]) - 0.5
                r = SPAN * (way * (1 - 2 * polarity) + C2C * rng.normal(size=N.size))
                r = changes(device, cycle, int(polarity), r, rng)
                found.append(Curve(f"d{device}", f"{cycle}", polarity, N, r, path="a.csv"))
    return found


def result(curves: list[Curve], offset: bool = True) -> tuple[Fitted, list[str]]:
    measurement, outliers = set_aside(measured(curves))
    measurement = remove_disturbances(measurement, offset)
    return fit_all(measurement, FitOptions("x"), outliers=outliers), measurement.notes


def jumps(r: np.ndarray, rng: np.random.Generator, size: float = 0.1) -> np.ndarray:
    """Telegraph noise: R_AH is on a second level for a few pulses at a time."""
    level, levels = 0.0, []
    for chance in rng.random(r.size):
        level = size * SPAN - level if chance < 0.1 else level
        levels.append(level)
    return r + np.array(levels)


TIME = np.linspace(0, 1, 65)
CHANGES: dict[str, tuple[Changes, str, int]] = {
    "drift": (lambda d, c, p, r, g: r + 0.2 * (2 * c + p + TIME) / 12, "drifts over the run", 60),
    "drift that ends": (
        lambda d, c, p, r, g: r + 0.1 * -np.expm1(-(2 * c + p + TIME) / 3),
        *("d0 by .*% of the range", 60),
    ),
    "drift of one": (lambda d, c, p, r, g: r - 0.1 * c * (d == 3) / 2, "off: d3 by -0", 60),
    "offset": (lambda d, c, p, r, g: r + 1.5 + 0.3 * d, "constant offset.* d1 1.8", 60),
    "one dies": (
        lambda d, c, p, r, g: 0.4 + 0 * r if d == 3 and c > 1 else r,
        *("d3 does not switch in cycle 2, 3, 4, 5; 4 of its 12 curves are kept", 52),
    ),
    "one is open": (
        lambda d, c, p, r, g: g.normal(0, 1e-3, 65) if d == 4 else r,
        *("d4 does not switch and is left out", 48),
    ),
    "one jumps": (
        lambda d, c, p, r, g: jumps(r, g) if d == 1 else r,
        *("d1 scatters .* jumps between two levels.; it is left out", 48),
    ),
    "one is noisy": (
        lambda d, c, p, r, g: r + g.normal(0, 0.06, 65) * (d == 1),
        *("d1 scatters .* times as much as the others .*; it is left out", 48),
    ),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_disturbances_are_told_and_taken_off_or_left_out(name: str) -> None:
    changes, words, curves = CHANGES[name]
    found, notes = result(draw(changes))
    assert len(found.measurement.curves) == curves
    # A drift that is not linear may leave a constant offset.
    note, *offsets = notes
    assert re.search(words, note)
    assert len(offsets) == (name == "drift that ends")
    assert found.complaints == []
    for polarity, part in found.polarities.items():
        assert part.fit.nonlinearity.value == pytest.approx(A[polarity], rel=0.05)
        assert part.fit.span.value == pytest.approx(SPAN, rel=0.03)
        assert part.cycles.occasion == "write"
        assert part.cycles.write.value == pytest.approx(C2C, rel=0.1)
        assert part.devices.readings[found.reading].value < 0.02


@pytest.mark.parametrize("occasion", ["write", "pulse"])
@pytest.mark.parametrize("c2c", [0.002, 0.03, 0.08])
@pytest.mark.parametrize(("devices", "cycles"), [(1, 3), (1, 10), (5, 5)])
def test_cycles_with_only_c2c_cause_no_note(
    devices: int, cycles: int, c2c: float, occasion: str
) -> None:
    truth = Known(c2c=(c2c, c2c), occasion=occasion, a=(12.0, 9.0), pulses=60)
    for seed in range(3):
        curves = sorted(
            truth.draw(seed, devices, cycles), key=lambda one: (one.device, int(one.cycle))
        )
        assert set_aside(measured(curves))[0].notes == []
        after = remove_disturbances(measured(curves), offset=False)
        assert after.notes == []
        pairs = zip(curves, after.curves, strict=True)
        assert all(np.array_equal(one.resistance, other.resistance) for one, other in pairs)


def test_offsets_that_are_small_or_asked_for_are_kept() -> None:
    curves = draw(lambda d, c, p, r, g: r + 0.02)
    assert result(curves)[1] == []
    shifted = draw(lambda d, c, p, r, g: r + 2)
    found, notes = result(shifted, offset=False)
    assert (notes, found.polarities[Polarity(0)].fit.low.value) == (
        [],
        pytest.approx(1.6, abs=0.02),
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda d, c, p, r, g: r * (1 - 0.07 * c), r"d0 fades \(endurance\)"),
        (lambda d, c, p, r, g: r * (1, 0.95, 0.8, 0.5, 0.3, 0.2)[c], r"d0 fades \(endurance\)"),
        (lambda d, c, p, r, g: r * (0.75 + 0.05 * c), "d0 grows"),
        # Drift does not hide wear.
        (lambda d, c, p, r, g: r * (1 - 0.04 * c) + 0.04 * c, r"d0 fades \(endurance\)"),
        (
            lambda d, c, p, r, g: r + g.uniform(0, 0.28) * (1 - 2 * p) * np.exp(-N / A[p]),
            "potentiation start inside of the range",
        ),
    ],
)
def test_cycles_that_do_not_tell_the_whole_curve_are_refused(changes: Changes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        result(draw(changes))


def test_scatter_that_is_less_at_the_end_is_kept() -> None:
    def uneven(d: int, c: int, p: int, r: np.ndarray, g: np.random.Generator) -> np.ndarray:
        return r + g.normal(0, 0.04, 65) * (N < 20)

    assert result(draw(uneven))[1] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda d, c, r, g: g.normal(0, 0.004, 61) if d == 2 else r, "n2 does not switch"),
        (lambda d, c, r, g: r + 0.04 * (c + TIME[:61]), "drifts over the run"),
    ],
)
def test_neurons_that_are_dead_or_drift_are_told(changes: Any, words: str) -> None:
    rng, current = np.random.default_rng(1), np.linspace(0, 12e-3, 61)
    way = np.clip((current - 4e-3) * 60, 0, 0.3)
    noises = [(d, c, rng.normal(0, 0.003, 61)) for d in range(4) for c in range(5)]
    curves = [
        Curve(f"n{d}", f"{c}", None, current, changes(d, c, way + noise, rng))
        for d, c, noise in noises
    ]
    found, (note,) = result(curves)
    assert words in note
    assert found.neuron is not None
    assert found.neuron.values["threshold"].value == pytest.approx(4e-3, rel=0.03)
    assert found.neuron.values["height"].value == pytest.approx(0.3, rel=0.03)
    assert found.neuron.use.value == pytest.approx(0.01, rel=0.15)


def test_noise_alone_is_no_curve() -> None:
    curves = draw(lambda d, c, p, r, g: g.normal(0, 0.1, 65))
    with pytest.raises(UserError, match="no more than its scatter; is it the right column"):
        set_aside(measured(curves))


def test_curves_of_other_lengths_are_told() -> None:
    curves = draw(lambda d, c, p, r, g: r)
    curves[-1] = curves[-1].at(np.arange(20))
    assert result(curves)[1] == [
        "curves end at different pulses, and P_max is the largest; is it one device?"
    ]
