"""A device file's operating points: ``[synapse.at]``, the tables at one point, and points added.

Points lie on a grid, of every value of each axis with every value of the others. Between them
values are interpolated along each axis, on its linear or logarithmic scale, and never beyond the
outermost ones. What comes of it is the table of an ordinary synapse, so that whatever makes a
device of a file need not know of points.
"""

import copy
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
Content = dict[str, Any]
Leaf = tuple[str, ...]
"""Keys that lead to a value of ``[synapse]``."""

MAX_POINTS = 1024
SAME = 1e-9
"""Relative difference up to which a value is the one at the end of what was measured."""
WHOLE, MAX_WHOLE = "P_max", 2**53
"""A key whose value is a whole number, and what all of these are below."""
SCALES = {
    "linear": (np.positive, np.positive),
    "log": (np.log, np.exp),
    "reciprocal": (np.reciprocal, np.reciprocal),
}
"""On which straight lines are drawn, there and back; the last is for A, which may be infinite."""
AXIS_SCALES = ("linear", "log")
TAKES = {
    "current": ("potentiation_current", "depression_current"),
    "width": ("pulse_time",),
}
"""What an axis is in ``[synapse.electrical]``, so that energy and time follow."""


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
    values : dict of Leaf to (str, ndarray)
        What was measured: its scale, of `SCALES`, and an array with a dimension for each axis and
        another for a list's entries.
    default : OperatingPoint
        Where the device is taken unless told.
    """

    scales: dict[str, str]
    grid: dict[str, Array]
    values: dict[Leaf, tuple[str, Array]]
    default: OperatingPoint

    @classmethod
    def from_table(cls, table: TomlTable) -> Self:
        """What ``[synapse.at]`` says.

        Raises
        ------
        ValueError
            If a key is missing or strange, points do not make a grid, or a value is none that can
            be interpolated.
        """
        axes, named = table.table("axes", needed=True), table.table("values")
        default, listed = table.table("default", needed=True), table.take("measured")
        table.finish()
        _check_scales(axes, AXES, AXIS_SCALES)
        scales = {name: axes.content[name] for name in AXES if name in axes.content}
        if not scales:
            raise ValueError(f"[{axes.name}] must name what was varied, of {', '.join(AXES)}")
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_POINTS:
            raise ValueError(
                f"[{table.name}] measured must be a list of 1 to {MAX_POINTS:,} tables"
            )
        points: dict[tuple[float, ...], dict[Leaf, Array]] = {}
        for number, content in enumerate(listed, 1):
            try:
                place, values = _entry(content, scales)
                if place in points:
                    raise ValueError("it is at the same point as another one")
                for leaf in sorted(values.keys() ^ next(iter(points.values()), values).keys()):
                    raise ValueError(f"{'.'.join(leaf)} must be there at all points or none")
            except ValueError as error:
                raise ValueError(f"[{table.name}.measured] number {number}: {error}") from None
            points[place] = values
        grid = {
            name: np.unique(along)
            for name, along in zip(scales, zip(*points, strict=True), strict=True)
        }
        for name, scale in scales.items():
            _check_values(f"[{table.name}] {name}", grid[name], scale)
        every = list(itertools.product(*(along.tolist() for along in grid.values())))
        for place in every:
            if place not in points:
                at = map(" ".join, zip(grid, map(shown, grid, place), strict=True))
                raise ValueError(
                    f"[{table.name}] must have a point for each combination of its axes, and lacks "
                    f"{', '.join(at)}"
                )
        known = {".".join(leaf): leaf for leaf in next(iter(points.values()))}
        _check_scales(named, known, tuple(SCALES))
        shape = tuple(along.size for along in grid.values())
        measured = {}
        for key, leaf in known.items():
            scale = named.content.get(key, "linear")
            whole = _whole(f"[{table.name}] {key}", [points[place][leaf] for place in every], scale)
            measured[leaf] = scale, whole.reshape(*shape, *whole.shape[1:])
        point = OperatingPoint(**{name: default.take(name) for name in scales})
        default.finish()
        found = cls(scales, grid, measured, point)
        try:
            found.check(point)
        except OutsideError as error:
            raise ValueError(f"[{default.name}]: {error}") from None
        return found

    def _span(self, name: str) -> str:
        """What was measured of an axis, in words."""
        ends = (shown(name, float(end)) for end in self.grid[name][[0, -1]])
        return " to ".join(dict.fromkeys(ends))

    def check(self, point: OperatingPoint) -> None:
        """Raise `OutsideError`, with the range, where a point is beyond what was measured."""
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
        for leaf, (scale, values) in self.values.items():
            there, back = SCALES[scale]
            corners = [
                (values[tuple(place for place, _ in corner)], math.prod(w for _, w in corner))
                for corner in itertools.product(*sides)
            ]
            whole = corners[0][0]
            # What was measured itself stays, to the last digit.
            if not all(np.array_equal(one, whole) for one, _ in corners):
                with np.errstate(divide="ignore"):
                    whole = back(np.sum([weight * there(one) for one, weight in corners], axis=0))
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
        there, _ = SCALES[self.scales[name]]
        low, at, high = there(np.array([places[above - 1], value, places[above]]))
        part = float((at - low) / (high - low))
        return [(above - 1, 1 - part), (above, part)]


def _check_scales(table: TomlTable, keys: Iterable[str], scales: Iterable[str]) -> None:
    """Refuse scales of something else, and unknown ones."""
    for key, scale in table.content.items():
        if key not in keys:
            raise ValueError(f"[{table.name}] has no key {key}; it takes {', '.join(keys)}")
        if scale not in scales:
            raise ValueError(f"[{table.name}] {not_one_of(key, scale, scales)}")


def _entry(content: object, axes: Iterable[str]) -> tuple[tuple[float, ...], dict[Leaf, Array]]:
    """One measured point: where it is on each axis, and its values."""
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
    """Every value of tables within one another, with the keys that lead to it."""
    found = []
    for key, value in table.items():
        found += _leaves(value, (*way, key)) if isinstance(value, dict) else [((*way, key), value)]
    return found


def _whole(name: str, each: list[Array], scale: str) -> Array:
    """A value at all points, as one array that can be interpolated on its scale.

    Lists are made as long as the longest by their last entry.
    """
    if len({one.ndim for one in each}) > 1:
        raise ValueError(f"{name} is a list at some points only")
    size = max(one.size for one in each)
    values = np.array(
        [np.pad(one, (0, size - one.size), "edge") if one.ndim else one for one in each]
    )
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


def _inner(content: Content, *way: str) -> Content:
    """A table within others, which is made where there is none."""
    for place, key in enumerate(way, 1):
        content = content.setdefault(key, {})
        if not isinstance(content, dict):
            raise ValueError(f"[{'.'.join(way[:place])}] must be a table")
    return content


def _follow(content: Content, measured: MeasuredAt, point: OperatingPoint) -> None:
    """Put what was measured at a point into ``[synapse]``, and the point's own figures."""
    fixed = set(_inner(content, "synapse", "electrical"))
    for leaf, value in measured.at(point).items():
        table = _inner(content, "synapse", *leaf[:-1])
        if leaf[-1] in table:
            raise ValueError(
                f"{'.'.join(leaf)} is in [synapse] and in [synapse.at]; it may be in one of them"
            )
        table[leaf[-1]] = value
    electrical = _inner(content, "synapse", "electrical")
    for name, value in point.given().items():
        keys = TAKES.get(name, ())
        if keys and fixed.issuperset(keys):
            raise ValueError(
                f"[synapse.electrical] has {' and '.join(keys)}, which are the {name} of "
                "[synapse.at]; leave out what varies with the point"
            )
        electrical.update({key: value for key in keys if key not in electrical})


