"""Tools that program boards: their output, their failures, and a board's answer afterwards."""

import dataclasses
import sys
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.cli.flash import ask, differences, ports_of
from allspin.host.cli.flash_tool import explain, is_kept, run_shown, udev_rule
from allspin.host.link import serial_port
from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network

DRAWS = """
import sys, time
for share in (10, 55, 100):
    print(f"\\rWriting: {share}%", end="", flush=True)
    while not open(sys.argv[1]).read() >= str(share // 50):
        time.sleep(0.01)
print("\\ndone", file=sys.stderr)
sys.exit(3)
"""


def test_progress_is_shown_while_the_tool_runs(tmp_path):
    seen = tmp_path / "seen"
    seen.write_text("")
    pieces = []

    def show(text):
        pieces.append(text)
        # The tool does not go on before its progress has been shown.
        seen.write_text(str(len("".join(pieces).split("%")) - 2))

    status, said = run_shown([sys.executable, "-c", DRAWS, str(seen)], show)
    assert (status, said) == (3, "\rWriting: 10%\rWriting: 55%\rWriting: 100%\ndone\n")
    assert "".join(pieces) == said
    assert len(pieces) >= 3


def test_a_tool_writes_to_its_end_after_its_reader_has_left(tmp_path):
    code = "import sys\nfor i in range(9999): print(i)\nopen(sys.argv[1], 'w').write('whole')"

    def show(text):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_shown([sys.executable, "-c", code, str(tmp_path / "end")], show)
    assert (tmp_path / "end").read_text() == "whole"


FLASH = {
    *("icebreaker", "icebreaker-bitsy", "icesugar", "icesugar-pro", "upduino-v3"),
    *("orangecrab-25f", "orangecrab-85f"),
}


@pytest.mark.parametrize("board", find_boards().values(), ids=lambda board: board.name)
def test_each_board_s_command_writes_flash_or_only_sram(board):
    assert is_kept(board.flash) == (board.name in FLASH)


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("openFPGALoader -b ulx3s -f top.bit", True),
        ("openFPGALoader --write-flash top.bit", True),
        ("iceprog -S top.bin", False),
    ],
)
def test_an_option_may_say_which(command, kept):
    assert is_kept(command.split()) is kept


ICEPROG = "init..\nCan't find iCE FTDI USB device (vendor_id 0x0403, device_id 0x6010).\nABORT."


LOADER = "empty\nunable to open ftdi device: {}\nJTAG init failed with: unable to open ftdi device"


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ("icebreaker", ICEPROG),
        ("ulx3s-85f", LOADER.format("-3 (device not found)")),
        ("ulx3s-85f", LOADER.format("-4 (usb_open() failed)")),
        ("orangecrab-25f", "No DFU capable USB device available"),
        ("orangecrab-25f", "Cannot open DFU device (LIBUSB_ERROR_ACCESS)"),
    ],
)
def test_a_line_says_how_a_board_is_reached(board, said):
    found = find_board(board)
    line = explain(found, said)
    assert line.startswith(f"{found.flash[0]} finds no {found.title}, or may not use it")
    assert udev_rule(found) in line
    assert "/etc/udev/rules.d/60-allspin.rules" in line


def test_else_the_tool_s_last_words_tell():
    board = find_board("icebreaker")
    assert explain(board, "a\nwrite-protected\n") == "iceprog failed: write-protected"
    assert explain(board, "") == "iceprog failed: it said nothing"


PARAMETERS = TopParameters.from_network(random_network((24, 12, 6), 1))


EXPECTED = Identity.parse(identity_bytes(PARAMETERS.link))


def test_a_board_answers_with_the_built_identity(bridged, dead_port, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.5)
    port = bridged(build(PARAMETERS))
    # The board's port is missing at first; then another port is asked too.
    rounds = iter([[], [dead_port, port]])
    on, identity = ask(lambda: next(rounds), 3_000_000, patience=60)
    assert (on, differences(identity, EXPECTED)) == (port, None)


def test_nobody_answers(dead_port, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.05)
    with pytest.raises(UserError, match=f"answers on {dead_port}"):
        ask(lambda: [dead_port], 3_000_000, patience=0)
    with pytest.raises(UserError, match="its serial port is gone"):
        ask(list, 3_000_000, patience=0)


def test_each_difference_is_named():
    for field in dataclasses.fields(Identity):
        other = dataclasses.replace(EXPECTED, **{field.name: "another"})
        assert differences(other, EXPECTED) == (
            f"{field.name.replace('_', ' ')} another, not {getattr(EXPECTED, field.name)}"
        )


def test_the_ports_of_a_usb_device(monkeypatch):
    ports = [("b", 0x0403, 0x6010), ("a", 0x0403, 0x6010), ("c", 0x0403, 0x6014), ("d", None, None)]
    listed = [SimpleNamespace(device=name, vid=vid, pid=pid) for name, vid, pid in ports]
    monkeypatch.setattr(list_ports, "comports", lambda: listed)
    assert ports_of("0403:6010") == ["a", "b"]
    assert ports_of("1d50:602b") == []
