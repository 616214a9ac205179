"""A chip that was made and programmed."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from allspin.sim.array.in_array import InArray, chip_in_array
from allspin.sim.chip.calibration import Calibrated, calibrate
from allspin.sim.chip.chip import Chip, ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Counts, Programming


@dataclass(frozen=True, eq=False)
class MadeChip:
    """A programmed chip, ready to run.

    Attributes
    ----------
    chip : Chip
        The chip.
    base : Network
        As it was trained.
    programming : Programming
        How it was programmed.
    array : InArray
        The chip in the array of its device.
    noise : ColumnNoise or None
        What it adds at each use.
    counts : Counts
        What programming took.
    calibrated : Calibrated or None
        What calibration found, where the neurons were calibrated.
    """

    chip: Chip
    base: Network
    programming: Programming
    array: InArray
    noise: ColumnNoise | None
    counts: Counts
    calibrated: Calibrated | None = None

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
            programming,
            chip_in_array(chip, network if found is None else found.network, programmed.words),
            chip.noise(network),
            programmed.counts,
            found,
        )

    @property
    def network(self) -> Network:
        """With the chip's words, V-I converters and neurons, as its array lets them act."""
        return self.array.network

    @property
    def device(self) -> Device:
        """What the chip is made of."""
        return self.chip.device

    def readings(self) -> list[str]:
        """What is read into the paper to make and program it, a line each."""
        return [*self.programming.readings(), *self.device.readings()]

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
