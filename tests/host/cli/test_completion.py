"""``allspin --completion``: scripts that shells take, with the names of what ships."""

import subprocess

import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.cli.commands import COMMANDS, SHELLS, build_parser
from allspin.host.cli.completion import completion_script
from allspin.host.data.catalogue import shipped_devices, shipped_networks

ASK = """\
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_shtab_allspin
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash offers for the last word of a line."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        script = completion_script(build_parser(list(COMMANDS)), shell)
        (folder / shell).write_text(script)
    return folder


@pytest.mark.parametrize(
    "shell",
    [pytest.param(name, marks=() if name == "bash" else pytest.mark.tool(name)) for name in SHELLS],
)
def test_a_shell_takes_its_script(scripts, shell):
    subprocess.run([shell, "-n", scripts / shell], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_name_is_in_every_script(scripts, shell):
    text = (scripts / shell).read_text()
    for name in (*COMMANDS, *shipped_networks(), *shipped_devices(), *find_boards()):
        assert name in text
    if shell != "bash":  # a command is described by its line of the list
        assert all(COMMANDS[command] in text for command in ("virtual", "chips"))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ru", "run"),
        ("run paper-1", "paper-10 paper-100"),
        ("run paper-10 --rows", "--rows-per-clock"),
        ("run paper-10 --on vi", "virtual"),
        ("run paper-10 --on g", "golden"),
        ("selftest --on g", ""),
        ("selftest --on v", "virtual"),
        ("run paper-10 --device pap", "paper"),
        ("build icebreaker ulx3s-8", "ulx3s-85f"),
        ("sim paper-10 --simulator v", "verilator"),
        ("demo --style paper-1", "paper-1"),
        ("sweep --program wr", "write-verify"),
    ],
)
def test_bash_completes_commands_options_values_and_names(scripts, tmp_path, words, offered):
    command = ["bash", "-c", ASK, "bash", scripts / "bash", "allspin", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert set(done.stdout.split()) == set(offered.split())
