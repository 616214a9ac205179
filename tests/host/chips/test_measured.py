"""Many chips of many networks, measured from Python, and their card."""

import pytest

from allspin.host.chips.columns import Column
from allspin.host.chips.measured import MeasureOptions, measure_chips
from allspin.sim.errors import UserError

WHOLE = Column("everything", ("c2c", "d2d", "neuron"), "write-verify")


def test_the_requested_chips_are_measured_and_shown(seen):
    options = MeasureOptions(chips=2, first=5, columns=(WHOLE,), tries=3, band=0.03)
    found = measure_chips(["mnist-10", "mnist-10"], options=options, images=200, progress=seen)
    (result,) = found.results
    assert seen.lines == ["mnist-10, everything", str(result.percent)]
    assert seen.done == [(1, 2), (2, 2)]
    record = found.to_dict()
    assert (record["chips"], record["images"], record["device"]) == ([5, 6], 200, "paper")
    line, reads = found.notes()[0], result.counts.reads / (2 * (784 * 100 + 100 * 10))
    assert line.startswith("mnist-10, everything: band 0.03 of the range, at most 3 tries; ")
    assert f" {reads:.2f} writes and reads a cell" in line
    told = record["results"][0]
    assert told["worst_chip"] == 5 + int(result.accuracies.argmin())
    assert f"the worst is chip {told['worst_chip']} with" in found.notes()[1]
    # The paper's 38 uJ or so a pulse, 8 and 11 mA through 312.5 ohm for 1 ms.
    pulses = told["pulses_per_cell"] + told["saturations_per_cell"]
    assert 0.02e-3 * pulses < told["energy_per_cell"] < 0.04e-3 * pulses
    # The table has the figures of --json, rounded as it prints them.
    title, share, *beside = found.tables()[0].rows[0]
    names = ("standard_error", "quantile_5", "worst")
    assert (title, str(share)) == ("everything", str(result.percent))
    assert [str(each) for each in beside] == [f"{100 * told[name]:.2f}" for name in names]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chips": 0}, "^chips must be from 1 to 10000, not 0$"),
        ({"chips": 2, "first": 2**32 - 1}, "^chip must be from 0 to 4294967294"),
    ],
)
def test_chips_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        MeasureOptions(**options)


def test_programming_that_is_impossible_is_refused():
    with pytest.raises(UserError, match="tries must be from 1 to 1024, not 0"):
        measure_chips(["mnist-10"], options=MeasureOptions(tries=0), images=1)
