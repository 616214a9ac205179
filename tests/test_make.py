"""`.ci/prerequisites` reports each missing program in a line that names the package to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "prerequisites"


def check(path: Path, scripts: dict[str, str], *words: str, **variables: str):
    """Run the script on a machine that has only these programs."""
    path.mkdir()
    shell = shutil.which("sh")
    assert shell is not None
    for name, script in scripts.items():
        # A script, since a link to Python would not find its library.
        (path / name).write_text(f"#!{shell}\n{script}\n")
        (path / name).chmod(0o755)
    return subprocess.run(
        [shell, str(SCRIPT), "python3", *words],
        env={"PATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


REAL = {
    name: f'exec "{sys.executable if name == "python3" else shutil.which(name)}" "$@"'
    for name in ("sh", "python3", "c++", "perl", "git")
}
"""Programs of this machine."""
NO_SHARED_LIBRARY = {"python3": 'case "$2" in *INSTSONAME*) exit 1;; esac'}


def test_a_whole_machine_passes_in_silence(tmp_path):
    done = check(tmp_path / "bin", REAL, "tests")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_demonstration_needs_no_programs_of_tests(tmp_path):
    bare = {name: REAL[name] for name in ("sh", "c++")} | NO_SHARED_LIBRARY
    assert check(tmp_path / "bin", bare).returncode == 0


@pytest.mark.parametrize(
    ("changes", "variables", "words"),
    [
        ({"python3": None}, {}, ["Python 3.11", "make PYTHON="]),
        ({"c++": None}, {}, ["g++"]),
        ({"perl": None}, {}, ["perl"]),
        ({"git": None}, {}, ["git"]),
        ({}, {"CXX": "nonesuch++ -pipe"}, ["nonesuch++"]),
        # The script's questions to Python are answered by status 1 for no, or by a version.
        (
            {"python3": 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac'},
            {},
            ["3.11 or newer", "3.9.2"],
        ),
        ({"python3": 'case "$2" in *ensurepip*) exit 1;; esac'}, {}, ["python3-venv"]),
        (NO_SHARED_LIBRARY, {}, ["libpython3-dev"]),
    ],
)
def test_a_missing_or_old_program_is_one_line_with_the_fix(tmp_path, changes, variables, words):
    scripts = {name: script for name, script in (REAL | changes).items() if script is not None}
    done = check(tmp_path / "bin", scripts, "tests", **variables)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert all(word in done.stderr for word in words)
