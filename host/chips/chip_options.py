"""The chip that a network shall run on: how it is programmed, or where its cells were read."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.chips.cell_table import CellTable, cell_table
from allspin.host.chips.probed_cells import ProbedCells, probe_cells
from allspin.host.data.catalogue import open_device
from allspin.sim.array.in_array import InArray, chip_in_array
from allspin.sim.chip.chip import Calibrated, Chip, calibrate
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import option
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    POLARITIES,
    SCHEMES,
    Counts,
    Programming,
    default_tries,
)

TestSet = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Images and labels, as `allspin.host.data.datasets.load_test_set` returns them."""


@dataclass(frozen=True, eq=False)
class MadeChip:
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
            programmed = program_chip(chip, network, how)
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
        left_out = []
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
        verify = how if how is not None and how.scheme == "write-verify" else None
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
    """A chip: its seed, its device, and how it is programmed.

    Parameters
    ----------
    seed : int
        The chip, 0 to 2**32 - 1.
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

    Raises
    ------
    UserError
        If a value is outside its range, or is not for this scheme.
    """

    seed: int = field(metadata=option("run on this chip (the ideal one)", "SEED", flag="--chip"))
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

    def __post_init__(self) -> None:
        if self.scheme != "write-verify":
            for name in ("tries", "band"):
                if getattr(self, name) is not None:
                    raise UserError(f"`{name}` needs `scheme` write-verify")
        with refused():
            self._programming(1)
            check_range("chip seed", self.seed, 0, 2**32 - 1)

    def _programming(self, usual: int) -> Programming:
        return Programming(
            self.scheme,
            self.polarity,
            usual if self.tries is None else self.tries,
            DEFAULT_BAND if self.band is None else self.band,
        )

    def make(self, network: Network) -> MadeChip:
        """Make the chip, and program it with a network.

        Raises
        ------
        UserError
            If there is no such device, or the network's levels cannot be programmed.
        """
        device = open_device(self.device, self.at)
        with refused():
            return MadeChip.of(
                Chip(device, self.seed),
                network,
                self._programming(default_tries(network)),
                calibrated=self.calibrate,
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
            how = self._programming(default_tries(network))
            return cell_table(network, device, program_chip(Chip(device, self.seed), network, how))


@dataclass(frozen=True)
class ProbedChipOptions:
    """A chip whose cells a probe station read back.

    Parameters
    ----------
    measured : str or Path
        What it read, as ``docs/formats.md`` has it.
    device : str, Path or Device
        What the cells are: a device, the name of one that ships, or a device file. Its range and
        unit tell what R_AH is worth in words.
    seed : int, optional
        The chip whose neurons, amplifiers and V-I converters it has, 0 to 2**32 - 1; by default
        they are the mean ones, and nothing changes from use to use.
    missing : float
        Share of the cells that may be missing, 0 to 1; such a cell is taken for open.
    calibrate : bool
        Whether the thresholds of its neurons are calibrated; needs `seed`.
    at : str or OperatingPoint, optional
        As of `ChipOptions`.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    measured: str | Path = field(
        metadata=option(
            "cells as a probe station read them, CSV or .npz; neurons are the mean one, or those "
            "of --chip",
            "CELLS",
            type=Path,
        )
    )
    device: str | Path | Device = PAPER
    seed: int | None = None
    missing: float = field(
        default=0.0,
        metadata=option(
            "with --measured, share of the cells that may be missing or open; a Hall arm that is "
            "open adds nothing to its column (0)",
            "SHARE",
        ),
    )
    calibrate: bool = False
    at: str | OperatingPoint | None = None

    def __post_init__(self) -> None:
        with refused():
            check_number("`missing`", self.missing, 0, 1)
            if self.seed is not None:
                check_range("chip seed", self.seed, 0, 2**32 - 1)
        if self.calibrate and self.seed is None:
            raise UserError("`calibrate` needs `seed`: the mean neuron needs no calibration")

    def make(self, network: Network) -> MadeChip:
        """Make the chip of a network.

        Raises
        ------
        UserError
            If there is no such device, or the file is not of the network's cells.
        """
        device = open_device(self.device, self.at)
        cells = probe_cells(Path(self.measured), network, device, self.missing)
        with refused():
            return MadeChip.of(
                cells.chip(device, self.seed),
                network,
                cells,
                calibrated=self.calibrate,
                drawn=self.seed is not None,
            )