def _warm(content: Content, temperature: float, given: bool) -> bool:
    """Take retention and array to a temperature; True if that changes one of them.

    A temperature that was not asked for does not replace one that the file has.
    """
    others = _inner(content, "imperfections")
    for outer, key in ((content, "array"), (others, "retention")):
        if key in outer and (given or "temperature" not in _inner(outer, key)):
            outer[key]["temperature"] = temperature
    real = content.get("array", {}).get("reading", "ideal") != "ideal"
    return real or "retention" in others


def at_point(content: Content, point: OperatingPoint | None) -> Content:
    """The tables of a device file at an operating point: those of an ordinary device.

    Parameters
    ----------
    content : dict
        A device file's tables.
    point : OperatingPoint or None
        What was asked for. Axes that it leaves open are those of the file's default point.

    Returns
    -------
    dict
        Without ``[synapse.at]``; `content` itself where nothing was asked for and there is none.

    Raises
    ------
    OutsideError
        If the point is beyond what was measured.
    ValueError
        If ``[synapse.at]`` is damaged.
    """
    synapse = content.get("synapse")
    there = isinstance(synapse, dict) and "at" in synapse
    if point is None and not there:
        return content
    asked = {} if point is None else point.given()
    content = copy.deepcopy(content)
    used, unmeasured = OperatingPoint(), "temperature" in asked
    if there:
        measured = MeasuredAt.from_table(TomlTable("synapse.at", content["synapse"].pop("at")))
        unmeasured = unmeasured and "temperature" not in measured.scales
        own = {name: asked[name] for name in asked if not unmeasured or name != "temperature"}
        used = OperatingPoint(**own).within(measured.default.given())
        _follow(content, measured, used)
    else:
        for name in sorted(asked.keys() - {"temperature"}):
            raise OutsideError(f"{name} was not varied: the device was measured at one point only")
    whole = used.within(asked)
    if whole.temperature is not None:
        warmed = _warm(content, whole.temperature, given="temperature" in asked)
        if unmeasured and not warmed:
            raise OutsideError(
                "nothing of the device depends on temperature: it was not measured over it, and "
                "has neither retention nor an array that is not ideal"
            )
    source = _inner(content, "source")
    source["at"] = str(whole)
    unknown = source.get("not_measured", [])
    if unmeasured and isinstance(unknown, list):
        source["not_measured"] = [*unknown, "the synapse's response over temperature"]
    return content


