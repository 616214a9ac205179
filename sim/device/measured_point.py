"""A response that was measured at several operating points: ``[synapse.at]`` of a device file.

Points lie on a grid, of every value of each axis with every value of the others. Between them
values are interpolated along each axis, on its linear or logarithmic scale, and never beyond the
outermost ones. What comes of it is the table of an ordinary synapse, so that whatever makes a
device of a file need not know of points.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.device.operating_point import AXES, OperatingPoint, check_axis, shown
from allspin.sim.files import Table

Array = npt.NDArray[np.float64]
Leaf = tuple[str, ...]
"""Keys that lead to a value of ``[synapse]``."""

MAX_POINTS = 1024
SAME = 1e-9
"""Relative difference up to which a value is the one at the end of what was measured."""
WHOLE, MAX_WHOLE = "P_max", 2**53
"""A key whose value is a whole number, and what all of these are below."""


@dataclass(frozen=True)
class Scale:
    """How a value is laid out before straight lines are drawn, and back."""

    there: Callable[[Array], Array]
    back: Callable[[Array], Array]


SCALES = {
    "linear": Scale(lambda values: values, lambda values: values),
    "log": Scale(np.log, np.exp),
    "reciprocal": Scale(lambda values: 1 / values, lambda values: 1 / values),
}
"""On which straight lines are drawn; the last is for values such as A, which may be infinite."""
AXIS_SCALES = ("linear", "log")


class OutsideError(ValueError):
    """A point at which nothing was measured: not the file is wrong, but what was asked of it."""


@dataclass(frozen=True, eq=False)
class MeasuredAt:
    """What was measured at several operating points.

    Attributes
    ----------
    scales : dict of str to str
        Scale of each axis, of `AXIS_SCALES`.
    grid : dict of str to ndarray
        Rising values of each axis.
    values : dict of Leaf to ndarray
        What was measured, with a dimension for each axis, and another for a list's entries.
    value_scales : dict of Leaf to str
        Scale of each value, of `SCALES`.
    default : OperatingPoint
        Where the device is taken unless told.
    """

    scales: dict[str, str]
    grid: dict[str, Array]
    values: dict[Leaf, Array]
    value_scales: dict[Leaf, str]
    default: OperatingPoint

    @classmethod
    def from_table(cls, table: Table) -> Self:
        """What ``[synapse.at]`` says.

        Raises
        ------
        ValueError
            If a key is missing or strange, points do not make a grid, or a value is none that can
            be interpolated.
        """
        axes, named = table.table("axes", needed=True).content, table.table("values").content
        scales = _scales(axes, AXIS_SCALES, "axes", AXES)
        default = table.table("default", needed=True).content
        listed = table.take("measured")
        table.finish()
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_POINTS:
            raise ValueError(f"[synapse.at] measured must be a list of 1 to {MAX_POINTS:,} tables")
        entries = [_Entry(number, entry, scales) for number, entry in enumerate(listed, 1)]
        grid = {name: np.array(sorted({entry.place[name] for entry in entries})) for name in scales}
        for name, scale in scales.items():
            if scale == "log" and grid[name][0] <= 0:
                raise ValueError(f"[synapse.at] {name} is on a log scale and must be above 0")
        values = _arrange(entries, grid)
        value_scales = {leaf: "linear" for leaf in values}
        known = {".".join(leaf): leaf for leaf in values}
        for key, scale in _scales(named, tuple(SCALES), "values", tuple(known)).items():
            value_scales[known[key]] = scale
        for leaf, measured in values.items():
            _check_scale(leaf, measured, value_scales[leaf])
        for key in default:
            if key not in scales:
                raise ValueError(f"[synapse.at.default] has {key}, which is none of its axes")
        found = cls(scales, grid, values, value_scales, OperatingPoint(**default))
        for name in scales:
            if name not in default:
                raise ValueError(f"[synapse.at.default] lacks {name}")
        try:
            found.check(found.default)
        except OutsideError as error:
            raise ValueError(f"[synapse.at.default]: {error}") from None
        return found

    def check(self, point: OperatingPoint) -> None:
        """Raise `OutsideError`, with the range, where a point is beyond what was measured."""
        for name, value in point.given().items():
            if name not in self.scales:
                raise OutsideError(f"{name} was not varied in the measurement; {self.ranges()}")
            low, high = (float(end) for end in self.grid[name][[0, -1]])
            slack = SAME * max(abs(low), abs(high))
            if low - slack <= value <= high + slack:
                continue
            only = f"only at {shown(name, low)}"
            span = f"from {shown(name, low)} to {shown(name, high)}"
            raise OutsideError(
                f"{name} {shown(name, value)} is outside what was measured, "
                f"{only if low == high else span}"
            )

    def ranges(self) -> str:
        """What was measured, in words."""
        spans = [
            f"{name} {shown(name, float(values[0]))}"
            + (f" to {shown(name, float(values[-1]))}" if len(values) > 1 else "")
            for name, values in self.grid.items()
        ]
        return f"measured: {', '.join(spans)}"

    def at(self, point: OperatingPoint) -> dict[Leaf, Any]:
        """Every value at a point.

        Parameters
        ----------
        point : OperatingPoint
            With all of the axes.

        Raises
        ------
        OutsideError
            If it is beyond what was measured.
        """
        self.check(point)
        sides = [self._sides(name, value) for name, value in point.given().items()]
        found: dict[Leaf, Any] = {}
        for leaf, values in self.values.items():
            scale = SCALES[self.value_scales[leaf]]
            corners = [
                (values[tuple(place for place, _ in corner)], math.prod(w for _, w in corner))
                for corner in itertools.product(*sides)
            ]
            if len(corners) == 1 or all(np.array_equal(one, corners[0][0]) for one, _ in corners):
                # What was measured itself, to the last digit.
                whole = corners[0][0]
            else:
                with np.errstate(divide="ignore"):
                    parts = [weight * scale.there(one) for one, weight in corners]
                    whole = scale.back(np.sum(parts, axis=0))
            if leaf[-1] == WHOLE and np.all(np.abs(whole) < MAX_WHOLE):
                whole = np.rint(whole).astype(np.int64)
            found[leaf] = whole.tolist()
        return found

    def _sides(self, name: str, value: float) -> list[tuple[int, float]]:
        """Neighbouring places along an axis, each with its weight."""
        places = self.grid[name]
        near = int(np.argmin(np.abs(places - value)))
        if abs(places[near] - value) <= SAME * abs(value):
            return [(near, 1.0)]
        above = int(np.searchsorted(places, value))
        there = SCALES[self.scales[name]].there
        low, at, high = there(np.array([places[above - 1], value, places[above]]))
        part = float((at - low) / (high - low))
        return [(above - 1, 1 - part), (above, part)]


class _Entry:
    """One measured point: where it is, and its values."""

    def __init__(self, number: int, content: object, axes: Mapping[str, str]) -> None:
        self.name = f"[synapse.at.measured] number {number}"
        if not isinstance(content, dict):
            raise ValueError(f"{self.name} must be a table")
        rest = dict(content)
        self.place: dict[str, float] = {}
        for axis in axes:
            if axis not in rest:
                raise ValueError(f"{self.name} lacks {axis}")
            try:
                self.place[axis] = check_axis(axis, rest.pop(axis))
            except ValueError as error:
                raise ValueError(f"{self.name}: {error}") from None
        self.values = {leaf: self._value(leaf, value) for leaf, value in _leaves(rest)}
        if not self.values:
            raise ValueError(f"{self.name} has no values")

    def _value(self, leaf: Leaf, value: object) -> Array:
        several = value if isinstance(value, list) else [value]
        for one in several:
            if isinstance(one, bool) or not isinstance(one, int | float) or math.isnan(one):
                raise ValueError(
                    f"{self.name}: {'.'.join(leaf)} must be a number or a list of them, "
                    f"not {value!r:.40}; what is the same at all points is in [synapse]"
                )
        if not several:
            raise ValueError(f"{self.name}: {'.'.join(leaf)} is empty")
        return np.array(value, np.float64)


def _leaves(table: Mapping[str, Any], way: Leaf = ()) -> list[tuple[Leaf, Any]]:
    """Every value of tables within one another, with the keys that lead to it."""
    found = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _leaves(value, (*way, key))
        else:
            found.append(((*way, key), value))
    return found


def _scales(
    content: Mapping[str, Any], known: tuple[str, ...], name: str, keys: tuple[str, ...]
) -> dict[str, str]:
    """Scales by what they are of, checked."""
    if not content and name == "axes":
        raise ValueError(f"[synapse.at.axes] must name what was varied, of {', '.join(keys)}")
    for key, scale in content.items():
        if key not in keys:
            raise ValueError(f"[synapse.at.{name}] has no key {key}; it takes {', '.join(keys)}")
        if scale not in known:
            raise ValueError(
                f"[synapse.at.{name}] {key} must be {' or '.join(known)}, not {scale!r}"
            )
    # In one order, whatever the file's.
    return {key: content[key] for key in keys if key in content}


def _arrange(entries: list[_Entry], grid: Mapping[str, Array]) -> dict[Leaf, Array]:
    """Values on the grid; lists are made as long as the longest by their last entry."""
    places: dict[tuple[int, ...], _Entry] = {}
    for entry in entries:
        place = tuple(
            int(np.searchsorted(values, entry.place[name])) for name, values in grid.items()
        )
        if place in places:
            raise ValueError(f"{entry.name} is at the same point as another one")
        places[place] = entry
        strange = entry.values.keys() ^ entries[0].values.keys()
        for leaf in sorted(strange):
            raise ValueError(f"{entry.name}: {'.'.join(leaf)} must be there at all points or none")
    shape = tuple(len(values) for values in grid.values())
    if math.prod(shape) != len(places):
        place = next(place for place in np.ndindex(shape) if place not in places)
        at = ", ".join(
            f"{name} {shown(name, float(values[index]))}"
            for index, (name, values) in zip(place, grid.items(), strict=True)
        )
        raise ValueError(
            f"[synapse.at] must have a point for each combination of its axes, and lacks {at}"
        )
    found = {}
    for leaf in entries[0].values:
        each = {place: entry.values[leaf] for place, entry in places.items()}
        if len({values.ndim for values in each.values()}) > 1:
            raise ValueError(f"[synapse.at] {'.'.join(leaf)} is a list at some points only")
        size = max(values.size for values in each.values())
        whole = np.empty((*shape, size) if next(iter(each.values())).ndim else shape)
        for place, values in each.items():
            whole[place] = (
                np.pad(values, (0, size - values.size), mode="edge") if values.ndim else values
            )
        found[leaf] = whole
    return found


def _check_scale(leaf: Leaf, values: Array, scale: str) -> None:
    """Refuse values that cannot be interpolated on their scale."""
    name = f"[synapse.at] {'.'.join(leaf)}"
    if np.all(values == values.flat[0]):
        return
    if scale == "log" and np.any(values <= 0):
        raise ValueError(f"{name} is on a log scale and must be above 0 at all points")
    if scale == "reciprocal":
        if np.any(values == 0):
            raise ValueError(f"{name} is on a reciprocal scale and must not be 0")
        return
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{name} is infinite at some points: give it the scale reciprocal")
    if leaf[-1] == "A" and np.any(values < 0) and np.any(values > 0):
        raise ValueError(
            f"{name} changes its sign, which it does through infinity: give it the scale reciprocal"
        )
