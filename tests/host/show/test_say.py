"""A terminal gets any name as plain text, and only one module prints."""

import re
import shutil
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from rich.progress import Progress
from rich.table import Table

import allspin.host
from allspin.host.cli.main import main
from allspin.host.data.catalogue import device_path, network_path
from allspin.host.show.progress import Steps
from allspin.host.show.say import one_line, printable, say, tell, warn
from allspin.host.show.terminal import Terminal, Words

HOST = Path(allspin.host.__file__).parent
HOSTILE = "a[red]b\x1b[31mc\x07\x9b2J:smile:\u202ed"
SHOWN = r"a[red]b\x1b[31mc\x07\x9b2J:smile:\u202ed"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@given(st.text())
def test_only_visible_characters_line_breaks_and_tabs_are_left(text):
    shown = printable(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in shown)
    # The escapes are Python's: they decode to the same text.
    if "\\" not in text and text.isascii():
        assert shown.encode().decode("unicode_escape") == text


@pytest.mark.parametrize("text", ["", "plain", "µ ± ✓ 中\n\tkept", HOSTILE])
def test_visible_characters_are_left_unchanged(text):
    assert printable(text) == (SHOWN if text == HOSTILE else text)


def test_a_message_is_one_line_and_a_very_long_word_of_it_cut():
    assert one_line("no such\n  thing") == "no such thing"
    assert one_line(f"not {'9' * 400} or so") == f"not {'9' * 60}... or so"
    path = f"{'x' * 255}/{'y' * 255}/{'z' * 255}"
    for kept in ("x" * 255, path, f"{path}:"):
        assert one_line(f"no {kept}") == f"no {kept}"


def test_each_way_to_print_shows_a_name_as_it_is(capsys):
    say(HOSTILE)
    tell(HOSTILE)
    warn(HOSTILE)
    out, err = capsys.readouterr()
    assert out == f"{SHOWN}\n"
    assert err == f"{SHOWN}\nallspin: {SHOWN}\n"


@pytest.mark.parametrize("tty", ["0", "1"])
def test_a_table_and_a_bar_show_a_name_as_it_is(capsys, monkeypatch, tty):
    monkeypatch.setenv("TTY_COMPATIBLE", tty)
    monkeypatch.setenv("TERM", "xterm")
    table = Table(HOSTILE, title=HOSTILE, caption=HOSTILE)
    table.add_row(HOSTILE)
    terminal = Terminal(width=60)
    terminal.print(table)
    terminal.print(HOSTILE, soft_wrap=True)
    with Progress(Words("{task.description}"), console=terminal) as bar:
        bar.add_task(HOSTILE)
    steps = Steps()
    steps.start(HOSTILE)
    steps.advance(1, 2, HOSTILE)
    steps.finish(HOSTILE)
    for text in capsys.readouterr():
        plain = COLOURS.sub("", text)
        assert SHOWN in plain
        assert plain.isprintable() or not set(plain) & set("\x1b\x07\x9b\u202e")
        # The table is as wide as it looks: its borders are in line.
        assert len({len(line) for line in plain.splitlines() if line.startswith("│")}) <= 1


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A network whose name is hostile."""
    monkeypatch.chdir(tmp_path)
    name = f"{HOSTILE}.safetensors"
    shutil.copy(network_path("paper-10"), name)
    return name


@pytest.mark.parametrize(
    "words",
    [
        ("run", "NET", "--images", "3"),
        ("run", "NET", "--images", "3", "--chip", "1", "--device", "DEVICE"),
        ("run", "NO", "--images", "3"),
        ("chips", "NET", "--images", "3", "--chips", "1", "--device", "DEVICE"),
    ],
)
def test_a_hostile_name_is_shown_by_each_command(network, capfd, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "500")
    content = device_path("paper").read_text()
    changed = content.replace('name = "paper"', 'name = "a[red]b"')
    assert changed != content
    Path("device.toml").write_text(changed)
    names = {"NET": network, "NO": f"no-{network}", "DEVICE": "device.toml"}
    status = main([re.sub("NET|NO|DEVICE", lambda one: names[one[0]], word) for word in words])
    out, err = capfd.readouterr()
    assert status == (2 if "NO" in words else 0), err
    assert SHOWN in "".join((out + err).split())  # a title may be broken
    assert not set(out + err) & set("\x1b\x07\x9b\u202e")
