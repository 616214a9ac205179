"""The chip that a network shall run on: how it is programmed, or where its cells were read."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import VariationParameters
from allspin.host.chips.cell_table import CellTable, cell_table
from allspin.host.chips.probed_cells import ProbedCells, probe_cells
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.keywords import takes
from allspin.host.machines.gateware_chips import (
    CHIPS,
    SUM_CHIPS,
    check_tiles,
    why_not_made,
    why_not_programmed,
)
from allspin.sim.array.in_array import InArray, chip_in_array
from allspin.sim.chip.chip import Calibrated, Chip, calibrate
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import WORD_BITS
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief, option
from allspin.sim.programming.programming import Programmed, program_chip as write_chip
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    POLARITIES,
    SCHEMES,
    VERIFYING,
    Counts,
    Programming,
    default_tries,
)

TestSet = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Images and labels, as `allspin.host.data.datasets.load_test_set` returns them."""


@dataclass(frozen=True, eq=False)
class MadeChip(Brief):
    """A chip whose cells are set, ready to run.

    Attributes
    ----------
    chip : Chip
        The chip.
    base : Network
        As it was trained.
    how : Programming or ProbedCells
        What its cells come from: a scheme, or what a probe station read.
    array : InArray
        The chip in the array of its device.
    noise : ColumnNoise or None
        What it adds at each use.
    calibrated : Calibrated or None
        What calibration found, where the neurons were calibrated.
    counts : Counts
        What programming took; nothing where the cells were read.
    drawn : bool
        Whether its neurons, amplifiers and V-I converters are those of the chip's seed; else
        they are the mean ones.
    """

    chip: Chip
    base: Network
    how: Programming | ProbedCells
    array: InArray
    noise: ColumnNoise | None
    calibrated: Calibrated | None
    counts: Counts
    drawn: bool

    @classmethod
    def of(
        cls,
        chip: Chip,
        network: Network,
        how: Programming | ProbedCells,
        *,
        calibrated: bool = False,
        drawn: bool = True,
    ) -> Self:
        """Make a chip of a network, whose parameters are those of the class.

        Raises
        ------
        ValueError
            If the network's levels cannot be programmed, or the array has no such cells.
        """
        found = calibrate(chip, network) if calibrated else None
        here = network if found is None else found.network
        if isinstance(how, ProbedCells):
            words, counts = how.on(chip, here), Counts()
        else:
            programmed = write_chip(chip, network, how)
            words, counts = programmed.words, programmed.counts
        array, noise = chip_in_array(chip, here, words), chip.noise(network)
        return cls(chip, network, how, array, noise, found, counts, drawn)

    @property
    def network(self) -> Network:
        """With the chip's words, V-I converters and neurons, as its array lets them act."""
        return self.array.network

    @property
    def device(self) -> Device:
        """What the chip is made of."""
        return self.chip.device

    @property
    def seed(self) -> int | None:
        """Seed of what was drawn for it; None where nothing was."""
        return self.chip.seed if self.drawn else None

    @property
    def programming(self) -> Programming | None:
        """How its cells are programmed; None where they are as they were read."""
        return self.how if isinstance(self.how, Programming) else None

    @property
    def gateware(self) -> VariationParameters | None:
        """What a virtual board must have to be it; None where the host computes all of it.

        Raises
        ------
        UserError
            If gateware has no such noise at each use.
        """
        check_tiles(self.noise)
        if self.noise is not None:
            return CHIPS if self.noise.on_neurons_only else SUM_CHIPS
        return None if why_not_programmed(self.programming) or why_not_made(self.device) else CHIPS

    @property
    def cells(self) -> ProbedCells | None:
        """Its cells as they were read; None where they are programmed."""
        return self.how if isinstance(self.how, ProbedCells) else None

    @property
    def title(self) -> str:
        """What results call it."""
        if self.cells is None:
            return f"chip {self.seed} of {self.device.name}"
        neurons = f", neurons of chip {self.seed}" if self.drawn else ""
        return f"{self.cells.path} of {self.device.name}{neurons}"

    def accuracy(self, test_set: TestSet) -> float:
        """Share of images, grey levels with their classes, that it classifies rightly."""
        images, labels = test_set
        model = GoldenModel(self.network, noise=self.noise)
        return float(np.mean(model.classify(images) == labels))

    def readings(self) -> list[str]:
        """What is read into the paper to make it, a line each."""
        lines, device = [*self.how.readings()], self.device
        left_out, neuron = [], self.base.neuron
        lines += [f"neurons switch by chance, at each use: {neuron}"] * bool(neuron.noise)
        if self.cells is not None:
            left_out += device.synapse.readings()
            if not self.drawn:
                left_out += device.neuron_variation.readings()
                lines.append("neurons are the mean one, each use like the other")
                if device.open_cell is not None and not self.cells.referenced:
                    lines.append("reference cells are ideal, in the middle of the range")
        return [*lines, *(line for line in device.readings() if line not in left_out)]

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` says of it; see ``docs/programming.md``."""
        how, counts, array = self.programming, self.counts, self.array
        verify = how if how is not None and how.verifies else None
        electrical, circuit = self.device.electrical, self.device.array
        told = {
            "reading": circuit.reading,
            "supply": circuit.supply,
            "folded": array.folded,
            "error": array.error,
            "residual": array.residual,
            "saturated": array.saturated,
        }
        return {
            "device": self.device.name,
            "scheme": how and how.scheme,
            "polarity": how and how.polarity,
            "tries": verify.tries if verify else None,
            "band": verify.band if verify else None,
            "measured": self.cells and self.cells.to_dict(),
            **(asdict(counts) if how else dict.fromkeys(asdict(counts))),
            "energy": counts.energy(electrical) if how else None,
            "time": counts.time(electrical) if how else None,
            "calibration_uses": self.calibrated and self.calibrated.uses,
            "array": told if array.layers else None,
            "readings": self.readings(),
        }


PAPER = "paper"
"""The device that chips are made of unless another is given."""


@dataclass(frozen=True)
class ChipOptions:
    """A chip: its seed, its device, and how it is programmed or what was read of its cells.

    Parameters
    ----------
    chip : int, Chip or None
        The chip, 0 to 2**32 - 1. None with `measured` only: then neurons, amplifiers and V-I
        converters are the mean ones, and nothing changes from use to use. A `Chip` brings its
        device.
    device : str, Path or Device
        What it is made of: a device, the name of one that ships, or a device file.
    scheme, polarity : str
        As of `allspin.sim.programming.schemes.Programming`.
    tries : int, optional
        Writes of a cell that write-verify may take, 1 to 1024 (8 up to 16 states, else 32).
    band : float, optional
        Largest distance from the level that write-verify accepts, as a fraction of the range,
        above 0 to 0.5.
    calibrate : bool
        Whether the thresholds of its neurons are calibrated.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.
    measured : str or Path, optional
        What a probe station read of its cells, as ``docs/formats.md`` has it, in place of
        programming them. The device's range and unit tell what R_AH is worth in words.
    missing : float
        Share of such cells that may be missing, 0 to 1; such a cell is taken for open.

    Raises
    ------
    UserError
        If a value is outside its range, or does not go with another.
    """

    chip: int | Chip | None = field(
        default=None, metadata=option("run on this chip (the ideal one)", "SEED", type=int)
    )
    device: str | Path | Device = field(
        default=PAPER,
        metadata=option(
            f"device file of the chip, or the name of one that ships ({PAPER})", "DEVICE"
        ),
    )
    scheme: str = field(
        default="open-loop",
        metadata=option(
            f"how the chip is programmed: {', '.join(SCHEMES)} (open-loop)",
            "SCHEME",
            flag="--program",
        ),
    )
    polarity: str = field(
        default="quieter",
        metadata=option(f"polarity of the pulse trains: {', '.join(POLARITIES)} (quieter)", "NAME"),
    )
    tries: int | None = field(
        default=None,
        metadata=option(
            "writes of a cell that write-verify may take (8 up to 16 states, else 32)", "N"
        ),
    )
    band: float | None = field(
        default=None,
        metadata=option(
            "how far from its level write-verify lets a cell be, as a fraction of the range "
            f"({DEFAULT_BAND:g})",
            "SHARE",
        ),
    )
    calibrate: bool = field(
        default=False, metadata=option("calibrate the thresholds of the chip's neurons")
    )
    at: str | OperatingPoint | None = field(
        default=None,
        metadata=option(
            "operating point of the device, such as current=9mA,temperature=350 (its file's own)",
            "POINT",
        ),
    )
    measured: str | Path | None = field(
        default=None,
        metadata=option(
            "cells as a probe station read them, CSV or .npz; neurons are the mean one, or those "
            "of --chip",
            "CELLS",
            type=Path,
        ),
    )
    missing: float = field(
        default=0.0,
        metadata=option(
            "with --measured, share of the cells that may be missing or open; a Hall arm that is "
            "open adds nothing to its column (0)",
            "SHARE",
        ),
    )

    def __post_init__(self) -> None:
        if isinstance(self.chip, Chip):
            object.__setattr__(self, "device", self.chip.device)
            object.__setattr__(self, "chip", self.chip.seed)
        mean, read = self.chip is None, self.measured is not None
        verifying = " or ".join(VERIFYING)
        how = (self.scheme, self.polarity) != ("open-loop", "quieter")
        for wrong, said in (
            (
                self.tries is not None and self.scheme not in VERIFYING,
                f"`tries` needs `program` {verifying}",
            ),
            (
                self.band is not None and self.scheme not in VERIFYING,
                f"`band` needs `program` {verifying}",
            ),
            (mean and not read, "a chip needs its seed, `chip`, or cells that were `measured`"),
            (self.missing and not read, "`missing` needs `measured`"),
            (read and how, "`measured` cells are not programmed: leave out how they would be"),
            (
                mean and self.calibrate,
                "`calibrate` needs `chip`: the mean neuron needs no calibration",
            ),
        ):
            if wrong:
                raise UserError(said)
        with refused():
            self._programming(1)
            check_number("`missing`", self.missing, 0, 1)
            check_range("chip seed", self.chip or 0, 0, 2**32 - 1)

    def _programming(self, usual: int) -> Programming:
        return Programming(
            self.scheme,
            self.polarity,
            usual if self.tries is None else self.tries,
            DEFAULT_BAND if self.band is None else self.band,
        )

    def make(self, network: Network) -> MadeChip:
        """Make the chip, and program it with a network or take the cells that were read.

        Raises
        ------
        UserError
            If there is no such device, the network's levels cannot be programmed, or the file is
            not of the network's cells.
        """
        device = open_device(self.device, self.at)
        seed = cast(int | None, self.chip)
        if self.measured is None:
            how, chip = self._programming(default_tries(network)), Chip(device, seed or 0)
        else:
            if seed is None and network.neuron.noise:
                raise UserError("neurons of this network switch by chance: give `chip`, their seed")
            how = probe_cells(Path(self.measured), network, device, self.missing)
            chip = how.chip(Chip(device, seed or 0), seed is not None)
        with refused():
            return MadeChip.of(
                chip, network, how, calibrated=self.calibrate, drawn=seed is not None
            )

    def cells(self, network: Network) -> CellTable:
        """Program the chip with a network, and tell what came of each cell.

        Raises
        ------
        UserError
            As of `make`.
        """
        device = open_device(self.device, self.at)
        with refused():
            how, chip = (
                self._programming(default_tries(network)),
                Chip(device, cast(int, self.chip)),
            )
            return cell_table(network, device, write_chip(chip, network, how))


def ideal_chip(network: Network) -> MadeChip:
    """A chip nothing of which varies: what changes from use to use is the neuron's own chance.

    Its draws are those of chip 0.
    """
    held = [layer.words.astype(np.int64) << WORD_BITS for layer in network.layers]
    cells = ProbedCells(Path("the network"), held, 0, 0, True)
    device = replace(cells.chip(Chip(open_device(PAPER), 0), False).device, name="an ideal device")
    return MadeChip.of(Chip(replace(device, array=HallArray()), 0), network, cells)


@takes(program=lambda scheme: scheme)  # which is what `Programming` calls it
def program_chip(
    chip: Chip | int,
    network: str | Path | Network,
    program: str | Programming = "open-loop",
    *,
    polarity: str = "quieter",
    tries: int | None = None,
    band: float | None = None,
    progress: Any = None,
    **keywords: Any,
) -> Programmed:
    """Program a chip with a network.

    Parameters
    ----------
    chip : Chip or int
        The chip; or the seed of one of the paper's device.
    network : str, Path or Network
        States and levels: a network, its file, or the name of one that ships.
    program : str or Programming
        How: ``open-loop``, ``pulse-width``, ``write-verify`` or ``incremental``; or all of it.
    polarity, tries, band
        As of `allspin.Programming`; `tries` are 8 up to 16 states, else 32.
    progress : Display or bool, optional
        There is no step to show.

    Returns
    -------
    Programmed
        R_AH words of each layer, and what they took.

    Raises
    ------
    UserError
        If there is no such network.
    ValueError
        If a value is outside its range, or a layer's levels do not rise from first to last.
    """
    network = open_network(network)
    chip = chip if isinstance(chip, Chip) else Chip(open_device(PAPER), chip)
    if isinstance(program, str):
        asked = ChipOptions(chip, scheme=program, polarity=polarity, tries=tries, band=band)
        program = asked._programming(default_tries(network))
    return write_chip(chip, network, program)
