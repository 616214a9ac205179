"""Values measured at several operating points: the table ``[synapse.at]`` of a device file.

The points form a grid: every value of each axis with every value of the others. Between the points,
values are interpolated along each axis on its linear or logarithmic scale; there is no
extrapolation.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.device.operating_point import AXES, OperatingPoint, check_axis, shown
from allspin.sim.errors import not_one_of
from allspin.sim.plain_values import TomlTable

Array = npt.NDArray[np.float64]
Leaf = tuple[str, ...]
"""Keys that lead to a value of ``[synapse]``."""

MAX_POINTS = 1024
SAME = 1e-9
"""Relative tolerance of a value at the ends of the measured range."""
INTEGER_KEY = "P_max"
"""Key whose value is an integer."""
MAX_INTEGER = 2**53
"""Bound of these integers, which a float represents exactly."""
SCALES = {
    "linear": (np.positive, np.positive),
    "log": (np.log, np.exp),
    "reciprocal": (np.reciprocal, np.reciprocal),
}
"""Scale of the linear interpolation and its inverse; A may be infinite and has the last one."""
AXIS_SCALES = ("linear", "log")


class OutsideError(ValueError):
    """The operating point is outside the measured range; the file itself is correct."""


@dataclass(frozen=True, eq=False)
class MeasuredAt:
    """Values measured at several operating points.

    Attributes
    ----------
    scales : dict of str to str
        Scale of each axis, one of `AXIS_SCALES`.
    grid : dict of str to ndarray
        Rising values of each axis.
    values : dict of Leaf to (str, ndarray)
        Scale of each measured value, one of `SCALES`, and an array with one dimension for each
        axis and another for the entries of a list.
    default : OperatingPoint
        Operating point of the device by default.
    """

    scales: dict[str, str]
    grid: dict[str, Array]
    values: dict[Leaf, tuple[str, Array]]
    default: OperatingPoint

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """Read the table ``[synapse.at]``.

        Raises
        ------
        ValueError
            If a key is missing or unknown, the points do not form a grid, or a value cannot be
            interpolated.
        """
        axes = table.table("axes", needed=True)
        value_scales = table.table("values")
        default = table.table("default", needed=True)
        listed = table.take("measured")
        table.finish()
        _check_scales(axes, AXES, AXIS_SCALES)
        scales = {name: axes.content[name] for name in AXES if name in axes.content}
        if not scales:
            raise ValueError(f"[{axes.name}] must name what was varied, of {', '.join(AXES)}")
        points = _read_points(table.name, listed, scales)
        grid = _read_grid(table.name, points, scales)
        places = list(itertools.product(*(along.tolist() for along in grid.values())))
        leaves = {".".join(leaf): leaf for leaf in next(iter(points.values()))}
        _check_scales(value_scales, leaves, tuple(SCALES))
        shape = tuple(along.size for along in grid.values())
        measured = {}
        for key, leaf in leaves.items():
            scale = value_scales.content.get(key, "linear")
            values = _stack(f"[{table.name}] {key}", [points[at][leaf] for at in places], scale)
            measured[leaf] = scale, values.reshape(*shape, *values.shape[1:])
        point = OperatingPoint(**{name: default.take(name) for name in scales})
        default.finish()
        made = cls(scales, grid, measured, point)
        try:
            made.check(point)
        except OutsideError as error:
            raise ValueError(f"[{default.name}]: {error}") from None
        return made

    def _span(self, name: str) -> str:
        """Describe the measured range of an axis."""
        ends = (shown(name, float(end)) for end in self.grid[name][[0, -1]])
        return " to ".join(dict.fromkeys(ends))

    def check(self, point: OperatingPoint) -> None:
        """Raise `OutsideError`, with the range, if a point is outside the measured range."""
        for name, value in point.given().items():
            if name not in self.scales:
                spans = ", ".join(f"{axis} {self._span(axis)}" for axis in self.grid)
                raise OutsideError(f"{name} was not varied in the measurement; measured: {spans}")
            low, high = self.grid[name][[0, -1]]
            slack = SAME * max(abs(low), abs(high))
            if not low - slack <= value <= high + slack:
                raise OutsideError(
                    f"{name} {shown(name, value)} is outside what was measured, "
                    f"{'only at' if low == high else 'from'} {self._span(name)}"
                )

    def at(self, point: OperatingPoint) -> dict[Leaf, Any]:
        """Interpolate every value at a point.

        Parameters
        ----------
        point : OperatingPoint
            Point with a value for every axis.

        Raises
        ------
        OutsideError
            If the point is outside the measured range.
        """
        self.check(point)
        neighbours = [self._neighbours(name, value) for name, value in point.given().items()]
        interpolated: dict[Leaf, Any] = {}
        for leaf, (scale, values) in self.values.items():
            corners = []
            for corner in itertools.product(*neighbours):
                place = tuple(index for index, _ in corner)
                weight = math.prod(weight for _, weight in corner)
                corners.append((values[place], weight))
            value = _interpolate(corners, scale)
            if leaf[-1] == INTEGER_KEY and np.all(np.abs(value) < MAX_INTEGER):
                value = np.rint(value).astype(np.int64)
            interpolated[leaf] = value.tolist()
        return interpolated

    def _neighbours(self, name: str, value: float) -> list[tuple[int, float]]:
        """Return the neighbouring indices along an axis, each with its weight."""
        places = self.grid[name]
        near = int(np.argmin(np.abs(places - value)))
        if abs(places[near] - value) <= SAME * abs(value):
            return [(near, 1.0)]
        above = int(np.searchsorted(places, value))
        to_scale, _ = SCALES[self.scales[name]]
        low, at, high = to_scale(np.array([places[above - 1], value, places[above]]))
        share = float((at - low) / (high - low))
        return [(above - 1, 1 - share), (above, share)]


def _interpolate(corners: list[tuple[Array, float]], scale: str) -> Array:
    """Return the weighted mean of values on a scale; equal values stay exact."""
    first = corners[0][0]
    if all(np.array_equal(value, first) for value, _ in corners):
        return first
    to_scale, from_scale = SCALES[scale]
    with np.errstate(divide="ignore"):
        return from_scale(np.sum([weight * to_scale(value) for value, weight in corners], axis=0))


def _read_points(
    name: str, listed: object, axes: Iterable[str]
) -> dict[tuple[float, ...], dict[Leaf, Array]]:
    """Read the list of measured points: their values by their places on the axes."""
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_POINTS:
        raise ValueError(f"[{name}] measured must be a list of 1 to {MAX_POINTS:,} tables")
    points: dict[tuple[float, ...], dict[Leaf, Array]] = {}
    for number, content in enumerate(listed, 1):
        try:
            place, values = _entry(content, axes)
            if place in points:
                raise ValueError("it is at the same point as another one")
            for leaf in sorted(values.keys() ^ next(iter(points.values()), values).keys()):
                raise ValueError(f"{'.'.join(leaf)} must be there at all points or none")
        except ValueError as error:
            raise ValueError(f"[{name}.measured] number {number}: {error}") from None
        points[place] = values
    return points


def _read_grid(
    name: str, points: Iterable[tuple[float, ...]], scales: Mapping[str, str]
) -> dict[str, Array]:
    """Return the rising values of each axis; refuse points that do not form a grid."""
    present = set(points)
    grid = {
        axis: np.unique(along)
        for axis, along in zip(scales, zip(*present, strict=True), strict=True)
    }
    for axis, scale in scales.items():
        _check_values(f"[{name}] {axis}", grid[axis], scale)
    for place in itertools.product(*(along.tolist() for along in grid.values())):
        if place not in present:
            missing = map(" ".join, zip(grid, map(shown, grid, place), strict=True))
            raise ValueError(
                f"[{name}] must have a point for each combination of its axes, and lacks "
                f"{', '.join(missing)}"
            )
    return grid


def _check_scales(table: TomlTable, keys: Iterable[str], scales: Iterable[str]) -> None:
    """Refuse scales of unknown keys, and unknown scales."""
    for key, scale in table.content.items():
        if key not in keys:
            raise ValueError(f"[{table.name}] has no key {key}; it takes {', '.join(keys)}")
        if scale not in scales:
            raise ValueError(f"[{table.name}] {not_one_of(key, scale, scales)}")


def _entry(content: object, axes: Iterable[str]) -> tuple[tuple[float, ...], dict[Leaf, Array]]:
    """Return a measured point's place on each axis, and its values."""
    table = TomlTable("", content)
    place = tuple(check_axis(axis, table.take(axis)) for axis in axes)
    values = {}
    for leaf, value in _leaves(table.content):
        several = value if isinstance(value, list) else [value]
        if not several or not all(type(one) in (int, float) and one == one for one in several):
            raise ValueError(
                f"{'.'.join(leaf)} must be a number or a list of them, not {value!r:.40}; what is "
                "the same at all points is in [synapse]"
            )
        values[leaf] = np.array(value, np.float64)
    if not values:
        raise ValueError("it has no values")
    return place, values


