"""The options that make ``allspin run`` run on a chip, and the chip that they make."""

import argparse
import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allspin.hdl.parameters import HardwareProfile
from allspin.host.data.catalogue import open_device
from allspin.host.link.chip_programming import CHIPS, ChipMaker, check_sums, why_words
from allspin.host.link.device import Device as LinkDevice
from allspin.host.link.device import Progress
from allspin.sim.chip.calibration import Calibrated, calibrate
from allspin.sim.chip.chip import Chip, ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import chip_network, program_chip
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    POLARITIES,
    SCHEMES,
    Counts,
    Programming,
    default_tries,
)

PAPER = "paper"
"""The device that chips are made of unless another is given."""


def add_programming_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how a chip is programmed."""
    add = parser.add_argument
    add(
        "--polarity",
        metavar="NAME",
        help=f"of the trains of pulses: {', '.join(POLARITIES)} (quieter)",
    )
    add(
        "--tries",
        metavar="N",
        type=int,
        help="writes of a cell that write-verify may take (8 up to 16 states, else 32)",
    )
    add(
        "--band",
        metavar="SHARE",
        type=float,
        help="how far from its level write-verify lets a cell be, as a fraction of the range "
        f"({DEFAULT_BAND:g})",
    )


def add_chip_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a chip."""
    add = parser.add_argument
    add("--chip", metavar="SEED", type=int, help="run on this chip (the ideal one)")
    add(
        "--device",
        metavar="DEVICE",
        help=f"device file of the chip, or the name of one that ships ({PAPER})",
    )
    add(
        "--program",
        metavar="SCHEME",
        help=f"how the chip is programmed: {', '.join(SCHEMES)} (open-loop)",
    )
    add_programming_arguments(parser)
    add("--calibrate", action="store_true", help="calibrate the thresholds of the chip's neurons")


def programming(
    network: Network,
    scheme: str | None,
    polarity: str | None,
    tries: int | None,
    band: float | None,
) -> Programming:
    """What the options say of programming.

    Raises
    ------
    UserError
        If a value is outside its range, or is not for this scheme.
    """
    scheme = scheme or "open-loop"
    if scheme != "write-verify":
        for option, value in (("--tries", tries), ("--band", band)):
            if value is not None:
                raise UserError(f"{option} needs --program write-verify")
    try:
        return Programming(
            scheme,
            polarity or "quieter",
            default_tries(network) if tries is None else tries,
            DEFAULT_BAND if band is None else band,
        )
    except ValueError as error:
        raise UserError(str(error)) from error


@dataclass(frozen=True)
class WordsRead:
    """R_AH words that were read back.

    Attributes
    ----------
    compared, mismatches : int
        How many, and how many of them are not the golden model's.
    changed : float
        Share of them that is not the ideal network's.
    """

    compared: int
    mismatches: int
    changed: float


@dataclass(frozen=True, eq=False)
class ChipRun:
    """A programmed chip, ready to run.

    Attributes
    ----------
    chip : Chip
        The chip.
    network : Network
        What its machine is loaded with.
    noise : ColumnNoise or None
        What it adds at each use.
    programming : Programming
        How it was programmed.
    counts : Counts
        What that took.
    calibrated : Calibrated or None
        What calibration found.
    """

    chip: Chip
    network: Network
    noise: ColumnNoise | None
    programming: Programming
    counts: Counts
    calibrated: Calibrated | None

    @property
    def device(self) -> Device:
        """What the chip is made of."""
        return self.chip.device

    def profile(self, profile: HardwareProfile) -> HardwareProfile:
        """A virtual board's profile, with the gateware that such a chip needs.

        Raises
        ------
        UserError
            If gateware has no such noise at each use.
        """
        check_sums(self.noise)
        if self.noise is None and why_words(self.device, self.programming) is not None:
            return profile
        return dataclasses.replace(profile, variation=CHIPS)

    def program(self, device: LinkDevice, progress: Progress) -> str:
        """Make the chip on a device, and say how.

        Raises
        ------
        UserError
            If the device cannot.
        """
        maker = ChipMaker(device, self.network, self.device, self.programming)
        maker.make(self.chip, self.network, progress)
        if maker.reason is None:
            return "words made by the gateware"
        return f"words sent by the host: {maker.reason}"

    def compare_words(self, device: LinkDevice) -> WordsRead:
        """Read every R_AH word back, and compare it with the golden model's chip."""
        compared = mismatches = changed = 0
        for number, layer in enumerate(self.network.layers):
            words = device.read_words(number)
            compared += words.size
            mismatches += int(np.count_nonzero(words != layer.words))
            changed += int(np.count_nonzero(words != layer.levels[layer.states]))
        return WordsRead(compared, mismatches, changed / compared)

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` says of it; see ``docs/programming.md``."""
        verify = self.programming.scheme == "write-verify"
        return {
            "device": self.device.name,
            "scheme": self.programming.scheme,
            "polarity": self.programming.polarity,
            "tries": self.programming.tries if verify else None,
            "band": self.programming.band if verify else None,
            **asdict(self.counts),
            "energy": self.counts.energy(self.device.electrical),
            "time": self.counts.time(self.device.electrical),
            "calibration_uses": None if self.calibrated is None else self.calibrated.uses,
            "readings": [*self.programming.readings(), *self.device.readings()],
        }

    def rows(self) -> list[tuple[str, str]]:
        """The same for people."""
        counts = self.counts
        rows = [
            ("programmed", self.programming.scheme),
            ("  pulses a cell", f"{counts.pulses / counts.cells:.1f}"),
            ("  saturations a cell", f"{counts.saturations / counts.cells:.2f}"),
        ]
        if counts.reads:
            rows.append(("  reads a cell", f"{counts.reads / counts.cells:.2f}"))
            rows.append(("  cells outside the band", f"{counts.unconverged / counts.cells:.2%}"))
        energy = counts.energy(self.device.electrical)
        if energy is not None:
            rows.append(("  energy of the pulses", f"{energy:.3g} J"))
        seconds = counts.time(self.device.electrical)
        if seconds is not None:
            rows.append(("  time, cell after cell", f"{seconds:,.0f} s"))
        if self.calibrated is not None:
            rows.append(("calibration, uses of neurons", f"{self.calibrated.uses:,}"))
        return rows


def chip_run(arguments: argparse.Namespace, network: Network) -> ChipRun | None:
    """Make and program the chip that was asked for, if one was.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others, or the network's levels cannot
        be programmed.
    """
    if arguments.chip is None:
        for option in ("device", "program", "polarity", "tries", "band"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option} needs --chip SEED")
        if arguments.calibrate:
            raise UserError("--calibrate needs --chip SEED")
        return None
    how = programming(
        network, arguments.program, arguments.polarity, arguments.tries, arguments.band
    )
    device = open_device(arguments.device or PAPER)
    try:
        chip = Chip(device, arguments.chip)
        programmed = program_chip(chip, network, how)
    except ValueError as error:
        raise UserError(str(error)) from error
    calibrated = calibrate(chip, network) if arguments.calibrate else None
    final = network if calibrated is None else calibrated.network
    return ChipRun(
        chip,
        chip_network(chip, final, programmed.words),
        chip.noise(network),
        how,
        programmed.counts,
        calibrated,
    )
