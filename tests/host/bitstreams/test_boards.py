"""Boards that are built: what they come to, from Python."""

import pytest

from allspin.host.bitstreams import build as boards
from allspin.host.bitstreams.build import BuildChanges, BuildDisplay, BuildOptions
from allspin.sim.errors import UserError


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

    monkeypatch.setattr(boards, "build_board", build_board)
    monkeypatch.setattr(boards, "remember", kept.append)
    return kept


def test_a_board_is_built_as_it_is_asked_for(kept):
    seen = Seen()
    (built,) = boards.build(
        "ulx3s-85f",
        changes=BuildChanges(lanes=20, frequency=80e6),
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
    found = boards.build(names, options=BuildOptions(jobs=2), display=seen)
    assert [each.name for each in found if each.error is None] == [
        "ulx3s-85f:fast",
        "ulx3s-85f:ideal",
    ]
    assert (found[0].name, found[0].error) == ("ecpix-5", "no way")
    assert (found[0].shortfall, found[0].bitstream) == ("ecpix-5: no way", None)
    assert sorted(seen.finished) == sorted(each.name for each in found)
    assert len(kept) == 2
    with pytest.raises(UserError, match="no way"):
        boards.build("ecpix-5")


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
        (BuildChanges(lanes=0), "^lanes must be from 1 to 65535"),
        (BuildChanges(rows_per_clock=3), "^rows_per_clock must be one of"),
        (BuildChanges(frequency=3e6), "^frequency 3: wanted frequency must be from"),
    ],
)
def test_changes_are_checked_before_anything_is_built(kept, changes, message):
    with pytest.raises(ValueError, match=message):
        boards.build("all", changes=changes)
    assert kept == []
