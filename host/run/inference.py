"""A network run on a machine: with test images, and scored; with image files, and classified."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.chip_options import ChipOptions, MadeChip, ideal_chip
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name, open_device, several_files
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.data.images import load_image
from allspin.host.keywords import takes
from allspin.host.link.answers import Answers
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.machine import GoldenMachine, Machine, programmed_anew
from allspin.host.machines.opening import (
    GOLDEN,
    VIRTUAL,
    open_machine as machine_on,
    open_virtual,
)
from allspin.host.machines.resident import ResidentCounts
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.score import (
    Classified,
    Compared,
    Fit,
    ImagesShown,
    Score,
    compare_logits,
    compare_words,
)
from allspin.host.show.display import BuildWatch, Display
from allspin.host.show.version import commit
from allspin.host.virtual.activity_tap import read_trace
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import USE_BITS
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief, option

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


MAX_SAMPLES = 65_536
"""Of an image."""
USES_AT_ONCE = 8192
"""Images, each as often as it is shown, in one stream: more would take up memory."""


@dataclass(frozen=True)
class RunOptions:
    """What a run does besides counting correct answers.

    Parameters
    ----------
    check : bool
        Whether every logit, and every R_AH word of a chip in gateware, is compared with the
        golden model.
    logits : bool
        Whether logits of resident images are read too; those of streamed images always are.
    resident : bool
        Whether the images are kept on the board, as many at a time as fit, and run there.
    samples : int or None
        How often each image is shown, 1 to 65536, its logits added; sample s of image n has the
        number ``n samples + s``, which names its noise. None: once, and without a chip neurons
        that switch by chance answer their mean; with samples they are those of chip 0 then.
    """

    check: bool = field(default=False, metadata=option("compare every logit with the golden model"))
    logits: bool = False
    resident: bool = field(
        default=False,
        metadata=option(
            "keep the images on the board, as many at a time as fit, and run them there"
        ),
    )
    samples: int | None = field(
        default=None,
        metadata=option(
            "show each image so often, with other noise each time, and add its logits (once; "
            "without a chip, neurons that switch by chance answer their mean then)",
            "T",
        ),
    )


@takes(profile=HardwareProfile, uart=UartOptions)
def open_machine(
    on: str,
    network: str | Path | Network,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    progress: Any = None,
    **keywords: Any,
) -> Machine:
    """Open a machine for a network; it is not programmed yet.

    Parameters
    ----------
    on, network, profile, uart
        As of `allspin.host.machines.opening.open_machine`.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        Of `HardwareProfile` and `UartOptions`: ``open_machine("virtual", net, lanes=10)``.

    Raises
    ------
    UserError
        If there is no such machine or network, or the network does not fit it.
    """
    progress.start(f"opening {on}")
    machine = machine_on(on, network, profile, uart, progress=BuildWatch(progress))
    progress.finish(machine.description)
    return machine


On = str | MachineOptions | Machine
Chosen = int | Chip | ChipOptions
"""A chip, by its seed or as it is."""


@takes(
    "images", "labels", on=MachineOptions, options=RunOptions, chip=ChipOptions, tiles=Tiles.asked
)
def run(
    network: str | Path | Network,
    on: On | npt.ArrayLike = GOLDEN,
    options: RunOptions | npt.ArrayLike | None = None,
    *,
    chip: Chosen | None = None,
    images: Any = None,
    labels: npt.ArrayLike | None = None,
    data: Data | None = None,
    tiles: Tiles | None = None,
    progress: Any = None,
    **keywords: Any,
) -> Score:
    """Run a network on a machine: program it, show it test images, and score it.

    Parameters
    ----------
    network : str, Path or Network
        A network, the name of one that ships, or a network file.
    on : str, MachineOptions or Machine
        ``golden``, ``virtual``, ``auto`` or a serial port; the same with lanes or a UART; or a
        machine that is open, which stays open.
    options : RunOptions, optional
        What is done besides: a comparison with the golden model, resident images.
    chip : int, Chip or ChipOptions, optional
        The chip that the machine is made into, by its seed, with device and programming, or with
        cells that were read back from a real one (the ideal one).
    images : int or ndarray, optional
        Only the first so many test images, from 1 on (all); or images of your own, shape (images,
        height, width), with `labels`: ``run(net, x, y)`` has them by place.
    labels : ndarray of int, shape (images,), optional
        Classes of such images.
    data : str, Path or tuple of array_like, optional
        As of `allspin.load_dataset` (the MNIST that ships).
    tiles : Tiles, optional
        What the network's columns are cut into (its own).
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        Of `MachineOptions`, `RunOptions` and `ChipOptions`, and ``baud``, ``frequency``,
        ``clock_error``, ``tile_rows`` and ``adc_bits``, as ``allspin run`` has them.

    Returns
    -------
    Score
        A machine that is not the golden model is no error: see `Score.difference`.

    Raises
    ------
    UserError
        If there is no such network, data set or machine, they do not fit one another, or the
        machine fails.

    Examples
    --------
    >>> run("mnist-10", images=100).accuracy
    1.0
    """
    base = cut_network(network, tiles, data, progress)
    if images is not None and np.ndim(images):
        if labels is None or data is not None:
            raise UserError(
                "give `labels` of the images and no `data`, or ask the network: net.predict(images)"
            )
        data, images = (images, np.asarray(labels)), None
    shown_images, classes = load_test_set(data, [base], images)
    test_set = shown_images[:images], classes[:images]
    return _score(network_name(network), base, on, options, chip, test_set, progress)


@takes(on=MachineOptions, chip=ChipOptions, tiles=Tiles.asked)
def classify(
    network: str | Path | Network,
    files: str | Path | Sequence[str | Path],
    on: On = GOLDEN,
    *,
    framing: str | None = None,
    chip: Chosen | None = None,
    check: bool = False,
    tiles: Tiles | None = None,
    data: Data | None = None,
    progress: Any = None,
    **keywords: Any,
) -> Classified:
    """Classify image files by a network on a machine.

    Parameters
    ----------
    network, on, chip, tiles, progress, **keywords
        As of `run`.
    files : str, Path or sequence of these
        Image files, at least one.
    framing : str, optional
        As of `allspin.host.data.images.load_image`.
    check : bool
        Whether every logit, and every R_AH word of a chip in gateware, is compared with the
        golden model.
    data : str or Path, optional
        Data set whose training images choose the steps of `tiles` (the MNIST that ships).

    Raises
    ------
    UserError
        If there is no such network, image or machine, they do not fit one another, or the machine
        fails.
    """
    base = cut_network(network, tiles, data, progress)
    files = several_files(files, "; the classes of arrays are net.predict(images)")
    framed = tuple(load_image(file, base.image_shape, framing) for file in files)
    images = np.stack([each.image for each in framed])
    nobody = np.zeros(len(images), np.int64)  # an image file has no label
    score = _score(
        network_name(network), base, on, RunOptions(check=check), chip, (images, nobody), progress
    )
    return Classified(tuple(map(str, files)), framed, score)


def _score(
    name: str,
    base: Network,
    on: Any,
    options: Any,
    chip: Chosen | None,
    test_set: tuple[Images, Integers],
    progress: Display,
) -> Score:
    """Make the chip, open and program the machine, show it the images, and compare."""
    options = options or RunOptions()
    on = MachineOptions(on) if isinstance(on, str) else on
    chip = chip if isinstance(chip, ChipOptions | None) else ChipOptions(chip)
    if isinstance(on, MachineOptions):
        on.check(chips=bool(chip or options.samples), resident=options.resident)
    images = test_set[0]
    made = None if chip is None else _made(chip, base, progress)
    if options.samples is not None:
        if options.resident:
            raise UserError("`samples` are streamed: leave out `resident`")
        # The number of each use is below 2^32.
        with refused():
            most = min(MAX_SAMPLES, 2**USE_BITS // len(images))
            check_range("`samples`", options.samples, 1, most)
        made = made or ideal_chip(base)
        if made.noise is None:
            raise UserError(
                "`samples` would all be alike, since nothing of this chip changes from use to use: "
                "take a chip of a device that does, or a network of stochastic neurons"
            )
    network = base if made is None else made.network
    compared = bound = fit = None
    with _opened(on, network, made, options.resident, progress) as machine:
        title = machine.name
        if isinstance(on, MachineOptions) and on.on in (GOLDEN, VIRTUAL):
            title = on.on
        if options.resident:
            machine.resident_images()  # raises before anything is programmed

        def again(why: str) -> None:
            progress.note(why)
            machine.reopen()

        shown, words = programmed_anew(
            lambda: _shown(machine, network, made, options, test_set, progress), again
        )
        profile, resent, damaged = machine.profile, machine.resent, machine.damaged
        held = machine.held(network)
    noise = None if made is None else made.noise
    if profile is not None:
        bound = _bound(held, profile, images, noise)
        if held.topology != network.topology:
            own = _bound(network, profile, images, noise)
            fit = Fit(held.topology, own)
    if options.check:
        progress.start("comparing every logit with the golden model")
        golden = GoldenMachine()
        golden.model = GoldenModel(network, noise=noise)
        expected = _samples(golden, test_set, options.samples or 1, progress)[0].logits
        assert shown.answers is not None
        compared = compare_logits(shown.answers, expected)
        correct = int(np.count_nonzero(np.argmax(expected, axis=1) == test_set[1]))
        if compared.difference is None and shown.correct != correct:
            difference = f"it counted {shown.correct:,} correct classes, not {correct:,}"
            compared = replace(compared, difference=difference)
        progress.finish(f"{compared.mismatches:,} of {compared.compared:,} differ")
    return Score(name, title, made, shown, bound, fit, compared, words, resent, damaged, commit())


def _bound(
    network: Network, profile: HardwareProfile, images: Images, noise: ColumnNoise | None
) -> float:
    """Mean of what the slowest stage needs, with zeros for the pixels that images lack."""
    flat = images.reshape(len(images), -1)
    padded = np.pad(flat, [(0, 0), (0, network.topology[0] - flat.shape[1])])
    engine = EngineParameters.from_network(network, profile)
    return float(cycle_bounds(network, engine, padded, noise).mean())


def _made(chip: ChipOptions, network: Network, progress: Display) -> MadeChip:
    open_device(chip.device, chip.at)  # what is wrong with the device is told before a step is
    progress.start("making the chip" if chip.chip is None else f"making chip {chip.chip}")
    made = chip.make(network)
    progress.finish()
    return made


@contextmanager
def _opened(
    on: MachineOptions | Machine,
    network: Network,
    chip: MadeChip | None,
    resident: bool,
    progress: Display,
) -> Iterator[Machine]:
    """The machine that was asked for, which is closed in the end; or the one that was given."""
    if isinstance(on, Machine):
        on.check(network)
        yield on
        return
    progress.start(f"opening {on.on}")
    watch = BuildWatch(progress)
    with on.open(network, chip, resident=resident, progress=watch) as machine:
        progress.finish(f"{machine.description}{watch.outcome if on.on == VIRTUAL else ''}")
        yield machine


def _shown(
    machine: Machine,
    network: Network,
    made: MadeChip | None,
    options: RunOptions,
    test_set: tuple[Images, Integers],
    progress: Display,
) -> tuple[ImagesShown, Compared | None]:
    """Program the machine, show it the images, and compare its words where that is asked for."""
    _program(machine, network, made, progress)
    if options.resident:
        shown = _run_resident(machine, test_set, progress, options.check or options.logits)
    else:
        shown = _stream(machine, test_set, progress, options.samples)
    if not options.check or made is None or not machine.reads_words:
        return shown, None
    progress.start("reading the R_AH words back")
    words = compare_words(machine, network)
    progress.finish(f"{words.mismatches:,} of {words.compared:,} differ from the golden chip")
    return shown, words


def _program(machine: Machine, network: Network, chip: MadeChip | None, progress: Display) -> None:
    """Program a machine with a network, or make it into a chip."""
    progress.start("programming")
    if chip is None:
        machine.program(network, lambda done: progress.advance(done, None))
        progress.finish()
        return
    maker = machine.chip_maker(chip.base, chip.device, chip.programming)
    maker.make(chip.chip, network, lambda done: progress.advance(done, None))
    progress.finish(maker.where)


def _samples(
    machine: Machine, test_set: tuple[Images, Integers], samples: int, progress: Display
) -> tuple[Answers, tuple[float, ...]]:
    """Sums of images' logits, each shown several times, and what is right after each time."""
    images, labels = test_set
    right, sums, clocks = np.zeros(samples, np.int64), [], 0
    at_once = max(1, USES_AT_ONCE // samples)
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        answers = machine.stream(np.repeat(images[part], samples, axis=0), first=start * samples)
        added = np.cumsum(answers.logits.reshape(-1, samples, answers.logits.shape[1]), axis=1)
        right += np.count_nonzero(added.argmax(axis=2) == labels[part, np.newaxis], axis=0)
        sums.append(added[:, -1])
        clocks += answers.clocks or 0
        progress.advance(part.stop, len(images), f"{min(part.stop, len(images)):,}")
    logits = np.concatenate(sums)
    answers = Answers(logits, logits.argmax(axis=1), clocks or None)
    return answers, tuple((right / len(images)).tolist())


def _stream(
    machine: Machine,
    test_set: tuple[Images, Integers],
    progress: Display,
    samples: int | None = None,
) -> ImagesShown:
    """Stream images through a programmed machine, several times if samples are asked for."""
    images, labels = test_set
    uses = len(images) * (samples or 1)
    progress.start(f"streaming {uses:,} images")
    begun = time.perf_counter()
    answers, shares = (
        (machine.stream(images, lambda done: progress.advance(done, uses, f"{done:,}")), ())
        if samples is None
        else _samples(machine, test_set, samples, progress)
    )
    seconds = time.perf_counter() - begun
    progress.finish(f"{uses / seconds:,.0f} images/s")
    counters, clocks, frequency = machine.counters(), answers.clocks, machine.frequency
    if counters is not None and counters.images < uses:
        raise UserError(
            f"{machine.name} answered {uses} images, but its counter says "
            f"{counters.images}; was it reset?"
        )
    return ImagesShown(
        labels=labels,
        correct=int(np.count_nonzero(answers.classes == labels)),
        seconds=seconds,
        answers=answers,
        cycles_per_image=None if counters is None else counters.cycles / counters.images,
        simulated_seconds=None if clocks is None or frequency is None else clocks / frequency,
        by_samples=shares,
        frequency=frequency,
    )


def _run_resident(
    machine: Machine, test_set: tuple[Images, Integers], progress: Display, logits: bool
) -> ImagesShown:
    """Run images on a machine that keeps as many of them at a time as fit."""
    images, labels = test_set
    resident = machine.resident_images()
    counts = ResidentCounts(0, 0, 0)
    at_once, seconds = 0, 0.0
    answers: list[Answers] = []
    progress.start(f"running {len(images):,} resident images")
    for batch in resident.batches(images, labels):
        at_once = max(at_once, len(batch))
        begun = time.perf_counter()
        counts += resident.run(first=batch.start)
        seconds += time.perf_counter() - begun
        if logits:
            answers.append(resident.logits())
        progress.advance(counts.images, len(images), f"{counts.images:,}")
    both = [
        np.concatenate([getattr(answer, name) for answer in answers])
        for name in ("logits", "classes")
        if logits
    ]
    shown = ImagesShown(
        labels=labels,
        correct=counts.correct,
        seconds=seconds,
        answers=Answers(both[0], both[1]) if logits else None,
        cycles_per_image=counts.cycles_per_image,
        at_once=at_once,
        frequency=machine.frequency,
    )
    rate = shown.machine_images_per_second
    told = "" if rate is None else f", {rate:,.0f} by the board's cycles"
    progress.finish(f"{at_once:,} at a time, {len(images) / seconds:,.0f} images/s{told}")
    return shown


# Images streamed through the virtual board while the engine's activity is recorded.

TRACED_IMAGES = 6
"""Images in the timeline."""


@dataclass(frozen=True, eq=False)
class TracedRun(Brief):
    """What came of a run with a record of the engine's activity.

    Attributes
    ----------
    answers : Answers
        What the machine answered.
    seconds : float
        Of the streaming, wall clock.
    cycles : int
        Clocks from the first image to the last, by the hardware's counter.
    bound : float
        Clocks that the slowest stage alone takes of an image, in the mean.
    activity : ndarray of uint64, shape (clocks,)
        The engine's activity word in each clock from the first event on.
    """

    answers: Answers
    seconds: float
    cycles: int
    bound: float
    activity: npt.NDArray[np.uint64]


def run_traced(network: Network, images: Images, progress: Display) -> TracedRun:
    """Build the virtual board, program it and stream images through it.

    Parameters
    ----------
    network : Network
        What to run.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    progress : Display
        Told of each step.

    Raises
    ------
    UserError
        If there is no C++ compiler, or the machine fails or miscounts.
    """
    bounds = cycle_bounds(network, EngineParameters.from_network(network), images)
    # Enough for the images of the timeline to pass through all layers.
    clocks = 2 * int(bounds[: TRACED_IMAGES + len(network.layers)].sum()) + 1000
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "activity"
        progress.start("compiling the gateware into a simulator")
        watch = BuildWatch(progress)
        with open_virtual(network, trace=(trace, clocks), progress=watch) as machine:
            progress.finish(watch.outcome.removeprefix("; "))
            _program(machine, network, None, progress)
            shown = _stream(machine, (images, np.zeros(len(images), np.int64)), progress)
            counters = machine.counters()
        if counters.images != len(images):
            raise UserError(
                f"{len(images)} images were streamed, but the machine's counters say {counters}"
            )
        assert shown.answers is not None
        bound, activity = float(bounds.mean()), read_trace(trace)
        return TracedRun(shown.answers, shown.seconds, counters.cycles, bound, activity)
