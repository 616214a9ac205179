"""Words and gains against the matrix that they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.array.folding import fold, own_gains
from allspin.sim.network.layer import Converter

LEVELS = np.array([-126, -14, 14, 126], np.int16)
TOP = 127


def made(seed=0, rows=40, columns=6):
    rng = np.random.default_rng(seed)
    words = rng.choice(LEVELS, (rows, columns)).astype(np.int8)
    gains, offsets = (rng.integers(*ends, columns, np.int32) for ends in ((400, 900), (-9, 9)))
    converter = Converter(gains, offsets, 14)
    return words, converter


def said(folded, before):
    """The matrix that words and gains are, in units of the words before."""
    gains = folded.converter.gains / 2.0**folded.converter.shift
    return folded.words * gains / (before.gains / 2.0**before.shift)


def test_a_matrix_that_is_its_words_stays_as_it_is():
    words, converter = made()
    folded = fold(words.astype(float), words, LEVELS, converter, TOP)
    assert np.array_equal(folded.words, words)
    assert np.array_equal(said(folded, converter), words)
    assert (folded.saturated, folded.residual, folded.error) == pytest.approx((0, 0, 0), abs=1e-12)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 99),
    scales=st.lists(st.floats(0.01, 30), min_size=6, max_size=6),
    error=st.floats(0, 3),
)
def test_a_gain_for_each_column_becomes_the_converters(seed, scales, error):
    words, converter = made(seed)
    rng = np.random.default_rng(seed)
    effective = (words + rng.uniform(-error, error, words.shape)) * scales
    folded = fold(effective, words, LEVELS, converter, TOP)
    span = 252 * own_gains(effective, words)
    # The residual is the missing part, computed from the gateware's own numbers.
    missing = np.sqrt((((effective - said(folded, converter)) / span) ** 2).mean())
    assert folded.residual == pytest.approx(missing, rel=1e-9, abs=1e-12)
    # The error is that of the array alone, and a gain for each column is no error.
    left = (((effective - own_gains(effective, words) * words) / span) ** 2).mean()
    assert folded.error == pytest.approx(np.sqrt(left), rel=1e-9, abs=1e-12)
    if max(scales) < 30 * min(scales):
        assert folded.faithful
        assert missing <= 0.005


def test_the_last_layer_has_one_scale():
    words, _ = made()
    folded = fold(words.astype(float) * 3.5, words, LEVELS, None, TOP)
    assert np.array_equal(folded.words, words)
    assert folded.scales == pytest.approx(np.full(6, 3.5))
    apart = fold(words * np.linspace(0.1, 5, 6), words, LEVELS, None, TOP)
    assert len(set(apart.scales)) == 1


def test_a_matrix_unlike_its_words_or_beyond_their_range_is_not_folded():
    words, converter = made(rows=1000)
    large = words.astype(float)
    large[::50] *= 40
    for effective in (np.random.default_rng(3).normal(0, 50, words.shape), large):
        assert not fold(effective, words, LEVELS, converter, TOP).faithful


def test_a_column_of_zeros_and_a_converter_without_gain():
    words, converter = made()
    words[:, 2] = 0
    gains = converter.gains.copy()
    gains[0] = 0
    converter = Converter(gains, converter.offsets, converter.shift)
    folded = fold(words.astype(float) * 0.9, words, LEVELS, converter, TOP)
    assert folded.faithful
    assert not folded.words[:, 2].any()
    assert folded.converter is not None
    assert folded.converter.gains[0] == 0


def test_a_column_s_gain_is_that_of_its_many_cells():
    words, _ = made()
    effective = words.astype(float) * 0.9
    effective[[0, -1]] += 5000
    assert own_gains(effective, words) == pytest.approx(np.full(6, 0.9), rel=1e-9)
