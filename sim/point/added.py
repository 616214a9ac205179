"""A measured point more in a device file: what ``[synapse.at]`` is made of, point by point."""

import math
from collections.abc import Mapping
from typing import Any

from allspin.sim.point.at_point import TAKES
from allspin.sim.point.operating_point import OperatingPoint

AXIS_SCALE = {"current": "log", "width": "log", "field": "linear", "temperature": "linear"}
"""On which scale an axis is laid out unless its file is changed."""
CLOSE = 0.02
"""Of its magnitude, by how much a current that was read back may differ from the point's."""
RECIPROCAL = "A"
"""A value that may be infinite, and is straight where it is."""
Content = dict[str, Any]


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
