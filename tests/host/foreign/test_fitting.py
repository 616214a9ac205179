"""Rounding with correction, against the nearest levels and every possibility."""

from itertools import product

import numpy as np
import pytest

from allspin.host.foreign.weight_rounding import nearest, rounding

LEVELS = np.array([-1.0, -1 / 3, 1 / 3, 1.0])


def error(moments, found, weights):
    missed = found - weights
    return np.einsum("rc,rs,sc->c", missed, moments, missed)


def correlated(rows: int, rng: np.random.Generator):
    """Moments of rows each of which is much like its neighbours."""
    values = rng.normal(size=(200, rows + 3))
    smooth = np.sum([values[:, k : rows + k] for k in range(4)], axis=0)
    return smooth.T @ smooth / 200


def test_it_is_near_the_best_of_all_possibilities():
    rng = np.random.default_rng(2)
    weights = rng.uniform(-1, 1, (5, 40))
    moments = correlated(5, rng)
    every = np.array(list(product(LEVELS, repeat=5))).T
    best = np.array([error(moments, every, column[:, None]).min() for column in weights.T])
    found = error(moments, rounding(moments, LEVELS)(weights)[0], weights)
    assert np.all(found >= best - 1e-12)
    assert found.sum() < 2 * best.sum()
    assert found.sum() < 0.6 * error(moments, nearest(LEVELS, weights), weights).sum()


def test_rows_without_input_are_rounded_too():
    found, _ = rounding(np.zeros((4, 4)), LEVELS)(np.full((4, 2), 0.4))
    assert found == pytest.approx(np.full((4, 2), 1 / 3))
