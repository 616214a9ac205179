"""Builds are made once, whole or not at all, whoever asks for them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hdl.cache import build_once, cache_folder, digest
from sim.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("ALLSPIN_CACHE", str(folder))
    return folder


def test_the_folder_is_the_one_that_is_named(cache):
    assert cache_folder() == cache
    assert cache.is_dir()


def test_without_a_name_it_is_the_users(tmp_path, monkeypatch):
    monkeypatch.delenv("ALLSPIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "allspin"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "allspin"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"^cannot make the cache folder .*set ALLSPIN_CACHE"):
        cache_folder()


def test_digest_tells_where_a_part_ends():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", b"c") == digest(b"ab", "c")
    assert len(digest()) == 32


def test_a_build_is_made_once():
    calls = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "tool").write_text("made")

    first = build_once("one", build)
    assert build_once("one", build) == first
    assert (first / "tool").read_text() == "made"
    assert len(calls) == 1


def test_a_build_that_fails_leaves_nothing(cache):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        build_once("one", fail)
    assert [path.name for path in cache.iterdir()] == ["one.lock"]
    assert (build_once("one", lambda folder: (folder / "whole").touch()) / "whole").exists()


BUILDER = """
import os, sys, time
from pathlib import Path
from hdl.cache import build_once
def build(folder):
    Path(sys.argv[1], f"began-{os.getpid()}").touch()
    time.sleep(0.5)
    (folder / "tool").touch()
    if sys.argv[2] == "die":
        os.kill(os.getpid(), 9)
print((build_once("one", build) / "tool").exists())
"""


def start(marks: Path, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILDER, str(marks), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_concurrent_starts_build_once(tmp_path):
    started = [start(tmp_path, "live") for _ in range(3)]
    assert [process.communicate()[0] for process in started] == ["True\n"] * 3
    assert len(list(tmp_path.glob("began-*"))) == 1


def test_a_builder_that_is_killed_is_replaced_and_cleaned_up_after(tmp_path, cache):
    first = start(tmp_path, "die")
    while not list(tmp_path.glob("began-*")):
        time.sleep(0.01)
    second = start(tmp_path, "live")
    assert second.communicate()[0] == "True\n"
    assert first.communicate()[0] == ""
    assert len(list(tmp_path.glob("began-*"))) == 2
    assert sorted(path.name for path in cache.iterdir()) == ["one", "one.lock"]
