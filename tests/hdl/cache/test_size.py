"""The cache keeps to its limit: builds used longest ago go, builds in use stay."""

import os
import time
from pathlib import Path

import pytest

from allspin.hdl.cache import build_once, measure_cache
from allspin.hdl.cache.limit import KEPT, KILLED
from allspin.hdl.cache.seal import SEAL
from allspin.sim.errors import UserError


def write_file(folder: Path) -> None:
    (folder / "file").write_bytes(bytes(100_000))


def make(name, age, cache):
    """A build that was used `age` seconds ago."""
    build_once(name, write_file)
    then = time.time() - age
    os.utime(cache / "builds" / name / SEAL, (then, then))


def names(cache):
    return {path.name for path in (cache / "builds").iterdir()}


def test_the_oldest_go_first_and_a_build_used_again_is_young(cache, monkeypatch):
    for age, name in enumerate(("new", "middle", "old", "oldest")):
        make(name, KEPT * (age + 2), cache)
    assert names(cache) == {"new", "middle", "old", "oldest"}
    build_once("oldest", lambda folder: pytest.fail("it is there"))
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "320K")  # three of 100,000 bytes, and a little
    make("newest", 0, cache)
    assert names(cache) == {"newest", "oldest", "new"}


def test_a_build_used_a_moment_ago_stays_under_the_smallest_limit(cache, monkeypatch):
    make("unused", KEPT + 1, cache)
    make("used", KEPT - 60, cache)
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "1")
    make("here", 0, cache)
    assert names(cache) == {"used", "here"}


def test_remains_of_a_killed_build_go(cache):
    for name, age in ((".dead.x1", KILLED + 1), (".alive.x2", 0)):
        (cache / "builds" / name).mkdir(parents=True)
        then = time.time() - age
        os.utime(cache / "builds" / name, (then, then))
    build_once("one", lambda folder: (folder / "file").touch())
    assert names(cache) == {"one", ".alive.x2"}


OWN = (
    "notes/design-0.json",
    "built/icebreaker.ideal.net.json",
    "failed-nextpnr-ice40.log",
)
OTHERS = ("mine.txt", "notes/mine.txt", "more/design.json", "yowasp/tool")


def test_all_files_of_the_cache_go_and_no_others(cache, monkeypatch):
    for name in (*OWN, *OTHERS):
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(10_000))
        os.utime(path, (0, 0))
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "145K")  # the build and the others' files
    make("new", 0, cache)
    assert [name for name in OWN if (cache / name).exists()] == []
    assert [name for name in OTHERS if not (cache / name).exists()] == []
    assert names(cache) == {"new"}


def test_room_is_measured(cache):
    make("one", 0, cache)
    (cache / "failed-yosys.log").write_bytes(bytes(1000))
    room = measure_cache()
    assert (room.folder, room.builds, room.limit) == (cache, 1, 10 * 10**9)
    seal = (cache / "builds" / "one" / SEAL).stat().st_size
    assert room.size == 100_000 + 1000 + seal


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("0", 0), ("123", 123), ("1.5k", 1500), ("2M", 2e6), ("3 GB", 3e9), ("1TB", 1e12)],
)
def test_limits_are_read(monkeypatch, text, bytes_):
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", text)
    assert measure_cache().limit == bytes_


@pytest.mark.parametrize("text", ["much", "-1", "1e9", "G", "10 P", "nan", "9" * 400])
def test_a_malformed_limit_is_one_line(monkeypatch, text):
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", text)
    with pytest.raises(UserError, match=r"^ALLSPIN_CACHE_LIMIT must be a number of bytes"):
        measure_cache()
