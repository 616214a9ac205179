"""Device that a network is trained for, and the ways in which its chips are used."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_device
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.parameters import Brief
from allspin.sim.programming.device_levels import (
    device_levels,
)
from allspin.sim.programming.plans import (
    plan_layer,
)
from allspin.sim.programming.schemes import (
    Programming,
)


@dataclass(frozen=True, eq=False)
class TrainingTarget(Brief):
    """Device to train for.

    Parameters
    ----------
    device : Device
        The device.
    choice : str
        Choice of its levels: one of `allspin.sim.programming.device_levels.LEVEL_CHOICES`.
    programming : Programming
        Open-loop programming of its chips, whose noise the training has.
    """

    device: Device
    choice: str = "nearest"
    programming: Programming = field(default_factory=Programming)

    @classmethod
    def asked(
        cls,
        device: str | Path | Device | None = None,
        at: str | OperatingPoint | None = None,
        level_choice: str | None = None,
        polarity: str | None = None,
    ) -> "TrainingTarget":
        """Return the target that the options of ``allspin train`` name.

        Raises
        ------
        UserError
            If `device` is missing, or cannot be read.
        ValueError
            If a choice is unknown.
        """
        if device is None:
            raise UserError("`at`, `level_choice` and `polarity` need `device`")
        return cls(
            open_device(device, at),
            level_choice or "nearest",
            Programming(polarity=polarity or "quieter"),
        )

    def levels(self, states: int, rah_bits: int) -> tuple[int, ...]:
        """Return the R_AH word of each state.

        Raises
        ------
        ValueError
            If the device does not have such levels.
        """
        return tuple(device_levels(self.device.synapse, states, self.choice, rah_bits).tolist())

    def shared(self, states: int, rah_bits: int) -> str:
        """Return a warning if pulses reach fewer levels than states; otherwise an empty text."""
        distinct = len(set(self.levels(states, rah_bits)))
        if distinct == states:
            return ""
        return (
            f"of {states} states {distinct} have a level of their own: pulses of "
            f"{self.device.name} reach no more, and the others share a neighbour's"
        )

    def noise(self, states: int, rah_bits: int) -> npt.NDArray[np.float64]:
        """Return the noise of each state as a fraction of the range: C2C, and a train's error.

        Returns
        -------
        ndarray of float64, shape (states,)
            Standard deviation. D2D is left out, because verifying removes it.
        """
        levels = np.array(self.levels(states, rah_bits), np.int16)
        plan = plan_layer(self.device.synapse, levels, self.programming, rah_bits, mean_device=True)
        error = plan.reached.astype(np.float64) - levels
        return np.hypot(plan.cycle, error) / float(levels[-1] - levels[0])

    def to_dict(self) -> dict[str, Any]:
        """Return the target in the form of a network's provenance."""
        point = self.device.source.get("at")
        return {
            "device": self.device.name,
            **({"at": point} if isinstance(point, str) else {}),
            "levels": self.choice,
            "program": self.programming.scheme,
            "polarity": self.programming.polarity,
        }


@dataclass(frozen=True)
class Occasion:
    """Way in which chips are used, and its share of the training.

    Parameters
    ----------
    programming : Programming
        Programming of the chips.
    calibrated : bool
        True if their neurons are calibrated.
    share : float
        Share of the images of a batch.
    """

    programming: Programming
    calibrated: bool
    share: float
