"""Files that cannot be written are found beforehand, and no trace is left."""

import os
from pathlib import Path

import pytest

from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.sim.errors import UserError


def test_a_file_that_can_be_written_is_neither_made_nor_changed(tmp_path):
    check_writable(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_text("content")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "content"
    with pytest.raises(UserError, match="it is a folder; give a file"):
        check_writable(tmp_path)


def test_a_device_or_a_pipe_keeps_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        check_writable(path)
        with pytest.raises(UserError, match="it is a device or a pipe; give a file"):
            check_writable(path, regular=True)
    check_writable(tmp_path / "new", regular=True)


@pytest.mark.parametrize(
    ("check", "place", "message"),
    [
        *(
            (check_writable, place, r"^cannot write .*file: ")
            for place in ("missing/file", "/proc/file", "taken/file")
        ),
        *(
            (make_folder, place, r"^cannot write into the folder ")
            for place in ("/proc/folder", "/proc", "taken", "taken/folder")
        ),
    ],
)
def test_a_place_where_no_file_can_be_made_is_refused(tmp_path, check, place, message):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match=message):
        check(tmp_path / place)


def test_an_input_file_is_not_written_over(tmp_path):
    read, link = tmp_path / "read", tmp_path / "link"
    read.write_text("kept")
    link.symlink_to(read)
    for path in (read, link, tmp_path / "." / "read"):
        with pytest.raises(UserError, match=r"^`output` .* is read, and would be lost"):
            check_apart(path, None, read)
    check_apart(tmp_path / "other", None, read)
