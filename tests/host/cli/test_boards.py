"""``allspin boards``: every board, and what was built for it."""

import json

import pytest

from boards.board import find_boards
from hdl.cache import VARIABLE, write_note
from host.built import recall_one, remember
from host.cli.main import main


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
    assert (row["part"], row["clock_mhz"], row["lanes"]) == ("LFE5U-25F", 100, 100)
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


def test_before_it_is_built_the_weights_are_counted(capsys):
    # 784 rows of 100 words in 8 lanes, two words to each of 18 kbit: more than 26 blocks.
    _, found = rows(capsys)
    assert not found["tang-nano-9k"]["fits"]
    assert "of 26 blocks of memory" in found["tang-nano-9k"]["why"]


def test_the_table_is_written_between_the_markers(board_record, tmp_path, capsys):
    remember(board_record(bitstream="/somewhere/top.fs", netlist="/somewhere/top.json"))
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
    assert err.startswith(f"allspin: {page} is not text in UTF-8")
    assert err.count("\n") == 1
    assert not page.with_suffix(".json").exists()
    assert main(["boards", "--write", str(tmp_path / "none.md")]) == 2


def test_the_latest_figures_count(board_record):
    remember(board_record())
    remember(board_record(profile="chips", fmax_mhz=20))

    def fmax(*choice):
        figures = recall_one("tang-nano-9k", *choice)
        return figures and figures["fmax_mhz"]

    assert fmax() is not None
    assert (fmax("ideal"), fmax("chips"), fmax("chips", "mnist-100")) == (31.25, 20, None)
    assert recall_one("icebreaker") is None


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
    with pytest.raises(ValueError, match="its luts is not what"):
        remember(incomplete)
    (cache / "built").mkdir(parents=True, exist_ok=True)
    write_note(cache / "built" / "tang-nano-9k.ideal.mnist-10.json", incomplete)
    assert main(["boards"]) == 0
    assert "is left out: its luts is not what" in capsys.readouterr().err


def test_a_cache_whose_notes_have_no_folder_is_one_line(cache, capsys):
    cache.mkdir()
    (cache / "built").touch()
    assert main(["boards"]) == 2
    assert capsys.readouterr().err.startswith(f"allspin: cannot make {cache / 'built'}: ")
