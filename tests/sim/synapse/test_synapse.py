"""The pulse response against closed forms, NeuroSim's curve and steps written out."""

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import (
    CYCLE_READINGS,
    DEVICE_READINGS,
    CycleVariation,
    DeviceVariation,
)

P, D = Polarity

nonlinearities = st.one_of(
    st.floats(2, 1000), st.floats(-1000, -20), st.just(math.inf), st.floats(1e6, 1e300)
)


@st.composite
def responses(draw: st.DrawFn) -> PulseResponse:
    low = draw(st.floats(-2, -0.5))
    return PulseResponse(
        draw(nonlinearities), draw(st.integers(1, 200)), low, draw(st.floats(0.5, 2))
    )


synapses = st.builds(SotSynapse, responses(), responses())
polarities = st.sampled_from(Polarity)


def paper(**variation: object) -> SotSynapse:
    return SotSynapse(PulseResponse(22, 100), PulseResponse(9, 100), **variation)  # type: ignore[arg-type]


@given(st.floats(1, 100), st.integers(2, 200), st.floats(0, 1))
def test_the_paper_s_equations(a: float, pulses: int, share: float) -> None:
    response = PulseResponse(a, pulses, -0.3, 0.9)
    p = share * pulses
    b = 1.2 / (1 - math.exp(-pulses / a))
    assert float(response.potentiated(p)) == pytest.approx(b * (1 - math.exp(-p / a)) - 0.3)
    corrected = -b * (1 - math.exp((p - pulses) / a)) + 0.9
    assert float(response.depressed(p)) == pytest.approx(corrected)
    assert response.normalisation == pytest.approx(b)


@given(st.floats(0.05, 5), st.floats(0, 1), st.booleans())
def test_neurosim_s_normalised_curve(a: float, x: float, falls: bool) -> None:
    # NeuroSim takes pulse number and conductance from 0 to 1, with a parameter of its own:
    # G = B (1 - exp(-x / a)), B = 1 / (1 - exp(-1 / a)); depression has a negative a.
    pulses = 64
    response = PulseResponse(a * pulses, pulses, 0, 1)
    synapse = SotSynapse(response, response)
    if falls:
        g = (1 - math.exp(x / a)) / (1 - math.exp(1 / a))
        assert float(synapse.curve(D, (1 - x) * pulses)) == pytest.approx(g, abs=1e-9)
        assert float(synapse.depression.depressed(x * pulses)) == pytest.approx(g, abs=1e-9)
    else:
        g = (1 - math.exp(-x / a)) / (1 - math.exp(-1 / a))
        assert float(synapse.curve(P, x * pulses)) == pytest.approx(g, abs=1e-9)


@given(synapses, polarities, st.integers(0, 60))
def test_pulse_by_pulse_is_the_curve(synapse: SotSynapse, polarity: Polarity, count: int) -> None:
    r = synapse.curve(polarity, 0)
    for _ in range(count):
        r = synapse.advance(polarity, r)
    assert float(r) == pytest.approx(float(synapse.curve(polarity, count)), abs=1e-6)


@given(synapses, polarities, st.floats(-3, 4), st.floats(0, 50), st.floats(0, 50))
def test_pulses_add_up_and_stay_in_the_range(
    synapse: SotSynapse, polarity: Polarity, start: float, first: float, second: float
) -> None:
    once = float(synapse.advance(polarity, start, first + second))
    twice = float(synapse.advance(polarity, synapse.advance(polarity, start, first), second))
    response = synapse.response(polarity)
    inside = response.low <= start <= response.high
    if inside:
        assert once == pytest.approx(twice, abs=1e-6)
        assert response.low - 1e-9 <= once <= response.high + 1e-9
    sign = -1 if polarity else 1
    assert sign * (once - start) >= -1e-9
    end = response.low if polarity else response.high
    if sign * (start - end) >= 0:
        assert once == pytest.approx(start, abs=1e-9)


@given(synapses, polarities, st.floats(0, 1))
def test_pulses_to_is_the_inverse(synapse: SotSynapse, polarity: Polarity, share: float) -> None:
    response = synapse.response(polarity)
    r = response.low + share * response.span
    n = synapse.pulses_to(polarity, r)
    assert 0 <= float(n) <= response.pulses
    assert float(synapse.curve(polarity, n)) == pytest.approx(r, abs=1e-6)


