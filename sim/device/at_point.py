"""From a device file's tables to those of one operating point."""

import math
from collections.abc import Mapping
from typing import Any

from allspin.sim.device.measured_point import MeasuredAt, OutsideError
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.files import Table

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


def _reciprocals(entry: Mapping[str, Any]) -> Content:
    return {
        f"{key}.{RECIPROCAL}": "reciprocal"
        for key, value in entry.items()
        if isinstance(value, dict) and RECIPROCAL in value
    }


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
        at = {
            "axes": {name: AXIS_SCALE[name] for name in place},
            "values": _reciprocals(own),
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
