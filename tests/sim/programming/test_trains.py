"""R_AH that trains of pulses reach, against figures from elsewhere."""

import dataclasses
import math
from statistics import NormalDist

import numpy as np
import pytest

from allspin.sim.chip.words import SPREAD_BITS
from allspin.sim.chip.write_table import written_words
from allspin.sim.network.levels import uniform_levels
from allspin.sim.programming.device_levels import LEVEL_CHOICES, device_levels
from allspin.sim.programming.plans import penalty, plan_layer, quieter
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

P, D = Polarity


def synapse(potentiation: float = 22, depression: float = 9, pulses: int = 100) -> SotSynapse:
    return SotSynapse(
        PulseResponse(potentiation, pulses),
        PulseResponse(depression, pulses),
        c2c=CycleVariation(0.065, 0.029),
    )


@pytest.mark.parametrize(("nonlinearity", "met"), [(22, 55), (9, 32)])
def test_number_of_uniform_levels_that_whole_pulses_meet(nonlinearity: float, met: int) -> None:
    """Levels of 100 that 100 pulses from R_min meet within half a level; counted elsewhere."""
    reached = synapse(nonlinearity).trains[P].law.mean
    levels = np.linspace(-1, 1, 100)
    missed = np.abs(reached - levels[:, None]).min(axis=1)
    assert (missed <= 1 / 99).sum() == met


def test_trains_follow_the_papers_equations() -> None:
    trains = synapse().trains
    n = np.arange(101)
    b = 2 / (1 - np.exp(-100 / np.array([22.0, 9.0])))
    np.testing.assert_allclose(trains[P].law.mean, -1 + b[0] * (1 - np.exp(-n / 22)), atol=1e-12)
    np.testing.assert_allclose(trains[D].law.mean, 1 - b[1] * (1 - np.exp(-n / 9)), atol=1e-12)
    np.testing.assert_allclose(trains[P].law.cycle, 0.13)
    np.testing.assert_allclose(trains[D].law.cycle, 0.058)
    assert quieter(synapse()) == D
    other = dataclasses.replace(synapse(), c2c=CycleVariation(0.029, 0.065))
    assert quieter(other) == P
    # Equal noise has a fixed answer too: chips that are made again must be the same.
    same = PulseResponse(10, 100)
    assert quieter(SotSynapse(same, same, c2c=CycleVariation(0.03, 0.03))) == D


@pytest.mark.parametrize("states", [2, 10, 100])
@pytest.mark.parametrize("choice", LEVEL_CHOICES)
def test_levels_rise_over_the_whole_range(states: int, choice: str) -> None:
    levels = device_levels(synapse(), states, choice)
    top = uniform_levels(states)[-1]
    assert (levels[0], levels[-1]) == (-top, top)
    assert np.all(np.diff(levels) >= 0)


@pytest.mark.parametrize("choice", ["nearest", "either"])
def test_trains_reach_every_level(choice: str) -> None:
    """Every level is a rounded point of one of the two curves."""
    levels = device_levels(synapse(), 100, choice)
    curves = np.concatenate([written.law.mean for written in synapse().trains])
    assert np.isin(levels, np.rint(curves * 99)).all()


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (2.0, 6.0), (-9.0, -1.0)])
def test_halves_part_in_the_middle_of_the_range(low: float, high: float) -> None:
    n = np.linspace(low, high, 50)
    table = TableSynapse(TableResponse(n, 0 * n, 0 * n), TableResponse(n[::-1], 0 * n, 0 * n))
    plan = plan_layer(table, uniform_levels(10), Programming("open-loop", "halves"))
    assert plan.polarity.tolist() == [D] * 5 + [P] * 5
    assert quieter(dataclasses.replace(table, potentiation=TableResponse(n, 0 * n + 1, 0 * n))) == D


