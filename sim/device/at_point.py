"""A device file's operating points: ``[synapse.at]``, the tables at one point, and points added.

Points lie on a grid, of every value of each axis with every value of the others. Between them
values are interpolated along each axis, on its linear or logarithmic scale, and never beyond the
outermost ones. What comes of it is the table of an ordinary synapse, so that whatever makes a
device of a file need not know of points.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.device.operating_point import AXES, OperatingPoint, check_axis, shown
from allspin.sim.files import Table

Array = npt.NDArray[np.float64]
Leaf = tuple[str, ...]
"""Keys that lead to a value of ``[synapse]``."""
Entry = tuple[dict[str, float], dict[Leaf, Array]]
"""Where a point is, by axis, and its values."""

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
        entries = [_entry(number, entry, scales) for number, entry in enumerate(listed, 1)]
        grid = {name: np.array(sorted({place[name] for place, _ in entries})) for name in scales}
        for name, scale in scales.items():
            if scale == "log" and grid[name][0] <= 0:
                raise ValueError(f"[synapse.at] {name} is on a log scale and must be above 0")
        values = _arrange(entries, grid)
        known = {".".join(leaf): leaf for leaf in values}
        given = _scales(named, tuple(SCALES), "values", tuple(known))
        value_scales = {leaf: given.get(key, "linear") for key, leaf in known.items()}
        for leaf, measured in values.items():
            _check_scale(leaf, measured, value_scales[leaf])
        for key in default:
            if key not in scales:
                raise ValueError(f"[synapse.at.default] has {key}, which is none of its axes")
        for name in scales:
            if name not in default:
                raise ValueError(f"[synapse.at.default] lacks {name}")
        found = cls(scales, grid, values, value_scales, OperatingPoint(**default))
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
            there, back = SCALES[self.value_scales[leaf]]
            corners = [
                (values[tuple(place for place, _ in corner)], math.prod(w for _, w in corner))
                for corner in itertools.product(*sides)
            ]
            if len(corners) == 1 or all(np.array_equal(one, corners[0][0]) for one, _ in corners):
                # What was measured itself, to the last digit.
                whole = corners[0][0]
            else:
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


def _entry(number: int, content: object, axes: Mapping[str, str]) -> Entry:
    """One measured point: where it is, and its values."""
    name = f"[synapse.at.measured] number {number}"
    if not isinstance(content, dict):
        raise ValueError(f"{name} must be a table")
    for axis in axes:
        if axis not in content:
            raise ValueError(f"{name} lacks {axis}")
    try:
        place = {axis: check_axis(axis, content[axis]) for axis in axes}
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    values = {}
    for leaf, value in _leaves({key: content[key] for key in content if key not in axes}):
        several = value if isinstance(value, list) else [value]
        if not several:
            raise ValueError(f"{name}: {'.'.join(leaf)} is empty")
        for one in several:
            if isinstance(one, bool) or not isinstance(one, int | float) or math.isnan(one):
                raise ValueError(
                    f"{name}: {'.'.join(leaf)} must be a number or a list of them, "
                    f"not {value!r:.40}; what is the same at all points is in [synapse]"
                )
        values[leaf] = np.array(value, np.float64)
    if not values:
        raise ValueError(f"{name} has no values")
    return place, values


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


def _arrange(entries: list[Entry], grid: Mapping[str, Array]) -> dict[Leaf, Array]:
    """Values on the grid; lists are made as long as the longest by their last entry."""
    places: dict[tuple[int, ...], dict[Leaf, Array]] = {}
    leaves = entries[0][1].keys()
    for number, (point, values) in enumerate(entries, 1):
        name = f"[synapse.at.measured] number {number}"
        place = tuple(int(np.searchsorted(grid[axis], point[axis])) for axis in grid)
        if place in places:
            raise ValueError(f"{name} is at the same point as another one")
        places[place] = values
        for leaf in sorted(values.keys() ^ leaves):
            raise ValueError(f"{name}: {'.'.join(leaf)} must be there at all points or none")
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
    for leaf in leaves:
        each = [values[leaf] for values in places.values()]
        if len({values.ndim for values in each}) > 1:
            raise ValueError(f"[synapse.at] {'.'.join(leaf)} is a list at some points only")
        size = max(values.size for values in each)
        whole = np.empty((*shape, size) if each[0].ndim else shape)
        for place, values in zip(places, each, strict=True):
            if values.ndim:
                values = np.pad(values, (0, size - values.size), mode="edge")
            whole[place] = values
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


# From a device file's tables to those of one operating point.

TAKES = {
    "current": ("potentiation_current", "depression_current"),
    "width": ("pulse_time",),
}
"""What an axis is in ``[synapse.electrical]``, so that energy and time follow."""
Content = dict[str, Any]


def _put(content: Content, leaf: tuple[str, ...], value: Any) -> None:
    """Set a value within tables of tables, which are made as they are needed."""
    for key in leaf[:-1]:
        inner = content.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ValueError(f"[synapse.{key}] must be a table")
        # A copy: what was read stays as it was.
        content[key] = dict(inner)
        content = content[key]
    if leaf[-1] in content:
        raise ValueError(
            f"{'.'.join(leaf)} is in [synapse] and in [synapse.at]; it may be in one of them"
        )
    content[leaf[-1]] = value


def _follow(synapse: Content, point: OperatingPoint, fixed: set[str]) -> None:
    """Electrical figures that are the point's own; `fixed` are those that are alike everywhere."""
    electrical = synapse.get("electrical", {})
    if not isinstance(electrical, dict):
        return
    electrical = dict(electrical)
    for name, value in point.given().items():
        keys = TAKES.get(name, ())
        free = [key for key in keys if key not in electrical]
        if keys and fixed.issuperset(keys):
            raise ValueError(
                f"[synapse.electrical] has {' and '.join(keys)}, which are the {name} of "
                "[synapse.at]; leave out what varies with the point"
            )
        electrical |= dict.fromkeys(free, value)
    synapse["electrical"] = electrical


