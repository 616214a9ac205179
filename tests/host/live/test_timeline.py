"""The cycles of each stage, from an activity that is written out here."""

import numpy as np

from allspin.host.live.shown import timeline

EVENT, LAST, SUM = 1, 2, 4


def test_each_stage_has_its_cycles():
    first = [EVENT, EVENT, 0, EVENT | LAST, SUM, SUM, 0, 0]
    second = [0, 0, 0, 0, 0, EVENT, EVENT | LAST | SUM, SUM]
    activity = np.array(first, np.uint64) | np.array(second, np.uint64) << np.uint64(4)
    assert timeline(activity, 2) == {
        "clocks": 8,
        "stages": [
            {"rows": [0, 1, 3], "sums": [4, 5]},
            {"rows": [5, 6], "sums": [6, 7]},
        ],
    }
