"""From a device file's tables to those of one operating point."""

from typing import Any

from allspin.sim.files.table import Table
from allspin.sim.point.measured import MeasuredAt, OutsideError
from allspin.sim.point.operating_point import OperatingPoint

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