def test_equal_steps_are_the_limit() -> None:
    straight = PulseResponse(math.inf, 50)
    assert straight.potentiated(np.arange(51)) == pytest.approx(np.linspace(-1, 1, 51))
    nearly = PulseResponse(1e7, 50)
    assert nearly.potentiated(np.arange(51)) == pytest.approx(np.linspace(-1, 1, 51), abs=1e-5)
    assert PulseResponse(1e300, 50).normalisation == math.inf


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("a", "deviate"), [(1.5, 0.0), (9.0, -1.0)])
def test_steps_that_grow_beyond_all_floats_have_a_ratio(
    a: float, deviate: float, sign: int
) -> None:
    """A device's own A may be a twentieth of the nominal one, with a thousand pulses."""
    response = PulseResponse(sign * a, 1000, 0.0, 1.0)
    synapse = SotSynapse(response, response, d2d=DeviceVariation(1.0, 1.0, "nonlinearity"))
    own = Decimal(sign * a * (0.05 if deviate else 1))
    n = np.array([0, 1, 500, 990, 998, 999, 1000])
    whole = 1 - (-1000 / own).exp()
    exact = [float((1 - (-int(k) / own).exp()) / whole) for k in n]
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(synapse.curve(P, n, deviate), exact, rtol=1e-9, atol=1e-300)
        # On from where it is, and from a place of its own.
        for start, on in ((0, 990), (990, 8), (998, 1)):
            begin, end = (float(synapse.curve(P, k, deviate)) for k in (start, start + on))
            assert float(synapse.advance(P, begin, on, deviate)) == pytest.approx(end, rel=1e-6)
        far = synapse.advance(P, np.array([0.0, 0.2, 1.0]), 5000, deviate)
        np.testing.assert_allclose(far, 1)


@pytest.mark.parametrize("occasion", ["write", "pulse"])
@pytest.mark.parametrize("reading", list(CYCLE_READINGS))
@pytest.mark.parametrize("polarity", list(Polarity))
@pytest.mark.parametrize("count", [1, 3, 40])
def test_cycle_deviation_is_that_of_pulses_one_by_one(
    occasion: str, reading: str, polarity: Polarity, count: int
) -> None:
    synapse = paper(c2c=CycleVariation(0.02, 0.01, reading, occasion))
    sigma = 0.01 if polarity else 0.02
    start = float(synapse.curve(polarity, 5))
    units = {"range": 2.0, "step": 2 / 99}
    # A small deviation after pulse k is carried through the pulses that follow.
    carried = []
    place = start
    for done in range(count):
        after = float(synapse.advance(polarity, place))
        unit = units.get(reading, abs(after - place))
        small = 1e-6
        left = count - done - 1
        stretch = (
            float(synapse.advance(polarity, after + small, left))
            - float(synapse.advance(polarity, after - small, left))
        ) / (2 * small)
        carried.append(sigma * unit * stretch)
        place = after
    expected = math.sqrt(sum(deviation**2 for deviation in carried))
    if occasion == "write":
        expected = sigma * units.get(reading, abs(place - start))
    assert float(synapse.cycle_deviation(polarity, start, count)) == pytest.approx(expected, 1e-4)
    assert float(synapse.cycle_deviation(polarity, start, 0)) == 0


@pytest.mark.parametrize("polarity", list(Polarity))
@pytest.mark.parametrize("reading", list(DEVICE_READINGS))
def test_each_reading_of_device_to_device(reading: str, polarity: Polarity) -> None:
    sigma = 0.04 if polarity else 0.1
    synapse = paper(states=51, d2d=DeviceVariation(0.1, 0.04, reading))
    mean = paper()
    n, z = 7.0, 1.5
    plain = float(mean.curve(polarity, n))
    a = (9 if polarity else 22) * (1 + sigma * z)
    share = (1 - math.exp(-n / a)) / (1 - math.exp(-100 / a))
    start = float(mean.curve(polarity, 0))
    expected = {
        "range": plain + sigma * z * 2,
        "step": plain + sigma * z * 2 / 50,
        "weight": plain * (1 + sigma * z),
        "span": start + (plain - start) * (1 + sigma * z),
        "nonlinearity": start - 2 * share if polarity else start + 2 * share,
    }[reading]
    assert float(synapse.curve(polarity, n, z)) == pytest.approx(expected)
    # The same from pulses given one by one, then read.
    r = np.array(start)
    for _ in range(7):
        r = synapse.advance(polarity, r, 1.0, z)
    assert float(synapse.read(polarity, r, z)) == pytest.approx(expected)
    slope = float(synapse.device_deviation(polarity, n))
    small = float(synapse.curve(polarity, n, 0.01)) - plain
    assert slope == pytest.approx(small / 0.01, rel=0.02)
    assert f"{sigma:g}" in synapse.readings()[1]
    assert DEVICE_READINGS[reading] in synapse.readings()[1]


