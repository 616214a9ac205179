"""Set-up says in one line what is missing, and `make help` names every target."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "prerequisites"
OPTIONAL = {
    "iverilog": "iverilog",
    "ngspice": "ngspice",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "node": "nodejs",
    "tsc": "node-typescript",
}
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


def test_another_compiler_can_be_named(machine):
    tools = [tool for tool in TOOLS if tool != "c++"]
    assert machine(*tools, "g++", CXX="g++ -pipe").returncode == 0


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


@pytest.fixture
def ci(tmp_path):
    """Run `.ci/run` with programs that only write down how they were called."""
    folder = tmp_path / "ci"
    folder.mkdir()
    sh = shutil.which("sh")
    for tool in ("dirname", "timeout"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)

    def run(**programs):
        calls = tmp_path / "calls"
        calls.write_text("")
        for name, body in {"make": "exit 7", "id": "echo 0", **programs}.items():
            program = folder / name.replace("_", "-")
            program.write_text(f'#!{sh}\necho "{program.name} $*" >> {calls}\n{body}\n')
            program.chmod(0o755)
        done = subprocess.run(
            [sh or "sh", str(ROOT / ".ci" / "run")],
            env={"PATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        installed = re.findall("^apt-get .*install.* ([a-z-]+)$", calls.read_text(), re.MULTILINE)
        return done, installed, calls.read_text().splitlines()[-1]

    return run


def test_the_packages_that_marked_tests_want_are_installed_where_they_are_missing(ci):
    done, installed, last = ci(apt_get="")
    assert (done.returncode, done.stderr, last) == (7, "", "make test")
    assert installed == list(OPTIONAL.values())
    _, installed, last = ci(apt_get="", **dict.fromkeys(OPTIONAL.keys() - {"chromium"}, ""))
    assert (installed, last) == (["chromium"], "make test")
    assert ci(apt_get="", **dict.fromkeys(OPTIONAL, ""))[1:] == ([], "make test")


@pytest.mark.parametrize(
    ("programs", "lines"),
    [({}, 1), ({"apt_get": "", "id": "echo 1000"}, 1), ({"apt_get": "exit 100"}, len(OPTIONAL))],
)
def test_tests_run_where_no_package_can_be_installed(ci, programs, lines):
    done, installed, last = ci(**programs)
    assert (done.returncode, last) == (7, "make test")
    assert len(installed) == (lines if lines > 1 else 0)
    assert done.stderr.count("\n") == done.stderr.count("skipped") == lines


@pytest.mark.parametrize(
    ("make", "called", "lines"),
    [
        ("exit 0", ["test", ".venv/docs-installed", "docs", "long"], 0),
        ('test "$1" != docs', ["test", ".venv/docs-installed", "docs"], 0),
        ('test "$1" != .venv/docs-installed', ["test", ".venv/docs-installed", "long"], 1),
    ],
)
def test_the_site_is_built_where_its_packages_can_be_had(ci, tmp_path, make, called, lines):
    done, _, _ = ci(make=make, apt_get="", **dict.fromkeys(OPTIONAL, ""))
    calls = (tmp_path / "calls").read_text()
    assert re.findall("^make (.*)$", calls, re.MULTILINE) == called
    assert done.returncode == (called[-1] != "long")
    assert done.stderr.count("\n") == done.stderr.count("skipped") == lines


def test_no_target_installs_a_system_s_package():
    text = (ROOT / "Makefile").read_text()
    assert not re.search(r"\b(apt|apt-get|dpkg|sudo|dnf|brew)\b|\.ci/(optional|run)", text)


def test_help_lists_every_target():
    make = shutil.which("make")
    assert make is not None
    listed = subprocess.run(
        [make, "--no-print-directory"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    targets = re.findall(r"^\.PHONY: (\w+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"help", "demo", "test"} <= set(targets)
    assert re.findall(r"^make (\w+) +\S", listed, re.MULTILINE) == targets
