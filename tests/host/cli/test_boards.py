"""``allspin boards``: every board, and what was built for it."""

import json

import pytest

from boards.board import find_boards
from hdl.cache import VARIABLE
from host.built import recall_one, remember
from host.cli.main import main

BUILT = {
    "board": "tang-nano-9k",
    "profile": "ideal",
    "network": "mnist-10",
    "fits": True,
    "meets_timing": True,
    "fmax_mhz": 31.25,
    "need_mhz": 27,
    "luts": 4138,
    "luts_share": 0.479,
    "memories": 20,
    "memories_share": 0.77,
    "images_per_second": 13000,
    "seconds": 220.0,
    "shortfall": None,
    "tools": {"yosys": "0.52 (native)"},
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing was built yet."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))


def rows(capsys, *options):
    assert main(["boards", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    return found["network"], {row["board"]: row for row in found["boards"]}


def test_every_board_is_listed(capsys):
    network, found = rows(capsys)
    assert network == "mnist-10"
    assert list(found) == list(find_boards())
    row = found["ulx3s-25f"]
    assert (row["part"], row["clock_mhz"], row["lanes"]) == ("LFE5U-25F", 100, 100)
    assert row["built"] is None


def test_what_was_built_is_told(capsys):
    remember(BUILT)
    _, found = rows(capsys)
    row = found["tang-nano-9k"]
    assert (row["fits"], row["why"]) == (True, "built")
    assert row["built"] == BUILT
    remember({**BUILT, "meets_timing": False, "shortfall": "too slow by 3 %"})
    _, found = rows(capsys)
    assert (found["tang-nano-9k"]["fits"], found["tang-nano-9k"]["why"]) == (
        False,
        "too slow by 3 %",
    )
    _, found = rows(capsys, "--network", "mnist-100")
    assert found["tang-nano-9k"]["built"] is None


def test_before_it_is_built_the_weights_are_counted(capsys):
    # 784 rows of 100 words in 8 lanes, two words to each of 18 kbit: more than 26 blocks.
    _, found = rows(capsys)
    assert not found["tang-nano-9k"]["fits"]
    assert "of 26 blocks of memory" in found["tang-nano-9k"]["why"]


def test_the_table_is_written_between_the_markers(tmp_path, capsys):
    remember({**BUILT, "bitstream": "/somewhere/top.fs", "netlist": "/somewhere/top.json"})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- allspin boards -->\nold\n<!-- end -->\nafter\n")
    assert main(["boards", "--write", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- allspin boards -->\n| board | part |")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert "| 31.2 of 27 | 4,138 (48%) | 20 (77%) | 13,000 | 220 |" in text
    assert "Built with yosys 0.52 (native)." in text
    # Again: the same.
    assert main(["boards", "--write", str(page)]) == 0
    assert page.read_text() == text
    beside = page.with_suffix(".json")
    said = capsys.readouterr().out
    assert f"{page}, {beside}: {len(find_boards())} machines, 1 of them built" in said
    found = {row["board"]: row["built"] for row in json.loads(beside.read_text())["boards"]}
    assert found["tang-nano-9k"] == BUILT
    assert "/somewhere" not in beside.read_text()


def test_a_page_without_markers_is_refused(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    assert main(["boards", "--write", str(page)]) == 2
    assert "has no place for the table" in capsys.readouterr().err
    assert main(["boards", "--write", str(tmp_path / "none.md")]) == 2


def test_the_latest_figures_count():
    remember(BUILT)
    remember({**BUILT, "profile": "chips", "fmax_mhz": 20})

    def fmax(*choice):
        figures = recall_one("tang-nano-9k", *choice)
        return figures and figures["fmax_mhz"]

    assert fmax() is not None
    assert (fmax("ideal"), fmax("chips"), fmax("chips", "mnist-100")) == (31.25, 20, None)
    assert recall_one("icebreaker") is None
