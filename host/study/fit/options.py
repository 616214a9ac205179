"""What the user may ask of a fit; what is not asked for the data say."""

import math
from dataclasses import dataclass

from allspin.host.study.fit.model.meter import METHODS
from allspin.host.study.fit.model.neuron import select
from allspin.host.study.fit.reading.curve import Curve, Measurement
from allspin.sim.errors import not_one_of
from allspin.sim.network.levels import MAX_STATES, MIN_STATES, check_range

REFERENCES = ("column", "ideal")
"""A column of devices, with their C2C and D2D, or something without."""


@dataclass(frozen=True)
class FitOptions:
    """How curves are fitted; None lets the data decide.

    Parameters
    ----------
    name : str
        The device's name: a line of text.
    states : int or None
        States of the synapse, 2 to 128; None for as many as pulses, at most 128.
    occasion : str or None
        Reading of C2C: ``write``, ``pulse`` or, of a model, ``root``.
    reading : str or None
        Reading of D2D: one of `allspin.host.study.fit.model.spread.DEVICE_CHOICES`.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        Whether the synapse is to be the measured table in place of the model.
    keep_outliers : bool
        Whether outliers are fitted like any other points.
    reference : str
        Reference that is subtracted from a conductance: one of `REFERENCES`.
    meter : str or None
        How the meter's noise is measured: one of `allspin.host.study.fit.model.meter.METHODS`.

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    """

    name: str
    states: int | None = None
    occasion: str | None = None
    reading: str | None = None
    currents: tuple[float, float] | None = None
    table: bool = False
    keep_outliers: bool = False
    meter: str | None = None
    reference: str = "column"

    def __post_init__(self) -> None:
        if self.states is not None:
            check_range("states", self.states, MIN_STATES, MAX_STATES)
        if self.currents is not None and not 0 <= self.currents[0] < self.currents[1] < math.inf:
            raise ValueError("currents takes a lower and a higher magnitude, such as 2 12")
        if self.table and self.occasion == "root":
            raise ValueError(
                "occasion must be write or pulse of a measured table, whose deviations add up as "
                "they were measured, not root"
            )
        if self.meter not in (None, *METHODS):
            raise ValueError(not_one_of("meter", self.meter, METHODS))
        if self.reference not in REFERENCES:
            raise ValueError(f"reference must be {' or '.join(REFERENCES)}, not {self.reference}")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("name must be a word or line of text")

    def select(self, measurement: Measurement) -> list[Curve]:
        """The part of a neuron's curves that is fitted; none where there are none.

        Raises
        ------
        UserError
            If too few points are left.
        """
        curves = measurement.of(None)
        if not curves:
            return []
        currents = None
        if self.currents is not None:
            factor = 1e-3 if measurement.current_unit == "A" else 1.0
            currents = (self.currents[0] * factor, self.currents[1] * factor)
        return select(curves, currents)
