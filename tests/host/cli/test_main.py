"""The command line's frame: one line on stderr for a mistake that the user can mend."""

import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import numpy as np
import pytest

from allspin.host.cli import main as main_module
from allspin.host.cli.command import arguments_of, command_app
from allspin.host.cli.commands import COMMANDS, GROUPS
from allspin.host.cli.main import main
from allspin.host.cli.recipe import Recipe
from allspin.host.data import extensions
from allspin.host.data.catalogue import network_path
from allspin.sim.errors import VARIABLE, UserError
from tests.command_lines import read_options


@pytest.fixture
def command(monkeypatch, capfd, tmp_path):
    """Run a command that raises: ``command(error)`` is exit status, stdout and stderr."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # The real one would close the stdout that pytest listens to.
    monkeypatch.setattr(main_module, "silence_streams", lambda *streams: None)

    def perform(error):
        def run():
            raise error

        module = SimpleNamespace(EXAMPLES="", run=run)
        monkeypatch.setitem(sys.modules, "allspin.host.cli.demo", module)
        return main(["demo"]), *capfd.readouterr()

    return perform


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("no such thing:\nname another"), 2, "no such thing: name another"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "not enough memory: fewer images may fit"),
        (
            OSError(errno.ENOSPC, "No space left on device", "net"),
            2,
            "No space left on device: net",
        ),
        (OSError(errno.EACCES, "Permission denied"), 2, "Permission denied"),
    ],
)
def test_foreseeable_trouble_is_one_line(command, error, status, line):
    assert command(error) == (status, "", f"allspin: {line}\n")


@pytest.mark.parametrize(
    "fault",
    [
        KeyError("row"),
        ValueError("shape"),
        OSError(errno.ENOENT, "No such file"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),  # not from stdout, whose reader is open
        RecursionError(),
    ],
)
def test_a_fault_of_the_program_is_one_line_and_keeps_its_traceback_in_a_file(
    command, tmp_path, fault
):
    status, out, err = command(fault)
    (file,) = tmp_path.iterdir()
    assert (status, out, err.count("\n")) == (70, "", 1)
    assert err.startswith("allspin: this is a bug in allspin, not in what you gave it (")
    assert type(fault).__name__ in err
    assert err.endswith(f"; its traceback is in {file}\n")
    content = file.read_text()
    assert content.startswith("allspin demo\n")
    assert "Traceback (most recent call last)" in content
    assert f", in run\n    raise error\n{type(fault).__name__}" in content


def test_a_fault_of_the_user_s_own_file_is_the_user_s(command, tmp_path, monkeypatch):
    mine = tmp_path / "mine.py"
    mine.write_text("def response():\n    return 1 / 0\n")
    monkeypatch.setattr(extensions, "_loaded", {})
    monkeypatch.setenv(VARIABLE, str(mine))
    extensions.load_extensions()
    with pytest.raises(ZeroDivisionError) as raised:
        sys.modules.pop(str(mine)).response()
    status, _, err = command(raised.value)
    assert (status, err) == (
        2,
        f"allspin: {mine}, line 2: ZeroDivisionError: division by zero "
        "(a file that ALLSPIN_EXTENSIONS names)\n",
    )
    assert not list(tmp_path.glob("allspin-fault-*"))


@pytest.mark.parametrize("case", ["asked for", "no folder"])
def test_a_traceback_goes_to_stderr_if_asked_for_or_without_a_folder(command, monkeypatch, case):
    if case == "asked for":
        monkeypatch.setenv("ALLSPIN_DEBUG", "1")
    else:
        monkeypatch.setattr(main_module, "tempfile", None)
    status, _, err = command(KeyError("row\x1b[31m"))
    *trace, line = err.splitlines()
    assert (status, trace[0]) == (70, "Traceback (most recent call last):")
    assert trace[-1] == "KeyError: 'row\\x1b[31m'"
    assert line.startswith("allspin: this is a bug")
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "KeyError: 'row\\x1b[31m'"
    assert line.endswith("above") == (case == "no folder")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "demo"),  # the commands are listed
        ("paint", "paint"),
        ("--colour", "--colour"),
        ("--hel", "--hel"),
        ("demo --colour", "--colour"),
        ("demo '\x1b[31m'", "\\x1b[31m"),
        ("run mnist-10 paper-10", "paper-10"),
        ("run", "NETWORK"),
        ("train", "--output"),
        ("run mnist-10 --imag 3", "--imag"),
        ("run mnist-10 --keep_states", "--keep-states"),
        ("run mnist-10 --keep-state", "--keep-state"),
        ("run mnist-10 --no-check", "--no-check"),
        ("run mnist-10 --steps 3", "--steps"),
        ("run mnist-10 --machine.on golden", "--machine.on"),
        ("run mnist-10 --images", "--images"),
        ("run mnist-10 --images --check", "--images"),
        ("run mnist-10 --images 1.5", "--images"),
        ("run mnist-10 --images 1_000", "--images"),
        ("run mnist-10 --images ''", "--images"),
        ("run mnist-10 --images 3 --images 3", "--images"),
        ("run mnist-10 --check --check", "--check"),
        ("run mnist-10 --on golden --on virtual", "--on"),
        ("train -o a --output b", "-o"),
        ("train -o a --states 1e1", "--states"),
        ("train -o a --noise much", "--noise"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_names_the_mistake(cli, words, named):
    line = cli.refused(words)
    assert named in line
    assert line.isprintable()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_80_columns_and_has_examples_that_parse(name, cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text, _ = cli.run(f"{name} --help")
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()  # no boxes
    lines = text.replace("\\\n", "").splitlines()
    examples = [re.split("[#>]", line)[0] for line in lines if line.startswith("  allspin ")]
    assert examples
    for _, command, *words in map(shlex.split, examples if name else ()):
        # A few commands are followed by another one, which uses their output.
        read_options(command, words)


def test_help_lists_each_option_with_its_text(cli):
    for name in COMMANDS:
        text, _ = cli.run(f"{name} -h")
        for argument in arguments_of(command_app(name, Recipe())):
            if argument.parse and not argument.children:
                label = argument.parameter.metavar if argument.index == 0 else argument.name
                assert re.search(rf"(?m)^  .*{re.escape(str(label))}(?!\w)", text), (name, label)
                assert argument.parameter.help, (name, label)


def test_an_option_is_a_switch_in_all_commands_or_in_none():
    kinds: dict[str, set[bool]] = {}
    for name in COMMANDS:
        for argument in arguments_of(command_app(name, Recipe())):
            if argument.parse and not argument.children:
                kinds.setdefault(argument.name, set()).add(argument.is_flag())
    assert [option for option in kinds if len(kinds[option]) > 1] == []


def test_help_lists_each_command_in_its_group(cli):
    text = cli.run("--help")[0].partition("examples:")[0]
    found = re.findall(r"(?m)^  (?:(\w+):|  (\w+) {2,}.*)$", text)
    expected = []
    for group in GROUPS:
        expected += [(group, ""), *(("", name) for name in GROUPS[group])]
    assert [each for each in found if each in expected] == expected


def test_help_imports_no_heavy_package():
    heavy = {"numpy", "amaranth", "matplotlib", "rich", "cyclopts"}
    code = (
        "import sys; from allspin.host.cli.main import main; main(['--help']);"
        f"sys.exit(str({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


CALL = "import sys; from allspin.host.cli.main import main; sys.exit(main())"


def process(*words, code=CALL, **options):
    """The command line as a process of its own, its output buffered as a user's is."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    options = {"text": True, "errors": "replace", "check": False, **pipes, **options}
    environment |= options.pop("env", {})
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, **options)