def _leaves(table: Mapping[str, Any], way: Leaf = ()) -> list[tuple[Leaf, Any]]:
    """Return every value of nested tables with the keys that lead to it."""
    leaves = []
    for key, value in table.items():
        if isinstance(value, dict):
            leaves += _leaves(value, (*way, key))
        else:
            leaves.append(((*way, key), value))
    return leaves


def _stack(name: str, parts: list[Array], scale: str) -> Array:
    """Stack a value of all points into one array that can be interpolated on its scale.

    Shorter lists are extended by their last entry.
    """
    if len({part.ndim for part in parts}) > 1:
        raise ValueError(f"{name} is a list at some points only")
    size = max(part.size for part in parts)
    if parts[0].ndim:
        parts = [np.pad(part, (0, size - part.size), "edge") for part in parts]
    values = np.array(parts)
    if np.any(values != values.flat[0]):
        _check_values(name, values, scale)
    return values


def _check_values(name: str, values: Array, scale: str) -> None:
    """Refuse values that cannot be interpolated on a scale."""
    if scale == "log" and np.any(values <= 0):
        raise ValueError(f"{name} is on a log scale and must be above 0 at all points")
    if scale == "reciprocal" and np.any(values == 0):
        raise ValueError(f"{name} is on a reciprocal scale and must not be 0")
    through = name.endswith(".A") and values.min() < 0 < values.max()
    if scale != "reciprocal" and (through or not np.all(np.isfinite(values))):
        raise ValueError(
            f"{name} is infinite at some points or between them: give it the scale reciprocal"
        )
