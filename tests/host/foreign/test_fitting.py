"""Rounding with what is made up for, against rounding apart and against every possibility."""

from itertools import product

import numpy as np
import pytest

from allspin.host.foreign.fitting import Rounder, round_apart
from allspin.sim.network.formats import uniform_levels

LEVELS = np.array([-1.0, -1 / 3, 1 / 3, 1.0])


def error(moments, found, weights):
    missed = found - weights
    return np.einsum("rc,rs,sc->c", missed, moments, missed)


def correlated(rows: int, rng: np.random.Generator):
    """Moments of rows each of which is much like its neighbours."""
    values = rng.normal(size=(200, rows + 3))
    smooth = np.sum([values[:, k : rows + k] for k in range(4)], axis=0)
    return smooth.T @ smooth / 200


def test_independent_rows_are_rounded_to_the_nearest_level():
    rng = np.random.default_rng(0)
    weights, scales = rng.normal(size=(150, 6)), rng.uniform(1, 2, 6)
    moments = np.diag(rng.uniform(0.5, 2, 150))
    together = Rounder(moments, LEVELS).round(weights, scales)
    by_hand = LEVELS[np.abs((weights / scales)[..., None] - LEVELS).argmin(axis=-1)]
    assert np.array_equal(together.levels, by_hand)
    assert np.array_equal(round_apart(weights, scales, LEVELS).levels, by_hand)


def test_neighbours_make_up_for_one_another():
    rng = np.random.default_rng(1)
    weights, scales = rng.uniform(-0.6, 0.6, (150, 20)), np.ones(20)
    moments = correlated(150, rng)
    levels = uniform_levels(10) / 126
    together = Rounder(moments, levels).round(weights, scales)
    apart = round_apart(weights, scales, levels)
    assert set(np.unique(together.levels)) <= set(levels)
    better = error(moments, together.levels, weights)
    assert np.all(better < 0.5 * error(moments, apart.levels, weights))


def test_it_is_near_the_best_of_all_possibilities():
    rng = np.random.default_rng(2)
    weights = rng.uniform(-1, 1, (5, 40))
    moments = correlated(5, rng)
    every = np.array(list(product(LEVELS, repeat=5)))
    best = np.array(
        [
            error(moments, every.T, np.repeat(column[:, None], len(every), axis=1)).min()
            for column in weights.T
        ]
    )
    found = error(moments, Rounder(moments, LEVELS).round(weights, np.ones(40)).levels, weights)
    apart = error(moments, round_apart(weights, np.ones(40), LEVELS).levels, weights)
    assert np.all(found >= best - 1e-12)
    assert found.sum() < 2 * best.sum()
    assert found.sum() < 0.6 * apart.sum()


def test_what_was_rounded_rounds_to_it():
    rng = np.random.default_rng(3)
    found = Rounder(correlated(80, rng), LEVELS).round(rng.normal(size=(80, 9)), np.full(9, 1.5))
    nearest = LEVELS[np.abs(found.wanted[..., None] - LEVELS).argmin(axis=-1)]
    assert np.array_equal(nearest, found.levels)


def test_rows_that_nothing_drives_are_rounded_too():
    found = Rounder(np.zeros((4, 4)), LEVELS).round(np.full((4, 2), 0.4), np.ones(2))
    assert found.levels == pytest.approx(np.full((4, 2), 1 / 3))
