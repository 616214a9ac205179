"""A tool ends with the process that asked for it, and so does all that the tool has started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.hdl.cache.process import first_line, run_tool
from allspin.sim.errors import UserError
from tests.processes import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[3]
RUN = """\
import signal, sys
from pathlib import Path
from allspin.hdl.cache.process import run_tool
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
run_tool(["sh", "-c", sys.argv[1]], Path(sys.argv[2]), "log", "working")
"""


def test_status_and_output_are_the_tools(tmp_path):
    assert run_tool(["sh", "-c", "pwd; echo no >&2; exit 3"], tmp_path, "log", "working") == 3
    assert (tmp_path / "log").read_text() == f"{tmp_path}\nno\n"
    assert run_tool(["true"], tmp_path, "log", "working") == 0
    assert run_tool(["sh", "-c", "kill -9 $$"], tmp_path, "log", "working") == 128 + 9


def test_a_tool_reads_nothing(tmp_path):
    assert run_tool(["cat"], tmp_path, "log", "working") == 0
    assert (tmp_path / "log").read_text() == ""


def test_a_program_that_cannot_be_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^cannot run no-such-tool: there is no such program$"):
        run_tool(["no-such-tool"], tmp_path, "log", "working")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF and no more")
    broken.chmod(0o755)
    assert run_tool([str(broken)], tmp_path, "log", "working") == 127
    assert "Exec format error" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF and no more", "Exec format error"),
        (b"#!/no/such/interpreter\n", "what it names as its interpreter is not there"),
    ],
)
def test_a_program_that_does_not_start_is_one_line(tmp_path, content, reason):
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    broken.chmod(0o755)
    with pytest.raises(UserError, match=f"^cannot run {broken}: {reason}$"):
        first_line([str(broken), "-V"])


def test_the_first_line_is_of_stdout_or_else_of_stderr():
    assert first_line(["sh", "-c", "echo no >&2; echo one; echo two"]) == "one"
    assert first_line(["sh", "-c", "echo no >&2; exit 3"]) == "no"
    assert first_line(["printf", "\\377"]) == "\ufffd"
    assert first_line(["cat"]) == ""


def is_gone(pid):
    """True if a process has ended, even if its parent has not waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    "end",
    [
        signal.SIGKILL,
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_no_process_is_left_after_any_end_of_this_one(tmp_path, end):
    # A process waits for one that works, as in a compiler's driver; both are deaf to SIGTERM.
    pids = tmp_path / "pids"
    work = f"trap '' TERM HUP INT; echo $$ >> {pids}; (echo $BASHPID >> {pids}; sleep 300) & wait"
    command = f"bash -c '{work.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' & wait"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, command, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    started = [int(pid) for pid in pids.read_text().split()]
    assert not any(is_gone(pid) for pid in started)
    process.send_signal(end)
    process.wait(PATIENCE)
    wait_for(lambda: all(is_gone(pid) for pid in started))


def test_a_tool_whose_guard_is_killed_ends_too(tmp_path):
    pids = tmp_path / "pids"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, f"echo $PPID $$ > {pids}; sleep 300", str(tmp_path)], cwd=ROOT
    )
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    guard, tool = (int(pid) for pid in pids.read_text().split())
    os.kill(guard, signal.SIGKILL)
    process.wait(PATIENCE)
    wait_for(lambda: is_gone(tool))
