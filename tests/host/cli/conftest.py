"""What more than one command's tests use."""

from collections.abc import Callable
from typing import Any

import pytest

BoardRecord = Callable[..., dict[str, Any]]


def _board_record(**changes: Any) -> dict[str, Any]:
    return {
        "board": "tang-nano-9k",
        "part": "GW1NR-LV9QN88PC6/I5",
        "profile": "ideal",
        "network": "mnist-10",
        "lanes": 8,
        "rows_per_clock": 1,
        "fits": True,
        "meets_timing": True,
        "fmax_mhz": 31.25,
        "worst_fmax_mhz": 31.25,
        "need_mhz": 27,
        "luts": 4138,
        "luts_share": 0.479,
        "memories": 20,
        "memories_share": 0.77,
        "seeds": [{"seed": 1, "fmax_mhz": 31.25, "seconds": 200.0}],
        "tools": {"yosys": "0.52 (native)"},
        "seconds": 220.0,
        "shortfall": None,
        "gateware": None,
        "cycles_per_image": 2076.9,
        "images_per_second": 13000,
        **changes,
    }


@pytest.fixture
def board_record() -> BoardRecord:
    """What ``allspin build --json`` says of a build that is well: ``board_record(**changes)``."""
    return _board_record
