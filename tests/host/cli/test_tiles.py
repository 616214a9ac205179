"""Options of tiles: whatever the command, what is wrong with them is said in the same words."""

import pytest

from allspin.host.cli.main import main

COMMANDS = {
    "run": ["mnist-10"],
    "chips": ["mnist-10"],
    "compare": ["mnist-10"],
    "report": ["mnist-10", "-o", "out.html"],
    "train": ["-o", "out.safetensors"],
    "import": ["model.npz", "-o", "out.safetensors"],
    "sweep": ["--network", "mnist-10", "-o", "out.csv"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("rows", "bits", "says"),
    [
        ("128", None, "--tile-rows needs --adc-bits"),
        (None, "4", "--adc-bits needs --tile-rows"),
        ("100", "4", "--tile-rows must be a power of two from 8 to 65536, not 100"),
        ("4", "4", "--tile-rows must be from 8 to 65536, not 4"),
        ("128", "25", "--adc-bits must be from 2 to 24, not 25"),
    ],
)
def test_one_line(command, rows, bits, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [] if rows is None else ["--tile-rows", rows]
    words += [] if bits is None else ["--adc-bits", bits]
    assert main([command, *COMMANDS[command], *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"allspin: {says}")
    assert list(tmp_path.iterdir()) == []
