"""What a notebook shows of a sweep is its table's figures."""

import numpy as np
import pytest

from allspin.host.sweep.sweep import SHOWN, _picture, make_plan, run_sweep
from tests.host.reader import Reader


def test_lines_are_means_over_the_factor_for_each_scheme(small, tmp_path):
    grid = small.grid(c2c=[2, 0, 1], program=["open-loop", "write-verify"], chips=3)
    sweep = run_sweep(make_plan(grid), tmp_path / "t.csv")
    lines = _picture(sweep, "c2c").axes[0].lines
    assert len(lines) == 4
    for scheme, mean, dots in zip(("open-loop", "write-verify"), lines, lines[2:], strict=False):
        points = [
            [row.outcome.accuracy for row in sweep.rows if (row.point.c2c, row.point.program) == at]
            for at in ((0, scheme), (1, scheme), (2, scheme))
        ]
        np.testing.assert_allclose(
            np.asarray(mean.get_xydata())[:, 1], 100 * np.mean(points, axis=1)
        )
        np.testing.assert_allclose(np.asarray(dots.get_xydata())[:, 1], 100 * np.ravel(points))
    found = Reader(sweep._repr_html_())
    assert found.faults == []
    assert {"open-loop", "write-verify", "c2c", "accuracy (%)"} <= set(found.said("text"))
    rows = np.array(found.said("td")).reshape(6, -1)
    assert rows[0, :2].tolist() == ["2", "open-loop"]
    worst = [row.outcome.accuracy for row in sweep.rows if row.point == sweep.plan.points[0]]
    assert float(rows[0, 2]) == pytest.approx(100 * np.mean(worst), abs=0.01)


def test_without_numbers_there_is_a_table_and_a_long_one_is_cut(small, tmp_path):
    plan = make_plan(small.grid(program=["open-loop", "write-verify"], chips=1))
    found = Reader(run_sweep(plan, tmp_path / "a.csv")._repr_html_())
    assert found.all("svg") == []
    assert len(found.all("tr")) == 3
    many = make_plan(small.grid(c2c=[n / 8 for n in range(SHOWN + 2)], chips=1))
    found = Reader(run_sweep(many, tmp_path / "b.csv")._repr_html_())
    assert len(found.all("tr")) == SHOWN + 1
    assert "; 2 more points" in found.said("b")[0]
