"""Inference on a machine: the score of test images, or the classes of image files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.chip_options import ideal_chip
from allspin.host.data.catalogue import network_name, open_network, several_files
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.data.images import load_image
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.machine import Machine, programmed_anew
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine as machine_on
from allspin.host.options import HIDDEN
from allspin.host.run.classified import Classified
from allspin.host.run.comparing import Compared, compare_logits, compare_words
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.score import Score
from allspin.host.run.showing import (
    Images,
    ImagesShown,
    Labels,
    run_resident_images,
    sample_images,
    stream_images,
)
from allspin.host.run.slowest_stage import SlowestStage
from allspin.host.show.display import BuildWatch, Display
from allspin.host.show.progress import shows_progress
from allspin.host.show.version import commit
from allspin.sim.chip.generator import USE_BITS
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip

MAX_SAMPLES = 65_536
"""Largest number of samples of an image."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a run beyond the count of correct answers.

    Parameters
    ----------
    check : bool
        Compare every logit, and every R_AH word of a chip in gateware, with the golden model.
    logits : bool
        Read logits of resident images too; those of streamed images are always read.
    resident : bool
        Keep the images on the board, as many at a time as fit, and run them there.
    samples : int or None
        Show each image so often, 1 to 65536, with other noise each time, and add its logits: once
        unless given, and without a chip neurons that switch by chance then answer their mean.
        With samples they are those of chip 0. Sample s of image n has the number
        n samples + s, which names its noise.
    """

    check: bool = False
    logits: Annotated[bool, HIDDEN] = False
    resident: bool = False
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.resident and self.samples is not None:
            raise UserError("`samples` are streamed: leave out `resident`")


@shows_progress
def open_machine(
    on: str,
    network: str | Path | Network | ProgrammedChip,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    progress: Any = None,
) -> Machine:
    """Open a machine for a network or a chip of one, which is not loaded yet.

    Parameters
    ----------
    on, network, profile, uart
        As `on`, `loaded`, `profile` and `uart` of `allspin.host.machines.opening.open_machine`; a
        network may be the name of one that ships, or a network file.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.

    Raises
    ------
    UserError
        If the machine or network does not exist, or the network does not fit the machine.
    """
    loaded = network if isinstance(network, ProgrammedChip) else open_network(network)
    progress.start(f"opening {on}")
    machine = machine_on(on, loaded, profile, uart, progress=BuildWatch(progress))
    progress.finish(machine.description)
    return machine


On = str | MachineOptions | Machine


@shows_progress
def run(
    network: str | Path | Network,
    on: On = GOLDEN,
    options: RunOptions | None = None,
    *,
    chip: ProgrammedChip | None = None,
    images: int | None = None,
    data: Data | None = None,
    progress: Any = None,
) -> Score:
    """Run a network on a machine: load it, show it test images, and score it.

    Parameters
    ----------
    network : str, Path or Network
        A network, the name of one that ships, or a network file.
    on : str, MachineOptions or Machine
        ``golden``, ``virtual``, ``auto`` or a serial port; the same with lanes or a UART; or an
        open machine, which stays open.
    options : RunOptions, optional
        Comparison with the golden model, resident images, samples.
    chip : ProgrammedChip, optional
        Chip of this network, as `allspin.program` makes it (the ideal one).
    images : int, optional
        Number of test images, the first ones (all).
    data : str, Path or tuple of array_like, optional
        Test images and labels, as of `allspin.load_dataset` (the MNIST that ships).
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook.

    Returns
    -------
    Score
        A difference from the golden model is not an error: see `Score.difference`.

    Raises
    ------
    UserError
        If network, data set or machine do not exist or do not fit one another, or the machine
        fails.

    Examples
    --------
    >>> run("mnist-10", images=100).accuracy
    1.0
    """
    base = _base_network(network, chip)
    pixels, labels = load_test_set(data, [base], images)
    name = network_name(network)
    return _score(
        name, base, chip, on, options or RunOptions(), pixels[:images], labels[:images], progress
    )


@shows_progress
def classify(
    network: str | Path | Network,
    files: str | Path | Sequence[str | Path],
    on: On = GOLDEN,
    *,
    framing: str | None = None,
    chip: ProgrammedChip | None = None,
    check: bool = False,
    progress: Any = None,
) -> Classified:
    """Classify image files by a network on a machine.

    Parameters
    ----------
    network, on, chip, progress
        Parameters of `run`.
    files : str, Path or sequence of these
        Image files, at least one.
    framing : str, optional
        Framing of the images, as for `allspin.host.data.images.load_image`.
    check : bool
        True to compare every logit, and every R_AH word that the machine lets be read, with the
        golden model.

    Raises
    ------
    UserError
        If network, image or machine do not exist or do not fit one another, or the machine fails.
    """
    base = _base_network(network, chip)
    files = several_files(files, "; the classes of arrays are net.predict(images)")
    framed = tuple(load_image(file, base.image_shape, framing) for file in files)
    images = np.stack([each.image for each in framed])
    unlabelled = np.zeros(len(images), np.int64)
    options = RunOptions(check=check)
    name = network_name(network)
    score = _score(name, base, chip, on, options, images, unlabelled, progress)
    return Classified(tuple(map(str, files)), framed, score)


def _base_network(network: str | Path | Network, chip: ProgrammedChip | None) -> Network:
    """Return the network as it was trained; for a chip, its network."""
    if chip is None:
        return open_network(network)
    if network is not chip.base and not _same_states(open_network(network), chip.base):
        raise UserError("`chip` was programmed with another network")
    return chip.base


def _same_states(one: Network, other: Network) -> bool:
    """True if two networks have the same states, in tiles or not."""
    if one.topology != other.topology:
        return False
    pairs = zip(one.layers, other.layers, strict=True)
    return all(np.array_equal(a.states, b.states) for a, b in pairs)


def _score(
    name: str,
    base: Network,
    chip: ProgrammedChip | None,
    on: On,
    options: RunOptions,
    images: Images,
    labels: Labels,
    progress: Display,
) -> Score:
    """Open a machine, load the network or its chip, show images, and compare."""
    chip = _sampled_chip(base, chip, options.samples, len(images))
    if isinstance(on, str):
        on = MachineOptions(on)
    if isinstance(on, MachineOptions):
        on.check(chips=chip is not None, resident=options.resident)
    loaded = base if chip is None else chip
    network = base if chip is None else chip.network
    noise = None if chip is None else chip.noise
    with _opened(on, loaded, options.resident, progress) as machine:
        if options.resident:
            machine.resident_images()  # raises before the machine is loaded
        shown, words = _load_and_show(machine, loaded, options, images, labels, progress)
        slowest_stage = None
        if machine.profile is not None:
            fitted = machine.fitted_network or network
            slowest_stage = SlowestStage(network, fitted, machine.profile, noise, images)
        title = machine.name
        if isinstance(on, MachineOptions) and on.on in (GOLDEN, VIRTUAL):
            title = on.on
        resent = machine.resent
        damaged = machine.damaged
    compared = None
    if options.check:
        golden = GoldenModel(network, noise=noise)
        compared = _compare_answers(shown, golden, images, options.samples or 1, progress)
    return Score(
        name, title, chip, shown, slowest_stage, compared, words, resent, damaged, commit()
    )


def _load_and_show(
    machine: Machine,
    loaded: Network | ProgrammedChip,
    options: RunOptions,
    images: Images,
    labels: Labels,
    progress: Display,
) -> tuple[ImagesShown, Compared | None]:
    """Load a network or chip, show images, and compare a chip's R_AH words if asked for.

    All steps are repeated if the machine was reset or reprogrammed meanwhile.
    """

    def work() -> tuple[ImagesShown, Compared | None]:
        _load(machine, loaded, progress)
        shown = _show(machine, options, images, labels, progress)
        if options.check and isinstance(loaded, ProgrammedChip) and machine.reads_words:
            return shown, _compare_words(machine, loaded.network, progress)
        return shown, None

    def again(reason: str) -> None:
        progress.note(reason)
        machine.reopen()

    return programmed_anew(work, again)


def _sampled_chip(
    base: Network, chip: ProgrammedChip | None, samples: int | None, images: int
) -> ProgrammedChip | None:
    """Return the chip to load: for samples without a chip, an ideal one."""
    if samples is None:
        return chip
    # The number of a use, which names its noise, has 32 bits.
    with refused():
        check_range("`samples`", samples, 1, min(MAX_SAMPLES, 2**USE_BITS // images))
    chip = chip or ideal_chip(base)
    if chip.noise is None:
        raise UserError(
            "`samples` would all be alike, since this chip has no noise from use to use: "
            "take a chip of a device that has, or a network of stochastic neurons"
        )
    return chip


@contextmanager
def _opened(
    on: MachineOptions | Machine,
    loaded: Network | ProgrammedChip,
    resident: bool,
    progress: Display,
) -> Iterator[Machine]:
    """Open the machine of the options, and close it in the end; an open machine stays open."""
    if isinstance(on, Machine):
        on.check(loaded.network if isinstance(loaded, ProgrammedChip) else loaded)
        yield on
        return
    progress.start(f"opening {on.on}")
    watch = BuildWatch(progress)
    with on.open(loaded, resident=resident, progress=watch) as machine:
        progress.finish(f"{machine.description}{watch.outcome if on.on == VIRTUAL else ''}")
        yield machine


def _load(machine: Machine, loaded: Network | ProgrammedChip, progress: Display) -> None:
    """Load a network or a chip as a step."""
    progress.start("programming")
    machine.load(loaded, lambda done: progress.advance(done, None))
    progress.finish(machine.words_from if isinstance(loaded, ProgrammedChip) else "")


def _show(
    machine: Machine, options: RunOptions, images: Images, labels: Labels, progress: Display
) -> ImagesShown:
    """Show images: resident, sampled or streamed."""
    if options.resident:
        logits = options.check or options.logits
        return run_resident_images(machine, images, labels, progress, logits)
    return stream_images(machine, images, labels, progress, options.samples)


def _compare_words(machine: Machine, network: Network, progress: Display) -> Compared:
    """Compare the R_AH words of a chip as a step."""
    progress.start("reading the R_AH words back")
    words = compare_words(machine, network)
    progress.finish(f"{words.mismatches:,} of {words.compared:,} differ from the golden chip")
    return words


def _compare_answers(
    shown: ImagesShown, model: GoldenModel, images: Images, samples: int, progress: Display
) -> Compared:
    """Compare logits, classes and the count of correct classes with a golden model, as a step."""
    progress.start("comparing every logit with the golden model")
    golden = GoldenMachine(model)
    expected = sample_images(golden, images, shown.labels, samples, progress)[0].logits
    assert shown.answers is not None
    compared = compare_logits(shown.answers, expected)
    correct = int(np.count_nonzero(np.argmax(expected, axis=1) == shown.labels))
    if compared.difference is None and shown.correct != correct:
        difference = f"it counted {shown.correct:,} correct classes, not {correct:,}"
        compared = replace(compared, difference=difference)
    progress.finish(f"{compared.mismatches:,} of {compared.compared:,} differ")
    return compared
