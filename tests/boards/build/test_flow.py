"""A made-up board is built: whole, the same each time, and only once."""

import dataclasses
import json

import pytest
from amaranth_boards.icestick import ICEStickPlatform

from allspin.boards.build import flow
from allspin.boards.build.figures import figures
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Tool
from allspin.boards.pll import Ice40PllParameters
from allspin.hdl.cache import VARIABLE
from allspin.sim.errors import UserError

pytestmark = pytest.mark.long


def test_a_made_up_board_is_built_once_and_the_same_each_time(tiny, cache, tmp_path, monkeypatch):
    build = Build(tiny())
    netlist = build.synthesise()
    routed = build.route(netlist)

    # The pins are the platform's: iCEBreaker's clock, UART and LEDs.
    pins = (routed.folder / "top.pcf").read_text()
    for words in ("clk12_0__io 35", "uart_0__rx__io 6", "uart_0__tx__io 9", "led_0__io 11"):
        assert f"set_io {words}\n" in pins
    assert "set_frequency machine_clock 18.0" in pins
    assert netlist.cells["SB_PLL40_PAD"] == 1
    # First bytes of a bitstream for an iCE40 (IceStorm, format of the .bin file).
    assert routed.bitstream is not None
    content = routed.bitstream.read_bytes()
    assert content[:4] == b"\xff\x00\x00\xff"
    assert content[4:8] == b"\x7e\xaa\x99\x7e"
    found = figures(build, "tiny", netlist, [routed])
    assert found["fits"]
    assert 0 < found["luts"] <= found["cells"] < 5280
    assert found["cells_share"] == round(found["cells"] / 5280, 4)
    assert [found["blocks"][f"ICESTORM_{name}"]["available"] for name in ("RAM", "SPRAM")] == [
        30,
        4,
    ]
    report = json.loads((routed.folder / "report.json").read_text())
    achieved = [clock["achieved"] for clock in report["fmax"].values()]
    assert found["fmax_mhz"] == round(min(achieved), 2)

    # A second build starts no tool.
    told = []
    again = Build(tiny(), progress=lambda what, seconds: told.append(what))
    assert again.route(again.synthesise()) == routed
    assert all(line.startswith("elaborating") for line in told)

    # Elsewhere: the same, byte for byte.
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    elsewhere = Build(tiny())
    other = elsewhere.synthesise()
    assert other.path.read_bytes() == netlist.path.read_bytes()
    assert other.name == netlist.name
    second = elsewhere.route(other)
    assert second.bitstream is not None
    assert second.bitstream.read_bytes() == content


def test_another_seed_places_the_same_netlist_otherwise(tiny, cache):
    build = Build(tiny())
    netlist = build.synthesise()
    one, two = build.route(netlist, 1), build.route(netlist, 2)
    assert one.bitstream is not None
    assert two.bitstream is not None
    assert one.bitstream.read_bytes() != two.bitstream.read_bytes()
    found = figures(build, "tiny", netlist, [one, two])
    rates = [round((one.fmax or 0) / 1e6, 2), round((two.fmax or 0) / 1e6, 2)]
    assert [found["worst_fmax_mhz"], found["fmax_mhz"]] == sorted(rates)


def test_a_board_tells_the_router(tiny, cache):
    parameters = tiny()
    board = parameters.board
    (name,) = board.profiles
    # One takes the place of the family's: nextpnr refuses an option that is given twice.
    routing = ("--router", "router2", "--tmg-ripup", "--placer-heap-timingweight", "10")
    profile = dataclasses.replace(board.profiles[name], routing=routing)
    board = dataclasses.replace(board, profiles={name: profile})
    build = Build(dataclasses.replace(parameters, board=board))
    routed = build.route(build.synthesise())
    log = (routed.folder / "nextpnr.log").read_text()
    assert "Running router2" in log
    assert "tmgfail=" in log
    assert routed.bitstream is not None


def test_a_design_that_does_not_fit_reports_its_excess(tiny, cache):
    # The same machine on a part with a quarter of the cells.
    build = Build(tiny(ICEStickPlatform, Ice40PllParameters))
    netlist = build.synthesise()
    routed = build.route(netlist)
    assert routed.bitstream is None
    found = figures(build, "tiny", netlist, [routed])
    line = found["shortfall"]
    assert line.startswith("made-up does not fit: ")
    assert "of 1,280 logic cells" in line
    assert "take fewer lanes (--lanes 1)" in line
    assert found["fits"] is False


def test_a_tool_that_fails_is_quoted_and_its_log_kept(tiny, cache, monkeypatch):
    broken = Tool(
        "yosys", ("sh", "-c", "echo all well; echo 'ERROR: no way'; exit 1"), "native", "0"
    )
    real = flow.find_tool
    monkeypatch.setattr(
        flow, "find_tool", lambda name, wanted: broken if name == "yosys" else real(name, wanted)
    )
    with pytest.raises(UserError, match="yosys failed: ERROR: no way") as caught:
        Build(tiny()).synthesise()
    log = cache / "failed-yosys.log"
    assert str(log) in str(caught.value)
    assert log.read_text() == "all well\nERROR: no way\n"
