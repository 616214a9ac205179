"""What a notebook shows of a sweep is its table's figures."""

import numpy as np
import pytest

from allspin.host.sweep.sweep import SHOWN, make_plan, run_sweep
from tests.sim.parsed import parsed, points


def test_lines_are_means_over_the_factor_for_each_scheme(small, tmp_path):
    grid = small.grid(c2c=[2, 0, 1], program=["open-loop", "write-verify"], chips=3)
    sweep = run_sweep(make_plan(grid), tmp_path / "t.csv")
    found = parsed(sweep._repr_html_())
    assert {"open-loop", "write-verify", "c2c", "accuracy (%)"} <= set(found.said("text"))
    assert len(found.of("circle")) == 3 * 2 * 3
    lines = [points(path) for path in found.of("path")]
    assert len(lines) == 2
    means = [
        [
            np.mean(
                [r.outcome.accuracy for r in sweep.rows if (r.point.c2c, r.point.program) == at]
            )
            for at in ((0, scheme), (1, scheme), (2, scheme))
        ]
        for scheme in ("open-loop", "write-verify")
    ]
    heights = [y for line in lines for _, y in line]
    assert np.corrcoef(np.ravel(means), heights)[0, 1] == pytest.approx(-1, abs=1e-3)
    rows = np.array(found.said("td")).reshape(6, -1)
    assert rows[0, :2].tolist() == ["2", "open-loop"]
    assert float(rows[0, 2]) == pytest.approx(100 * means[0][2], abs=0.01)


def test_without_numbers_there_is_a_table_and_a_long_one_is_cut(small, tmp_path):
    plan = make_plan(small.grid(program=["open-loop", "write-verify"], chips=1))
    found = parsed(run_sweep(plan, tmp_path / "a.csv")._repr_html_())
    assert found.of("svg") == []
    assert len(found.of("tr")) == 3
    many = make_plan(small.grid(c2c=[n / 8 for n in range(SHOWN + 2)], chips=1))
    found = parsed(run_sweep(many, tmp_path / "b.csv")._repr_html_())
    assert len(found.of("tr")) == SHOWN + 1
    assert "; 2 more points" in found.said("b")[0]
