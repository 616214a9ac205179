"""A measured point added to a device file: ``[synapse.at]`` is built point by point."""

import math
from collections.abc import Mapping
from typing import Any

from allspin.sim.device.at_point import ELECTRICAL_KEYS
from allspin.sim.device.operating_point import OperatingPoint

Content = dict[str, Any]

AXIS_SCALE = {"current": "log", "width": "log", "field": "linear", "temperature": "linear"}
"""Scale of each axis in a new file."""
CLOSE = 0.02
"""Relative tolerance between a measured current and the point's."""


def _split(table: Mapping[str, Any], left_out: set[str]) -> tuple[Content, Content]:
    """Split a table into a point's own numbers and the values that are common to all points."""
    own: Content = {}
    common: Content = {}
    for key, value in table.items():
        if isinstance(value, dict):
            inner_own, inner_common = _split(value, left_out)
            if inner_own:
                own[key] = inner_own
            if inner_common:
                common[key] = inner_common
        elif isinstance(value, str | bool):
            common[key] = value
        elif key not in left_out:
            own[key] = value
    return own, common


def _followed(electrical: Mapping[str, Any], place: Mapping[str, float]) -> set[str]:
    """Return the electrical figures that follow the point: those equal to its values.

    The point's current may be that of pulses of one polarity, while the other polarity's is the
    same at all points. If no figure is equal, all follow the point.
    """
    following: set[str] = set()
    for name, value in place.items():
        keys = set(ELECTRICAL_KEYS.get(name, ()))
        known = keys & electrical.keys()
        equal = {key for key in known if math.isclose(electrical[key], value, rel_tol=CLOSE)}
        following |= keys - (known - equal) if equal else keys
    return following


def _alike(entries: list[Content], place: Mapping[str, float]) -> list[Content]:
    """Give all entries the same electrical figures; a missing figure is that of its point.

    A current that equals the point's at one point may differ from it at another.
    """
    for name in place:
        for key in ELECTRICAL_KEYS.get(name, ()):
            if any(key in entry.get("electrical", {}) for entry in entries):
                entries = [
                    entry | {"electrical": {key: entry[name]} | entry.get("electrical", {})}
                    for entry in entries
                ]
    return entries


def with_point(tables: Content, point: OperatingPoint, there: Content | None = None) -> Content:
    """Add the values measured at a point to the tables of a device file.

    Parameters
    ----------
    tables : dict
        Tables of a file of the device at that point alone.
    point : OperatingPoint
        The point.
    there : dict, optional
        Tables of the file to extend, which already has other points. Everything except the
        synapse's numbers stays as it is there. Without it, a file with one point is made.

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
    source = {str(point): tables.get("source", {})}
    if there is not None:
        return _extended(there, place, own, common, source)
    # A may be infinite, for a linear response.
    curved = [key for key in own if isinstance(own[key], dict) and "A" in own[key]]
    at = {
        "axes": {name: AXIS_SCALE[name] for name in place},
        "values": {f"{key}.A": "reciprocal" for key in curved},
        "default": place,
        "measured": [place | own],
    }
    synapse = common | {"states": states, "at": at}
    return {**tables, "synapse": synapse, "source": {"points": source}}


def _extended(
    there: Content, place: Mapping[str, float], own: Content, common: Content, source: Content
) -> Content:
    """Return the tables of a file with points, extended by another point."""
    try:
        synapse = dict(there["synapse"])
        sources = dict(there.get("source", {}))
        at = dict(synapse["at"])
        axes = dict(at["axes"])
        measured = [dict(entry) for entry in at["measured"]]
        points = dict(sources.get("points", {})) | source
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            "it has no points that this one could be added to; give another name"
        ) from None
    if axes.keys() != place.keys():
        raise ValueError(f"its points are over {', '.join(axes)}, not over {', '.join(place)}")
    rest = {key: value for key, value in synapse.items() if key not in ("at", "states")}
    for key in [*rest, *common]:
        if rest.get(key) != common.get(key):
            raise ValueError(
                f"its [synapse] has {key} {rest.get(key)!r}, and this fit {common.get(key)!r}; "
                "all points must have the same"
            )
    kept = [entry for entry in measured if any(entry.get(key) != place[key] for key in place)]
    at["measured"] = _alike([*kept, {**place, **own}], place)
    return {**there, "synapse": synapse | {"at": at}, "source": sources | {"points": points}}