def test_the_spreads_of_a_plan_are_those_of_its_trains() -> None:
    of = dataclasses.replace(synapse(), c2c=CycleVariation(0.002, 0.003), d2d=DeviceVariation(0.01))
    levels = uniform_levels(10)
    plan = plan_layer(of, levels, Programming("open-loop", "depression"))
    trains = of.trains
    units = 252 / 2 * 2**SPREAD_BITS  # R_AH runs from -1 to 1, words from -126 to 126
    for polarity in (P, D):
        mean = trains[polarity].law.mean
        n = [np.abs(mean * 126 - level).argmin() for level in levels]
        np.testing.assert_array_equal(
            plan.table.c2c[polarity], np.rint(trains[polarity].law.cycle[n] * units)
        )
        np.testing.assert_array_equal(
            plan.table.d2d[polarity], np.rint(trains[polarity].law.device[n] * units)
        )


def test_the_penalty_is_minus_twice_the_log_of_the_normal_density() -> None:
    miss, variance = np.array([0.0, 1.0, -2.0, 3.0]), np.array([1.0, 4.0, 0.25, 9.0])
    density = [NormalDist(0, math.sqrt(v)).pdf(m) for m, v in zip(miss, variance, strict=True)]
    wanted = -2 * np.log(density) - math.log(2 * math.pi)
    np.testing.assert_allclose(penalty(miss, variance), wanted)


def test_a_table_has_no_shorter_curve() -> None:
    n = np.linspace(-1, 1, 20)
    table = TableSynapse(TableResponse(n, 0 * n, 0 * n), TableResponse(n[::-1], 0 * n, 0 * n))
    assert len(device_levels(table, 10)) == 10
    pulses = np.rint(np.arange(10) * 19 / 9)
    assert (
        device_levels(table, 10, "every").tolist() == np.rint(126 * (2 * pulses / 19 - 1)).tolist()
    )
    with pytest.raises(ValueError, match="need a device with an A"):
        device_levels(table, 10, "pulses")
    with pytest.raises(ValueError, match="the choice of levels must be one of nearest"):
        device_levels(table, 10, "other")


@pytest.mark.parametrize("chance", [0.05, 0.3])
def test_films_at_both_ends_and_none_between(chance: float) -> None:
    """Each pulse switches a film whole with some chance: after n pulses the law has two points."""
    n = np.arange(round(8 / chance) + 1)
    switched = np.asarray(1 - (1 - chance) ** n, np.float64)
    spread = 2 * np.sqrt(switched * (1 - switched))
    up, down = (
        TableResponse(sign * (2 * switched - 1), spread, np.zeros(n.size)) for sign in (1, -1)
    )
    levels = np.array([-126, -101, -69, -41, -17, 17, 41, 69, 101, 126], np.int16)
    plan = plan_layer(TableSynapse(up, down, 10, bounded=True), levels, Programming())
    assert plan.table.beyond == (-126, 126)
    values = np.array([NormalDist().inv_cdf((k + 0.5) / 20_000) for k in range(20_000)])
    for state in range(1, 9):
        polarity, pulses = int(plan.polarity[state]), int(plan.pulses[state])
        share = 1 - (1 - chance) ** pulses
        mean = 126 * (1 - 2 * share if polarity else 2 * share - 1)
        sigma = plan.table.c2c[polarity, state] / 2**SPREAD_BITS
        words = np.clip(plan.table.levels[state] + sigma * values, -127, 127)
        assert words.mean() == pytest.approx(mean, rel=0.03, abs=0.1)
        assert words.std() == pytest.approx(252 * math.sqrt(share * (1 - share)), rel=0.03)


def test_levels_of_the_host_have_fractions() -> None:
    """Most films of the lowest states are saturated; of each state the mean is the table's."""
    way, none = np.linspace(0.99, -0.99, 60), np.zeros(60)
    up, down = (TableResponse(one, np.full(60, 0.1), none) for one in (-way, way))
    synapse = TableSynapse(up, down, 10, bounded=True)
    levels = uniform_levels(10)
    plan = plan_layer(synapse, levels, Programming("open-loop", "depression"))
    assert plan.table.beyond is not None
    states = np.repeat(np.arange(10), 20_000).reshape(10, -1).T
    words = written_words(states, plan.polarity[states], plan.table, 5, 0) / 2**21
    means = np.clip(words, -127, 127).mean(axis=0)
    spread = 0.1 * 126 / 0.99
    expected = way[plan.pulses] * 126 / 0.99
    # 4 standard errors of a mean.
    assert means == pytest.approx(expected, abs=4 * spread / math.sqrt(20_000))
