"""A sweep from Python, and what it came to."""

import csv
import statistics

import pytest

from allspin.host.sweep.pictures import line_faults, remarks, summary
from allspin.host.sweep.sweep import sweep
from allspin.sim.errors import UserError


def test_a_mapping_is_swept_shown_and_summed_up(small, tmp_path, seen):
    entries = {"network": str(small.network), "data": str(small.data), "c2c": [0, 3], "chips": 3}
    path = tmp_path / "t.csv"
    found = sweep(entries, path, workers=1, display=seen)
    assert seen.lines == ["sweeping 3 chips at 2 points", f"6 rows in {path}"]
    assert seen.done == [(done, 6) for done in range(1, 7)]
    # The same figures, worked out of the table by the standard library.
    with path.open() as file:
        rows = list(csv.DictReader(file))
    for point in found.plan.points:
        shares = [float(row["accuracy"]) for row in rows if float(row["c2c"]) == point.c2c]
        said = summary(found, point)
        assert (said["chips"], said["c2c"]) == (3, point.c2c)
        assert said["accuracy"] == pytest.approx(statistics.mean(shares))
        assert said["deviation"] == pytest.approx(statistics.stdev(shares))
        assert (said["worst"], said["best"]) == (min(shares), max(shares))
    assert line_faults(found.rows) == {"resent": 0, "damaged": 0}
    assert remarks(found) == []
    assert sweep(entries, path, display=seen).resumed == 6
    assert seen.lines[-1] == f"6 rows in {path}, 6 of them there already"


def test_a_mapping_that_is_no_grid_is_refused(tmp_path):
    with pytest.raises(UserError, match="a grid has no 'chip'"):
        sweep({"network": "paper-10", "chip": 3}, tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []
