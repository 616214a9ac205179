"""``allspin --completion``: scripts that shells take, with the names of what ships."""

import subprocess

import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.cli.completion import completion_script
from allspin.host.cli.main import main
from allspin.host.cli.parser import COMMANDS, SHELLS, build_parser
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
    paths = {}
    for shell in SHELLS:
        paths[shell] = folder / shell
        paths[shell].write_text(completion_script(build_parser(list(COMMANDS)), shell))
    return paths


def offered(scripts, *words):
    command = ["bash", "-c", ASK, "bash", str(scripts["bash"]), "allspin", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_takes_its_script(scripts):
    subprocess.run(["bash", "-n", str(scripts["bash"])], check=True)


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param("zsh", marks=pytest.mark.tool("zsh")),
        pytest.param("fish", marks=pytest.mark.tool("fish")),
    ],
)
def test_other_shells_take_theirs(scripts, shell):
    subprocess.run([shell, "-n", str(scripts[shell])], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_name_is_in_every_script(scripts, shell):
    text = scripts[shell].read_text()
    for name in (*COMMANDS, *shipped_networks(), *shipped_devices(), *find_boards()):
        assert name in text


def test_bash_completes_commands_options_values_and_names(scripts):
    assert offered(scripts, "ru") == {"run"}
    assert offered(scripts, "run", "paper-1") == {"paper-10", "paper-100"}
    assert offered(scripts, "run", "paper-10", "--rows") == {"--rows-per-clock"}
    assert offered(scripts, "run", "paper-10", "--on", "vi") == {"virtual"}
    assert offered(scripts, "run", "paper-10", "--device", "pap") == {"paper"}
    assert offered(scripts, "build", "icebreaker", "ulx3s-8") == {"ulx3s-85f"}
    assert offered(scripts, "sim", "paper-10", "--simulator", "v") == {"verilator"}
    assert "golden" in offered(scripts, "run", "paper-10", "--on", "")
    assert "golden" not in offered(scripts, "selftest", "--on", "")
    assert "virtual" in offered(scripts, "selftest", "--on", "")
    assert offered(scripts, "demo", "--format", "svg") == {"svg", "svg,pdf"}
    assert offered(scripts, "sweep", "--program", "wr") == {"write-verify"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_command_is_described_by_its_line_of_the_list(scripts, shell):
    text = scripts[shell].read_text()
    for command in ("virtual", "chips"):
        assert COMMANDS[command] in text


def test_another_shell_is_refused_and_one_that_is_like_it_asked_for(capsys):
    assert main(["--completion", "bsh"]) == 2
    assert "(did you mean bash?)" in capsys.readouterr().err
