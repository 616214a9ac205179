"""How synapses vary from cycle to cycle (C2C) and from device to device (D2D)."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.device.checks import check_number, check_reading
from allspin.sim.device.synapse.response import Array, Polarity

SMALLEST_FACTOR = 0.05
"""No device's own range or nonlinearity is drawn below this share of the nominal one."""
CYCLE_READINGS = {
    "range": "of the range R_max - R_min",
    "step": "of the mean step, (R_max - R_min) / (states - 1)",
    "increment": "of the change that the pulse or write itself makes",
}
"""What a cycle-to-cycle figure is a fraction of; the paper does not say."""
OCCASIONS = {
    "write": "once a write, however many pulses it takes",
    "pulse": "on each pulse",
    "root": "once a write, times the root of its pulses, as NeuroSim does",
}
"""When a cycle-to-cycle deviation is drawn."""
DEVICE_READINGS = {
    "range": "an offset of R_AH, of the range R_max - R_min",
    "step": "an offset of R_AH, of the mean step (R_max - R_min) / (states - 1)",
    "weight": "a factor on R_AH, counted from the middle of the range",
    "span": "a factor on the polarity's range, counted from where it starts",
    "nonlinearity": "a factor on the polarity's A",
}
"""What a device-to-device figure is a fraction of; the paper does not say."""


@dataclass(frozen=True)
class SynapseVariation:
    """A Gaussian variation: a figure for each polarity, and what it is a fraction of.

    Attributes
    ----------
    short : str
        What messages call it.
    readings : dict
        What a figure may be a fraction of.
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of what the reading says.
    reading : str
        One of `readings`.
    """

    short: ClassVar[str]
    readings: ClassVar[dict[str, str]]

    potentiation: float = 0.0
    depression: float = 0.0
    reading: str = "range"

    def __post_init__(self) -> None:
        for name in ("potentiation", "depression"):
            value = check_number(f"{self.short} of {name}", getattr(self, name), 0, 1)
            object.__setattr__(self, name, value)
        check_reading(f"the reading of {self.short}", self.reading, self.readings)

    def __getitem__(self, polarity: Polarity) -> float:
        """Figure of a polarity."""
        return self.depression if polarity else self.potentiation

    def multiplied(self, factor: float) -> Self:
        """The same with both figures multiplied.

        Raises
        ------
        ValueError
            If one leaves its range.
        """
        return dataclasses.replace(
            self, potentiation=self.potentiation * factor, depression=self.depression * factor
        )


@dataclass(frozen=True)
class CycleVariation(SynapseVariation):
    """Cycle-to-cycle (C2C) variation: Gaussian, drawn anew each time.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by the polarity of the pulse, 0 to 1, as a fraction of what the
        reading says.
    reading : str
        One of `CYCLE_READINGS`.
    occasion : str
        One of `OCCASIONS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    short: ClassVar[str] = "C2C"
    readings: ClassVar[dict[str, str]] = CYCLE_READINGS

    occasion: str = "write"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_reading("the occasion of C2C", self.occasion, OCCASIONS)

    def __str__(self) -> str:
        return (
            f"C2C {self.potentiation:.3g} (potentiation), {self.depression:.3g} (depression) "
            f"{CYCLE_READINGS[self.reading]}, {OCCASIONS[self.occasion]}"
        )


@dataclass(frozen=True)
class DeviceVariation(SynapseVariation):
    """Device-to-device (D2D) variation: Gaussian, drawn once for a device and polarity.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of what the reading says.
    reading : str
        One of `DEVICE_READINGS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    short: ClassVar[str] = "D2D"
    readings: ClassVar[dict[str, str]] = DEVICE_READINGS

    def __str__(self) -> str:
        return (
            f"D2D {self.potentiation:.3g} (potentiation), {self.depression:.3g} (depression): "
            f"{DEVICE_READINGS[self.reading]}"
        )

    def factor(self, of: str, polarity: Polarity, deviate: npt.ArrayLike) -> Array:
        """Each device's factor on what a reading scales; 1 where this is another reading."""
        z = np.asarray(deviate, np.float64)
        if self.reading != of:
            return np.ones(())
        return np.maximum(1 + self[polarity] * z, SMALLEST_FACTOR)
