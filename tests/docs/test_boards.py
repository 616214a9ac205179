"""docs/boards.md, docs/boards.json, docs/performance.md and the catalogue say the same."""

import json
import re

import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.bitstreams.board_tables import boards_table
from allspin.host.bitstreams.headline import HEADLINE, headline_table
from allspin.host.bitstreams.jobs import network_of
from allspin.host.bitstreams.manifest import check_manifest, is_older
from allspin.host.cli.boards import HEADLINE_MARKS, MARKS
from tests.docs.documents import DOCS, between, blocks, read

PAGE = DOCS / "boards.md"
FIX = "run: allspin boards --write docs/boards.md"
CONTENT = json.loads(read("boards.json"))
ROWS = CONTENT["boards"]
NAMES = [f"{row['board']}:{row['profile']}" for row in ROWS]
BY_NAME = dict(zip(NAMES, ROWS, strict=True))


@pytest.mark.parametrize(
    ("marks", "table"), [(MARKS, boards_table), (HEADLINE_MARKS, headline_table)]
)
def test_the_tables_are_those_of_the_json(marks, table):
    assert between(PAGE, marks) == f"\n{table(ROWS)}", FIX


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_is_of_the_catalogues_board(row):
    board = find_boards()[row["board"]].running(row["profile"])
    hardware = board.profile().hardware
    told = {
        "title": board.title,
        "part": board.part,
        "clock_mhz": board.machine_frequency / 1e6,
        "baud": board.baud,
        "bridge": board.bridge,
        "memory": hardware.memory,
        "lanes": hardware.lanes,
        "rows_per_clock": hardware.rows_per_clock,
    }
    assert {name: row[name] for name in told} == told, FIX


def test_every_board_has_a_row():
    assert {row["board"] for row in ROWS} == set(find_boards()), FIX


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_figures_hold_together(row):
    built = row["built"]
    if built is None:
        assert row["older"] is None
        return
    check_manifest(built)
    reached = [each["fmax_mhz"] for each in built["seeds"]]
    if built["fits"]:
        assert (built["worst_fmax_mhz"], built["fmax_mhz"]) == (min(reached), max(reached))
        # The margin that the page tells.
        assert row["older"] or row["clock_mhz"] <= 0.95 * min(reached)
        assert built["meets_timing"] == (built["fmax_mhz"] >= built["need_mhz"])
    if built["images_per_second"] is not None:
        assert built["fits"]
        # The clock is recorded to a kilohertz.
        rate = 1e6 * built["need_mhz"] / built["cycles_per_image"]
        assert built["images_per_second"] == pytest.approx(rate, rel=1e-3, abs=1)
    # Another clock is another machine: a row that lists 30 MHz and is clocked at 27 is older.
    assert row["older"] or built["need_mhz"] == pytest.approx(row["clock_mhz"], abs=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_said_to_be_of_these_sources_is(row):
    """A row that claims this gateware has its digest; elaboration takes seconds to a minute."""
    if row["older"] is False:
        assert not is_older(row["built"], network_of(row["built"])), FIX


def test_make_boards_places_boards_with_the_seeds_of_the_page():
    lines = re.findall(r"allspin build (.*?) (--seeds 3 )?--jobs", read("../Makefile"))
    every, three, one = ({find(name) for name in names.split()} for names, _ in lines)
    assert [bool(seeds) for _, seeds in lines] == [False, True, False]
    told = PAGE.read_text().partition("`make boards` builds the usual")[2].partition(". ")[0]
    more, _, single = told.partition("and with one")
    assert every == {"all"}
    assert three == {*HEADLINE, *re.findall(r"`(\S+:\S+)`", more)}
    assert one == set(re.findall(r"`(\S+:\S+)`", single))


def find(name):
    """Board and profile, where the usual one is not said."""
    usual = {board.name: next(iter(board.profiles)) for board in find_boards().values()}
    return f"{name}:{usual[name]}" if name in usual else name


def test_the_example_of_a_board_is_the_catalogues():
    (example,) = blocks(PAGE.read_text(), "python")
    found = {}
    exec(example, found)
    assert found["BOARDS"] == (find_boards()["icesugar"],)


def test_the_engines_of_the_performance_page_are_those_of_the_boards():
    engines = json.loads(read("performance.json"))["engine"]
    for each in engines:
        row = BY_NAME[f"{each['board']}:{each['profile']}"]
        built = row["built"]
        clocks = (each["megahertz"], each["worst_fmax_megahertz"])
        assert clocks == (built["need_mhz"], built["worst_fmax_mhz"])
        assert (each["cycles"], each["older"]) == (built["cycles_per_image"], row["older"])
        rate = built["images_per_second"]
        assert each["images_per_second"] == rate
        # The clock is rounded to a kHz, and the rate to an image.
        assert rate == pytest.approx(1e6 * each["megahertz"] / each["cycles"], rel=5e-5)
    counted = [row for row in ROWS if row["built"] and row["built"]["cycles_per_image"]]
    assert len(engines) == len(counted)
