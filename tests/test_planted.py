"""No module of the current folder is run by any Python that a command starts."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Starts like the console script: Python searches the script's folder first, not the current one.
STARTS = """
from amaranth.hdl import Module
from amaranth.lib import wiring
from allspin.boards.build.tools import find_tool
from allspin.hdl.cache.process import first_line
from allspin.hdl.cost.standard_cells import yosys_command
from allspin.hdl.verilog import to_verilog
from allspin.host.sweep.workers import in_processes

class Wire(wiring.Component):
    i: wiring.In(1)
    o: wiring.Out(1)
    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m

if __name__ == "__main__":
    assert "Yosys" in first_line([*yosys_command(), "-V"])
    assert "Yosys" in first_line([*find_tool("yosys", "pypi").command, "-V"])
    assert "module top" in to_verilog(Wire(), "top")
    assert sorted(in_processes(len, ["a", "bc"], 2)) == [("a", 1), ("bc", 2)]
"""


def test_a_module_in_the_current_folder_is_not_run(tmp_path):
    folder, ran, script = tmp_path / "folder", tmp_path / "ran", tmp_path / "bin" / "script.py"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, *importlib.metadata.packages_distributions(), "allspin"}:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(f"print({name!r}, file=open({str(ran)!r}, 'a'))\n")
    script.parent.mkdir()
    script.write_text(STARTS)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.exists(), ran.read_text()
    assert (done.returncode, done.stderr) == (0, "")
