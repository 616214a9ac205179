"""Boards that are built: what they come to, from Python."""

from types import SimpleNamespace
from typing import Any

import pytest

from allspin.boards.catalogue import find_board
from allspin.host.bitstreams import build
from allspin.host.bitstreams.build import BuildDisplay, BuildOptions
from allspin.host.bitstreams.engine_cycles import EngineCycles
from allspin.host.bitstreams.job import Changes, Job
from allspin.host.bitstreams.throughput import Throughput
from allspin.host.data.catalogue import open_network
from allspin.sim.errors import UserError


def measured(monkeypatch, fits=True, frequency=30e6):
    """What is said of images a second of a build that needs 24 MHz."""
    # Of the figures no more is asked.
    figures: Any = SimpleNamespace(fits=fits, frequency=frequency, need=24e6)
    network = open_network("mnist-10")
    board = find_board("icebreaker").running("ideal")
    job = Job(board, "ideal", board.profile(), "mnist-10", network)
    counted = Throughput(EngineCycles(10_000, 1000.0, False), 125.0)
    monkeypatch.setattr(build, "measure_throughput", lambda *_: counted)
    return build._measured(job, figures, lambda what, seconds: None)


def test_images_a_second_are_of_counted_clocks(monkeypatch):
    # 30 MHz of the board over 1,000 clocks; 300,000 bytes a second of its UART over 125.
    assert measured(monkeypatch)[0] == {
        "cycles_per_image": 1000.0,
        "images_per_second": 30_000,
        "link_images_per_second": 2400,
    }


@pytest.mark.parametrize("changes", [{"fits": False, "frequency": 0.0}, {"frequency": 23.9e6}])
def test_what_does_not_run_has_no_images_a_second(monkeypatch, changes):
    assert set(measured(monkeypatch, **changes)[0].values()) == {None}


def test_without_a_compiler_no_images_are_counted_and_a_line_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    figures, (note,) = measured(monkeypatch)
    assert set(figures.values()) == {None}
    assert note.startswith("images/s are not measured: the virtual board needs a C++")


class Seen(BuildDisplay):
    """A display that remembers."""

    def __init__(self):
        self.advanced, self.finished = [], []

    def advance(self, name, what, seconds):
        self.advanced.append((name, what))

    def finish(self, built):
        self.finished.append(built.name)


@pytest.fixture
def kept(monkeypatch):
    """Builds that take no time, of which the ECPIX-5's fails; what is kept of them."""
    kept = []

    def build_board(job, seeds, wanted, progress):
        progress("placing", 1.0)
        if job.board.name == "ecpix-5":
            raise UserError("no way")
        clock = job.board.machine_frequency
        record = {"board": job.board.name, "seeds": list(seeds), "need": clock, "shortfall": None}
        return {**record, "lanes": job.profile.lanes, "bitstream": "top.bin"}, ()

    monkeypatch.setattr(build, "build_board", build_board)
    monkeypatch.setattr(build, "remember", kept.append)
    return kept


def test_a_board_is_built_as_it_is_asked_for(kept):
    seen = Seen()
    (built,) = build.build(
        "ulx3s-85f",
        changes=Changes(lanes=20, frequency=80e6),
        options=BuildOptions(seed=7, seeds=2),
        display=seen,
    )
    assert kept == [built.record]
    assert (built.record["seeds"], built.record["lanes"]) == ([7, 8], 20)
    assert built.record["need"] == 80e6
    assert (built.error, built.shortfall, str(built.bitstream)) == (None, None, "top.bin")
    assert seen.advanced == [("ulx3s-85f", "placing")]
    assert seen.finished == ["ulx3s-85f"]


def test_of_several_one_that_fails_stops_no_other_and_alone_it_raises(kept):
    seen = Seen()
    names = ["ulx3s-85f:fast", "ecpix-5", "ulx3s-85f"]
    found = build.build(names, options=BuildOptions(jobs=2), display=seen)
    assert [each.name for each in found if each.error is None] == [
        "ulx3s-85f:fast",
        "ulx3s-85f:ideal",
    ]
    assert (found[0].name, found[0].error) == ("ecpix-5", "no way")
    assert (found[0].shortfall, found[0].bitstream) == ("ecpix-5: no way", None)
    assert sorted(seen.finished) == sorted(each.name for each in found)
    assert len(kept) == 2
    with pytest.raises(UserError, match="no way"):
        build.build("ecpix-5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 0}, "seed must be from 1 to 2147483647, not 0"),
        ({"seeds": 101}, "seeds must be from 1 to 100, not 101"),
        ({"jobs": 0}, "jobs must be from 1 to 64, not 0"),
        ({"tools": "mine"}, "tools must be one of auto, native, pypi, not 'mine'"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        BuildOptions(**options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (Changes(lanes=0), "^lanes must be from 1 to 65535"),
        (Changes(rows_per_clock=3), "^rows_per_clock must be one of"),
        (Changes(frequency=3e6), "^frequency 3: wanted frequency must be from"),
    ],
)
def test_changes_are_checked_before_anything_is_built(kept, changes, message):
    with pytest.raises(ValueError, match=message):
        build.build("all", changes=changes)
    assert kept == []
