"""Imperfections beside the paper's variations: all off unless a device says otherwise.

read_noise
    Unit: one cell's range of R_AH at full row current; added to a column's sum at each use.
    Source: thermal noise of the Hall arms in series, 4 k T R a hertz (Johnson and Nyquist,
    Phys. Rev. 32, 1928), and the amplifier's input noise.
amplifier_gain, converter_gain
    Unit: share of the gain; fixed for a column. Source: matching of feedback resistors.
amplifier_offset
    Unit: as `read_noise`; fixed for a column. Source: the amplifier's input offset voltage.
converter_offset
    Unit: the neuron's full-scale current; fixed for a column. Source: the V-I converter's
    offset voltage.
hall_offset
    Unit: one cell's range of R_AH; fixed for a cell. Source: Hall arms that do not face each
    other see a part of the longitudinal resistance.
reference
    Unit: one cell's range; fixed for a row of a layer, the same for all of its cells. Source: C2C
    and D2D of a reference column's cells, one a row, held in the middle of the range: what a
    signed weight is counted from where a device has a conductance, which has no sign.
drift, drift_spread, age
    Unit: share of R_AH that is lost in each decade of seconds, its mean and its deviation
    between cells; age in seconds since programming. Source: magnetic after-effect, which is
    logarithmic in time (R. Street, J. C. Woolley, Proc. Phys. Soc. A 62, 562, 1949).
retention
    Barriers and temperature of thermal activation, by which R_AH decays over the same age:
    `allspin.sim.device.retention`. Its own draws of cells are those of `drift_spread`.
stuck, stuck_at
    Unit: share of the cells; where in the range they are stuck, or that they are open. Source:
    films that no longer switch and broken Hall arms, as counted at a wafer's test.

The paper gives none of these figures. Those drawn for a cell or a column are Gaussian,
`stuck` is a chance.
"""

import math
from dataclasses import dataclass

from allspin.sim.device.checks import check_number, check_reading
from allspin.sim.device.retention import MAX_AGE, Retention

STUCK_ENDS = {
    "low": "at the lowest R_AH",
    "high": "at the highest R_AH",
    "either": "at either end of R_AH, with equal chance",
    "between": "anywhere between the ends of R_AH, with equal chance",
    "open": "open: they add no voltage or current to their columns",
}
"""Where stuck cells are stuck."""


@dataclass(frozen=True)
class Imperfections:
    """What else may be wrong, each figure a standard deviation unless said otherwise.

    Parameters
    ----------
    read_noise, amplifier_gain, amplifier_offset, converter_gain, converter_offset
    hall_offset, reference
        See the module's table, which gives unit and source; 0 to 1, `amplifier_offset` and
        `read_noise` to 100.
    drift, drift_spread : float
        Share of R_AH lost in each decade of seconds, mean and deviation between cells,
        0 to 1.
    age : float
        Seconds since programming, 0 to 1e12: what is kept is
        ``1 - drift * log10(1 + age)``.
    stuck : float
        Share of cells that are stuck, 0 to 1.
    stuck_at : str
        One of `STUCK_ENDS`.
    retention : Retention or None
        How R_AH decays by thermal activation; None for not at all.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    read_noise: float = 0.0
    amplifier_gain: float = 0.0
    amplifier_offset: float = 0.0
    converter_gain: float = 0.0
    converter_offset: float = 0.0
    hall_offset: float = 0.0
    reference: float = 0.0
    drift: float = 0.0
    drift_spread: float = 0.0
    age: float = 0.0
    stuck: float = 0.0
    stuck_at: str = "either"
    retention: Retention | None = None

    def __post_init__(self) -> None:
        tops = {"read_noise": 100, "amplifier_offset": 100, "age": MAX_AGE}
        for name, value in vars(self).items():
            if name not in ("stuck_at", "retention"):
                checked = check_number(name, value, 0, tops.get(name, 1))
                object.__setattr__(self, name, checked)
        check_reading("stuck_at", self.stuck_at, STUCK_ENDS)

    @property
    def decades(self) -> float:
        """Decades of seconds that the cells have drifted for."""
        return math.log10(1 + self.age)

    @property
    def drifts(self) -> bool:
        """Whether cells have lost R_AH with the logarithm of time."""
        return bool(self.decades and (self.drift or self.drift_spread))

    @property
    def decays(self) -> bool:
        """Whether cells have lost R_AH by thermal activation."""
        return self.retention is not None and self.age > 0

    @property
    def of_sums(self) -> bool:
        """Whether column sums have noise, or their amplifiers errors."""
        return bool(self.read_noise or self.amplifier_gain or self.amplifier_offset)

    def readings(self) -> list[str]:
        """Those that are on, a line each, for reports."""
        lines = [
            f"{name} {value:g} {unit}"
            for name, unit in UNITS.items()
            if (value := getattr(self, name))
        ]
        if self.drift or self.drift_spread:
            lines.append(f"drifted for {self.age:g} s")
        if self.retention is not None:
            lines += self.retention.readings(self.age)
        if self.stuck:
            lines.append(f"stuck cells are {STUCK_ENDS[self.stuck_at]}")
        return lines


UNITS = {
    "read_noise": "of a cell's range at full row current, on a column's sum at each use",
    "amplifier_gain": "of the amplifier's gain",
    "amplifier_offset": "of a cell's range at full row current, on a column's sum",
    "converter_gain": "of the V-I converter's gain",
    "converter_offset": "of the neuron's full-scale current",
    "hall_offset": "of a cell's range",
    "reference": "of a cell's range, the same for all cells of a row",
    "drift": "of R_AH a decade of seconds",
    "drift_spread": "of R_AH a decade of seconds, between cells",
    "stuck": "of the cells",
}
"""Unit of each figure, as reports name it."""
