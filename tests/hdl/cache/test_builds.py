"""Builds are made once, whole or not at all; notes read back as written; damage is found."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from allspin.hdl.cache import build_once, read_note, write_note
from allspin.hdl.cache.seal import SEAL
from allspin.sim.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


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
    assert list((cache / "builds").iterdir()) == []
    assert (build_once("one", lambda folder: (folder / "whole").touch()) / "whole").exists()


def test_a_disk_that_is_full_is_told_with_the_folder(cache):
    def fill(folder: Path) -> None:
        Path("/dev/full").write_text("half")

    with pytest.raises(UserError, match=f"^cannot write the cache folder {cache}/builds: No space"):
        build_once("one", fill)
    assert list((cache / "builds").iterdir()) == []


BUILDER = """
import os, sys, time
from pathlib import Path
from allspin.hdl.cache import build_once
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
    assert [path.name for path in (cache / "builds").iterdir()] == ["one"]


def made(name: str = "one") -> tuple[Path, list[str]]:
    """A build of two files, and which times it was built."""
    calls = []

    def build(folder: Path) -> None:
        calls.append(name)
        (folder / "tool").write_bytes(bytes(range(256)))
        (folder / "sub").mkdir()
        (folder / "sub" / "more").write_text("more")

    return build_once(name, build), calls


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: flip(folder / "tool"), "tool is not as"),
        (lambda folder: (folder / "tool").write_bytes(b""), "tool is not as"),
        (lambda folder: (folder / "tool").unlink(), "tool is not as"),
        (lambda folder: (folder / "sub" / "more").unlink(), "sub/more is not as"),
        (lambda folder: (folder / "other").touch(), "other is not as"),
        (lambda folder: flip(folder / SEAL), ""),
        (lambda folder: (folder / SEAL).write_text("0 files\n"), "tool is not as"),
        (lambda folder: (folder / SEAL).write_bytes(b"\xff"), "its digests cannot be read"),
        (lambda folder: (folder / SEAL).write_text(""), "tool is not as"),
        (lambda folder: (folder / SEAL).unlink(), "its digests cannot be read"),
        (lambda folder: (folder / "sub").chmod(0o775), "sub is another user's, or open to one"),
        (lambda folder: (folder / "tool").chmod(0o646), "tool is another user's, or open to one"),
    ],
)
def test_a_damaged_build_is_made_anew_with_one_line(capsys, damage, words):
    before = os.umask(0)
    folder, calls = made()
    os.umask(before)
    assert calls == ["one"]
    assert made() == (folder, [])
    assert capsys.readouterr().err == ""
    damage(folder)
    again, calls = made()
    assert (again, calls) == (folder, ["one"])
    assert (folder / "tool").read_bytes() == bytes(range(256))
    assert (folder / "sub" / "more").read_text() == "more"
    line = capsys.readouterr().err
    assert line.startswith(f"allspin: the build one in the cache is made anew: {words}")
    assert line.count("\n") == 1
    assert made() == (folder, [])
    assert capsys.readouterr().err == ""


def test_all_of_a_build_is_on_the_disk_before_it_has_its_name(monkeypatch, cache):
    # Files named by the calls, in order: a crash of the machine may lose all that was not synced.
    events = []
    real_sync, real_rename = os.fsync, Path.rename
    monkeypatch.setattr(
        os,
        "fsync",
        lambda handle: (
            events.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name),
            real_sync(handle),
        ),
    )

    def rename(path: Path, to: Path) -> Path:
        events.append(f"to {to.name}")
        return real_rename(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    made()
    renamed = events.index("to one")
    assert {"tool", "more", "sub", SEAL} <= set(events[:renamed])
    assert events[renamed - 1].startswith(".one.")
    assert events[renamed + 1 :] == ["builds"]


def test_a_program_that_cannot_be_run_is_built_anew(capsys):
    def build(folder: Path) -> None:
        (folder / "tool").write_text("made")
        (folder / "tool").chmod(0o755)

    tool = build_once("one", build, program="tool") / "tool"
    assert build_once("one", lambda folder: pytest.fail("it is there"), program="tool")
    tool.chmod(0o644)
    assert build_once("one", build, program="tool") / "tool" == tool
    assert os.access(tool, os.X_OK)
    err = capsys.readouterr().err
    assert err == "allspin: the build one in the cache is made anew: tool cannot be run\n"


VALUE = {"board": "icebreaker", "fmax_mhz": 31.2, "seeds": [1, None, True]}


def test_a_note_comes_back(tmp_path):
    write_note(tmp_path / "one.json", VALUE)
    assert read_note(tmp_path / "one.json") == VALUE


def test_one_note_does_not_pass_for_another(tmp_path):
    write_note(tmp_path / "one.json", VALUE)
    (tmp_path / "one.json").rename(tmp_path / "two.json")
    with pytest.raises(ValueError, match="its digest is wrong"):
        read_note(tmp_path / "two.json")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A note's path and content."""
    path = tmp_path_factory.mktemp("notes") / "one.json"
    write_note(path, VALUE)
    return path, path.read_bytes()


parts = st.binary(max_size=4) | st.sampled_from(
    [b"[" * 3000, b"9" * 5000, b"NaN", b'"', b"{}", b"1e999"]
)


@given(st.integers(0, 200), st.integers(0, 30), parts | st.binary(min_size=1, max_size=1))
@settings(deadline=None, max_examples=300)
def test_any_damage_is_refused_or_means_the_same(written, start, length, part):
    path, content = written
    path.write_bytes(content[:start] + part + content[start + length :])
    try:
        assert read_note(path) == VALUE
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
