"""The chip that a network shall run on: how it is programmed, or where its cells were read."""

import abc
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from allspin.host.chips.cell_table import CellTable, cell_table
from allspin.host.chips.probed_cells import ProbedCells, probe_cells
from allspin.host.data.catalogue import open_device
from allspin.sim.array.in_array import InArray, chip_in_array
from allspin.sim.chip.chip import Calibrated, Chip, calibrate
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.network import Network
from allspin.sim.options import option
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import (
    DEFAULT_BAND,
    POLARITIES,
    SCHEMES,
    Counts,
    Programming,
    default_tries,
)

# A chip that was made: programmed here, or as a probe station read it back.


@dataclass(frozen=True, eq=False)
class MadeChip(abc.ABC):
    """A chip whose cells are set, ready to run.

    Attributes
    ----------
    chip : Chip
        The chip.
    base : Network
        As it was trained.
    array : InArray
        The chip in the array of its device.
    noise : ColumnNoise or None
        What it adds at each use.
    calibrated : Calibrated or None
        What calibration found, where the neurons were calibrated.
    """

    chip: Chip
    base: Network
    array: InArray
    noise: ColumnNoise | None
    calibrated: Calibrated | None

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
        return self.chip.seed

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What results call it."""

    @property
    @abc.abstractmethod
    def programming(self) -> Programming | None:
        """How its cells are programmed; None where they are as they were read."""

    @abc.abstractmethod
    def readings(self) -> list[str]:
        """What is read into the paper to make it, a line each."""

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` says of it; see ``docs/programming.md``."""

    def _to_dict(self) -> dict[str, Any]:
        """What is said of any chip."""
        array, circuit = self.array, self.device.array
        told = {
            "reading": circuit.reading,
            "supply": circuit.supply,
            "folded": array.folded,
            "error": array.error,
            "residual": array.residual,
            "saturated": array.saturated,
        }
        return {
            "calibration_uses": None if self.calibrated is None else self.calibrated.uses,
            "array": told if array.layers else None,
            "readings": self.readings(),
        }


@dataclass(frozen=True, eq=False)
class ProgrammedChip(MadeChip):
    """A chip that was programmed here.

    Attributes
    ----------
    how : Programming
        How it was programmed.
    counts : Counts
        What programming took.
    """

    how: Programming
    counts: Counts

    @classmethod
    def of(
        cls, chip: Chip, network: Network, programming: Programming, *, calibrated: bool = False
    ) -> Self:
        """Program a chip with a network.

        Parameters
        ----------
        chip : Chip
            The chip.
        network : Network
            As it was trained.
        programming : Programming
            How.
        calibrated : bool
            Whether the thresholds of its neurons are calibrated.

        Raises
        ------
        ValueError
            If the network's levels cannot be programmed, or the array has no such cells.
        """
        programmed = program_chip(chip, network, programming)
        found = calibrate(chip, network) if calibrated else None
        return cls(
            chip,
            network,
            chip_in_array(chip, network if found is None else found.network, programmed.words),
            chip.noise(network),
            found,
            programming,
            programmed.counts,
        )

    @property
    def title(self) -> str:
        """See `MadeChip.title`."""
        return f"chip {self.chip.seed} of {self.device.name}"

    @property
    def programming(self) -> Programming:
        """See `MadeChip.programming`."""
        return self.how

    def readings(self) -> list[str]:
        """See `MadeChip.readings`."""
        return [*self.how.readings(), *self.device.readings()]

    def to_dict(self) -> dict[str, Any]:
        """See `MadeChip.to_dict`."""
        verify = self.how.scheme == "write-verify"
        return {
            "device": self.device.name,
            "scheme": self.how.scheme,
            "polarity": self.how.polarity,
            "tries": self.how.tries if verify else None,
            "band": self.how.band if verify else None,
            "measured": None,
            **asdict(self.counts),
            "energy": self.counts.energy(self.device.electrical),
            "time": self.counts.time(self.device.electrical),
            **self._to_dict(),
        }


@dataclass(frozen=True, eq=False)
class ProbedChip(MadeChip):
    """A chip whose cells are as a probe station read them back.

    Attributes
    ----------
    cells : ProbedCells
        The cells.
    drawn : bool
        Whether its neurons, amplifiers and V-I converters are those of the chip's seed; else
        they are the mean ones.
    """

    cells: ProbedCells
    drawn: bool

    @classmethod
    def of(
        cls,
        cells: ProbedCells,
        network: Network,
        device: Device,
        seed: int | None = None,
        *,
        calibrated: bool = False,
    ) -> Self:
        """Make a chip of cells that were read back.

        Parameters
        ----------
        cells : ProbedCells
            The cells.
        network : Network
            As it was trained.
        device : Device
            What the cells are.
        seed : int, optional
            The chip whose neurons, amplifiers and V-I converters it has; by default they are the
            mean ones, and nothing changes from use to use.
        calibrated : bool
            Whether the thresholds of its neurons are calibrated.

        Raises
        ------
        ValueError
            If the array has no such cells.
        """
        chip = Chip(cells.device(device, seed is not None), seed or 0)
        found = calibrate(chip, network) if calibrated else None
        here = network if found is None else found.network
        return cls(
            chip,
            network,
            chip_in_array(chip, here, cells.on(chip, here)),
            chip.noise(network),
            found,
            cells,
            seed is not None,
        )

    @property
    def seed(self) -> int | None:
        """See `MadeChip.seed`."""
        return self.chip.seed if self.drawn else None

    @property
    def title(self) -> str:
        """See `MadeChip.title`."""
        neurons = f", neurons of chip {self.chip.seed}" if self.drawn else ""
        return f"{self.cells.path} of {self.device.name}{neurons}"

    @property
    def programming(self) -> None:
        """See `MadeChip.programming`."""
        return None

    def readings(self) -> list[str]:
        """See `MadeChip.readings`."""
        device = self.device
        left_out = set(device.synapse.readings())
        if not self.drawn:
            left_out |= set(device.neuron_variation.readings())
        others = [line for line in device.readings() if line not in left_out]
        neurons = [] if self.drawn else ["neurons are the mean one, each use like the other"]
        if device.open_cell is not None and not self.cells.referenced and not self.drawn:
            neurons.append("reference cells are ideal, in the middle of the range")
        return [*self.cells.readings(), *neurons, *others]

    def to_dict(self) -> dict[str, Any]:
        """See `MadeChip.to_dict`."""
        counted = dict.fromkeys(asdict(Counts()))
        return {
            "device": self.device.name,
            **dict.fromkeys(("scheme", "polarity", "tries", "band")),
            "measured": self.cells.to_dict(),
            **counted,
            "energy": None,
            "time": None,
            **self._to_dict(),
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

    def make(self, network: Network) -> ProgrammedChip:
        """Make the chip, and program it with a network.

        Raises
        ------
        UserError
            If there is no such device, or the network's levels cannot be programmed.
        """
        device = open_device(self.device, self.at)
        with refused():
            return ProgrammedChip.of(
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

    def make(self, network: Network) -> ProbedChip:
        """Make the chip of a network.

        Raises
        ------
        UserError
            If there is no such device, or the file is not of the network's cells.
        """
        device = open_device(self.device, self.at)
        cells = probe_cells(Path(self.measured), network, device, self.missing)
        with refused():
            return ProbedChip.of(cells, network, device, self.seed, calibrated=self.calibrate)
