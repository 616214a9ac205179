"""What a notebook shows of measured chips is each of them."""

import numpy as np
import pytest

from allspin.host.chips.accuracy import Column
from allspin.host.chips.measured import MeasureOptions, measure_chips
from tests.sim.parsed import parsed


def test_each_chip_is_a_point_in_its_row():
    columns = (
        Column("C2C, <open loop>", ("c2c",), "open-loop"),
        Column("ideal", (), "pulse-width"),
    )
    measured = measure_chips("paper-10", "paper", MeasureOptions(4, columns=columns), images=50)
    found = parsed(measured._repr_html_())
    places = np.array([[float(dot[name]) for name in ("cx", "cy")] for dot in found.of("circle")])
    first, second = places[:4], places[4:]
    assert len(set(first[:, 0])) == len(set(second[:, 0])) == 1
    assert first[0, 0] < second[0, 0]
    shares = np.concatenate([one.accuracies for one in measured.results])
    if shares.std() > 0:
        assert np.corrcoef(shares, places[:, 1])[0, 1] == pytest.approx(-1, abs=1e-3)
    cells = np.array(found.said("td")).reshape(2, 4)
    assert cells[:, 2].tolist() == ["C2C, <open loop>", "ideal"]
    assert cells[1, 3] == f"{100 * measured.results[1].mean:.2f} ± 0.00"
    ticks = [text["text-anchor"] for text in found.of("text")].count("middle")
    assert [said for said in found.said("text") if said in ("1", "2")] == ["1", "2"]
    assert ticks == 2
