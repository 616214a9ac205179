"""What is no regular file, or too large for its kind, is refused before it is read."""

import os
import socket
from pathlib import Path

import pytest

from allspin.sim.errors import UserError
from allspin.sim.files import open_file, read_file, read_text


def refusal(path: Path, limit: int = 100) -> str:
    with pytest.raises(UserError) as caught:
        read_file(path, "network", limit)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text or "\0" in str(path)
    return text


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_content_up_to_the_limit(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", "network", 100) == b"x" * size


def test_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 101)
    assert "too large for a network: it has 101 bytes, at most 100 are read" in refusal(path)
    with path.open("wb") as file:
        file.truncate(6 << 30)  # sparse
    assert "6,442,450,944 bytes" in refusal(path)


def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is a pipe, not a regular file" in refusal(tmp_path / "pipe")


def test_devices_sockets_and_folders(tmp_path: Path) -> None:
    for path in (Path("/dev/zero"), Path("/dev/null"), Path("/dev/tty")):
        assert "it is a device" in refusal(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert "it is a socket" in refusal(tmp_path / "socket")
    assert "it is a folder" in refusal(tmp_path)


def test_a_pipe_that_takes_the_files_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda self: regular)
    assert "it is a pipe" in refusal(path)


def test_names_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for name in ("absent", "circle", "a\0b", "x" * 300):
        assert refusal(tmp_path / name).startswith("cannot read network ")


def test_a_file_that_grows_or_shrinks_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    real = os.fstat
    for content in (b"1234", b"12345678"):
        path.write_bytes(b"12345")

        def meanwhile(handle: int, content: bytes = content) -> os.stat_result:
            about = real(handle)
            path.write_bytes(content)
            return about

        with monkeypatch.context() as patch:
            patch.setattr(os, "fstat", meanwhile)
            assert "changed while it was read" in refusal(path)


def test_no_file_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        refusal(tmp_path / "pipe")
        refusal(tmp_path / "file", limit=0)
        read_file(tmp_path / "file", "network", 1)
    file, size = open_file(tmp_path / "file", "network", 1)
    with file:
        assert (file.read(), size) == (b"x", 1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_text(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("é\n", encoding="utf-8")
    assert read_text(tmp_path / "file", "grid", 100) == "é\n"
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(UserError, match="is not a grid: it is not text in UTF-8"):
        read_text(tmp_path / "file", "grid", 100)
