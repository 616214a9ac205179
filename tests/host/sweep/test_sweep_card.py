"""A notebook's card of a sweep has the figures of its table."""

import numpy as np
import pytest
from scipy import stats

import allspin
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import ON_CARD
from tests.host.reader import Reader


def test_the_card_has_the_figures_and_a_picture_of_the_factors(small, tmp_path):
    grid = small.grid(c2c=[2, 0, 1], program=["open-loop", "write-verify"], chips=3)
    sweep = allspin.sweep(make_plan(grid), tmp_path / "t.csv", workers=1)
    found = Reader(str(sweep._repr_html_()))
    assert found.faults == []
    assert {"open-loop", "write-verify", "test accuracy"} <= set(found.said("text"))
    rows = np.array(found.said("td")).reshape(6, -1)
    assert rows[0, 0] == "open-loop"
    shares = sweep.accuracies(sweep.plan.points[0])
    error, low = stats.sem(shares), np.sort(shares)[0]  # the 5 % quantile of three is the worst
    figures = [shares.mean(), shares.std(ddof=1), error, low, shares.min(), shares.max()]
    assert rows[0, 1:].astype(float) == pytest.approx(100 * np.array(figures), abs=0.01)


def test_a_long_table_is_cut(small, tmp_path):
    many = make_plan(small.grid(c2c=[n / 8 for n in range(ON_CARD + 2)], chips=1))
    sweep = allspin.sweep(many, tmp_path / "b.csv", workers=1)
    found = Reader(str(sweep._repr_html_()))
    assert len(found.all("tr")) == ON_CARD + 1
    assert "; 2 more points" in found.said("b")[0]
