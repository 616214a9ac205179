"""``allspin boards``: every board, and its builds."""

import json

import pytest

from allspin.boards.catalogue import find_boards
from allspin.hdl.cache import VARIABLE
from allspin.host.bitstreams.kept import keep_manifest

MARKED = (
    "before\n<!-- allspin boards -->\nformer\n<!-- end -->\nafter\n"
    "<!-- allspin boards: headline -->\n<!-- end of the headline -->\n"
)
SEEDS = [{"seed": seed, "fmax_mhz": 40.0 - seed} for seed in (1, 2, 3)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache: no board was built yet."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "built"


@pytest.fixture
def page(tmp_path):
    """A page with marks."""
    path = tmp_path / "page.md"
    path.write_text(MARKED)
    return path


@pytest.fixture
def sources(monkeypatch):
    """Function that sets the gateware's digest of the sources; no gateware is elaborated."""
    where = "allspin.boards.build.gateware.gateware_of"
    return lambda name: monkeypatch.setattr(where, lambda *_, **__: name)


@pytest.fixture
def written(page, cli):
    """Function that writes the page, and returns a machine's row of the JSON file beside it."""

    def write(board="tang-nano-9k", profile="ideal"):
        cli.run(f"boards --write {page}")
        rows = json.loads(page.with_suffix(".json").read_text())["boards"]
        return next(row for row in rows if (row["board"], row["profile"]) == (board, profile))

    return write


def test_every_board_is_listed_with_its_builds(board_record, cli):
    found = cli.json("boards")
    assert found["network"] == "mnist-10"
    rows = {row["board"]: row for row in found["boards"]}
    assert list(rows) == list(find_boards())
    row = rows["ulx3s-25f"]
    assert (row["part"], row["clock_mhz"], row["lanes"]) == ("LFE5U-25F", 116.666667, 100)
    assert row["built"] is None
    for changes, fits, why in (
        ({}, True, "built"),
        ({"meets_timing": False, "shortfall": "too slow by 3 %"}, False, "too slow by 3 %"),
    ):
        built = board_record(**changes)
        keep_manifest(built)
        rows = {row["board"]: row for row in cli.json("boards")["boards"]}
        row = rows["tang-nano-9k"]
        assert (row["fits"], row["why"], row["built"]) == (fits, why, built)
    # The line has the report's words; beside images/s stands the clock that they are at.
    keep_manifest(board_record(meets_timing=False, need_mhz=26.5))
    line = next(line for line in cli.run("boards")[0].splitlines() if "misses timing" in line)
    assert "\t26.5\t" in line
    others = cli.json("boards --network mnist-100")["boards"]
    assert not any(row["built"] for row in others)


def test_the_table_is_written_between_the_marks(board_record, page, cli):
    keep_manifest(board_record(bitstream="/somewhere/top.fs", netlist="/somewhere/top.json"))
    beside = page.with_suffix(".json")
    for _ in range(2):  # again: the same
        out, _ = cli.run(f"boards --write {page}")
        before, begin, rest = page.read_text().partition("<!-- allspin boards -->\n")
        table, _, after = rest.partition("<!-- end -->")
        assert (before, bool(begin)) == ("before\n", True)
        assert after.startswith("\nafter\n")
        assert table.startswith("| board | part |")
        assert "former" not in table
        figures = "31.2 of 27 | 31.2 | 4,700 (54%) | 20 (77%) | 13,000 |  | 220 | none yet"
        assert f"| ideal | older | bsram | 8 | yes | {figures} |" in table
        assert "Built with yosys 0.52 (native)." in table
        counts = f"{len(find_boards())} machines, 1 of them built, 1 of other gateware"
        assert f"{page}, {beside}: {counts}" in out
        found = {row["board"]: row["built"] for row in json.loads(beside.read_text())["boards"]}
        assert found["tang-nano-9k"] == board_record()
        assert "/somewhere" not in beside.read_text()


@pytest.mark.parametrize(
    ("content", "beside", "said"),
    [
        (b"nothing\n", None, "has not both marks, each once: <!-- allspin boards --> and"),
        (b"\xff<!-- allspin boards --><!-- end -->", None, "it is not text in UTF-8"),
        *(
            (MARKED.encode(), other, "is not what allspin boards --write has made")
            for other in (
                b"{",
                b"\xff",
                b"[]",
                b"[" * 100_000,
                b'{"network": "mnist-10", "boards": [{"built": {"board": 3}}]}',
                b'{"network": "mnist-10", "boards": [3]}',
            )
        ),
    ],
)
def test_a_page_without_marks_or_beside_something_else_is_kept(page, cli, content, beside, said):
    page.write_bytes(content)
    other = page.with_suffix(".json")
    if beside is not None:
        other.write_bytes(beside)
    assert said in cli.refused(f"boards --write {page}")
    assert page.read_bytes() == content
    assert (other.read_bytes() if other.exists() else None) == beside


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"[]", b"3", b'{"board": 3}', b"[" * 100_000, b"{" * 1000]
)
def test_a_note_that_is_none_is_left_out_with_a_line(board_record, cache, cli, content):
    keep_manifest(board_record())
    keep_manifest(board_record(board="icebreaker"))
    note = cache / "icebreaker.ideal.mnist-10.json"
    note.write_bytes(content)
    out, err = cli.run("boards --json")
    found = {row["board"]: row["built"] for row in json.loads(out)["boards"]}
    assert (found["icebreaker"], found["tang-nano-9k"]) == (None, board_record())
    assert set(err.splitlines()) == {f"allspin: {note} is left out: it is not what was written"}
    _, err = cli.run("flash icebreaker", 2)
    assert "nothing was built for icebreaker" in err


