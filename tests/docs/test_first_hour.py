"""The page of the first hour with a board: lights, buttons, flash tools and a transcript."""

import re

import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.cli.flash_tool import is_kept, udev_rule
from allspin.host.cli.main import main
from tests.docs.documents import read, rows

HOUR = read("first-hour.md")
BOARDS = find_boards().values()


def test_lights_buttons_and_where_a_bitstream_goes():
    lights = {title: told for title, *told in rows(HOUR, "board | programmed")}
    kept = {
        title: (tool.strip("`"), "stays" in where)
        for titles, tool, where in rows(HOUR, "board | tool")
        for title in titles.split(", ")
    }
    digits = HOUR.partition("**Digits without a host.**")[2].partition("each press")[0]
    buttons = " ".join(digits.split())
    for board in BOARDS:
        shown = board.lights
        digit = " ".join(shown.digit)
        told = [shown.programmed, shown.streaming, shown.error, digit]
        assert lights.pop(board.title) == [each or "-" for each in told]
        title = max((title for title in kept if board.title.startswith(title)), key=len)
        assert kept[title] == (board.flash[0], is_kept(board.flash)), board.title
        words = re.sub(r" (12F|25F|45F|85F)$", "", board.title)
        shows = board.button and any(profile.button for profile in board.profiles.values())
        assert (words in buttons) == bool(shows), board.title
    assert lights == {}
    assert udev_rule(find_boards()["icebreaker"]) in HOUR


@pytest.mark.long
def test_the_transcript(capsys):
    command, shown = re.findall(r"<!-- allspin (.*) -->\n```\n(.*?)```", HOUR, re.DOTALL)[0]
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown
