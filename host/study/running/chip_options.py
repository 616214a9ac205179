"""The chip that a network shall run on: how it is programmed, or where its cells were read."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from allspin.host.data.catalogue import open_device
from allspin.host.study.chips.cells.probed import probe_cells
from allspin.host.study.chips.cells.table import CellTable, cell_table
from allspin.host.study.running.made_chip import ProbedChip, ProgrammedChip
from allspin.sim.chip.chip import Chip
from allspin.sim.device.checks import check_number
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network
from allspin.sim.point.operating_point import OperatingPoint
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import DEFAULT_BAND, Programming, default_tries

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

    seed: int
    device: str | Path | Device = PAPER
    scheme: str = "open-loop"
    polarity: str = "quieter"
    tries: int | None = None
    band: float | None = None
    calibrate: bool = False
    at: str | OperatingPoint | None = None

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

    measured: str | Path
    device: str | Path | Device = PAPER
    seed: int | None = None
    missing: float = 0.0
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


Options = TypeVar("Options", bound=ChipOptions | ProbedChipOptions)


def with_device_read(options: Options) -> Options:
    """The same chip, with its device read from its file.

    Parameters
    ----------
    options : ChipOptions or ProbedChipOptions
        Which chip.

    Raises
    ------
    UserError
        If there is no such device.
    """
    return replace(options, device=open_device(options.device, options.at), at=None)
