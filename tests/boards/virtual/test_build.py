"""The cache of compiled gateware: compiled once, whole or not at all, one line when it cannot be.

The compiler here is a script that writes down its calls, with their arguments.
"""

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import allspin.boards.virtual.build as module
from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build, compiler
from allspin.hdl.cache.seal import SEAL
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network
from tests.processes import PATIENCE, wait_for

PARAMETERS = TopParameters.from_network(random_network((5, 2), 0))
COMPILER = """\
#!/bin/sh
for word; do if test "$word" = --version; then echo "test compiler 1.0"; exit; fi; done
echo call >> {log}
eval "$WORK"
while test "$1" != -o; do shift; done
echo '#!/bin/sh' > "$2"; chmod +x "$2"
"""
START = """\
import allspin.boards.virtual.build as module
from allspin.sim.network.random_network import random_network
parameters = module.TopParameters.from_network(random_network((5, 2), 0))
print(module.build(parameters))
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "deep" / "cache"))
    return tmp_path / "deep" / "cache"


@pytest.fixture
def log(tmp_path, monkeypatch, cache):
    """Put the script in the compiler's place, and return the file of its calls."""
    path, log = tmp_path / "compiler", tmp_path / "log"
    path.write_text(COMPILER.format(log=log))
    path.chmod(0o755)
    log.touch()
    monkeypatch.setenv("CXX", str(path))
    return log


def calls(log):
    return log.read_text().count("call")


def programs(cache):
    """Contents of the cache of builds, left-overs of unfinished ones included."""
    return [*(cache / "builds").glob("*")]


def built(parameters=PARAMETERS, **options):
    """The program, and the progress lines of its build, each once."""
    said = {}
    program = build(parameters, progress=lambda what, seconds: said.setdefault(what), **options)
    return program, list(said)


def test_compiled_once_and_told_of(log, cache):
    with pytest.raises(UserError, match="not compiled"):
        build(PARAMETERS, compiles=False)
    assert calls(log) == 0
    program, said = built()
    assert said == [
        "elaborating the gateware",
        "translating the gateware to C++",
        "compiling the gateware into a simulator",
    ]
    assert programs(cache) == [program.parent]
    assert sorted(program.parent.iterdir()) == [program, program.parent / SEAL]
    assert program.stat().st_mode & stat.S_IXUSR
    assert built() == built(compiles=False) == (program, [])
    assert calls(log) == 1


def test_another_design_compiler_or_driver_is_another_program(log, cache, tmp_path, monkeypatch):
    network = random_network((5, 2), 0)
    one_lane = TopParameters.from_network(network, HardwareProfile(lanes=1))
    found = [build(PARAMETERS), build(one_lane)]
    with monkeypatch.context() as patch:
        patch.setenv("CXX", f"{log.with_name('compiler')} -DOTHER")
        found.append(build(PARAMETERS))
    changed = tmp_path / "main.cpp"
    changed.write_text(module.MAIN.read_text() + "// changed\n")
    found.append(build(PARAMETERS, replace(module.NATIVE, sources=(changed, module.HOST_SIDE))))
    assert len(set(found)) == len(found) == calls(log)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_the_note_about_a_design_is_not_believed_blindly(log, cache, monkeypatch, content):
    """After a change of a source, or if the note is no digest, only elaboration is repeated."""
    program = build(PARAMETERS)
    (memory,) = cache.glob("notes/design-*")
    if content is None:
        monkeypatch.setattr(module, "sources_digest", lambda: "a comment changed")
    else:
        memory.write_bytes(content)
    assert built() == (program, ["elaborating the gateware"])
    assert calls(log) == 1
    assert memory.read_bytes() != content


def test_a_build_that_is_killed_takes_its_compiler_along(log, cache, monkeypatch):
    monkeypatch.setenv("WORK", f"sleep 100 & echo $! > {log}.pid; wait")
    process = subprocess.Popen(
        [sys.executable, "-c", START], stdout=subprocess.PIPE, start_new_session=True
    )
    file = Path(f"{log}.pid")
    wait_for(lambda: file.exists() and file.read_text().strip())
    process.kill()
    process.communicate(timeout=PATIENCE)
    compiler_pid = int(file.read_text())
    wait_for(lambda: not Path(f"/proc/{compiler_pid}").exists())
    assert all(path.name.startswith(".") for path in programs(cache))


def test_a_failing_compiler_is_one_line(log, cache, monkeypatch):
    work = "echo 'main.cpp: In function f:' >&2; echo 'x.cpp:1: error: no good' >&2; exit 1"
    monkeypatch.setenv("WORK", work)
    with pytest.raises(UserError, match=r"compiler: x\.cpp:1: error: no good"):
        build(PARAMETERS)
    assert programs(cache) == []


def test_a_failing_yosys_is_one_line(log):
    line = "translating the gateware to C\\+\\+ failed: .*: ERROR: Parser error"
    with pytest.raises(UserError, match=line):
        build(PARAMETERS, mutate=lambda text: text + "nonsense\n")
    assert calls(log) == 0


def test_a_combinational_loop_is_one_line(log):
    loop = "  cell $not $loop\n    parameter \\A_SIGNED 0\n    parameter \\A_WIDTH 1\n" + (
        "    parameter \\Y_WIDTH 1\n    connect \\A \\loop\n    connect \\Y \\loop\n  end\nend\n"
    )

    def mutate(text):
        head, tail = text.rsplit("\nend\n", 1)
        return head + "\n  attribute \\keep 1\n  wire \\loop\n" + loop + tail

    with pytest.raises(UserError, match="cannot be simulated: the design does not settle"):
        build(PARAMETERS, mutate=mutate)


def test_no_compiler_is_one_line(monkeypatch, cache):
    monkeypatch.setenv("CXX", "no-such-compiler")
    line = "needs a C\\+\\+ compiler, and no-such-compiler was not found: install g\\+\\+ or clang"
    with pytest.raises(UserError, match=line):
        build(PARAMETERS)
    assert not cache.exists()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="and c\\+\\+ was not found"):
        compiler()
