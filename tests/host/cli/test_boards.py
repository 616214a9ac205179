"""``allspin boards``: every board, and what was built for it."""

import json

import pytest

from allspin.boards.catalogue import find_boards
from allspin.hdl.cache import VARIABLE, write_note
from allspin.host.bitstreams.record import remember
from allspin.host.cli.main import main


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing was built yet."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def rows(capsys, *options):
    assert main(["boards", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    return found["network"], {row["board"]: row for row in found["boards"]}


def test_every_board_is_listed(capsys):
    network, found = rows(capsys)
    assert network == "mnist-10"
    assert list(found) == list(find_boards())
    row = found["ulx3s-25f"]
    assert (row["part"], row["clock_mhz"], row["lanes"]) == ("LFE5U-25F", 115, 100)
    assert row["built"] is None


def test_what_was_built_is_told(board_record, capsys):
    built = board_record()
    remember(built)
    _, found = rows(capsys)
    row = found["tang-nano-9k"]
    assert (row["fits"], row["why"]) == (True, "built")
    assert row["built"] == built
    remember(board_record(meets_timing=False, shortfall="too slow by 3 %"))
    _, found = rows(capsys)
    assert (found["tang-nano-9k"]["fits"], found["tang-nano-9k"]["why"]) == (
        False,
        "too slow by 3 %",
    )
    _, found = rows(capsys, "--network", "mnist-100")
    assert found["tang-nano-9k"]["built"] is None


def test_the_table_is_written_between_the_markers(board_record, tmp_path, capsys):
    remember(board_record(bitstream="/somewhere/top.fs", netlist="/somewhere/top.json"))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- allspin boards -->\nformer\n<!-- end -->\nafter\n")
    assert main(["boards", "--write", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- allspin boards -->\n| board | part |")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "former" not in text
    figures = "31.2 of 27 | 31.2 | 4,138 (48%) | 20 (77%) | 13,000 |  | 220"
    assert f"| ideal | older | bsram | 8 | yes | {figures} |" in text
    assert "Built with yosys 0.52 (native)." in text
    # Again: the same.
    assert main(["boards", "--write", str(page)]) == 0
    assert page.read_text() == text
    beside = page.with_suffix(".json")
    said = capsys.readouterr().out
    count = len(find_boards())
    assert f"{page}, {beside}: {count} machines, 1 of them built, 1 of other gateware" in said
    found = {row["board"]: row["built"] for row in json.loads(beside.read_text())["boards"]}
    assert found["tang-nano-9k"] == board_record()
    assert "/somewhere" not in beside.read_text()


def test_a_page_without_markers_is_refused(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    assert main(["boards", "--write", str(page)]) == 2
    assert "has not both marks, each once: <!-- allspin boards --> and" in capsys.readouterr().err
    page.write_bytes(b"\xff<!-- allspin boards --><!-- end -->")
    assert main(["boards", "--write", str(page)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"allspin: {page} is not a document: it is not text in UTF-8")
    assert err.count("\n") == 1
    assert not page.with_suffix(".json").exists()
    assert main(["boards", "--write", str(tmp_path / "none.md")]) == 2


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"[]", b"3", b'{"board": 3}', b"[" * 100_000, b"{" * 1000]
)
def test_a_note_that_is_none_is_left_out_with_a_line(board_record, cache, capsys, content):
    remember(board_record())
    remember(board_record(board="icebreaker"))
    note = cache / "built" / "icebreaker.ideal.mnist-10.json"
    note.write_bytes(content)
    assert main(["boards", "--json"]) == 0
    captured = capsys.readouterr()
    found = {row["board"]: row["built"] for row in json.loads(captured.out)["boards"]}
    assert found["icebreaker"] is None
    assert found["tang-nano-9k"] == board_record()
    assert set(captured.err.splitlines()) == {
        f"allspin: {note} is left out: it is not what was written"
    }
    assert main(["flash", "icebreaker"]) == 2
    assert "nothing was built for icebreaker" in capsys.readouterr().err


def test_a_record_that_lacks_something_is_left_out_with_a_line(board_record, cache, capsys):
    incomplete = board_record()
    del incomplete["luts"]
    with pytest.raises(ValueError, match="it lacks luts"):
        remember(incomplete)
    (cache / "built").mkdir(parents=True, exist_ok=True)
    write_note(cache / "built" / "tang-nano-9k.ideal.mnist-10.json", incomplete)
    assert main(["boards"]) == 0
    assert "is left out: it lacks luts" in capsys.readouterr().err


def written(page):
    assert main(["boards", "--write", str(page)]) == 0
    content = json.loads(page.with_suffix(".json").read_text())
    return {(row["board"], row["profile"]): row for row in content["boards"]}


def test_what_was_built_elsewhere_stays_in_the_page(board_record, tmp_path, cache, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- allspin boards -->\n<!-- end -->\n")
    chips = board_record(board="icebreaker", profile="chips", fmax_mhz=32.0, worst_fmax_mhz=32.0)
    remember(board_record())
    remember(chips)
    assert written(page)["icebreaker", "chips"]["built"] == chips
    for note in (cache / "built").iterdir():
        note.unlink()
    # Built here: one of them again, with more seeds; and one with fewer than the page knows.
    seeds = [{"seed": seed, "fmax_mhz": 40.0 - seed} for seed in (1, 2, 3)]
    more = board_record(fmax_mhz=39.0, worst_fmax_mhz=37.0, seeds=seeds)
    remember(more)
    rows = written(page)
    assert rows["tang-nano-9k", "ideal"]["built"] == more
    assert rows["icebreaker", "chips"]["built"] == chips
    assert "37.0 of 27 | 39.0, 38.0, 37.0 |" in page.read_text()
    remember(board_record(fmax_mhz=50.0))
    assert written(page)["tang-nano-9k", "ideal"]["built"] == more
    # With as many seeds, the one that was built here: its options may be others.
    slower = [{"seed": seed, "fmax_mhz": 36.0 - seed} for seed in (1, 2, 3)]
    again = board_record(fmax_mhz=35.0, worst_fmax_mhz=33.0, seeds=slower)
    remember(again)
    assert written(page)["tang-nano-9k", "ideal"]["built"] == again
    # Another network's builds are others.
    assert main(["boards", "--write", str(page), "--network", "mnist-100"]) == 0
    assert "33.0 of 27" not in page.read_text()


def test_what_is_of_this_gateware_goes_before_what_is_older(
    board_record, tmp_path, monkeypatch, capsys
):
    page = tmp_path / "page.md"
    page.write_text("<!-- allspin boards -->\n<!-- end -->\n")
    seeds = [{"seed": seed, "fmax_mhz": 30.0} for seed in (1, 2, 3)]
    remember(board_record(gateware="former", seeds=seeds))
    monkeypatch.setattr("allspin.host.bitstreams.record.gateware_of", lambda *_, **__: "present")
    assert written(page)["tang-nano-9k", "ideal"]["older"] is True
    now = board_record(gateware="present")
    remember(now)
    row = written(page)["tang-nano-9k", "ideal"]
    assert (row["built"], row["older"]) == (now, False)
    assert "| ideal | this | bsram |" in page.read_text()
    monkeypatch.setattr("allspin.host.bitstreams.record.gateware_of", lambda *_, **__: "next")
    assert written(page)["tang-nano-9k", "ideal"]["older"] is True
    assert "| ideal | older | bsram |" in page.read_text()
    assert main(["boards", "--json"]) == 0
    out = capsys.readouterr().out.splitlines()[-1]
    found = {row["board"]: row["older"] for row in json.loads(out)["boards"]}
    assert found["tang-nano-9k"] is True
    assert found["icebreaker"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"network": "mnist-10", "boards": [{"built": {"board": 3}}]}',
        b'{"network": "mnist-10", "boards": [3]}',
    ],
)
def test_a_file_of_something_else_beside_the_page_is_kept(tmp_path, capsys, content):
    page = tmp_path / "page.md"
    text = "<!-- allspin boards -->\n<!-- end -->\n"
    page.write_text(text)
    page.with_suffix(".json").write_bytes(content)
    assert main(["boards", "--write", str(page)]) == 2
    err = capsys.readouterr().err
    assert "is not what allspin boards --write has made" in err
    assert err.count("\n") == 1
    assert page.read_text() == text
    assert page.with_suffix(".json").read_bytes() == content


def test_the_headline_is_the_worst_of_three_seeds(board_record, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("allspin.host.bitstreams.record.gateware_of", lambda *_, **__: "present")
    page, front = tmp_path / "page.md", tmp_path / "front.md"
    page.write_text("<!-- allspin boards -->\n<!-- end -->\n")
    front.write_text("# All\n<!-- allspin boards: headline -->\n<!-- end -->\nmore\n")
    seeds = [{"seed": seed, "fmax_mhz": fmax} for seed, fmax in enumerate((112.8, 104.9, 97.5))]
    fast = {"board": "ulx3s-85f", "profile": "fast", "lanes": 100, "rows_per_clock": 8}
    fast |= {"need_mhz": 80, "cycles_per_image": 41.0, "gateware": "present"}
    remember(board_record(**fast, fmax_mhz=112.8, worst_fmax_mhz=97.5, seeds=seeds))
    one_seed = {"worst_fmax_mhz": 99.0, "fmax_mhz": 99.0, "gateware": "present"}
    remember(board_record(board="icebreaker", **one_seed))
    remember(board_record(board="ulx3s-85f", gateware="former", seeds=seeds))
    command = ["boards", "--write", str(page), "--headline", str(front)]
    assert main(command) == 0
    text = front.read_text()
    assert text.startswith("# All\n<!-- allspin boards: headline -->\n| Board | Machine |")
    assert text.endswith("<!-- end -->\nmore\n")
    lines = text.splitlines()
    machine = "`ulx3s-85f:fast`: 100 lanes, eight rows per clock"
    # 97.5 million clocks a second, 41 for each image.
    assert f"| ULX3S 85F | {machine} | 97.5 | 2,378,000 |" in lines
    # What has one seed, was not built or is of other gateware has no row.
    assert len([line for line in lines if line.startswith("|")]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"allspin: {front} leaves out what was not built with three seeds of this gateware: "
        "ulx3s-85f:ideal, ulx3s-25f:ideal, icebreaker:ideal, icebreaker:chips, ulx3s-85f:chips"
    )
    monkeypatch.setattr("allspin.host.bitstreams.record.gateware_of", lambda *_, **__: "next")
    assert main(command) == 0
    nothing = "headline -->\nNo machine of this gateware was built with three seeds.\n<!-- end"
    assert nothing in front.read_text()
    assert main(["boards", "--headline", str(front)]) == 2
    assert "--headline needs --write" in capsys.readouterr().err


def test_what_does_not_fit_has_no_images(board_record, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- allspin boards -->\n<!-- end -->\n")
    none = ("fmax_mhz", "worst_fmax_mhz", "cycles_per_image", "images_per_second")
    nothing = dict.fromkeys(none)
    seeds = [{"seed": 1, "fmax_mhz": None}]
    lost = {"fits": False, "meets_timing": False, "seeds": seeds, "shortfall": "too large"}
    remember(board_record(**nothing, **lost))
    row = written(page)["tang-nano-9k", "ideal"]
    assert (row["fits"], row["why"]) == (False, "too large")
    assert "| no | of 27 | - | 4,138 (48%) | 20 (77%) |  |  | 220 |" in page.read_text()
