"""Draws have the wanted moments after the cut."""

import numpy as np
import pytest

from allspin.sim.synapse.written import Law, Written, over_devices


def test_a_law_that_is_cut_is_drawn_with_its_moments() -> None:
    law = Law(np.array([-0.8, 0.0, 1.7]), np.array([0.1, 0.2, 0.15]), np.array([0.05, -0.3, 0.1]))
    rng = np.random.default_rng(0)
    cycles, devices = rng.standard_normal((2, 400_000, 1))
    for ends in ((-1.0, 2.0), (-1.2, 2.5)):
        drawn = Written(law, (-1.0, 2.0)).drawn(ends)
        films = np.clip(drawn.mean + drawn.cycle * cycles + drawn.device * devices, *ends)
        assert films.mean(axis=0) == pytest.approx(law.mean, abs=2e-3)
        assert films.std(axis=0) == pytest.approx(np.hypot(law.cycle, law.device), rel=5e-3)
        # D2D and C2C stay in proportion.
        assert drawn.device / drawn.cycle == pytest.approx(law.device / law.cycle)
    first = Written(law, (-1.0, 2.0)).at(np.array([0])).stored_normal()
    assert first.mean == pytest.approx(Written(law, (-1.0, 2.0)).stored_normal().mean[:1])


def test_an_offset_beside_the_film_is_not_bounded_by_it() -> None:
    """Films whose law is a cut normal one, and an offset of each device."""
    rng = np.random.default_rng(0)
    cycles, devices = rng.standard_normal((2, 400_000, 1))
    films = np.clip(np.array([0.05, 0.5, 0.98]) + 0.1 * cycles, 0, 1)
    offset = np.array([0.08, -0.02, 0.05])
    none = np.zeros(3)
    written = Written(Law(films.mean(axis=0), films.std(axis=0), none), (0.0, 1.0), device=offset)
    for ends in ((0.0, 1.0), (-0.2, 1.2)):
        read = np.clip(films + offset * devices, *ends)
        drawn = written.drawn(ends)
        seen = np.clip(drawn.mean + drawn.cycle * cycles + drawn.device * devices, *ends)
        assert seen.mean(axis=0) == pytest.approx(read.mean(axis=0), abs=1e-3)
        assert seen.std(axis=0) == pytest.approx(read.std(axis=0), rel=0.01)
        assert np.sign(drawn.device).tolist() == [1, -1, 1]
    # The same in draws of real numbers.
    read = written.read(written.stored_normal(), cycles, devices)
    assert read.std(axis=0) == pytest.approx((films + offset * devices).std(axis=0), rel=0.01)
    assert written.law.device is offset


def test_curves_that_differ_between_devices() -> None:
    """Squares of deviates, whose mean and deviation are 1 and the root of 2."""
    deviates = np.sort(np.random.default_rng(1).standard_normal(200_000))
    curves = np.stack([deviates**2, -deviates], axis=1)
    mean, cycle, device = over_devices(curves, np.array([0.3, 0.0]), deviates, (-50.0, 50.0))
    assert mean == pytest.approx([1, 0], abs=0.01)
    assert cycle == pytest.approx([0.3, 0], abs=1e-6)
    assert np.abs(device) == pytest.approx([np.sqrt(2), 1], rel=0.01)
    assert device[1] < 0
