"""Files of laboratories, written out in tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from allspin.host.lab.curves import Measurement
from allspin.host.lab.measurement import read_measurement
from allspin.host.lab.reading import ReadOptions


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Measurement]:
    """Write files, bar0.csv and so on, and read their curves, with options."""

    def one(*texts: str, **given: Any) -> Measurement:
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"bar{number}.csv")
            paths[-1].write_text(text, "utf-8")
        return read_measurement(paths, ReadOptions(**given))

    return one
