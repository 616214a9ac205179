"""The device that a network is trained for, and how its chips are used."""

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
from allspin.sim.programming.programming import device_levels
from allspin.sim.programming.schemes import Programming, plan_layer


@dataclass(frozen=True, eq=False)
class TrainingTarget(Brief):
    """A device to train for.

    Parameters
    ----------
    device : Device
        The device.
    choice : str
        What its states are: one of `allspin.sim.programming.programming.LEVEL_CHOICES`.
    programming : Programming
        How its chips will be programmed where nothing is read: whose noise is trained with.
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
        """The target of the words of ``allspin train``.

        Raises
        ------
        UserError
            If there is no device, or it cannot be read.
        ValueError
            If there is no such choice.
        """
        if device is None:
            raise UserError("`at`, `level_choice` and `polarity` need `device`")
        return cls(
            open_device(device, at),
            level_choice or "nearest",
            Programming(polarity=polarity or "quieter"),
        )

    def levels(self, states: int, rah_bits: int) -> tuple[int, ...]:
        """R_AH word of each state; `ValueError` where there is no such choice for this device."""
        return tuple(device_levels(self.device.synapse, states, self.choice, rah_bits).tolist())

    def shared(self, states: int, rah_bits: int) -> str:
        """What is to be said where pulses reach fewer levels than states; else nothing."""
        distinct = len(set(self.levels(states, rah_bits)))
        if distinct == states:
            return ""
        return (
            f"of {states} states {distinct} have a level of their own: pulses of "
            f"{self.device.name} reach no more, and the others share a neighbour's"
        )

    def noise(self, states: int, rah_bits: int) -> npt.NDArray[np.float64]:
        """Noise of each state, as a fraction of the range: cycle to cycle, and what a train misses.

        Returns
        -------
        ndarray of float64, shape (states,)
            Standard deviation. Device-to-device variation is left out: it is what verifying
            takes away.
        """
        levels = np.array(self.levels(states, rah_bits), np.int16)
        plan = plan_layer(self.device.synapse, levels, self.programming, rah_bits, mean_device=True)
        missed = plan.reached.astype(np.float64) - levels
        return np.hypot(plan.cycle, missed) / float(levels[-1] - levels[0])

    def to_dict(self) -> dict[str, Any]:
        """What a network's provenance says of it."""
        at = self.device.source.get("at")
        return {
            "device": self.device.name,
            **({"at": at} if isinstance(at, str) else {}),
            "levels": self.choice,
            "program": self.programming.scheme,
            "polarity": self.programming.polarity,
        }


@dataclass(frozen=True)
class Occasion:
    """A way in which chips are used, and the share of training that it has.

    Parameters
    ----------
    programming : Programming
        How the chips are programmed.
    calibrated : bool
        Whether their neurons are calibrated.
    share : float
        Of the images of a batch.
    """

    programming: Programming
    calibrated: bool
    share: float