def test_a_build_from_elsewhere_stays_in_the_page(board_record, page, written, cache, cli):
    chips = board_record(board="icebreaker", profile="chips", fmax_mhz=32.0, worst_fmax_mhz=32.0)
    keep_manifest(board_record())
    keep_manifest(chips)
    assert written("icebreaker", "chips")["built"] == chips
    for note in cache.iterdir():
        note.unlink()
    # Built here: one of them again, with more seeds; and one with fewer than the page knows.
    more = board_record(fmax_mhz=39.0, worst_fmax_mhz=37.0, seeds=SEEDS)
    keep_manifest(more)
    assert written()["built"] == more
    assert written("icebreaker", "chips")["built"] == chips
    assert "37.0 of 27 | 39.0, 38.0, 37.0 |" in page.read_text()
    keep_manifest(board_record(fmax_mhz=50.0))
    assert written()["built"] == more
    # With as many seeds, the one that was built here: its options may be others.
    slower = [each | {"fmax_mhz": each["fmax_mhz"] - 4} for each in SEEDS]
    again = board_record(fmax_mhz=35.0, worst_fmax_mhz=33.0, seeds=slower)
    keep_manifest(again)
    assert written()["built"] == again
    # Another network's builds are others.
    keep_manifest(board_record(profile="general", board="icebreaker", network="any network"))
    cli.run(f"boards --write {page} --network mnist-100")
    assert "33.0 of 27" not in page.read_text()
    assert "| general |" not in page.read_text()


def test_a_build_of_this_gateware_goes_before_an_older_one(
    board_record, page, written, sources, cli
):
    keep_manifest(board_record(gateware="former", seeds=SEEDS))
    sources("present")
    assert written()["older"] is True
    now = board_record(gateware="present")
    keep_manifest(now)
    row = written()
    assert (row["built"], row["older"]) == (now, False)
    assert "| ideal | this | bsram |" in page.read_text()
    sources("next")
    assert written()["older"] is True
    assert "| ideal | older | bsram |" in page.read_text()
    found = {row["board"]: row["older"] for row in cli.json("boards")["boards"]}
    assert (found["tang-nano-9k"], found["icebreaker"]) == (True, None)


