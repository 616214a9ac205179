"""All figures of the bench: those that are measured here, and those worked out of builds."""

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_info, threadpool_limits

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.throughput import link_rate
from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.demonstration import link_bytes
from allspin.host.machines.opening import VIRTUAL, open_virtual
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.job import Row
from allspin.host.sweep.kept_machine import close_machine
from allspin.host.sweep.measuring import measure
from allspin.host.sweep.plan import make_plan
from allspin.host.train.parameters import EPOCHS
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from tests.bench.board_figures import engine_figures, resident_figures
from tests.bench.golden_chips import peak_memory, some_chips
from tests.bench.peers import GOLDEN
from tests.bench.ratios import Program, ratios
from tests.bench.timing import Timed, timed
from tests.bench.training import STATES, training

NETWORKS = ("mnist-10", "mnist-100")

VARIED = "paper-10"
"""The network of noisy runs: it was trained for the device."""

DEVICE = "paper"

WORKERS = 2
"""Processes that the chips' target is for."""

CHIPS_TARGET = 5.0
"""Seconds for 100 chips and 10,000 images on two cores."""

MEMORY_TARGET = 2**30
"""Bytes that this may take."""

VIRTUAL_TARGET = 30.0
"""Seconds for 20 chips and 1,000 images on the virtual board."""

BAUDS = (115_200, 1_000_000, 3_000_000, 6_000_000, 12_000_000)

Images = npt.NDArray[np.uint8]

Shape = tuple[int | None, int, bool]

SIMULATED_TARGET = 8_000
"""Images/s of a virtual board with all lanes and a row per clock."""


@dataclass(frozen=True)
class Effort:
    """Amount of work that is measured.

    Attributes
    ----------
    chips, images : int
        Size of the golden model's target.
    virtual_chips, virtual_images : int
        Size of the virtual board's target.
    virtual_networks : tuple of str
        Networks of the virtual board's target; each number of states has a board of its own.
    repeats : int
        Number of runs of short measurements; the median counts.
    shapes : tuple of (int or None, int, bool)
        Lanes (None: all) and rows per clock of the virtual boards that are built and run, and
        whether they keep states, as boards' machines of ideal devices do.
    epochs : int
        Epochs of a training.
    """

    chips: int = 100
    images: int = 10_000
    virtual_chips: int = 20
    virtual_images: int = 1_000
    virtual_networks: tuple[str, ...] = NETWORKS
    repeats: int = 5
    shapes: tuple[Shape, ...] = (
        *((None, rows, states) for rows in (1, 2, 4) for states in (False, True)),
        (8, 1, False),
    )
    epochs: int = EPOCHS


QUICK = Effort(4, 1_000, 2, 100, NETWORKS[:1], 2, (), 1)
"""Only to see that all of it runs."""


def chips_on_golden(name: str, effort: Effort) -> dict[str, Any]:
    """Chips on the golden model, in two processes: wall clock, processor time, memory."""
    tasks = [
        delayed(some_chips)(name, DEVICE, range(start, effort.chips, WORKERS), effort.images)
        for start in range(WORKERS)
    ]
    took, results = timed(lambda: list(Parallel(n_jobs=WORKERS)(tasks)))
    found = cast(list[tuple[list[float], Timed, int]], results)
    accuracies, times, peaks = zip(*found, strict=True)
    return {
        "network": name,
        "device": DEVICE,
        "chips": effort.chips,
        "images": effort.images,
        "seconds": took.wall,
        "processor_seconds": sum(time.processor for time in times),
        "memory_bytes": peak_memory() + sum(peaks),
        "accuracy": float(np.mean([one for each in accuracies for one in each])),
        "target_seconds": CHIPS_TARGET,
        "target_bytes": MEMORY_TARGET,
    }


def chips_on_virtual(name: str, effort: Effort) -> dict[str, Any]:
    """Chips that the virtual board makes one after another, with all of their variation.

    Each count of right answers is compared with the golden model's.
    """
    grid = make_grid(
        {
            "network": name,
            "chips": effort.virtual_chips,
            "images": effort.virtual_images,
            "on": VIRTUAL,
        }
    )
    plan = make_plan(grid)
    (point,) = plan.points
    jobs = [plan.job(point, chip) for chip in grid.seeds]
    measure(jobs[0])  # builds the board, and has it running
    try:
        took, outcomes = timed(lambda: [measure(job) for job in jobs])
    finally:
        close_machine()
    golden: list[Row] = [measure(dataclasses.replace(job, on="golden")) for job in jobs]
    return {
        "network": name,
        "chips": effort.virtual_chips,
        "images": effort.virtual_images,
        "seconds": took.wall,
        "accuracy": float(np.mean([outcome.accuracy for outcome in outcomes])),
        "chips_that_differ": sum(a != b for a, b in zip(outcomes, golden, strict=True)),
        "target_seconds": VIRTUAL_TARGET,
    }


def _wide(columns: int, rows: int = 784, classes: int = 10) -> Network:
    """A network of random states with some number of hidden neurons."""
    rng = np.random.default_rng(columns)
    base = open_network(NETWORKS[0])
    hidden = base.layers[0]
    assert hidden.converter is not None
    converter = Converter(
        np.full(columns, int(np.median(hidden.converter.gains)), np.int32),
        np.zeros(columns, np.int32),
        hidden.converter.shift,
    )
    levels = uniform_levels(10)
    return dataclasses.replace(
        base,
        layers=(
            Layer(rng.integers(0, 10, (rows, columns), np.uint8), levels, converter, hidden.table),
            Layer(rng.integers(0, 10, (columns, classes), np.uint8), levels),
        ),
    )


