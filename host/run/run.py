"""A network run on a machine, and scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.options import ChipOptions, MadeChip, ProbedChipOptions, with_device_read
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name
from allspin.host.data.datasets import load_test_set
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.run.comparison import (
    LogitsCompared,
    Shown,
    WordsCompared,
    compare_logits,
    compare_words,
    opened,
    program,
    show_resident,
    show_streamed,
)
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.score import Score
from allspin.host.show.say import Display, Silent, commit
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles

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

    check: bool = False
    logits: bool = False
    resident: bool = False


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
    display, options = display or Silent(), options or RunOptions()
    if isinstance(on, str):
        on = MachineOptions(on)
    if options.resident and isinstance(on, MachineOptions) and on.on == GOLDEN:
        raise UserError(f"`resident` is for `on` {VIRTUAL} or a board: {GOLDEN} has no memory")
    if isinstance(chip, int):
        chip = ChipOptions(chip)
    if chip is not None and isinstance(on, MachineOptions):
        on.check_chips()
    base = cut_network(network, tiles, data, display)
    shown_images, labels = load_test_set(data, [base], images)
    shown_images, labels = shown_images[:images], labels[:images]
    made = None if chip is None else _made(chip, base, display)
    loaded = base if made is None else made.network
    with opened(on, loaded, made, options.resident, display) as machine:
        title = on.title(machine) if isinstance(on, MachineOptions) else machine.name
        if options.resident:
            machine.resident_images()  # raises before anything is programmed
        program(machine, loaded, made, display)
        if options.resident:
            logits = options.check or options.logits
            shown = show_resident(machine, shown_images, labels, display, logits=logits)
        else:
            shown = show_streamed(machine, shown_images, labels, display)
        profile = machine.profile
        words = _compare_words(machine, made, display) if options.check else None
        resent, damaged = machine.resent, machine.damaged
    return Score(
        network=network_name(network),
        on=title,
        chip=made,
        shown=shown,
        cycles_bound=_bound(loaded, profile, shown_images, None if made is None else made.noise),
        logits=_compare_logits(shown, loaded, made, shown_images, labels, display)
        if options.check
        else None,
        words=words,
        resent=resent,
        damaged=damaged,
        commit=commit(),
    )


def _made(chip: ChipOptions | ProbedChipOptions, network: Network, display: Display) -> MadeChip:
    chip = with_device_read(chip)  # what is wrong with the device is told first
    display.start("making the chip" if chip.seed is None else f"making chip {chip.seed}")
    made = chip.make(network)
    display.finish()
    return made


def _bound(
    network: Network, profile: HardwareProfile | None, images: Images, noise: ColumnNoise | None
) -> float | None:
    """Mean cycles per image that the slowest stage needs, of a machine with lanes."""
    if profile is None:
        return None
    engine = EngineParameters.from_network(network, profile)
    return float(cycle_bounds(network, engine, images, noise).mean())


def _compare_words(
    machine: Machine, chip: MadeChip | None, display: Display
) -> WordsCompared | None:
    if chip is None or not machine.reads_words:
        return None
    display.start("reading the R_AH words back")
    words = compare_words(machine, chip.network)
    display.finish(f"{words.mismatches:,} of {words.compared:,} differ from the golden chip")
    return words


def _compare_logits(
    shown: Shown,
    network: Network,
    chip: MadeChip | None,
    images: Images,
    labels: Integers,
    display: Display,
) -> LogitsCompared:
    display.start("comparing every logit with the golden model")
    golden = GoldenModel(network, noise=None if chip is None else chip.noise)
    found = compare_logits(shown, golden, images, labels)
    display.finish(f"{found.mismatches:,} of {found.compared:,} differ")
    return found
