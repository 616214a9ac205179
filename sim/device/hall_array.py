"""The array around the cells: lines, supplies, amplifiers (``[array]`` of a device file).

A cell is a Hall cross with four terminals: the row's current flows along `longitudinal`, and the
Hall voltage appears between two arms. `READINGS` lists the ways to sum a column's Hall voltages.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from allspin.sim.errors import check_number
from allspin.sim.parameters import Parameters, choice, number, units

READINGS = {
    "ideal": "the Hall voltages of a column add up, whatever else the array does",
    "series": "the Hall arms of a column are joined in series, all columns at once",
    "selected": "as series, with a switch in each arm; one column's are closed at a time",
    "buffered": "an amplifier at each cell; their outputs are added column by column",
}
"""Readings of a column."""
SUPPLIES = {
    "isolated": "each row's current source floats between the two ends of its row",
    "grounded": "each row's current source drives one end of its row, the other end is ground",
}
"""Supplies of a row."""
NEEDED = ("hall_resistance", "longitudinal", "arms")
MAX_OHM = 1e9
"""Largest resistance; above it, double precision is less accurate than a milliohm."""


@dataclass(frozen=True)
class HallArray(Parameters):
    """Connections, supply and reading of an array; resistances are in ohm.

    Parameters
    ----------
    reading : str
        One of `READINGS`.
    supply : str
        One of `SUPPLIES`.
    hall_resistance : float or None
        R_AH of the outermost level, at most the geometric mean of `longitudinal` and `arms`.
        This and the next two are required unless the reading is ``ideal``.
    longitudinal : float or None
        Resistance of the current's path through a cell, between its row terminals.
    arms : float or None
        Resistance between a cell's Hall terminals.
    row_line, column_line : float
        Resistance of the line that a cell adds to its row, and to its column.
    supply_impedance : float
        Impedance in parallel to each row's current source, up to infinity.
    input_impedance : float
        Impedance between the inputs of an amplifier, up to infinity: at the foot of each column, at
        the selected column, or at each cell.
    common_mode_rejection : float
        Common-mode rejection of a cell's amplifier (``buffered``), in dB, up to infinity.
    switch_on, switch_off : float
        Resistance of the switch in each arm (``selected``), closed and open.
    temperature, reference_temperature : float
        Temperature, and temperature of the given resistances, in K.
    temperature_coefficient : float
        Temperature coefficient of the resistances of devices and lines, per K; R_AH, switches,
        supplies and amplifiers do not depend on temperature.

    Raises
    ------
    ValueError
        If a value is missing or outside its range.
    """

    reading: str = choice("ideal", READINGS)
    supply: str = choice("isolated", SUPPLIES)
    hall_resistance: float | None = number(None, 1e-12, MAX_OHM, "ohm")
    longitudinal: float | None = number(None, 1e-6, MAX_OHM, "ohm")
    arms: float | None = number(None, 1e-6, MAX_OHM, "ohm")
    row_line: float = number(0.0, 0, MAX_OHM, "ohm")
    column_line: float = number(0.0, 0, MAX_OHM, "ohm")
    supply_impedance: float = number(math.inf, 1e-6, math.inf, "ohm")
    input_impedance: float = number(math.inf, 1e-6, math.inf, "ohm")
    common_mode_rejection: float = number(math.inf, 0, math.inf, "dB")
    switch_on: float = number(0.0, 0, MAX_OHM, "ohm")
    switch_off: float = number(1e12, 1e-6, 1e15, "ohm")
    temperature: float = number(300.0, 0, 10_000, "K")
    reference_temperature: float = number(300.0, 0, 10_000, "K")
    temperature_coefficient: float = number(0.0, -1, 1, "per K")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reading == "ideal":
            return
        for name in NEEDED:
            if getattr(self, name) is None:
                raise ValueError(f"reading {self.reading} needs {name}, in ohm")
        if self._warmth <= 0:
            raise ValueError(
                f"temperature_coefficient {self.temperature_coefficient:g} leaves no resistance "
                f"at {self.temperature:g} K"
            )
        check_number("hall_resistance", self.hall_resistance, 0, self.most)

    def _known(self, name: str) -> float:
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"an array of Hall crosses needs {name}, in ohm")
        return value

    @property
    def _warmth(self) -> float:
        """Factor of the temperature on resistances."""
        return 1 + self.temperature_coefficient * (self.temperature - self.reference_temperature)

    @property
    def hall(self) -> float:
        """R_AH of the outermost level, in ohm."""
        return self._known("hall_resistance")

    @property
    def most(self) -> float:
        """Largest Hall resistance of a cross with these resistances, in ohm."""
        return math.sqrt(self._known("longitudinal") * self._known("arms"))

    @property
    def row_arm(self) -> float:
        """Resistance from a cell's centre to a row terminal, with half of the line, in ohm."""
        return (self._known("longitudinal") + self.row_line) * self._warmth / 2

    @property
    def column_arm(self) -> float:
        """Resistance from a cell's centre to a Hall terminal, with half of the line, in ohm."""
        return (self._known("arms") + self.column_line) * self._warmth / 2

    def read_as(self, reading: str) -> Self:
        """Return the array with another reading; raises if the array lacks a value for it."""
        return dataclasses.replace(self, reading=reading)

    @property
    def rejection(self) -> float:
        """Common-mode rejection as a ratio."""
        return 10 ** (self.common_mode_rejection / 20)

    def readings(self) -> list[str]:
        """Describe the array in lines, for reports; empty for an ideal one."""
        if self.reading == "ideal":
            return []
        rest = [
            f"{name} {value:g} {unit}"
            for name, unit in units(type(self)).items()
            if name not in NEEDED and (value := getattr(self, name)) != getattr(type(self), name)
        ]
        return [
            f"array {self.reading}: {READINGS[self.reading]}",
            f"row supplies {self.supply}: {SUPPLIES[self.supply]}",
            f"R_AH up to {self.hall:g} ohm, longitudinal {self.longitudinal:g} ohm, "
            f"Hall arms {self.arms:g} ohm",
            *([", ".join(rest)] if rest else []),
        ]
