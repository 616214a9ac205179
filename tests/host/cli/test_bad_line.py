"""Commands on a port whose line flips bits and whose board resets: right, or one line."""

import json
import os
import signal
import subprocess
import sys

import pytest

from allspin.host.cli.main import main

SWEEP = ["--network", "paper-10", "--chips", "3", "--images", "200"]


@pytest.fixture
def port(tmp_path):
    """Open a virtual board as a port, with faults, and return the port."""
    boards = []

    def begin(*words):
        board = subprocess.Popen(
            [sys.executable, "-m", "allspin", "virtual", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        boards.append(board)
        assert board.stdout is not None
        path = board.stdout.readline().rstrip("\n")
        assert os.path.exists(path)
        return path

    yield begin
    for board in boards:
        board.send_signal(signal.SIGTERM)
        board.communicate(timeout=60)


def sweep(on, path):
    return main(["sweep", *SWEEP, "--on", on, "-o", str(path), "--json"])


@pytest.fixture
def golden_table(tmp_path, capsys):
    path = tmp_path / "golden.csv"
    assert sweep("golden", path) == 0
    capsys.readouterr()
    return path.read_bytes()


@pytest.mark.long
def test_a_sweep_over_a_bad_line_has_the_same_table(port, golden_table, tmp_path, capsys):
    path = tmp_path / "t.csv"
    assert sweep(port("paper-10", "--chips", "--flip", "0.001"), path) == 0
    assert path.read_bytes() == golden_table
    record = json.loads(capsys.readouterr().out)
    assert record["resent"] > 10
    assert record["damaged"] > 10
    assert sum(point["resent"] for point in record["points"]) == record["resent"]


@pytest.mark.long
@pytest.mark.parametrize(("answer", "rows"), [(30, 0), (500, 1)])
def test_a_sweep_whose_board_resets_has_no_row_more(
    answer, rows, port, golden_table, tmp_path, capsys
):
    path = tmp_path / "t.csv"
    assert sweep(port("paper-10", "--chips", "--reset-after", str(answer)), path) == 2
    assert "was reset: it is no longer what it was programmed to be" in capsys.readouterr().err
    assert path.read_bytes() == b"".join(golden_table.splitlines(keepends=True)[: 1 + rows])


@pytest.mark.parametrize("answer", [400])
def test_resident_images_whose_board_resets_are_one_line(answer, port, tmp_path, capsys):
    words = [
        "run",
        "mnist-10",
        "--resident",
        "--images",
        "400",
        "--logits",
        str(tmp_path / "l.npy"),
        "--on",
    ]
    on = port("mnist-10", "--resident", "--reset-after", str(answer))
    assert main([*words, on, "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "was reset" in err.splitlines()[-1]


def test_a_line_that_is_too_bad_is_one_line(port, capsys):
    on = port("mnist-10", "--flip", "0.02")
    assert main(["run", "mnist-10", "--on", on, "--check"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert " frames came damaged" in line
