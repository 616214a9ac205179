"""``allspin flash``: the command is shown, and each kind of trouble has its line."""

import dataclasses
import hashlib
import sys

import pytest

from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache import VARIABLE
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.bitstreams.record import remember
from allspin.host.cli import flash
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_network
from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing was built yet, and no board is connected."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(flash, "ports_of", lambda usb: [])


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
    out, err = capsys.readouterr()
    assert out.startswith(f"iceprog {bitstream}\ninto flash, which keeps it at power-off\n")
    assert err == "given bits\n"
    assert "its serial port is not known, so it was not asked what it is" in out
    assert "allspin run NET --on auto --baud 3000000" in out


def test_nothing_built_is_one_line(capsys):
    assert main(["flash", "icebreaker"]) == 2
    assert "nothing was built for icebreaker: allspin build icebreaker" in capsys.readouterr().err
    assert main(["flash", "icebreaker", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("iceprog BITSTREAM\n")


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
    assert main(["flash", board, "--force", "--bitstream", str(bitstream)]) == 2
    assert package in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\x00no program", b"#!/no/such/interpreter\n", b""])
def test_a_tool_that_does_not_start_is_one_line(tool, tmp_path, bitstream, capsys, content):
    tool("iceprog", "")
    (tmp_path / "bin" / "iceprog").write_bytes(content)
    assert main(["flash", "icebreaker", "--force", "--bitstream", str(bitstream)]) == 2
    _, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"allspin: cannot run {tmp_path / 'bin' / 'iceprog'}: ")
    assert line.endswith(("Exec format error", "its interpreter is not there"))


def test_what_nobody_knows_the_clock_of_is_programmed_by_force_only(tool, bitstream, capsys):
    tool("iceprog", "print('programmed')")
    words = ["flash", "icebreaker", "--bitstream", str(bitstream)]
    assert main(words) == 2
    doubt = f"allspin: {bitstream} was not built on this computer, so it may not meet its clock"
    assert capsys.readouterr() == ("", f"{doubt}; --force programs it anyway\n")
    assert main([*words, "--force"]) == 0
    assert capsys.readouterr().err == f"{doubt}\nprogrammed\n"


SLOW = "icebreaker misses its timing: 20.0 MHz of the 27 needed"


@pytest.fixture
def slow(board_record, bitstream):
    """The last build has missed its clock."""
    sha256 = hashlib.sha256(bitstream.read_bytes()).hexdigest()
    timing = {"meets_timing": False, "fmax_mhz": 20.0, "shortfall": SLOW}
    remember(
        board_record(
            board="icebreaker", bitstream=str(bitstream), bitstream_sha256=sha256, **timing
        )
    )


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("copy", [False, True])
def test_what_missed_its_clock_is_programmed_by_force_only(tool, bitstream, capsys, copy):
    tool("iceprog", "print('programmed')")
    words = ["flash", "icebreaker"]
    if copy:  # which is known by its content
        other = bitstream.with_name("copy.bin")
        other.write_bytes(bitstream.read_bytes())
        words += ["--bitstream", str(other)]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"allspin: {SLOW}; its answers may be wrong; --force programs it anyway\n"
    assert main([*words, "--force"]) == 0
    err = capsys.readouterr().err
    assert err == f"allspin: {SLOW}; its answers may be wrong\nprogrammed\n"


@pytest.mark.usefixtures("slow")
def test_what_is_not_what_was_built_is_not_programmed(tool, bitstream, capsys):
    tool("iceprog", "print('programmed')")
    bitstream.write_bytes(b"bitt")
    assert main(["flash", "icebreaker", "--force"]) == 2
    assert f"{bitstream} is damaged: build it again" in capsys.readouterr().err
    bitstream.unlink()
    assert main(["flash", "icebreaker", "--force"]) == 2
    assert f"there is no bitstream {bitstream}: build it" in capsys.readouterr().err


BOARD = find_board("icebreaker")
BODY = identity_bytes(
    ShellParameters.from_network(
        BOARD, open_network("mnist-10"), BOARD.profile().hardware
    ).machine.link
).hex()
IDENTITY = Identity.parse(bytes.fromhex(BODY))


@pytest.fixture
def asked(board_record, tool, bitstream, monkeypatch):
    """Flash a build that tells its identity, with an answer, or with a reason for none."""
    tool("iceprog", "")

    def flash_and_ask(answer, *words, ports=("/dev/ttyUSB1",), identity=BODY):
        monkeypatch.setattr(flash, "ports_of", lambda usb: list(ports))
        remember(board_record(board="icebreaker", bitstream=str(bitstream), identity=identity))

        def ask(ports, baud):
            assert baud == BOARD.baud
            if isinstance(answer, UserError):
                raise answer
            return ports()[0], answer

        monkeypatch.setattr(flash, "ask", ask)
        return main(["flash", "icebreaker", *words])

    return flash_and_ask


def test_a_board_that_is_what_was_built_says_so(asked, capsys):
    assert asked(IDENTITY) == 0
    assert f"/dev/ttyUSB1 answers as it was built: {IDENTITY}\n" in capsys.readouterr().out
    assert asked(IDENTITY, "--port", "/dev/other", ports=()) == 0
    assert "/dev/other answers as it was built" in capsys.readouterr().out


@pytest.mark.parametrize("identity", [None, "", "00"])
def test_a_build_that_does_not_tell_its_identity_is_not_compared(asked, capsys, identity):
    assert asked(IDENTITY, identity=identity) == 0
    assert f"/dev/ttyUSB1 answers: {IDENTITY}\n" in capsys.readouterr().out


def test_a_board_that_is_something_else_is_told(asked, capsys):
    other = dataclasses.replace(IDENTITY, frequency=48_000_000, rah_bits=7)
    assert asked(other) == 2
    out, err = capsys.readouterr()
    assert "is programmed" not in out
    assert err == (
        "allspin: what answers on /dev/ttyUSB1 is not what was programmed: "
        f"frequency 48000000, not {IDENTITY.frequency}; rah bits 7, not {IDENTITY.rah_bits}\n"
    )


def test_a_board_that_does_not_answer_is_told(asked, capsys):
    silent = UserError("nobody answers on it")
    assert asked(silent) == 0
    out, err = capsys.readouterr()
    assert err == (
        "allspin: iCEBreaker was programmed, but does not answer: nobody answers on it\n"
    )
    assert "is programmed; now:" in out
    assert asked(silent, "--port", "/dev/ttyUSB7") == 2
    assert "does not answer: nobody answers on it" in capsys.readouterr().err
