"""``allspin build``: what it prints, how it ends, and several boards at a time."""

import json
from types import SimpleNamespace

import pytest

from allspin.boards.build.families import ICE40
from allspin.boards.build.figures import figures
from allspin.boards.build.flow import Netlist, Routed
from allspin.hdl.cache import VARIABLE
from allspin.host.bitstreams import build as boards
from allspin.host.bitstreams.record import recall_one
from allspin.sim.errors import UserError


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Builds that take no time: ``tools(icebreaker=(fmax in MHz or None, seconds))``."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"bits")
    (tmp_path / "top.json").write_text("{}")
    outcomes = {}

    def build_board(job, seeds, wanted, progress):
        progress("synthesising the machine", 0.0)
        outcome = outcomes.get(job.board.name, 500e6)
        if isinstance(outcome, str):
            raise UserError(outcome)
        progress("placing and routing, seed 1", 0.0)
        cells = 1200 if outcome else 6000
        resources = {"ICESTORM_LC": (cells, 5280), "ICESTORM_RAM": (4, 30)}
        routed = [
            Routed(tmp_path, seed, bitstream if outcome else None, outcome or None, resources, 1.0)
            for seed in seeds
        ]
        build = SimpleNamespace(
            family=ICE40,
            parameters=SimpleNamespace(
                board=job.board,
                machine=SimpleNamespace(
                    link=SimpleNamespace(engine=SimpleNamespace(crossbars=[job.profile]))
                ),
            ),
            tools=[SimpleNamespace(name="yosys", version="0.52", source="native")],
        )
        netlist = Netlist(tmp_path, "name", {"SB_LUT4": 1000, "SB_DFFE": 500}, 10.0)
        found = figures(build, job.profile_name, netlist, routed)  # pyright: ignore[reportArgumentType]
        more = {
            "network": job.network_name,
            "baud": job.board.baud,
            "gateware": "0123",
            "cycles_per_image": 1000.5,
            "images_per_second": 1000,
            "link_images_per_second": 100,
        }
        return {**found, **more}, ()

    monkeypatch.setattr(boards, "build_board", build_board)
    return outcomes


FIELDS = {
    *("board", "part", "fmax_mhz", "need_mhz", "luts", "luts_share", "memories"),
    *("images_per_second", "cycles_per_image", "gateware", "tools", "seconds"),
}


def test_json_table_and_a_copy_of_the_bitstream(tools, tmp_path, cli):
    copy = tmp_path / "copy.bin"
    words = f"build icebreaker --seeds 3 -o {copy}"
    found = cli.json(words)
    assert copy.read_bytes() == b"bits"
    assert set(found) >= FIELDS
    assert (found["board"], found["part"], found["need_mhz"]) == ("icebreaker", "iCE40UP5K", 31.125)
    assert found["network"] == "mnist-10"
    assert recall_one("icebreaker") == found
    out, err = cli.run(words)
    assert "icebreaker: synthesising the machine" in err
    for words in ("clock\t500\tMHz", "LUTs\t1000\t", "worst of the seeds", "yosys"):
        assert words in out


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (
            21e6,
            "allspin: icebreaker misses its timing: 21.0 MHz of the 31.125 needed, 32.5% short;",
        ),
        (0, "allspin: icebreaker does not fit: 6,000 of 5,280 logic cells, 14% too many;"),
    ],
)
def test_a_shortfall_is_one_line_and_status_1(tools, cli, outcome, line):
    tools["icebreaker"] = outcome
    out, err = cli.run("build icebreaker --json", 1)
    assert err.splitlines()[-1].startswith(line)
    found = json.loads(out)
    assert not found["meets_timing"]
    assert found["shortfall"] in err


def test_all_boards_are_built_and_one_that_fails_stops_no_other(tools, cli):
    tools["ecpix-5"] = "ecppack failed: ERROR: no way"
    out, err = cli.run("build all --jobs 2 --json", 1)
    found = {one["board"]: one for one in json.loads(out)["boards"]}
    assert len(found) >= 15
    assert found["ecpix-5"]["error"] == "ecppack failed: ERROR: no way"
    assert found["ulx3s-85f"]["meets_timing"]
    assert "ecpix-5: failed: ecppack failed" in err
    assert "ulx3s-85f: 500.0 MHz, meets 110" in err


def test_each_board_can_name_its_machine_and_options_change_it(tools, cli):
    words = "build ulx3s-85f:fast ulx3s-85f icebreaker --profile chips --jobs 2 --lanes 20"
    out, err = cli.run(f"{words} --rows-per-clock 4 --json")
    boards = json.loads(out)["boards"]
    found = sorted((one["board"], one["profile"]) for one in boards)
    assert found == [("icebreaker", "chips"), ("ulx3s-85f", "chips"), ("ulx3s-85f", "fast")]
    assert {(one["lanes"], one["rows_per_clock"]) for one in boards} == {(20, 4)}
    for name in (" icebreaker: ", " ulx3s-85f:fast: "):
        assert name in err
