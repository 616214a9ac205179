"""Imperfections that the paper does not describe; by default, a device has none of them.

read_noise
    Unit: one cell's range of R_AH at full row current; added to a column's sum at each use.
    Source: thermal noise of the Hall arms in series, 4 k T R per hertz (Johnson and Nyquist,
    Phys. Rev. 32, 1928), and the amplifier's input noise.
amplifier_gain, converter_gain
    Unit: share of the gain; fixed for a column. Source: matching of feedback resistors.
amplifier_offset
    Unit: as `read_noise`; fixed for a column. Source: the amplifier's input offset voltage.
converter_offset
    Unit: the neuron's full-scale current; fixed for a column. Source: the V-I converter's
    offset voltage.
hall_offset
    Unit: one cell's range of R_AH; fixed for a cell. Source: misaligned Hall arms, which pick up
    a part of the longitudinal resistance.
reference
    Unit: one cell's range; fixed for a row of a layer, and equal for all of its cells. Source: C2C
    and D2D of a reference column, which has one cell for each row in the middle of the range. A
    conductance has no sign, so signed weights are differences from this column.
reference_column
    Mean of these cells: the middle of the range, to which they are trimmed, or the result of a
    write, with its C2C and D2D (`allspin.sim.programming.reference_column`).
drift, drift_spread, age
    Unit: share of R_AH that is lost in each decade of seconds, its mean and its deviation
    between cells; age in seconds since programming. Source: magnetic after-effect, which is
    logarithmic in time (R. Street, J. C. Woolley, Proc. Phys. Soc. A 62, 562, 1949).
retention
    Barriers and temperature of thermal activation, by which R_AH decays over the same age:
    `allspin.sim.device.retention`. It uses the draws of `drift_spread`.
stuck, stuck_at
    Unit: share of the cells; the R_AH at which they are stuck, or open cells. Source: devices that
    no longer switch and broken Hall arms, as counted in a wafer test.

The paper gives none of these figures. Draws of a cell or a column are Gaussian; `stuck` is a
probability.
"""

import math
from dataclasses import dataclass

from allspin.sim.device.retention import MAX_AGE, Retention
from allspin.sim.parameters import Parameters, choice, number, units

STUCK_ENDS = {
    "low": "at the lowest R_AH",
    "high": "at the highest R_AH",
    "either": "at either end of R_AH, with equal chance",
    "between": "anywhere between the ends of R_AH, with equal chance",
    "open": "open: they add no voltage or current to their columns",
}
"""R_AH of stuck cells."""
REFERENCE_COLUMNS = {
    "centred": "centred: its mean is the middle of the range",
    "written": "written as the cells are: whole pulses need not lead to the middle of the range",
}
"""Contents of a reference column's cells."""


@dataclass(frozen=True)
class Imperfections(Parameters):
    """Imperfections of cells, columns and converters; a figure is a standard deviation by default.

    Parameters
    ----------
    read_noise, amplifier_gain, amplifier_offset, converter_gain, converter_offset
    hall_offset, reference
        See the module's list of units and sources; 0 to 1, `amplifier_offset` and `read_noise`
        to 100.
    reference_column : str
        One of `REFERENCE_COLUMNS`; `reference` is a deviation about either.
    drift, drift_spread : float
        Share of R_AH lost in each decade of seconds, mean and deviation between cells,
        0 to 1.
    age : float
        Seconds since programming, 0 to 1e12; R_AH is multiplied by
        ``1 - drift * log10(1 + age)``.
    stuck : float
        Share of cells that are stuck, 0 to 1.
    stuck_at : str
        One of `STUCK_ENDS`.
    retention : Retention or None
        Decay of R_AH by thermal activation; None for no decay.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    read_noise: float = number(
        0.0, 0, 100, "of a cell's range at full row current, on a column's sum at each use"
    )
    amplifier_gain: float = number(0.0, 0, 1, "of the amplifier's gain")
    amplifier_offset: float = number(
        0.0, 0, 100, "of a cell's range at full row current, on a column's sum"
    )
    converter_gain: float = number(0.0, 0, 1, "of the V-I converter's gain")
    converter_offset: float = number(0.0, 0, 1, "of the neuron's full-scale current")
    hall_offset: float = number(0.0, 0, 1, "of a cell's range")
    reference: float = number(0.0, 0, 1, "of a cell's range, the same for all cells of a row")
    drift: float = number(0.0, 0, 1, "of R_AH a decade of seconds")
    drift_spread: float = number(0.0, 0, 1, "of R_AH a decade of seconds, between cells")
    age: float = number(0.0, 0, MAX_AGE)
    stuck: float = number(0.0, 0, 1, "of the cells")
    stuck_at: str = choice("either", STUCK_ENDS)
    retention: Retention | None = None
    reference_column: str = choice("centred", REFERENCE_COLUMNS)

    @property
    def referenced(self) -> bool:
        """True if a reference column has cells that deviate from the middle of the range."""
        return bool(self.reference) or self.reference_column == "written"

    @property
    def decades(self) -> float:
        """Duration of the drift in decades of seconds."""
        return math.log10(1 + self.age)

    @property
    def drifts(self) -> bool:
        """True if cells have lost R_AH with the logarithm of time."""
        return bool(self.decades and (self.drift or self.drift_spread))

    @property
    def decays(self) -> bool:
        """True if cells have lost R_AH by thermal activation."""
        return self.retention is not None and self.age > 0

    @property
    def of_sums(self) -> bool:
        """True if column sums have noise, or their amplifiers have errors."""
        return bool(self.read_noise or self.amplifier_gain or self.amplifier_offset)

    def readings(self) -> list[str]:
        """Describe each imperfection that is present in one line, for reports."""
        lines = self.figures()
        if self.referenced:
            lines.append(f"reference column {REFERENCE_COLUMNS[self.reference_column]}")
        if self.drift or self.drift_spread:
            lines.append(f"drifted for {self.age:g} s")
        if self.retention is not None:
            lines += self.retention.readings(self.age)
        if self.stuck:
            lines.append(f"stuck cells are {STUCK_ENDS[self.stuck_at]}")
        return lines


UNITS = units(Imperfections)
"""Unit of each figure in reports."""
