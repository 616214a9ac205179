"""``allspin flash``: the command is shown, and each kind of trouble has its line."""

import dataclasses
import hashlib
import sys
from types import SimpleNamespace

import pytest

from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache import VARIABLE
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.bitstreams.kept import keep_manifest
from allspin.host.cli import flash
from allspin.host.data.catalogue import open_network
from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache: no board was built yet, and no board is connected."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(flash, "ports_of", lambda usb: [])


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put a tool of that name and no other on the path: ``tool(name, script)``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name, content):
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    return make


PROGRAMS = f"#!{sys.executable}\nimport sys; print('given', open(sys.argv[1]).read())\n".encode()


@pytest.fixture
def bitstream(tmp_path):
    path = tmp_path / "top.bin"
    path.write_bytes(b"bits")
    return path


@pytest.mark.parametrize("name", find_boards())
def test_a_dry_run_shows_the_command_of_each_board(name, bitstream, cli):
    words = cli.run(f"flash {name} --dry-run --bitstream {bitstream}")[0].split()
    assert words[0] == find_board(name).flash[0]
    assert str(bitstream) in words


def test_the_last_build_is_flashed(board_record, tool, bitstream, cli):
    tool("iceprog", PROGRAMS)
    assert cli.run("flash icebreaker --dry-run")[0].startswith("iceprog BITSTREAM\n")
    line = cli.refused("flash icebreaker")
    assert "nothing was built for icebreaker: allspin build icebreaker" in line
    keep_manifest(board_record(board="icebreaker", bitstream=str(bitstream)))
    out, err = cli.run("flash icebreaker")
    assert out.startswith(f"iceprog {bitstream}\ninto flash, which keeps it at power-off\n")
    assert err == "given bits\n"
    assert "its serial port is not known, so it was not asked what it is" in out
    assert "allspin run NET --on auto\n" in out
    keep_manifest(board_record(board="icebreaker", bitstream=str(bitstream), baud=3_000_000))
    assert "allspin run NET --on auto --baud 3000000\n" in cli.run("flash icebreaker")[0]


def test_a_machine_is_named_as_for_its_build(board_record, bitstream, cli, tmp_path):
    assert "nothing was built for icebreaker:general: allspin build icebreaker:general," in (
        cli.refused("flash icebreaker:general")
    )
    for profile in ("general", "ideal"):
        path = tmp_path / f"{profile}.bin"
        keep_manifest(board_record(board="icebreaker", profile=profile, bitstream=str(path)))
    assert "general.bin" in cli.run("flash icebreaker:general --dry-run")[0]
    assert "ideal.bin" in cli.run("flash icebreaker:ideal --dry-run")[0]
    assert "has no profile 'any'" in cli.refused("flash icebreaker:any")


@pytest.mark.parametrize(
    ("board", "package"),
    [
        ("icebreaker", "iceprog was not found: install the package fpga-icestorm"),
        ("ulx3s-85f", "openFPGALoader was not found: install the package openfpgaloader"),
        ("orangecrab-25f", "dfu-util was not found: install the package dfu-util"),
        ("icesugar", "icesprog was not found: install icesprog"),
    ],
)
@pytest.mark.usefixtures("tool")
def test_a_missing_tool_is_one_line(bitstream, cli, board, package):
    _, err = cli.run(f"flash {board} --force --bitstream {bitstream}", 2)
    assert package in err


@pytest.mark.parametrize("content", [b"\x00no program", b"#!/no/such/interpreter\n", b""])
def test_a_tool_that_does_not_start_is_one_line(tool, bitstream, cli, content):
    path = tool("iceprog", content)
    _, err = cli.run(f"flash icebreaker --force --bitstream {bitstream}", 2)
    line = err.splitlines()[-1]
    assert line.startswith(f"allspin: cannot run {path}: ")
    assert line.endswith(("Exec format error", "its interpreter is not there"))