def test_help_is_all_that_is_printed_however_long_it_takes():
    assert process("--help", env={"ALLSPIN_TICK": "0.001"}).stderr == ""
    assert process("run", "-h", env={"ALLSPIN_TICK": "0.001"}).stderr == ""


@pytest.mark.parametrize(
    ("words", "env"), [(("--help",), {}), (("run", "--help"), {"PYTHONUNBUFFERED": "1"})]
)
def test_help_that_cannot_be_written_is_no_success(words, env):
    with open("/dev/full", "w") as full:
        done = process(*words, stdout=full, env=env)
    assert (done.returncode, done.stderr) == (
        2,
        "allspin: No space left on device: stdout, or a temporary file\n",
    )


@pytest.mark.parametrize("place", ["a full disk", "a terminal that is gone"])
@pytest.mark.parametrize(
    "words", [("run", "mnist-10", "--images", "10"), ("run", "nothing"), ("run", "--nonsense")]
)
def test_a_stderr_that_cannot_be_written_is_not_logits_that_differ(place, words):
    terminal, handle = os.openpty()
    os.close(terminal)
    if place == "a full disk":
        os.close(handle)
        handle = os.open("/dev/full", os.O_WRONLY)
    status = process(*words, stderr=handle).returncode
    os.close(handle)
    assert status == 2


