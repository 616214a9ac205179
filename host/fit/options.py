"""Options of fits: of pulse curves and neurons, and of decays."""

import math
from dataclasses import dataclass, field

import numpy as np

from allspin.host.estimate.meter import METHODS
from allspin.host.estimate.spread import DEVICE_CHOICES
from allspin.host.lab.quantities import quantity
from allspin.sim.device.retention import Retention
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import Parameters, option
from allspin.sim.synapse.synapse_variation import OCCASIONS

REFERENCES = ("column", "centred", "ideal")
"""References of a conductance: a column of devices, with their C2C and D2D, or an ideal one."""


@dataclass(frozen=True)
class FitOptions(Parameters):
    """Options of fitting curves; None lets the data decide.

    Parameters
    ----------
    name : str
        The device's name: a line of text; empty for that of the first file.
    states : int or None
        States of the synapse, 2 to 128; None for as many as pulses, at most 128.
    occasion : str or None
        Reading of C2C: ``write``, ``pulse`` or, of a model, ``root``.
    reading : str or None
        Reading of D2D: one of `allspin.host.estimate.spread.DEVICE_CHOICES`.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        True to make the synapse from the measured table in place of the model.
    keep_outliers : bool
        True to fit outliers like any other points.
    reference : str
        Reference that is subtracted from a conductance: one of `REFERENCES`.
    meter : str or None
        Source of the meter's noise: one of `allspin.host.estimate.meter.METHODS`.

    Raises
    ------
    ValueError
        If an option is outside its range; the message begins with its name.
    """

    name: str = field(default="", metadata=option("the device's name (that of the file)"))
    states: int | None = field(
        default=None,
        metadata={"low": MIN_STATES, "high": MAX_STATES}
        | option(
            "states that the synapse is used with, 2 to 128; no measured value depends on it (as "
            "many as pulses, at most 128; with lookup tables 100)",
            "N",
        ),
    )
    occasion: str | None = field(
        default=None,
        metadata=option(
            "reading of C2C (the one that suits the data)",
            flag="--c2c-occasion",
            choices=list(OCCASIONS),
        ),
    )
    reading: str | None = field(
        default=None,
        metadata=option(
            "reading of D2D (the one that explains most)",
            flag="--d2d-reading",
            choices=DEVICE_CHOICES,
        ),
    )
    currents: tuple[float, float] | None = field(
        default=None,
        metadata=option(
            "part of the neuron's curve, in mA (in the file's numbers if it names no unit)",
            ("LOW", "HIGH"),
            nargs=2,
            type=float,
        ),
    )
    table: bool = field(
        default=False,
        metadata=option("make the synapse from the measured table, without a fit"),
    )
    keep_outliers: bool = field(
        default=False, metadata=option("fit outliers like any other points")
    )
    meter: str | None = field(
        default=None,
        metadata={"known": METHODS}
        | option(
            "how the meter's noise is told from C2C (by repeated reads of a pulse, else by "
            "plateaus that scatter less than the rest)",
            flag="--meter-noise",
            choices=METHODS,
        ),
    )
    reference: str = field(
        default="column",
        metadata={"known": REFERENCES}
        | option(
            "reference of a conductance: a column that is written as the cells are, one whose mean "
            "is the middle of the range, or an ideal one (column)",
            choices=REFERENCES,
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.currents is not None and (
            np.shape(self.currents) != (2,)
            or not 0 <= self.currents[0] < self.currents[1] < math.inf
        ):
            raise ValueError("currents takes a lower and a higher magnitude, such as 2 12")
        if self.table and self.occasion == "root":
            raise ValueError(
                "occasion must be write or pulse of a measured table, whose deviations add up as "
                "they were measured, not root"
            )
        if (self.name and not self.name.strip()) or not self.name.isprintable():
            raise ValueError("name must be a word or line of text")


@dataclass(frozen=True)
class DecayOptions:
    """Options of fitting decays.

    Parameters
    ----------
    attempt_time : float or None
        In seconds, 1e-15 to 1; None to fit it to several temperatures, else 1e-9.
    equilibrium : float
        R_AH in equilibrium: 0 is the middle of the range, -1 and 1 are its ends.
    keep_outliers : bool
        True to keep points far from the fit.
    name : str or None
        Name of the device; None for that of the device which the retention is added to.

    Raises
    ------
    ValueError
        If an option is outside its range.
    """

    attempt_time: float | None = field(
        default=None,
        metadata=option(
            "attempt time of decays, such as 1ns (fitted to several temperatures, else 1ns)",
            "TIME",
            type=quantity("s", "--attempt-time"),
        ),
    )
    equilibrium: float = field(
        default=0.0,
        metadata=option(
            "what R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends (0)", "SHARE"
        ),
    )
    keep_outliers: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        Retention(0.0, self.attempt_time or 1e-9, equilibrium=self.equilibrium)
