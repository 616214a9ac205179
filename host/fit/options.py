"""Options of fits: of pulse curves and neurons, and of decays."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from allspin.host.estimate.meter import METHODS
from allspin.host.estimate.spread import DEVICE_CHOICES
from allspin.host.lab.quantities import quantity
from allspin.host.options import HIDDEN, IN_RECIPE, Options, parsed
from allspin.sim.device.retention import Retention
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import choice, number
from allspin.sim.synapse.synapse_variation import OCCASIONS

REFERENCES = ("column", "centred", "ideal")
"""References of a conductance: a column of devices, with their C2C and D2D, or an ideal one."""


@dataclass(frozen=True)
class FitOptions(Options):
    """Options of a fit of curves; None lets the data decide.

    Parameters
    ----------
    name : str
        Name of the device, a line of text: that of the first file unless given.
    states : int or None
        States that the synapse is used with, 2 to 128; no measured value depends on it. As many
        as pulses, at most 128, unless given; with lookup tables 100.
    occasion : str or None
        Reading of C2C: write, pulse or, of a model, root. The one that suits the data unless
        given.
    reading : str or None
        Reading of D2D: range, weight, span or nonlinearity; the one that explains most unless
        given.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        Make the synapse from the measured table, without a fit.
    keep_outliers : bool
        Fit outliers like any other points.
    meter : str or None
        Way to tell the meter's noise from C2C: reads (repeated reads of a pulse) or none; reads
        where the data have enough unless given.
    reference : str
        Reference of a conductance: a column that is written as the cells are (column), one whose
        mean is the middle of the range (centred), or an ideal one (ideal).

    Raises
    ------
    ValueError
        If a value is invalid; the message begins with its name.
    """

    name: str = ""
    states: int | None = number(None, MIN_STATES, MAX_STATES)
    occasion: Annotated[str | None, Parameter(name="c2c_occasion"), IN_RECIPE] = choice(
        None, OCCASIONS
    )
    reading: Annotated[str | None, Parameter(name="d2d_reading"), IN_RECIPE] = choice(
        None, DEVICE_CHOICES
    )
    currents: tuple[float, float] | None = None
    table: bool = False
    keep_outliers: Annotated[bool, IN_RECIPE] = False
    meter: Annotated[str | None, Parameter(name="meter_noise"), IN_RECIPE] = choice(None, METHODS)
    reference: Annotated[str, IN_RECIPE] = choice("column", REFERENCES)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.currents is not None and (
            np.shape(self.currents) != (2,)
            or not 0 <= self.currents[0] < self.currents[1] < math.inf
        ):
            raise ValueError("`currents` takes a lower and a higher magnitude, such as 2 12")
        if self.table and self.occasion not in (None, "write"):
            raise ValueError(
                "`occasion` must be write of a measured table: its deviations are those after each "
                "number of pulses"
            )
        if (self.name and not self.name.strip()) or not self.name.isprintable():
            raise ValueError("`name` must be a word or line of text")


@dataclass(frozen=True)
class DecayOptions:
    """Options of a fit of decays.

    Parameters
    ----------
    attempt_time : float or None
        Attempt time of a decay, such as 1ns (in seconds in Python), 1e-15 to 1 s: fitted if there
        are several temperatures, else 1 ns, unless given.
    equilibrium : float
        Value that R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends.
    keep_outliers : bool
        True to keep points far from the fit.
    name : str or None
        Name of the device; None for that of the device that the retention is added to.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    attempt_time: Annotated[
        float | None, parsed(quantity("s", "`attempt_time`"), "TIME"), IN_RECIPE
    ] = None
    equilibrium: Annotated[float, IN_RECIPE] = 0.0
    keep_outliers: Annotated[bool, HIDDEN] = False
    name: Annotated[str | None, HIDDEN] = None

    def __post_init__(self) -> None:
        Retention(0.0, self.attempt_time or 1e-9, equilibrium=self.equilibrium)
