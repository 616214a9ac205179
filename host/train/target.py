"""Device that a network is trained for, and the ways in which its chips are used."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_device
from allspin.host.options import DEVICE, IN_RECIPE, parsed
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import check_one_of
from allspin.sim.parameters import Brief
from allspin.sim.programming.device_levels import (
    LEVEL_CHOICES,
    device_levels,
)
from allspin.sim.programming.plans import (
    plan_layer,
)
from allspin.sim.programming.schemes import (
    POLARITIES,
    Programming,
)


@dataclass(frozen=True, eq=False)
class TrainingTarget(Brief):
    """Device to train for.

    Parameters
    ----------
    device : Device, str or Path
        Device to train for, a file or the name of a shipped one: its levels, its neuron, and the
        noise of its writes.
    level_choice : str
        Choice of the states among the device's levels: nearest, pulses, uniform, either or every.
    polarity : str
        Polarity of the writes: quieter, potentiation, depression or halves.
    at : str or OperatingPoint, optional
        Operating point of the device, such as current=9mA,temperature=350: its file's own unless
        given.

    Raises
    ------
    UserError
        If the device cannot be read.
    ValueError
        If there is no such choice of levels, or polarity.
    """

    device: Annotated[Device, DEVICE]
    level_choice: Annotated[str, IN_RECIPE] = "nearest"
    polarity: Annotated[str, IN_RECIPE] = "quieter"
    at: Annotated[str | OperatingPoint | None, parsed(str, "POINT"), IN_RECIPE] = None

    def __post_init__(self) -> None:
        check_one_of("`level_choice`", self.level_choice, LEVEL_CHOICES)
        check_one_of("`polarity`", self.polarity, POLARITIES)
        object.__setattr__(self, "device", open_device(self.device, self.at))
        object.__setattr__(self, "at", None)  # the device is taken there now

    @property
    def programming(self) -> Programming:
        """Programming of its chips where nothing is read: its noise is trained with."""
        return Programming(polarity=self.polarity)

    def levels(self, states: int, rah_bits: int) -> tuple[int, ...]:
        """Return the R_AH word of each state.

        Raises
        ------
        ValueError
            If the device does not have such levels.
        """
        return tuple(
            device_levels(self.device.synapse, states, self.level_choice, rah_bits).tolist()
        )

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
            "levels": self.level_choice,
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