def growth(effort: Effort) -> dict[str, list[dict[str, Any]]]:
    """Growth of the golden model's cost with images, chips and layer width, in one thread.

    Costs are seconds of the processor, programming included, for chips with all of the device's
    variation.
    """
    images, labels = load_test_set(None)
    network, device = open_network(NETWORKS[0]), open_device(DEVICE)

    def cost(network: Network, chips: int, count: int) -> dict[str, Any]:
        took, _ = timed(
            lambda: accuracy_over_chips(
                network, Lot(device, range(chips)), (images[:count], labels[:count])
            ),
            2,
        )
        return {"seconds": took.processor}

    top = effort.images
    with threadpool_limits(1):
        return {
            "images": [
                {"images": count, **cost(network, 2, count)} for count in (top // 10, top // 2, top)
            ],
            "chips": [{"chips": chips, **cost(network, chips, top // 5)} for chips in (1, 4, 16)],
            "columns": [
                {"columns": columns, **cost(_wide(columns), 1, top // 5)}
                for columns in (50, 100, 200, 400)
            ],
        }


def shapes_on_virtual(effort: Effort) -> list[dict[str, Any]]:
    """Cycles per image by lanes and rows per clock: the gateware's counters, and the bound.

    Of resident images the engine is all that counts; over the link the sparse decoder takes a
    byte a clock, which several rows per clock wait for. Images/s are those of a machine without
    memory for resident images, which would be simulated too.
    """
    images, labels = load_test_set(None)
    images, labels = images[: effort.virtual_images], labels[: effort.virtual_images]
    network = open_network(NETWORKS[0])
    found = []
    for lanes, rows, states in effort.shapes:
        profile = HardwareProfile(lanes=lanes, rows_per_clock=rows, states=states)
        engine = EngineParameters.from_network(network, profile)
        with open_virtual(network, profile) as machine:
            machine.load(network)
            took, _ = timed(lambda machine=machine: machine.stream(images), effort.repeats)
            counters = machine.counters()
        resident = dataclasses.replace(profile, resident=VIRTUAL_RESIDENT)
        with open_virtual(network, resident) as machine:
            machine.load(network)
            cycles = machine.resident_images().run_all(images, labels).cycles_per_image
        found.append(
            {
                "lanes": lanes,
                "rows_per_clock": rows,
                "states": states,
                "cycles_per_image": cycles,
                "bound": float(cycle_bounds(network, engine, images).mean()),
                "link_cycles_per_image": counters.cycles / counters.images,
                "images_per_second": len(images) / took.wall,
                "target": SIMULATED_TARGET if (lanes, rows) == (None, 1) else None,
            }
        )
    return found


def bench(
    effort: Effort | None = None,
    builds: Sequence[dict[str, Any]] = (),
    *,
    resident_images: int | None = None,
    former: Mapping[str, Any] | None = None,
    progress: Display | None = None,
) -> dict[str, Any]:
    """Measure golden model and virtual board, and work out the engines of builds.

    Parameters
    ----------
    effort : Effort, optional
        Amount of work that is measured.
    builds : sequence of dict
        Builds as `tests.bench.board_figures.read_builds` returns them.
    resident_images : int, optional
        Images that the builds keep on the board, if they do not say so themselves.
    former : mapping, optional
        Result of an earlier bench: only the figures of builds are made anew.
    progress : Display, optional
        Shows the steps.

    Returns
    -------
    dict
        Plain values, as ``python -m tests.bench --json`` prints them.
    """
    progress = progress or Display()
    record = _measured(effort or Effort(), progress) if former is None else dict(former)
    progress.start("the engines of the builds")
    record["engine"] = engine_figures(builds)
    record["resident"] = resident_figures(builds, resident_images)
    progress.finish()
    return record


def _measured(effort: Effort, progress: Display) -> dict[str, Any]:
    """All figures that are measured here, as ``--json`` prints them."""

    def shown(what: str, work: Callable[[], Any]) -> Any:
        progress.start(what)
        found = work()
        progress.finish()
        return found

    machine = {
        "cores": cpu_count(),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "blas": ", ".join(
            sorted({each.get("architecture", "") for each in threadpool_info()} - {""})
        ),
        "load": os.getloadavg()[0],
    }
    images, _ = load_test_set(None)
    size = link_bytes(open_network(NETWORKS[0]), images) / len(images)
    program = Program(GOLDEN, VARIED, DEVICE, effort.images)
    return {
        "commit": commit(),
        "machine": machine,
        "golden_chips": [
            shown(f"{effort.chips} chips on golden, {name}", partial(chips_on_golden, name, effort))
            for name in NETWORKS
        ],
        "virtual_chips": [
            shown(
                f"{effort.virtual_chips} chips on virtual, {name}",
                partial(chips_on_virtual, name, effort),
            )
            for name in effort.virtual_networks
        ],
        "training": [shown(f"training, {STATES} states", partial(training, effort.epochs))],
        "ratios": shown(
            "side by side",
            lambda: ratios(program, effort.repeats, lambda text: progress.advance(0, None, text)),
        ),
        "growth": shown("how the cost grows", partial(growth, effort)),
        "shapes": shown("virtual boards", partial(shapes_on_virtual, effort)),
        # Rates that UARTs can carry.
        "link": {
            "bytes_per_image": size,
            "images_per_second": {str(baud): link_rate(baud, size) for baud in BAUDS},
        },
    }
