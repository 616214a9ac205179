"""Options of the simulation of an engine."""

from pathlib import Path

import pytest

from allspin.host.run.simulate import SimulatorOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulator": "modelsim"}, "simulator must be one of verilator, icarus, not 'modelsim'"),
        ({"waves": Path("a/out.vcd")}, "name the file out.fst, not out.vcd"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        SimulatorOptions(**options)