def _warm(content: Content, temperature: float, given: bool) -> bool:
    """Take retention and array to a temperature; True if that changes one of them.

    A temperature that was not asked for does not replace one that the file has.
    """
    found = False
    for way in (("imperfections", "retention"), ("array",)):
        outer, table = content, content
        for key in way:
            outer, table = table, table.get(key)
            if not isinstance(table, dict):
                break
        else:
            found = found or way != ("array",) or table.get("reading", "ideal") != "ideal"
            if given or "temperature" not in table:
                outer[way[-1]] = {**table, "temperature": temperature}
    return found


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
    content = {key: dict(part) if isinstance(part, dict) else part for key, part in content.items()}
    used, unmeasured = OperatingPoint(), "temperature" in asked
    if there:
        synapse = content["synapse"]
        measured = MeasuredAt.from_table(Table("synapse.at", synapse.pop("at")))
        unmeasured = unmeasured and "temperature" not in measured.scales
        own = {key: value for key, value in asked.items() if key in measured.scales}
        strange = {key: value for key, value in asked.items() if key not in own}
        measured.check(OperatingPoint(**strange | {"temperature": None}))
        used = OperatingPoint(**own).within(measured.default.given())
        electrical = synapse.get("electrical")
        fixed = set(electrical) if isinstance(electrical, dict) else set()
        for leaf, value in measured.at(used).items():
            _put(synapse, leaf, value)
        _follow(synapse, used, fixed)
    elif set(asked) - {"temperature"}:
        name = next(key for key in asked if key != "temperature")
        raise OutsideError(f"{name} was not varied: the device was measured at one point only")
    whole = used.within(asked)
    if whole.temperature is not None:
        warmed = _warm(content, whole.temperature, given="temperature" in asked)
        if unmeasured and not warmed:
            raise OutsideError(
                "nothing of the device depends on temperature: it was not measured over it, and "
                "has neither retention nor an array that is not ideal"
            )
    source = content.setdefault("source", {})
    if isinstance(source, dict):
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
RECIPROCAL = "A"
"""A value that may be infinite, and is straight where it is."""


def _split(table: Mapping[str, Any], left_out: set[str]) -> tuple[Content, Content]:
    """What a point has of a table, numbers and lists of them, and what is the same at all."""
    own: Content = {}
    common: Content = {}
    for key, value in table.items():
        if isinstance(value, dict):
            inner, rest = _split(value, left_out)
            own |= {key: inner} if inner else {}
            common |= {key: rest} if rest else {}
        elif key in left_out:
            continue
        elif isinstance(value, str | bool):
            common[key] = value
        else:
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
        known = keys & electrical.keys()
        equal = {key for key in known if math.isclose(electrical[key], value, rel_tol=CLOSE)}
        found |= keys - known | equal if equal else keys
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
    common["states"] = states
    entry = place | own
    source = {str(point): tables.get("source", {})}
    if there is None:
        curved = [key for key in own if isinstance(own[key], dict) and RECIPROCAL in own[key]]
        at = {
            "axes": {name: AXIS_SCALE[name] for name in place},
            "values": {f"{key}.{RECIPROCAL}": "reciprocal" for key in curved},
            "default": place,
            "measured": [entry],
        }
        return {**tables, "synapse": common | {"at": at}, "source": {"points": source}}
    old, at = _points_of(there, place)
    del common["states"]
    rest = {key: value for key, value in old.items() if key not in ("at", "states")}
    for key in [*rest, *common]:
        if rest.get(key) != common.get(key):
            raise ValueError(
                f"its [synapse] has {key} {rest.get(key)!r}, and this fit {common.get(key)!r}; "
                "all points must have the same"
            )
    kept = [one for one in at["measured"] if any(one.get(key) != place[key] for key in place)]
    whole = there.get("source", {})
    return {
        **there,
        "synapse": old | {"at": at | {"measured": _alike([*kept, entry], place)}},
        "source": whole | {"points": whole.get("points", {}) | source},
    }


def _points_of(there: Content, place: Mapping[str, float]) -> tuple[Content, Content]:
    """``[synapse]`` and ``[synapse.at]`` of a file whose points are over the same axes."""
    synapse = there.get("synapse")
    at = synapse.get("at") if isinstance(synapse, dict) else None
    measured = at.get("measured") if isinstance(at, dict) else None
    tables = isinstance(measured, list) and all(isinstance(one, dict) for one in measured)
    source = there.get("source", {})
    if not tables or not isinstance(source, dict) or not isinstance(source.get("points", {}), dict):
        raise ValueError("it has no points that this one could be added to; give another name")
    assert isinstance(synapse, dict)
    assert isinstance(at, dict)
    axes = at.get("axes")
    if not isinstance(axes, dict) or set(axes) != set(place):
        names = ", ".join(axes) if isinstance(axes, dict) else "none"
        raise ValueError(f"its points are over {names}, not over {', '.join(place)}")
    return synapse, at