# A measured point more in a device file: what ``[synapse.at]`` is made of, point by point.

AXIS_SCALE = {"current": "log", "width": "log", "field": "linear", "temperature": "linear"}
"""On which scale an axis is laid out unless its file is changed."""
CLOSE = 0.02
"""Of its magnitude, by how much a current that was read back may differ from the point's."""


def _split(table: Mapping[str, Any], left_out: set[str]) -> tuple[Content, Content]:
    """What a point has of a table, numbers and lists of them, and what is the same at all."""
    own: Content = {}
    common: Content = {}
    for key, value in table.items():
        if isinstance(value, dict):
            for found, inner in zip((own, common), _split(value, left_out), strict=True):
                found.update({key: inner} if inner else {})
        elif isinstance(value, str | bool):
            common[key] = value
        elif key not in left_out:
            own[key] = value
    return own, common


def _followed(electrical: Mapping[str, Any], place: Mapping[str, float]) -> set[str]:
    """Electrical figures that are the point's own: those that are equal to it.

    A current may be that of pulses of one polarity, while that of the other is the same at all
    points. Where none is equal, all follow the point.
    """
    found: set[str] = set()
    for name, value in place.items():
        keys = set(TAKES.get(name, ()))
        other = {
            key
            for key in keys & electrical.keys()
            if not math.isclose(electrical[key], value, rel_tol=CLOSE)
        }
        equal = (keys & electrical.keys()) - other
        found |= keys - other if equal else keys
    return found


def _alike(entries: list[Content], place: Mapping[str, float]) -> list[Content]:
    """Entries of which each has the electrical figures that one has: its point's, where it follows.

    A current that is the point's at one point may be another one elsewhere.
    """
    for name in place:
        for key in TAKES.get(name, ()):
            if any(key in one.get("electrical", {}) for one in entries):
                entries = [
                    one | {"electrical": {key: one[name]} | one.get("electrical", {})}
                    for one in entries
                ]
    return entries


def with_point(tables: Content, point: OperatingPoint, there: Content | None = None) -> Content:
    """The tables of a device file with what was measured at a point.

    Parameters
    ----------
    tables : dict
        Of the device at that point, as its own file would have them.
    point : OperatingPoint
        The point.
    there : dict, optional
        Tables of the file that gets the point; it has other points already. All but the synapse's
        numbers stay as they are there. Without it a file with this one point is made.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the file has no ``[synapse.at]``, other axes, or another kind of synapse or of
        variation.
    """
    place = point.given()
    synapse = dict(tables["synapse"])
    states = synapse.pop("states")
    own, common = _split(synapse, _followed(synapse.get("electrical", {}), place))
    entry = place | own
    source = {str(point): tables.get("source", {})}
    if there is None:
        # An A may be infinite, and is straight where it is.
        curved = [key for key in own if isinstance(own[key], dict) and "A" in own[key]]
        at = {
            "axes": {name: AXIS_SCALE[name] for name in place},
            "values": {f"{key}.A": "reciprocal" for key in curved},
            "default": place,
            "measured": [entry],
        }
        synapse = common | {"states": states, "at": at}
        return {**tables, "synapse": synapse, "source": {"points": source}}
    try:
        old, whole = dict(there["synapse"]), dict(there.get("source", {}))
        at, axes = dict(old["at"]), dict(old["at"]["axes"])
        measured = [dict(one) for one in at["measured"]]
        points = dict(whole.get("points", {})) | source
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            "it has no points that this one could be added to; give another name"
        ) from None
    if axes.keys() != place.keys():
        raise ValueError(f"its points are over {', '.join(axes)}, not over {', '.join(place)}")
    rest = {key: value for key, value in old.items() if key not in ("at", "states")}
    for key in [*rest, *common]:
        if rest.get(key) != common.get(key):
            raise ValueError(
                f"its [synapse] has {key} {rest.get(key)!r}, and this fit {common.get(key)!r}; "
                "all points must have the same"
            )
    kept = [one for one in measured if any(one.get(key) != place[key] for key in place)]
    at["measured"] = _alike([*kept, entry], place)
    return {**there, "synapse": old | {"at": at}, "source": whole | {"points": points}}
