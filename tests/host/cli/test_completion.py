"""``allspin --completion``: shells take the scripts, and complete typed words."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.host.cli.commands import COMMANDS, SHELLS
from allspin.host.cli.main import main
from tests.processes import PATIENCE

BASH = """\
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_allspin
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = """\
source $argv[1]
complete --do-complete (string join ' ' -- $argv[2..])
"""
ZSH = """\
fpath=(FOLDER $fpath)
autoload -U compinit
compinit -u -D
compadd() {
  local -a found
  builtin compadd -A found "$@"
  print -l -- $found >> offered
  builtin compadd "$@"
}
PROMPT=ready
"""
"""Scripts by which a shell writes its proposals for the last word of a line."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of each shell, and with the program that the scripts ask."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        words = [sys.executable, "-m", "allspin", "--completion", shell]
        with (folder / shell).open("wb") as file:
            subprocess.run(words, stdout=file, check=True)
    program = folder / "allspin"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m allspin "$@"\n')
    program.chmod(0o755)
    return folder


def shells(*names: str):
    """Give a test each shell; it is skipped where another than bash is not installed."""
    marks = {name: () if name == "bash" else pytest.mark.tool(name) for name in names}
    return pytest.mark.parametrize(
        "shell", [pytest.param(name, marks=marks[name]) for name in names]
    )


@shells(*SHELLS)
def test_a_shell_takes_its_script(scripts, shell):
    done = subprocess.run([shell, "-n", scripts / shell], capture_output=True, check=True)
    assert done.stderr == b""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_every_script(scripts, shell):
    text = (scripts / shell).read_text()
    assert all(name in text for name in COMMANDS)
    if shell != "bash":  # a command is described by its line of the list
        assert all(COMMANDS[command] in text for command in ("virtual", "chips"))


@shells(*SHELLS)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ru", "run"),
        ("run paper-1", "paper-10 paper-100"),
        ("run paper-10 --rows-p", "--rows-per-clock"),
        ("run paper-10 --device pap", "paper"),
        ("build icebreaker ulx3s-8", "ulx3s-85f"),
        ("chips paper-10 paper-10", "paper-10 paper-100"),
        ("run mine", "mine.safetensors"),
        ("run paper-10 --on vi", "virtual"),
        ("run paper-10 --on g", "golden"),
        ("selftest --on v", "virtual"),
        ("selftest --on g", ""),
        ("demo --style paper-1", "paper-1"),
    ],
)
def test_commands_options_and_names_are_completed(scripts, tmp_path, shell, words, offered):
    (tmp_path / "mine.safetensors").touch()
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = f"allspin {words}"
    if shell == "zsh":
        found = offered_by_zsh(line, scripts / shell, tmp_path, environment)
    else:
        ask = ["-c", BASH, "bash"] if shell == "bash" else ["--no-config", "-c", FISH]
        command = [shell, *ask, scripts / shell, *line.split()]
        found = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
        ).stdout
    names = {each.split("\t")[0] for each in found.splitlines()}
    assert names - {""} == set(offered.split())


def offered_by_zsh(line: str, script: Path, folder: Path, environment: dict[str, str]) -> str:
    """Type a line and a tab in a terminal, since zsh does not complete without one."""
    (folder / ".zshrc").write_text(ZSH.replace("FOLDER", str(folder)))
    shutil.copy(script, folder / "_allspin")
    here, there = pty.openpty()
    settings = environment | {"ZDOTDIR": str(folder), "TERM": "dumb"}
    process = subprocess.Popen(
        ["zsh", "-i"],
        stdin=there,
        stdout=there,
        stderr=there,
        cwd=folder,
        env=settings,
        start_new_session=True,
    )
    os.close(there)
    shown = b""
    try:
        while b"ready" not in shown:
            shown += os.read(here, 4096)
        os.write(here, f"{line}\t\x15exit\n".encode())
        with contextlib.suppress(OSError):  # the terminal ends with the shell
            while os.read(here, 4096):
                pass
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(here)
    offered = folder / "offered"
    return offered.read_text() if offered.exists() else ""


@pytest.mark.parametrize("shell", ["", "tcsh"])
def test_other_shells_are_refused(shell, capsys):
    assert main(["--completion", shell]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "bash" in err
