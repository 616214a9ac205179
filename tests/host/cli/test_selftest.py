"""``allspin selftest``: what it prints, its exit status, and what it refuses."""

import subprocess
import sys

import pytest

from allspin.host.cli.main import main
from allspin.host.run import selftest as selftest_opening
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network

NETWORK = random_network((24, 12, 6), 1)


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return str(path)


def test_the_virtual_board(network, capsys):
    assert main(["selftest", network, "--on", "virtual"]) == 0
    out = capsys.readouterr().out
    assert "ok    R_AH words, layer 0      288 bytes, two patterns read back\n" in out
    assert "-     resident images          this machine keeps none\n" in out
    assert out.endswith(": all right\n")
    assert max(map(len, out.splitlines())) <= 80


def test_a_port_needs_no_network_and_a_reset_is_a_line(network):
    """The board tells enough of itself; what is found before it resets is printed."""
    server = subprocess.Popen(
        [sys.executable, "-m", "allspin", "virtual", network, "--reset-after", "90"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        words = ["selftest", "--on", server.stdout.readline().strip()]
        first, second = (
            subprocess.run(
                [sys.executable, "-m", "allspin", *words], capture_output=True, text=True
            )
            for _ in range(2)
        )
    finally:
        server.kill()
        server.communicate()
    assert first.returncode == 2
    assert "ok    R_AH words, layer 0" in first.stdout
    assert "was reset" in first.stderr.splitlines()[-1]
    assert (second.returncode, second.stdout.splitlines()[-1][-9:]) == (0, "all right")


class Board:
    """One that answered when all ports were asked."""

    def __init__(self, name, identity):
        self.name, self.identity, self.closed = name, identity, False

    def close(self):
        self.closed = True


class Identity:
    def __init__(self, fits):
        self.fits = fits

    def mismatch(self, network):
        return None if self.fits else "another topology"


@pytest.mark.parametrize(
    ("fits", "network", "message"),
    [
        ((), None, "no board answers \\(asked c\\)"),
        ((True, True), None, "2 boards answer, on a, b: name one with --on"),
        ((False,), NETWORK, "no board answers that was built for this network"),
        ((False, True), NETWORK, None),
        ((False,), None, None),
    ],
)
def test_auto_takes_the_only_board(fits, network, message, monkeypatch):
    boards = [Board(name, Identity(fit)) for name, fit in zip("ab", fits, strict=False)]
    answers = {"c": None, **{board.name: board for board in boards}}
    monkeypatch.setattr(selftest_opening, "ask_ports", lambda baud: answers)
    if message is None:
        found = selftest_opening.open_for_selftest("auto", network)
        assert found is boards[-1]
    else:
        with pytest.raises(selftest_opening.UserError, match=message):
            selftest_opening.open_for_selftest("auto", network)
    assert [board.closed for board in boards] == [
        message is not None or board is not boards[-1] for board in boards
    ]
