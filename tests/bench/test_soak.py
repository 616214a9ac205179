"""A short soak, and the mistakes that a soak must see."""

import contextlib
import re
import time
from types import SimpleNamespace

import pytest

import tests.soak.__main__ as soak
from allspin.host.link.transport import Disconnected
from allspin.sim.errors import UserError
from tests.soak import soak as runner, work
from tests.soak.memory import MAX_GROWTH, Memory
from tests.soak.virtual_process import VirtualProcess

COUNTS = ("rounds", "images", "frames damaged", "requests sent again", "resets", "wrong")


def run(capfd, *options):
    """Return the exit status, the table's counts and the lines of complaint."""
    status = soak.main(["--rows-per-clock", "4", *options])
    out, err = capfd.readouterr()
    assert max(map(len, out.splitlines())) < 80
    counted = {name: re.search(rf"^{name} +([\d,]+)$", out, re.MULTILINE) for name in COUNTS}
    assert all(counted.values()), out
    found = {name: int(match[1].replace(",", "")) for name, match in counted.items() if match}
    return status, found, [line for line in err.splitlines() if line.startswith("allspin")]


@pytest.mark.long
def test_eight_seconds(capfd):
    status, found, errors = run(capfd, "--seconds", "8", "--seed", "3", "--flip", "0.0005")
    assert (status, found["wrong"], errors) == (0, 0, [])
    assert found["rounds"] >= 2
    assert found["images"] > 0
    assert found["frames damaged"] > 0
    assert found["requests sent again"] > 0


@pytest.mark.long
def test_one_wrong_logit_is_seen(capfd, monkeypatch):
    logits = work.GoldenModel.logits

    def wrong(self, images, first=0):
        found = logits(self, images, first).copy()
        found[-1, -1] += 1
        return found

    monkeypatch.setattr(work.GoldenModel, "logits", wrong)
    status, found, errors = run(capfd, "--seconds", "1", "--resets", "0", "--flip", "0")
    assert status == 1
    assert found["wrong"] == found["rounds"] == len(errors)
    assert re.match(
        r"allspin: round 0: \d+ of [\d,]+ (streamed|resident images') logits", errors[0]
    )


class Port(VirtualProcess):
    """A board's port that only counts its resets."""

    path = "the port"

    def __init__(self):
        self.resets = 0

    def reset(self):
        self.resets += 1

    def memory(self):
        return 1, 1


class Opened(contextlib.nullcontext):
    """A device with counts of damaged and resent frames only."""

    def __enter__(self):
        return SimpleNamespace(damaged=2, resent=3)


@pytest.mark.parametrize(
    ("failure", "resets", "excused"),
    [
        (UserError("the board was reset"), 1, True),
        (UserError("the board was reset"), 0, False),
        (Disconnected("the port is gone"), 1, False),
        (work.Wrong("3 of 10 logits"), 1, False),
        (work.Wrong("3 of 10 logits"), 0, False),
    ],
)
def test_a_line_is_excused_by_a_reset_and_a_wrong_result_by_nothing(
    failure, resets, excused, monkeypatch
):
    port = Port()
    soaking = runner.Soak([port], 0, resets)

    def fail(*_):
        while port.resets < resets:
            time.sleep(0.01)
        raise failure

    monkeypatch.setattr(runner, "open_port", lambda path: Opened())
    monkeypatch.setattr(runner.Round, "run", fail)
    soaking.round()
    tally = soaking.tally
    assert (tally.rounds, tally.resets, port.resets) == (1, resets, resets)
    assert (tally.damaged, tally.resent) == (2, 3)
    assert tally.noticed == excused
    assert tally.wrong == ([] if excused else [f"round 0: {failure}"])


def test_a_deaf_board_is_reset_again_but_only_after_a_reset(monkeypatch):
    def deaf(path):
        raise UserError("nothing answers")

    def deaf_until_reset(path):
        return Opened() if port.resets else deaf(path)

    port = Port()
    soaking = runner.Soak([port], 0, 0)
    monkeypatch.setattr(runner.Round, "run", lambda self: None)
    monkeypatch.setattr(runner, "open_port", deaf)
    soaking.round()
    assert (port.resets, soaking.tally.wrong) == (0, ["round 0: nothing answers"])
    soaking.last_resets[0] = time.monotonic()
    monkeypatch.setattr(runner, "open_port", deaf_until_reset)
    soaking.round()
    assert (port.resets, len(soaking.tally.wrong)) == (1, 1)


def test_memory_that_fills_once_is_no_leak_and_memory_that_grows_is():
    memory = Memory()
    for number in range(100):
        memory.add(
            {
                "steady": 50 << 20,
                "filling": min(number, 40) << 20,
                "leaking": number * MAX_GROWTH // 40,
                "shrinking": (200 - number) << 20,
            }
        )
    assert memory.growth()["leaking"] == 50 * MAX_GROWTH // 40
    assert memory.growth()["steady"] == memory.growth()["shrinking"] == 0
    assert memory.growth()["filling"] == 0
    assert memory.excess() == [
        f"the memory of the leaking grew by {MAX_GROWTH * 1.25 / 1e6:.1f} MB"
    ]
