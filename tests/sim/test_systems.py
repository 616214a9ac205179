"""A machine without what only POSIX systems have: the golden model works, the rest says a line."""

import subprocess
import sys

import pytest

HIDE = """
import os, signal, sys
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


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("run mnist-10 --on golden --images 20", 0, "accuracy\t"),
        ("virtual mnist-10", 2, "allspin: this needs os.getuid, which Python has not on this sys"),
        ("run mnist-10 --on /dev/null", 2, "allspin: this needs serial.Serial, which Python has n"),
        (
            "sweep --network paper-10 --chips 1 --images 9 -o t.csv",
            2,
            "allspin: this needs fcntl.flock, which Python has not on this sys",
        ),
    ],
)
def test_it_works_or_says_what_it_needs(tmp_path, command, status, said):
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HIDE, *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == status, made.stderr
    assert any(line.startswith(said) for line in (made.stdout + made.stderr).splitlines())
    assert "Traceback" not in made.stderr
    assert list(tmp_path.iterdir()) == []
