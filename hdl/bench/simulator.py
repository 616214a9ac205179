"""Run cocotb tests on a component in a simulator."""

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

from allspin.hdl.bench.job import VARIABLE, SimulationJob
from allspin.hdl.bench.runner import TOP, build, run_step, tail
from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron.neuron_kinds import check_gateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.verilog import to_verilog
from allspin.sim.errors import refused
from allspin.sim.network.network import Network


class BenchFailure(AssertionError):
    """A test within the simulator failed, or not all of them ran."""


def simulate(
    component: wiring.Component | str,
    test: str | Path,
    *,
    tests: int | Sequence[str] = 1,
    simulator: str = "verilator",
    network: Network | None = None,
    images: npt.NDArray[np.uint8] | None = None,
    profile: HardwareProfile | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    waves: Path | None = None,
    public: bool = False,
    folder: Path | None = None,
) -> tuple[str, ...]:
    """Run cocotb tests on a component.

    Parameters
    ----------
    component : wiring.Component or str
        The design, or its SystemVerilog with a top module called ``top``.
    test : str or Path
        Module of the tests: its name, or a Python file.
    tests : int or sequence of str
        Number of tests, or names of those to run. It must be right: a test that is not found
        would otherwise pass.
    simulator : str
        ``verilator`` or ``icarus``.
    network, images, profile, options
        The tests' job (see `allspin.hdl.bench.job.SimulationJob`).
    seed : int
        Seed of each test's ``cocotb.RANDOM_SEED``.
    waves : Path, optional
        File for the waveforms, in FST.
    public : bool
        True if tests can see the signals within the top module.
    folder : Path, optional
        Empty folder for the job, the log and files of the tests; by default a temporary one.

    Returns
    -------
    tuple of str
        Names of the tests that ran and passed.

    Raises
    ------
    BenchFailure
        If a test fails, or not exactly the expected tests ran.
    UserError
        If a tool is missing or the cache cannot be used.
    """
    verilog = component if isinstance(component, str) else to_verilog(component, TOP)
    built = build(verilog, simulator=simulator, waves=waves is not None, public=public)
    path = Path(test).absolute()
    is_file = path.suffix == ".py"
    module = path.stem if is_file else str(test)
    with tempfile.TemporaryDirectory(prefix="allspin-") as temporary:
        folder = Path(temporary) if folder is None else folder.absolute()
        SimulationJob(folder, network, images, profile or HardwareProfile(), options or {}).save()
        log = folder / "simulation.log"
        results = folder / "results.xml"
        recorded = folder / "waves.fst"
        imports = [*sys.path, *([str(path.parent)] if is_file else [])]
        variables = {
            VARIABLE: str(folder),
            # The simulator imports what this process can, and the test.
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, imports)),
            # Its default rewrites the assertions of every imported module.
            "COCOTB_REWRITE_ASSERTION_FILES": f"{module.rpartition('.')[2]}.py",
        }
        arguments = ["--trace-file", recorded] if simulator == "verilator" else []
        # The results file, or its absence, says more than the exit status.
        run_step(
            simulator,
            "test",
            log,
            variables,
            test_module=module,
            testcase=None if isinstance(tests, int) else list(tests),
            hdl_toplevel_lang="verilog",
            build_dir=built,
            test_dir=folder,
            test_args=arguments if waves else [],
            plusargs=[f"+dumpfile_path={recorded}"] if waves else [],
            results_xml=results,
            seed=seed,
            waves=waves is not None,
        )
        ran = _check_results(results, tests if isinstance(tests, int) else len(tests), log)
        if waves is not None:
            with refused(f"cannot write {waves}: ", kinds=OSError):
                shutil.move(recorded, waves)
        return ran


def _check_results(results: Path, count: int, log: Path) -> tuple[str, ...]:
    """Return the names of the tests that ran, if they are as many as expected and all passed."""
    if not results.is_file():
        raise BenchFailure(f"the simulator ended before its time\n{tail(log)}")
    ran = []
    failed = []
    for case in ElementTree.parse(results).iter("testcase"):
        outcome = {child.tag for child in case}
        if "skipped" not in outcome:
            ran.append(case.get("name", ""))
        if outcome & {"failure", "error"}:
            failed.append(ran[-1])
    if failed:
        raise BenchFailure(f"failed: {', '.join(failed)}\n{tail(log)}")
    if len(ran) != count:
        raise BenchFailure(
            f"{count} tests should have run, but {len(ran)} did: {', '.join(ran)}\n{tail(log)}"
        )
    return tuple(ran)


@functools.lru_cache(maxsize=8)
def engine_source(parameters: EngineParameters) -> str:
    """Return an engine as SystemVerilog for `simulate`; converted once in a process."""
    check_gateware(parameters)
    return to_verilog(Engine(parameters), TOP)


def simulate_engine(network: Network, test: str | Path, **options: Any) -> tuple[str, ...]:
    """Run cocotb tests on the engine of a network.

    Parameters
    ----------
    network : Network
        Network that the engine is made for, and that
        `allspin.hdl.bench.engine_bench.EngineBench.start` loads.
    test : str or Path
        Module of the tests: its name, or a Python file.
    **options
        Keyword arguments of `simulate`.
    """
    profile = options.get("profile") or HardwareProfile()
    source = engine_source(EngineParameters.from_network(network, profile))
    return simulate(source, test, network=network, **options)
