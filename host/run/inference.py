"""A network run on a machine: with test images, and scored; with image files, and classified."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.chips.chip_options import ChipOptions, MadeChip, ProbedChipOptions
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name, open_device
from allspin.host.data.datasets import load_test_set
from allspin.host.data.images import load_image
from allspin.host.link.payloads import Answers
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_virtual
from allspin.host.machines.resident import ResidentCounts
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.score import Classified, ImagesShown, Score, compare_logits, compare_words
from allspin.host.show.say import BuildWatch, Display, Silent, commit
from allspin.host.virtual.board import read_trace
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network, Tiles
from allspin.sim.parameters import option

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


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
    """

    check: bool = field(default=False, metadata=option("compare every logit with the golden model"))
    logits: bool = False
    resident: bool = field(
        default=False,
        metadata=option(
            "keep the images on the board, as many at a time as fit, and run them there"
        ),
    )


def run(
    network: str | Path | Network,
    on: str | MachineOptions | Machine = GOLDEN,
    options: RunOptions | None = None,
    *,
    chip: int | ChipOptions | ProbedChipOptions | None = None,
    images: int | None = None,
    data: str | Path | None = None,
    tiles: Tiles | None = None,
    display: Display | None = None,
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
    chip : int, ChipOptions or ProbedChipOptions, optional
        The chip that the machine is made into, by its seed, with device and programming, or with
        cells that were read back from a real one (the ideal one).
    images : int, optional
        Only the first so many test images, from 1 on (all).
    data : str or Path, optional
        Folder of IDX files, or an ``.npz`` archive (the MNIST that ships).
    tiles : Tiles, optional
        What the network's columns are cut into (its own).
    display : Display, optional
        Told of each step.

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
    display = display or Silent()
    base = cut_network(network, tiles, data, display)
    shown_images, labels = load_test_set(data, [base], images)
    test_set = shown_images[:images], labels[:images]
    return _score(network_name(network), base, on, options, chip, test_set, display)


def classify(
    network: str | Path | Network,
    files: Sequence[str | Path],
    on: str | MachineOptions | Machine = GOLDEN,
    *,
    framing: str | None = None,
    chip: int | ChipOptions | ProbedChipOptions | None = None,
    check: bool = False,
    tiles: Tiles | None = None,
    data: str | Path | None = None,
    display: Display | None = None,
) -> Classified:
    """Classify image files by a network on a machine.

    Parameters
    ----------
    network, on, chip, tiles, display
        As of `run`.
    files : sequence of str or Path
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
    display = display or Silent()
    base = cut_network(network, tiles, data, display)
    framed = tuple(load_image(file, base.image_shape, framing) for file in files)
    images = np.stack([each.image for each in framed])
    nobody = np.zeros(len(images), np.int64)  # an image file has no label
    score = _score(
        network_name(network), base, on, RunOptions(check=check), chip, (images, nobody), display
    )
    return Classified(tuple(map(str, files)), framed, score)


def _score(
    name: str,
    base: Network,
    on: str | MachineOptions | Machine,
    options: RunOptions | None,
    chip: int | ChipOptions | ProbedChipOptions | None,
    test_set: tuple[Images, Integers],
    display: Display,
) -> Score:
    """Make the chip, open and program the machine, show it the images, and compare."""
    options = options or RunOptions()
    on = MachineOptions(on) if isinstance(on, str) else on
    chip = ChipOptions(chip) if isinstance(chip, int) else chip
    if isinstance(on, MachineOptions):
        on.check(chips=chip is not None, resident=options.resident)
    made = None if chip is None else _made(chip, base, display)
    network = base if made is None else made.network
    images = test_set[0]
    words = compared = bound = None
    with _opened(on, network, made, options.resident, display) as machine:
        title = machine.name
        if isinstance(on, MachineOptions) and on.on in (GOLDEN, VIRTUAL):
            title = on.on
        if options.resident:
            machine.resident_images()  # raises before anything is programmed
        _program(machine, network, made, display)
        if options.resident:
            shown = _run_resident(machine, test_set, display, options.check or options.logits)
        else:
            shown = _stream(machine, test_set, display)
        if options.check and made is not None and machine.reads_words:
            display.start("reading the R_AH words back")
            words = compare_words(machine, network)
            display.finish(
                f"{words.mismatches:,} of {words.compared:,} differ from the golden chip"
            )
        profile, resent, damaged = machine.profile, machine.resent, machine.damaged
    noise = None if made is None else made.noise
    if profile is not None:
        engine = EngineParameters.from_network(network, profile)
        bound = float(cycle_bounds(network, engine, images, noise).mean())
    if options.check:
        display.start("comparing every logit with the golden model")
        expected = GoldenModel(network, noise=noise).logits(images)
        assert shown.answers is not None
        compared = compare_logits(shown.answers, expected)
        correct = int(np.count_nonzero(np.argmax(expected, axis=1) == test_set[1]))
        if compared.difference is None and shown.correct != correct:
            difference = f"it counted {shown.correct:,} correct classes, not {correct:,}"
            compared = replace(compared, difference=difference)
        display.finish(f"{compared.mismatches:,} of {compared.compared:,} differ")
    return Score(name, title, made, shown, bound, compared, words, resent, damaged, commit())


def _made(chip: ChipOptions | ProbedChipOptions, network: Network, display: Display) -> MadeChip:
    open_device(chip.device, chip.at)  # what is wrong with the device is told before a step is
    display.start("making the chip" if chip.seed is None else f"making chip {chip.seed}")
    made = chip.make(network)
    display.finish()
    return made


@contextmanager
def _opened(
    on: MachineOptions | Machine,
    network: Network,
    chip: MadeChip | None,
    resident: bool,
    display: Display,
) -> Iterator[Machine]:
    """The machine that was asked for, which is closed in the end; or the one that was given."""
    if isinstance(on, Machine):
        on.check(network)
        yield on
        return
    display.start(f"opening {on.on}")
    watch = BuildWatch(display)
    with on.open(network, chip, resident=resident, progress=watch) as machine:
        display.finish(f"{machine.description}{watch.outcome if on.on == VIRTUAL else ''}")
        yield machine


def _program(machine: Machine, network: Network, chip: MadeChip | None, display: Display) -> None:
    """Program a machine with a network, or make it into a chip."""
    display.start("programming")
    if chip is None:
        machine.program(network, lambda done: display.advance(done, None))
        display.finish()
        return
    maker = machine.chip_maker(chip.base, chip.device, chip.programming)
    maker.make(chip.chip, network, lambda done: display.advance(done, None))
    display.finish(maker.where)


def _stream(machine: Machine, test_set: tuple[Images, Integers], display: Display) -> ImagesShown:
    """Stream images through a programmed machine."""
    images, labels = test_set
    display.start(f"streaming {len(images):,} images")
    begun = time.perf_counter()
    answers = machine.stream(images, lambda done: display.advance(done, len(images), f"{done:,}"))
    seconds = time.perf_counter() - begun
    display.finish(f"{len(images) / seconds:,.0f} images/s")
    counters, clocks, frequency = machine.counters(), answers.clocks, machine.frequency
    if counters is not None and counters.images < len(images):
        raise UserError(
            f"{machine.name} answered {len(images)} images, but its counter says "
            f"{counters.images}; was it reset?"
        )
    return ImagesShown(
        labels=labels,
        correct=int(np.count_nonzero(answers.classes == labels)),
        seconds=seconds,
        answers=answers,
        cycles_per_image=None if counters is None else counters.cycles / counters.images,
        simulated_seconds=None if clocks is None or frequency is None else clocks / frequency,
    )


def _run_resident(
    machine: Machine, test_set: tuple[Images, Integers], display: Display, logits: bool
) -> ImagesShown:
    """Run images on a machine that keeps as many of them at a time as fit."""
    images, labels = test_set
    resident = machine.resident_images()
    counts = ResidentCounts(0, 0, 0)
    at_once, seconds = 0, 0.0
    answers: list[Answers] = []
    display.start(f"running {len(images):,} resident images")
    for batch in resident.batches(images, labels):
        at_once = max(at_once, len(batch))
        begun = time.perf_counter()
        counts += resident.run(first=batch.start)
        seconds += time.perf_counter() - begun
        if logits:
            answers.append(resident.logits())
        display.advance(counts.images, len(images), f"{counts.images:,}")
    display.finish(f"{at_once:,} at a time, {len(images) / seconds:,.0f} images/s")
    both = [
        np.concatenate([getattr(answer, name) for answer in answers])
        for name in ("logits", "classes")
        if logits
    ]
    return ImagesShown(
        labels=labels,
        correct=counts.correct,
        seconds=seconds,
        answers=Answers(both[0], both[1]) if logits else None,
        cycles_per_image=counts.cycles_per_image,
        at_once=at_once,
    )


# Images streamed through the virtual board while the engine's activity is recorded.

TRACED_IMAGES = 6
"""Images in the timeline."""


@dataclass(frozen=True, eq=False)
class TracedRun:
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


def run_traced(network: Network, images: Images, display: Display) -> TracedRun:
    """Build the virtual board, program it and stream images through it.

    Parameters
    ----------
    network : Network
        What to run.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    display : Display
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
        display.start("compiling the gateware into a simulator")
        watch = BuildWatch(display)
        with open_virtual(network, trace=(trace, clocks), progress=watch) as machine:
            display.finish(watch.outcome.removeprefix("; "))
            _program(machine, network, None, display)
            shown = _stream(machine, (images, np.zeros(len(images), np.int64)), display)
            counters = machine.counters()
        if counters.images != len(images):
            raise UserError(
                f"{len(images)} images were streamed, but the machine's counters say {counters}"
            )
        assert shown.answers is not None
        bound, activity = float(bounds.mean()), read_trace(trace)
        return TracedRun(shown.answers, shown.seconds, counters.cycles, bound, activity)
