"""Set-up says in one line what is missing, and `make help` names every target."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "prerequisites"
TOOLS = ("sh", "python3", "c++", "perl", "git")


@pytest.fixture
def machine(tmp_path):
    """Run the script on a machine that has only the tools it is given."""

    def check(*tools, python="python3", fake="", **variables):
        path = tmp_path / "bin"
        path.mkdir()
        for tool in tools:
            real = sys.executable if tool == "python3" else shutil.which(tool)
            assert real is not None
            # A script, since a link to Python would not find its library.
            (path / tool).write_text(f'#!{shutil.which("sh")}\nexec "{real}" "$@"\n')
            (path / tool).chmod(0o755)
        if fake:
            (path / "python3").write_text(f"#!{shutil.which('sh')}\n{fake}\n")
            (path / "python3").chmod(0o755)
        environment = {"PATH": str(path), **variables}
        return subprocess.run(
            [shutil.which("sh") or "sh", str(SCRIPT), python],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return check


def test_a_whole_machine_passes_in_silence(machine):
    done = machine(*TOOLS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("python3", ["Python 3.11", "make PYTHON="]),
        ("c++", ["C++ compiler", "install the package g++"]),
        ("perl", ["perl", "install the package perl"]),
        ("git", ["git", "install the package git"]),
    ],
)
def test_a_missing_tool_is_one_line_with_the_fix(machine, missing, words):
    done = machine(*(tool for tool in TOOLS if tool != missing))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_a_compiler_that_was_named_must_be_there(machine):
    done = machine(*TOOLS, CXX="nonesuch++ -pipe")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "there is no nonesuch++:" in done.stderr


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        # What a Python does with the script's questions: 1 for no, and its version.
        ('case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac', ["3.11 or newer", "is 3.9.2"]),
        ('case "$2" in *ensurepip*) exit 1;; esac', ["ensurepip", "python3-venv"]),
        ('case "$2" in *INSTSONAME*) exit 1;; esac', ["shared library", "libpython3-dev"]),
    ],
)
def test_an_old_or_bare_python_is_one_line_with_the_fix(machine, fake, words):
    done = machine(*(tool for tool in TOOLS if tool != "python3"), fake=fake)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
