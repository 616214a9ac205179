"""Set-up says in one line what is missing, and `make help` names every target."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "prerequisites"


def machine(path: Path, scripts: dict[str, str], **variables: str):
    """Run the script on a machine that has only these tools."""
    path.mkdir()
    shell = shutil.which("sh")
    assert shell is not None
    for name, script in scripts.items():
        # A script, since a link to Python would not find its library.
        (path / name).write_text(f"#!{shell}\n{script}\n")
        (path / name).chmod(0o755)
    return subprocess.run(
        [shell, str(SCRIPT), "python3"],
        env={"PATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


REAL = {
    name: f'exec "{sys.executable if name == "python3" else shutil.which(name)}" "$@"'
    for name in ("sh", "python3", "c++", "perl", "git")
}
"""Tools as they are."""


def test_a_whole_machine_passes_in_silence(tmp_path):
    done = machine(tmp_path / "bin", REAL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("changes", "variables", "words"),
    [
        ({"python3": None}, {}, ["Python 3.11", "make PYTHON="]),
        ({"c++": None}, {}, ["C++ compiler", "install the package g++"]),
        ({"perl": None}, {}, ["perl", "install the package perl"]),
        ({"git": None}, {}, ["git", "install the package git"]),
        ({}, {"CXX": "nonesuch++ -pipe"}, ["there is no nonesuch++:"]),
        # What a Python does with the script's questions: 1 for no, and its version.
        (
            {"python3": 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac'},
            {},
            ["3.11 or newer", "is 3.9.2"],
        ),
        (
            {"python3": 'case "$2" in *ensurepip*) exit 1;; esac'},
            {},
            ["ensurepip", "python3-venv"],
        ),
        (
            {"python3": 'case "$2" in *INSTSONAME*) exit 1;; esac'},
            {},
            ["shared library", "libpython3-dev"],
        ),
    ],
)
def test_what_is_missing_old_or_bare_is_one_line_with_the_fix(tmp_path, changes, variables, words):
    scripts = {name: script for name, script in (REAL | changes).items() if script is not None}
    done = machine(tmp_path / "bin", scripts, **variables)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert all(word in done.stderr for word in words)
