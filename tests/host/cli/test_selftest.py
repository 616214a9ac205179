"""``allspin selftest``: its output, its exit status, and the board that ``auto`` takes."""

from types import SimpleNamespace

import pytest

from allspin.host.selftest import opening
from allspin.sim.errors import UserError
from tests.host.cli.conftest import NETWORK


def test_the_virtual_board(cli, net):
    out, _ = cli.run(f"selftest {net} --on virtual")
    assert "ok    R_AH words, layer 0      288 bytes, two patterns read back\n" in out
    assert "-     resident images          this machine keeps none\n" in out
    assert out.endswith(": all right\n")
    assert max(map(len, out.splitlines())) <= 80


def test_a_port_needs_no_network_and_a_reset_is_a_line(start, cli, net):
    """The board's identity is enough for the test; findings before its reset are printed."""
    port = (
        start(f"{net} --reset-after 90", "tests.host.virtual.faulty_port").stdout.readline().strip()
    )
    out, err = cli.run(f"selftest --on {port}", 2)
    assert "ok    R_AH words, layer 0" in out
    assert "was reset" in err.splitlines()[-1]
    assert cli.run(f"selftest --on {port}")[0].endswith("all right\n")


@pytest.mark.parametrize(
    ("fits", "network", "message"),
    [
        ((), None, "no board answers \\(asked c\\)"),
        ((True, True), None, "2 boards answer, on a, b: name one with `on`"),
        ((False,), NETWORK, "no board answers that was built for this network"),
        ((False, True), NETWORK, None),
        ((False,), None, None),
    ],
)
def test_auto_takes_the_only_board(fits, network, message, monkeypatch):
    closed: list[str] = []
    answers: dict[str, SimpleNamespace | None] = {"c": None}
    for name, fit in zip("ab", fits, strict=False):
        identity = SimpleNamespace(mismatch=lambda _, fit=fit: None if fit else "another topology")
        close = lambda name=name: closed.append(name)  # noqa: E731
        answers[name] = SimpleNamespace(name=name, identity=identity, close=close)
    monkeypatch.setattr(opening, "ask_ports", lambda baud: answers)
    taken = None
    if message is None:
        taken = opening.open_for_selftest("auto", network).name
        assert taken == "ab"[len(fits) - 1]
    else:
        with pytest.raises(UserError, match=message):
            opening.open_for_selftest("auto", network)
    assert closed == [name for name in "ab"[: len(fits)] if name != taken]