@pytest.mark.parametrize(
    ("name", "link", "asked"),
    [
        ("ulx3s-85f", "usb", "16c0:27dd"),
        ("ulx3s-85f", "uart", "0403:6015"),
        ("orangecrab-25f", None, "16c0:27dd"),
    ],
)
def test_a_usb_link_is_asked_at_its_own_device(
    board_record, tool, bitstream, monkeypatch, cli, name, link, asked
):
    board = find_board(name)
    tool(board.flash[0], b"#!/bin/sh\n")
    more = {} if link is None else {"link": link}
    keep_manifest(board_record(board=name, bitstream=str(bitstream), identity=BODY, **more))
    # The device of the bitstream comes up after it.
    rounds = iter([[], ["/dev/ttyACM0"]])
    monkeypatch.setattr(
        flash, "ports_of", lambda usb: usb == asked and next(rounds, ["/dev/ttyACM0"])
    )
    monkeypatch.setattr(
        flash,
        "open_port",
        lambda port, _: SimpleNamespace(name=port, identity=IDENTITY, close=list),
    )
    out = cli.run(f"flash {name}")[0]
    assert ("/dev/ttyACM0 answers as it was built" in out) == (link != "uart")


SLOW = "icebreaker misses its timing: 20.0 MHz of the 27 needed"


@pytest.mark.parametrize("case", ["unknown", "slow", "a copy of a slow one"])
def test_a_bitstream_that_may_miss_its_clock_is_programmed_by_force_only(
    case, board_record, tool, bitstream, cli
):
    tool("iceprog", PROGRAMS)
    file, doubt = bitstream, f"{SLOW}; its answers may be wrong"
    if case == "unknown":
        doubt = f"{file} was not built on this computer, so it may not meet its clock"
    else:
        sha256 = hashlib.sha256(b"bits").hexdigest()
        built = {"bitstream": str(file), "bitstream_sha256": sha256, "shortfall": SLOW}
        keep_manifest(board_record(board="icebreaker", meets_timing=False, **built))
    if case.startswith("a copy"):  # which is known by its content
        file = bitstream.with_name("copy.bin")
        file.write_bytes(b"bits")
    words = "flash icebreaker" + (f" --bitstream {file}" if case != "slow" else "")
    assert cli.refused(words) == f"allspin: {doubt}; --force programs it anyway"
    assert cli.run(f"{words} --force")[1] == f"allspin: {doubt}\ngiven bits\n"
    if case == "slow":
        # A file that differs from the build is not programmed.
        file.write_bytes(b"bitt")
        assert f"{file} is damaged: build it again" in cli.refused(f"{words} --force")
        file.unlink()
        assert f"there is no bitstream {file}: build it" in cli.refused(f"{words} --force")


BOARD = find_board("icebreaker")
SHELL = ShellParameters.from_network(BOARD, open_network("mnist-10"), BOARD.profile().hardware)
BODY = identity_bytes(SHELL.machine.link).hex()
IDENTITY = Identity.parse(bytes.fromhex(BODY))
OTHER = dataclasses.replace(IDENTITY, frequency=48_000_000, rah_bits=7)
SILENT = UserError("nobody answers on it")
PROGRAMMED = "is programmed; now:"


@pytest.mark.parametrize(
    ("answer", "more", "identity", "status", "said"),
    [
        (IDENTITY, "", BODY, 0, f"/dev/ttyUSB1 answers as it was built: {IDENTITY}\n"),
        (IDENTITY, "--on /dev/other", BODY, 0, "/dev/other answers as it was built"),
        *(
            (IDENTITY, "", none, 0, f"/dev/ttyUSB1 answers: {IDENTITY}\n")
            for none in (None, "", "00")
        ),
        (
            OTHER,
            "",
            BODY,
            2,
            "allspin: the machine on /dev/ttyUSB1 is not the one that was programmed: "
            f"frequency 48000000, not {IDENTITY.frequency}; rah bits 7, not {IDENTITY.rah_bits}\n",
        ),
        (SILENT, "", BODY, 0, f"iCEBreaker was programmed, but does not answer: {SILENT}\n"),
        (SILENT, "--on /dev/x", BODY, 2, f"does not answer: {SILENT}"),
    ],
)
def test_the_board_is_asked_for_its_identity(
    board_record, tool, bitstream, monkeypatch, cli, answer, more, identity, status, said
):
    tool("iceprog", PROGRAMS)
    build = {"bitstream": str(bitstream), "identity": identity, "baud": 3_000_000}
    keep_manifest(board_record(board="icebreaker", **build))
    monkeypatch.setattr(flash, "ports_of", lambda usb: ["/dev/ttyUSB1"])

    def ask(ports, baud):
        assert baud == 3_000_000
        if answer is SILENT:
            raise SILENT
        return ports()[0], answer

    monkeypatch.setattr(flash, "ask", ask)
    out, err = cli.run(f"flash icebreaker {more}", status)
    assert said in out + err
    assert (PROGRAMMED in out) == (status == 0)
