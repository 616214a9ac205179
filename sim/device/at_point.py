"""A device file at an operating point: the tables of an ordinary device.

Code that makes a device from a file's tables therefore needs to know nothing about points.
"""

import copy
from typing import Any

from allspin.sim.device.measured_points import MeasuredAt, OutsideError
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.plain_values import TomlTable

Content = dict[str, Any]

ELECTRICAL_KEYS = {
    "current": ("potentiation_current", "depression_current"),
    "width": ("pulse_time",),
}
"""Keys of ``[synapse.electrical]`` that follow an axis, so that energy and time follow it too."""


def _inner(content: Content, *way: str) -> Content:
    """Return a nested table, and create it if it is missing."""
    for place, key in enumerate(way, 1):
        content = content.setdefault(key, {})
        if not isinstance(content, dict):
            raise ValueError(f"[{'.'.join(way[:place])}] must be a table")
    return content


def _follow(content: Content, measured: MeasuredAt, point: OperatingPoint) -> None:
    """Write the values at a point, and the point's own figures, into ``[synapse]``."""
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
        keys = ELECTRICAL_KEYS.get(name, ())
        if keys and fixed.issuperset(keys):
            raise ValueError(
                f"[synapse.electrical] has {' and '.join(keys)}, which are the {name} of "
                "[synapse.at]; leave out what varies with the point"
            )
        electrical.update({key: value for key in keys if key not in electrical})


def _warm(content: Content, temperature: float, given: bool) -> bool:
    """Set the temperature of retention and array; return True if one of them depends on it.

    The default point's temperature does not replace a temperature in the file.
    """
    others = _inner(content, "imperfections")
    for outer, key in ((content, "array"), (others, "retention")):
        if key in outer and (given or "temperature" not in _inner(outer, key)):
            outer[key]["temperature"] = temperature
    real = content.get("array", {}).get("reading", "ideal") != "ideal"
    return real or "retention" in others


def at_point(content: Content, point: OperatingPoint | None) -> Content:
    """Return the tables of a device file at an operating point, as of an ordinary device.

    Parameters
    ----------
    content : dict
        Tables of a device file.
    point : OperatingPoint or None
        Requested point. Axes that it omits have the value of the file's default point.

    Returns
    -------
    dict
        Tables without ``[synapse.at]``; `content` itself if it has none and no point is requested.

    Raises
    ------
    OutsideError
        If the point is outside the measured range.
    ValueError
        If ``[synapse.at]`` is damaged.
    """
    synapse = content.get("synapse")
    there = isinstance(synapse, dict) and "at" in synapse
    if point is None and not there:
        return content
    asked = {} if point is None else point.given()
    content = copy.deepcopy(content)
    used = OperatingPoint()
    unmeasured = "temperature" in asked
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
