"""CrossSim's lookup tables as a device."""

import hashlib
from pathlib import Path

import pytest

from allspin.host.fit.device import take_lookup_tables
from allspin.host.fit.options import FitOptions
from allspin.sim.errors import UserError
from tests.sim.synapse.monte_carlo import Table

NAMES = "dG_increasing.txt", "dG_decreasing.txt"


@pytest.fixture
def pairs(tmp_path: Path) -> list[Path]:
    """Two devices, each in its own folder, under CrossSim's names."""
    paths = []
    for device, noise in (("d1", 0.05), ("d2", 0.08)):
        (tmp_path / device).mkdir()
        for name, sign in zip(NAMES, (1, -1), strict=True):
            paths.append(Table(sign, noise).write(tmp_path / device / name))
    return paths


def test_each_file_has_its_digest(pairs: list[Path]) -> None:
    """With its folder only where another has the same name."""
    two = take_lookup_tables(pairs, FitOptions("two")).device.source["sha256"]
    assert two == {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in pairs}
    one = take_lookup_tables(pairs[:2], FitOptions("one")).device.source["sha256"]
    assert list(one) == list(NAMES)


@pytest.mark.parametrize("asked", [{"occasion": "pulse"}, {"reading": "span"}, {"meter": "reads"}])
def test_nothing_is_asked_of_a_fit_that_is_not_made(
    pairs: list[Path], asked: dict[str, str]
) -> None:
    with pytest.raises(UserError, match=r"dG_increasing.txt is a lookup table.*leave out what"):
        take_lookup_tables(pairs[:2], FitOptions("x", **asked))  # type: ignore[arg-type]