@pytest.fixture
def closed():
    """A pipe without a reader."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


# A call of each way to print, for the commands that take minutes.
PRINTERS = {
    "say": "say('words')",
    "a table": "Terminal().print(Table('words'))",
    "many lines": "[say('words') for _ in range(100000)]",
    "many tables": "[Terminal().print(Table('words')) for _ in range(100)]",
    "progress": "tell('words')",
    "a complaint": "warn('words')",
    "an error": "raise_(UserError('words'))",
    "steps": "Steps().start('words')",
    "a bar": "bar()",
}
PRINT = """
import os, sys
from types import SimpleNamespace
from rich.table import Table
from allspin.host.cli import main
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, tell, warn
from allspin.host.show.terminal import Terminal
from allspin.sim.errors import UserError

def raise_(error):
    raise error

def bar():
    os.environ["TTY_COMPATIBLE"] = "1"
    with Steps() as steps:
        steps.start("words")
        steps.finish()

def run():
    return WORK or 0

sys.modules["allspin.host.cli.demo"] = SimpleNamespace(EXAMPLES="", run=run)
sys.exit(main.main(["demo"]))
"""


@pytest.mark.parametrize("way", PRINTERS)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_may_leave_either_stream(closed, tmp_path, stream, way):
    code = PRINT.replace("WORK", f"({PRINTERS[way]}, 0)[1]")
    done = process(code=code, env={"ALLSPIN_CACHE": str(tmp_path)}, **{stream: closed})
    on_stderr = way in ("progress", "a complaint", "an error", "steps", "a bar")
    expected = 2 if way == "an error" else 0
    assert done.returncode == (141 if (stream == "stderr") == on_stderr else expected)
    other = done.stdout if stream == "stderr" else done.stderr
    assert "Traceback" not in other
    assert not list(tmp_path.iterdir())


def test_a_closed_stdout_is_no_file_s(tmp_path):
    # Without a stdout, output would go into the next file to be opened.
    code = f"""
import os
for number in range(3):
    os.close(number)
os.execv({sys.executable!r}, [{sys.executable!r}, "-c",
    {CALL!r},
    "run", "mnist-10", "--images", "3", "--logits", "o.npy"])
"""
    done = process(code=code, cwd=tmp_path)
    assert done.returncode == 0
    assert np.load(tmp_path / "o.npy").shape == (3, 10)


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_any_text_can_be_printed_in_any_encoding(tmp_path, environment):
    # Its table has a plus-minus, and the names are in no encoding but UTF-8, if any.
    name = os.fsdecode("nö-μ-".encode() + b"\xff.safetensors")
    shutil.copy(network_path("paper-10"), tmp_path / name)
    done = process(*("chips", name, "--images", "3", "--chips", "2"), cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("rnu mnist-10", "run"),
        ("--completion bsh", "bash"),
        ("run mnst-10", "mnist-10"),
        ("run mnist-10 --onn virtual", "--on"),
        ("run mnist-10 --on virtul", "virtual"),
        ("run mnist-10 --chip 1 --device papr", "paper"),
        ("run mnist-10 --chip 1 --program pulse-with", "pulse-width"),
        ("sim mnist-10 --simulator verilater", "verilator"),
        ("flash icebraker", "icebreaker"),
        ("build ulx3s-85f:fasst", "fast"),
        ("train -o net.safetensors --neuron cmos-bar", "cmos-bare"),
        ("compare mnist-10 --periphery amplifer", "amplifier"),
        ("sweep --network mnist-10 --program open-lop -o a.csv", "open-loop"),
    ],
)
def test_a_name_that_is_nearly_right_is_asked_for(words, name, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert re.search(rf"[Dd]id you mean {name}\?", cli.refused(words))