@pytest.mark.parametrize("polarity", list(Polarity))
@pytest.mark.parametrize("c2c", [0.0, 0.03])
@pytest.mark.parametrize("reading", ["span", "nonlinearity"])
def test_writes_over_devices_that_follow_different_curves(
    reading: str, c2c: float, polarity: Polarity
) -> None:
    """Mean and deviation of every write, of many devices and as drawn, in words of either ends."""
    synapse = paper(c2c=CycleVariation(c2c, c2c), d2d=DeviceVariation(0.2, 0.48, reading))
    rng = np.random.default_rng(0)
    z, cycles = rng.standard_normal((2, 50_000, 1))
    # Both signs of each, so that the means scatter less.
    z, cycles = np.concatenate([z, -z, z, -z]), np.concatenate([cycles, cycles, -cycles, -cycles])
    n = np.array([0, 1, 2, 4, 8, 16, 25, 40, 70, 100])
    curves = synapse.curve(polarity, n, z)
    for end in (1.0, 1.28):
        films = np.clip(curves + 2 * c2c * cycles, -end, end)
        written = synapse.written(polarity, n, (-end, end))
        law = written.drawn((-end, end))
        drawn = np.clip(law.mean + law.cycle * cycles + law.device * z, -end, end)
        sure = 127 * 3 * films.std(axis=0).max() / np.sqrt(z.size)
        assert drawn.mean(axis=0) * 127 == pytest.approx(films.mean(axis=0) * 127, abs=0.1 + sure)
        assert drawn.std(axis=0) * 127 == pytest.approx(films.std(axis=0) * 127, rel=0.03, abs=0.1)


def test_ranges_of_the_polarities_may_differ() -> None:
    synapse = SotSynapse(PulseResponse(22, 100, -1, 0.8), PulseResponse(9, 80, -0.9, 1))
    assert (synapse.low, synapse.high, synapse.span) == (-1, 1, 2)
    assert float(synapse.curve(P, 1e9)) == pytest.approx(0.8)
    assert float(synapse.curve(D, 1e9)) == pytest.approx(-0.9)
    # Above the end of potentiation R_AH stays; depression takes it down.
    assert float(synapse.advance(P, 0.95, 10)) == 0.95
    assert float(synapse.advance(D, 0.95)) < 0.95


@pytest.mark.parametrize(
    ("make", "arguments", "expected"),
    [
        (PulseResponse, (0, 100), "A must be at least 0.143 or at most -0.143 with a P_max of 100"),
        (PulseResponse, (0.1, 100), "A must be at least 0.143"),
        (PulseResponse, (math.nan, 100), "A must be a number from -inf to inf, not nan"),
        (PulseResponse, ("22", 100), "A must be a number"),
        (PulseResponse, (22, 0), "P_max must be from 1 to 65535, not 0"),
        (PulseResponse, (22, 100, 1, 1), "R_max must be above R_min, not 1 and 1"),
        (PulseResponse, (22, 100, -math.inf, 1), r"R_min must be a number from -1e\+12 to 1e\+12"),
        (
            *(SotSynapse, (PulseResponse(1, 9), PulseResponse(1, 9), 129)),
            "states must be from 2 to 128, not 129",
        ),
        (
            *(SotSynapse, (PulseResponse(1, 9, 0, 1), PulseResponse(1, 9, 1, 2))),
            "ranges of potentiation and depression must overlap",
        ),
    ],
)
def test_impossible_synapses(
    make: Callable[..., object], arguments: tuple[object, ...], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        make(*arguments)
