"""The command line's frame: one line on stderr for what the user can mend."""

import errno
import os
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from host.cli import main as main_module
from host.cli.main import COMMANDS, build_parser, main
from sim.errors import UserError


@pytest.fixture
def command(monkeypatch):
    """Replace every command's module by one that raises or returns what the test puts there."""
    outcome = SimpleNamespace(value=0)

    def run(arguments):
        if isinstance(outcome.value, BaseException):
            raise outcome.value
        return outcome.value

    module = SimpleNamespace(HELP="", EPILOG="", add_arguments=lambda parser: None, run=run)
    monkeypatch.setattr(main_module, "load_command", lambda name: module)
    return outcome


def test_status_of_the_command_is_returned(command):
    command.value = 3
    assert main(["info"]) == 3


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("no such thing:\nname another"), 2, "allspin: no such thing: name another"),
        (KeyboardInterrupt(), 130, "allspin: interrupted"),
        (MemoryError(), 2, "allspin: not enough memory: fewer images may fit"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "net"),
            2,
            "allspin: No space left on device: net",
        ),
        (OSError(errno.EACCES, "Permission denied"), 2, "allspin: Permission denied"),
    ],
)
def test_foreseeable_trouble_is_one_line(command, capfd, error, status, line):
    command.value = error
    with pytest.MonkeyPatch.context() as patch:
        # The real one would close the stdout that pytest listens to.
        patch.setattr(main_module, "_silence_stdout", lambda: None)
        assert main(["info"]) == status
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"{line}\n")


@pytest.mark.parametrize(
    "fault", [KeyError("row"), ValueError("shape"), OSError(errno.ENOENT, "No such file")]
)
def test_a_fault_of_the_program_keeps_its_traceback(command, fault):
    command.value = fault
    with pytest.raises(type(fault)):
        main(["info"])


def test_a_broken_pipe_that_is_not_stdout_is_a_fault(command):
    command.value = BrokenPipeError(errno.EPIPE, "Broken pipe")
    with pytest.raises(BrokenPipeError):
        main(["info"])


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ([], "a command is needed: train"),
        (["paint"], "invalid choice: 'paint'"),
        (["--colour"], "unrecognized arguments: --colour"),
        (["info", "--colour"], "unrecognized arguments: --colour"),
        (["--hel"], "unrecognized arguments: --hel"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_points_to_help(command, capsys, argv, word):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("allspin")
    assert word in err
    assert "--help)" in err


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert name in listed
        assert summary in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_that_parse(capsys, name):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    lines = text.replace("\\\n", "").splitlines()
    examples = [re.split("[#>]", line)[0] for line in lines if line.startswith("  allspin ")]
    assert examples
    for example in examples:
        words = shlex.split(example)[1:]
        assert build_parser([words[0]]).parse_args(words).command == words[0]


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from host.cli.main import main; main(['--help']);"
        "sys.exit(str({'numpy', 'amaranth', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


def run_help(stdout):
    """The command line's help as a process of its own, its output buffered as a user's is."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-m", "host", "--help"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=environment,
    )


def test_a_full_disk_under_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = run_help(full)
    assert (done.returncode, done.stderr) == (2, "allspin: No space left on device\n")


def test_a_reader_that_leaves_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = run_help(writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
