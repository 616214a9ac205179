"""Steps on stderr: lines without a terminal, a bar and lines with one."""

import re
import time

import pytest

from allspin.host.show import beat
from allspin.host.show.progress import Steps
from allspin.host.show.say import warn


def work(steps):
    steps.start("boiling water")
    steps.advance(1, 4, "60 degrees")
    steps.advance(2.5, None)
    steps.finish("100 degrees")
    steps.start("waiting")
    steps.finish()


def test_lines_without_a_terminal(capfd):
    work(Steps())
    out, err = capfd.readouterr()
    assert out == ""
    assert re.sub(r"\d+\.\d s", "0.0 s", err).splitlines() == [
        "boiling water ...",
        "  boiling water: 100 degrees (0.0 s)",
        "waiting ...",
        "  waiting (0.0 s)",
    ]


def test_a_long_step_says_now_and_then_how_far_it_is(capfd, monkeypatch):
    monkeypatch.setenv("ALLSPIN_TICK", "0.01")
    monkeypatch.setattr(beat, "TICKS_OF_A_REPORT", 2)
    with Steps() as steps:
        steps.start("boiling water")
        steps.advance(1, 4)
        steps.advance(2, 4, "60 degrees")
        said = ""
        while "degrees" not in said:  # a step that prints no figures hangs here
            said += capfd.readouterr().err
        warn("it boils")
        steps.finish()
    said += capfd.readouterr().err
    assert re.search(r"boiling water \.\.\.\n  \. 50%, 0 s, \d s left 60 degrees", said)
    # A message beside the bar has a line of its own.
    assert "\nallspin: it boils\n" in said


def test_a_wait_is_told_only_if_it_takes_time(capfd, monkeypatch):
    with Steps() as steps, steps.waiting("asking"):
        pass
    assert capfd.readouterr().err == ""
    monkeypatch.setenv("ALLSPIN_TICK", "0.01")
    with Steps() as steps, steps.waiting("asking"):
        time.sleep(0.5)  # reading now could lose output
    said = capfd.readouterr().err
    assert said.startswith("asking ...\n  .")
    assert said.endswith("\n")


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_line_stays_of_each_step(capfd):
    work(Steps())
    out, err = capfd.readouterr()
    assert out == ""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err)
    assert re.search(r"\u2713 boiling water: 100 degrees \(\d+\.\d s\)", plain)
    assert re.search(r"\u2713 waiting \(\d+\.\d s\)", plain)


@pytest.mark.usefixtures("terminal")
def test_a_step_that_fails_takes_its_bar_away(capfd):
    steps = Steps()
    steps.start("boiling water")
    steps.stop()
    steps.stop()
    assert "\u2713" not in capfd.readouterr().err
