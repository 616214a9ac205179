"""``allspin flash``: the command is shown, and each kind of trouble has its line."""

import sys

import pytest

from boards.board import find_board, find_boards
from hdl.cache import VARIABLE
from host.built import remember
from host.cli.flash import explain, udev_rule, usb_node
from host.cli.main import main


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing was built yet."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put a tool of that name and no other on the path: ``tool(name, script)``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name, script):
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{script}\n")
        path.chmod(0o755)

    return make


@pytest.fixture
def bitstream(tmp_path):
    path = tmp_path / "top.bin"
    path.write_bytes(b"bits")
    return path


@pytest.mark.parametrize("name", find_boards())
def test_a_dry_run_shows_the_command_of_each_board(name, bitstream, capsys):
    assert main(["flash", name, "--dry-run", "--bitstream", str(bitstream)]) == 0
    words = capsys.readouterr().out.split()
    assert words[0] == find_board(name).flash[0]
    assert str(bitstream) in words


def test_what_was_built_last_is_flashed(board_record, tool, bitstream, capsys):
    tool("iceprog", "import sys; print('given', open(sys.argv[1]).read())")
    remember(board_record(board="icebreaker", bitstream=str(bitstream)))
    assert main(["flash", "icebreaker"]) == 0
    out = capsys.readouterr().out
    assert f"iceprog {bitstream}\n" in out
    assert "given bits" in out
    assert "allspin run NET --on auto --baud 3000000" in out


def test_nothing_built_is_one_line(capsys):
    assert main(["flash", "icebreaker"]) == 2
    assert "nothing was built for icebreaker: allspin build icebreaker" in capsys.readouterr().err
    assert main(["flash", "icebreaker", "--dry-run"]) == 0
    assert capsys.readouterr().out == "iceprog BITSTREAM\n"


def test_a_build_that_failed_has_nothing_to_flash(board_record, capsys):
    failed = board_record(board="icebreaker", bitstream=None, shortfall="too large")
    remember(failed)
    assert main(["flash", "icebreaker"]) == 2
    assert "the last build has no bitstream: too large" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("board", "package"),
    [
        ("icebreaker", "iceprog was not found: install the package fpga-icestorm"),
        ("ulx3s-85f", "openFPGALoader was not found: install the package openfpgaloader"),
        ("orangecrab-25f", "dfu-util was not found: install the package dfu-util"),
        ("icesugar", "icesprog was not found: install icesprog"),
    ],
)
def test_a_missing_tool_is_one_line(tool, bitstream, capsys, board, package):
    assert main(["flash", board, "--bitstream", str(bitstream)]) == 2
    assert package in capsys.readouterr().err


def test_a_tool_that_fails_is_one_line(tool, bitstream, capsys):
    tool("iceprog", "import sys; print('flash is write-protected'); sys.exit(1)")
    assert main(["flash", "icebreaker", "--bitstream", str(bitstream)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def plugged(tmp_path):
    """Linux' list of USB devices with an iCEBreaker in it, and its node."""
    listed, nodes = tmp_path / "devices", tmp_path / "nodes"
    hub, board = listed / "usb1", listed / "1-2"
    for device, vendor, product, number in ((hub, "1d6b", "0002", 1), (board, "0403", "6010", 12)):
        device.mkdir(parents=True)
        (device / "idVendor").write_text(f"{vendor}\n")
        (device / "idProduct").write_text(f"{product}\n")
        (device / "busnum").write_text("1\n")
        (device / "devnum").write_text(f"{number}\n")
    (listed / "1-2:1.0").mkdir()  # an interface, which has none of these
    (nodes / "001").mkdir(parents=True)
    (nodes / "001" / "012").write_text("")
    return listed, nodes


def test_a_device_is_found_where_linux_lists_it(plugged):
    listed, nodes = plugged
    assert usb_node("0403:6010", listed, nodes) == nodes / "001" / "012"
    assert usb_node("0403:6014", listed, nodes) is None


ICEPROG = "init..\nCan't find iCE FTDI USB device (vendor_id 0x0403, device_id 0x6010).\nABORT."
LOADER = "empty\nunable to open ftdi device: {}\nJTAG init failed with: unable to open ftdi device"


def test_a_missing_device_and_a_missing_permission_are_told_apart(plugged, monkeypatch):
    listed, nodes = plugged
    board = find_board("icebreaker")
    node = usb_node(board.usb, listed, nodes)
    missing = explain(board, ICEPROG, None, listed)
    assert missing.startswith("iceprog finds no iCEBreaker: connect it, and look for 0403:6010")
    # iceprog says the same where it may not; what Linux says of the node tells.
    monkeypatch.setattr("os.access", lambda path, mode: path != node)
    refused = explain(board, ICEPROG, node, listed)
    assert "iceprog may not use the USB device 0403:6010" in refused
    assert udev_rule(board) in refused
    assert "/etc/udev/rules.d/60-allspin.rules" in refused
    monkeypatch.setattr("os.access", lambda path, mode: True)
    other = explain(board, "flash is write-protected", node, listed)
    assert other == "iceprog failed: flash is write-protected"


@pytest.mark.parametrize(
    ("board", "said", "words"),
    [
        # What the tools print, in their own words, where there is no list to look at.
        ("ulx3s-85f", LOADER.format("-3 (device not found)"), "openFPGALoader finds no ULX3S 85F"),
        ("ulx3s-85f", LOADER.format("-4 (usb_open() failed)"), "may not use the USB device 0403"),
        ("orangecrab-25f", "No DFU capable USB device available", "dfu-util finds no OrangeCrab"),
        ("orangecrab-25f", "Cannot open DFU device (LIBUSB_ERROR_ACCESS)", "dfu-util may not use"),
    ],
)
def test_elsewhere_the_tool_s_words_tell(tmp_path, board, said, words):
    assert words in explain(find_board(board), said, None, tmp_path / "none")
