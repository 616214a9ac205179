"""docs/first-hour.md: its tables are of the catalogue, its transcript of the command."""

import re
from pathlib import Path

import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.bitstreams.flash import is_kept, udev_rule
from allspin.host.cli.main import main

TEXT = (Path(__file__).resolve().parents[2] / "docs/first-hour.md").read_text()
BOARDS = find_boards().values()
TRANSCRIPT = re.compile(r"<!-- allspin (.*) -->\n```\n(.*?)```", re.DOTALL)


def rows(head: str) -> list[list[str]]:
    """Cells of the table whose head begins so."""
    lines = TEXT.partition(f"| {head} |")[2].splitlines()[2:]
    table = lines[: next(number for number, line in enumerate(lines) if not line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_lights():
    found = {title: lights for title, *lights in rows("board | programmed")}
    assert found == {
        board.title: [
            board.lights.programmed or "-",
            board.lights.streaming or "-",
            board.lights.error or "-",
            " ".join(board.lights.digit) or "-",
        ]
        for board in BOARDS
    }


def test_where_a_bitstream_goes():
    said = {}
    for titles, tool, kept in rows("board | tool"):
        for title in titles.split(", "):
            said[title] = (tool.strip("`"), "stays" in kept)
    for board in BOARDS:
        title = max((title for title in said if board.title.startswith(title)), key=len)
        assert said[title] == (board.flash[0], is_kept(board.flash)), board.title


def test_which_boards_have_a_button():
    said = TEXT.partition("**Digits without a host.**")[2].partition("each press")[0]
    for board in BOARDS:
        words = re.sub(r" (12F|25F|45F|85F)$", "", board.title)
        assert (words in " ".join(said.split())) == bool(board.button), board.title


def test_the_rule_is_the_icebreakers():
    assert udev_rule(find_boards()["icebreaker"]) in TEXT


@pytest.mark.long
def test_the_transcript(capsys):
    command, shown = TRANSCRIPT.findall(TEXT)[0]
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown
