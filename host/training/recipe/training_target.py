"""The device that a network is trained for: its levels, its neuron, the noise of its writes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.device.checks import check_reading
from allspin.sim.device.device import Device
from allspin.sim.programming.device_levels import LEVEL_CHOICES, device_levels
from allspin.sim.programming.schemes import Programming
from allspin.sim.programming.trains import plan_layer


@dataclass(frozen=True, eq=False)
class TrainingTarget:
    """A device to train for.

    Parameters
    ----------
    device : Device
        The device.
    choice : str
        What its states are: one of `allspin.sim.programming.device_levels.LEVEL_CHOICES`.
    programming : Programming
        How its chips will be programmed where nothing is read: whose noise is trained with.

    Raises
    ------
    ValueError
        If there is no such choice, or it is not for this device.
    """

    device: Device
    choice: str = "nearest"
    programming: Programming = field(default_factory=Programming)

    def __post_init__(self) -> None:
        check_reading("the choice of levels", self.choice, LEVEL_CHOICES)

    def levels(self, states: int, rah_bits: int) -> tuple[int, ...]:
        """R_AH word of each state."""
        levels = device_levels(self.device.synapse, states, self.choice, rah_bits)
        return tuple(levels.tolist())

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
