"""The cache keeps to its limit: what was used longest ago goes, what is in use stays."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.hdl.cache import build_once, measure_cache
from allspin.hdl.cache.size import SEAL
from allspin.sim.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
USE = """\
import sys
from allspin.hdl.cache import build_once
build_once(sys.argv[1], lambda folder: (folder / "file").write_bytes(bytes(100_000)))
print("there", flush=True)
sys.stdin.read()
"""


def use(name):
    """A process that builds or opens a build, and uses it until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def make(name, age, cache):
    """A build that another process made and used `age` seconds ago."""
    use(name).communicate()
    seal = cache / "builds" / name / SEAL
    os.utime(seal, (seal.stat().st_atime, seal.stat().st_mtime - age))


def names(cache):
    return {path.name for path in (cache / "builds").iterdir()}


def test_the_oldest_go_first_and_what_is_used_again_is_young(cache, monkeypatch):
    for age, name in enumerate(("new", "middle", "old", "oldest")):
        make(name, 100 * (age + 1), cache)
    assert names(cache) == {"new", "middle", "old", "oldest"}
    use("oldest").communicate()
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "320K")  # three of 100,000 bytes, and a little
    make("newest", 0, cache)
    assert names(cache) == {"newest", "oldest", "new"}


def test_what_is_in_use_stays_however_old(cache, monkeypatch):
    make("unused", 100, cache)
    user = use("used")
    seal = cache / "builds" / "used" / SEAL
    os.utime(seal, (0, 0))
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "1")
    here = build_once("here", lambda folder: (folder / "file").touch())
    assert names(cache) == {"used", "here"}
    assert (here / "file").exists()
    user.communicate()
    build_once("more", lambda folder: (folder / "file").touch())
    assert names(cache) == {"here", "more"}


def test_what_a_killed_build_has_left_goes(cache):
    (cache / "builds" / ".dead.x1").mkdir(parents=True)
    (cache / "builds" / "dead.lock").touch()
    (cache / "builds" / ".gone.x2").mkdir()
    build_once("one", lambda folder: (folder / "file").touch())
    assert names(cache) == {"one", "dead.lock"}


H = "0123456789abcdef" * 2
OWN = (
    "notes/design-0.json",
    "built/icebreaker.ideal.net.json",
    "cycles/0.json",
    "fault-0123456789ab.txt",
    "failed-nextpnr-ice40.log",
    f"{H}/program",
    f"cells-{H}/netlist.txt",
    f"{H}.design",
)
OTHERS = ("mine.txt", "notes/mine.txt", "more/design.json", "yowasp/tool", f"x{H}")


def put(cache, names, age):
    for name in names:
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(10_000))
        then = path.stat().st_mtime - age
        for each in (path, path.parent):
            os.utime(each, (then, then))


def test_all_that_is_the_cache_s_own_goes_and_nothing_else(cache, monkeypatch):
    put(cache, (*OWN, *OTHERS), 1000)
    make("new", 0, cache)
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "160K")  # the build and the others' files
    make("newer", 1, cache)
    assert [name for name in OWN if (cache / name).exists()] == []
    assert [name for name in OTHERS if not (cache / name).exists()] == []
    assert names(cache) == {"newer"}
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "290K")
    put(cache, OWN[:3], -1000)
    make("old", 500, cache)
    make("newest", 0, cache)
    assert names(cache) == {"newer", "newest"}
    assert all((cache / name).exists() for name in OWN[:3])


def test_what_an_earlier_version_is_building_stays(cache, monkeypatch):
    put(cache, (f"{H}/program", f"{H}.lock"), 1000)
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "1")
    with (cache / f"{H}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build_once("one", lambda folder: (folder / "file").touch())
    assert (cache / H / "program").exists()
    build_once("two", lambda folder: (folder / "file").touch())
    assert not (cache / H).exists()


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
def test_what_is_no_limit_is_one_line(monkeypatch, text):
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", text)
    with pytest.raises(UserError, match=r"^ALLSPIN_CACHE_LIMIT must be a number of bytes"):
        measure_cache()
