"""The chip that a network shall run on, and how it is programmed."""

from dataclasses import dataclass
from pathlib import Path

from allspin.host.data.catalogue import open_device
from allspin.host.study.running.made_chip import MadeChip
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network
from allspin.sim.point.operating_point import OperatingPoint
from allspin.sim.programming.schemes import DEFAULT_BAND, Programming, default_tries

PAPER = "paper"
"""The device that chips are made of unless another is given."""


@dataclass(frozen=True)
class ChipOptions:
    """Which chip, of which device, programmed how.

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
        How far from its level write-verify lets a cell be, as a fraction of the range, above 0
        to 0.5.
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
