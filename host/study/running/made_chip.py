"""A chip that was made: programmed here, or as a probe station read it back."""

import abc
from dataclasses import asdict, dataclass
from typing import Any, Self

from allspin.host.study.chips.cells.probed import ProbedCells
from allspin.sim.array.in_array import InArray, chip_in_array
from allspin.sim.chip.calibration import Calibrated, calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.column_noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Counts, Programming


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
        return {
            "calibration_uses": None if self.calibrated is None else self.calibrated.uses,
            "array": self._array(),
            "readings": self.readings(),
        }

    def _array(self) -> dict[str, Any] | None:
        if not self.array.layers:
            return None
        return {
            "reading": self.device.array.reading,
            "supply": self.device.array.supply,
            "folded": self.array.folded,
            "error": self.array.error,
            "residual": self.array.residual,
            "saturated": self.array.saturated,
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