def test_the_headline_is_the_worst_of_three_seeds(board_record, page, sources, cli):
    sources("present")
    fast = {"board": "ulx3s-85f", "profile": "fast", "lanes": 100, "rows_per_clock": 8}
    fast |= {"need_mhz": 80, "images_per_second": 1_951_219, "gateware": "present"}
    keep_manifest(board_record(**fast, fmax_mhz=112.8, worst_fmax_mhz=97.5, seeds=SEEDS))
    general = {"profile": "general", "network": "any network", "lanes": 32, "rows_per_clock": 16}
    keep_manifest(board_record(**fast | general, fmax_mhz=90.0, worst_fmax_mhz=85.0, seeds=SEEDS))
    one_seed = {"worst_fmax_mhz": 99.0, "fmax_mhz": 99.0, "gateware": "present"}
    keep_manifest(board_record(board="icebreaker", **one_seed))
    keep_manifest(board_record(board="ulx3s-85f", gateware="former", seeds=SEEDS))
    command = f"boards --write {page}"
    _, err = cli.run(command)
    _, begin, text = page.read_text().partition("<!-- allspin boards: headline -->\n| Board |")
    assert begin
    text, end, _ = text.partition("<!-- end of the headline -->")
    assert end
    # A build with one seed or of other gateware has no row, nor has a board without a build.
    *_, row, last = rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    # 80 million clocks a second, 41 for each image; not the 97.5 million that it would reach.
    machine = "`ulx3s-85f:fast`: 100 lanes, eight rows per clock, 429 images that stay"
    assert row == f"| ULX3S 85F | {machine} | 80 | 97.5 | 1,951,200 |"
    assert "32 lanes, sixteen rows per clock, " in last  # as it was built
    assert "that stay, for any network up to 1024-136-136-32 | 80 | 85.0 |" in last
    assert err.splitlines()[-1].endswith(
        ": ecpix-5:fast, ulx3s-85f:ideal, ulx3s-25f:ideal, icebreaker:ideal, icebreaker:chips, "
        "ulx3s-85f:chips, ulx3s-85f:maps, ulx3s-25f:maps, ulx3s-25f:general, icebreaker:general"
    )
    sources("next")
    cli.run(command)
    empty = "headline -->\nNo machine of this gateware was built with three seeds.\n<!-- end"
    assert empty in page.read_text()


def test_reports_of_boards_that_ran_are_counted_where_all_was_right(
    board_record, page, written, cli
):
    keep_manifest(board_record())
    folder = page.parent / "selftests"
    folder.mkdir()
    for name, right in (("one", True), ("two", True), ("three", False)):
        report = {
            "kind": "allspin selftest",
            "board": "tang-nano-9k",
            "profile": "ideal",
            "checks": [],
        }
        (folder / f"{name}.json").write_text(json.dumps(report | {"right": right}))
    assert written()["reports"] == 2
    assert "| 220 | 2 |" in page.read_text()
    # A file that is no report stops the command before any page is written.
    (folder / "four.json").write_text("{")
    before = page.read_text()
    assert "four.json is not what" in cli.refused(f"boards --write {page}")
    assert page.read_text() == before


def test_a_build_that_does_not_fit_has_no_images(board_record, page, written):
    none = ("fmax_mhz", "worst_fmax_mhz", "cycles_per_image", "images_per_second")
    seeds = [{"seed": 1, "fmax_mhz": None}]
    lost = {"fits": False, "meets_timing": False, "seeds": seeds, "shortfall": "too large"}
    keep_manifest(board_record(**dict.fromkeys(none), **lost))
    row = written()
    assert (row["fits"], row["why"]) == (False, "too large")
    assert "| no | of 27 | - | 4,700 (54%) | 20 (77%) |  |  | 220 | none yet |" in page.read_text()
