"""What is known of a board's build: the object that ``allspin build --json`` prints.

It is kept in the cache, written into ``docs/boards.json``, and printed in tables; whoever reads it
from a file checks it here first.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _count(value: Any) -> bool:
    return _number(value) and isinstance(value, int)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _seeds(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(each, Mapping)
            and _count(each.get("seed"))
            and _or_none(_number)(each.get("fmax_mhz"))
            for each in value
        )
    )


def _tools(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_text(each) for each in value.values())


FIELDS: Mapping[str, Check] = {
    "board": _text,
    "part": _text,
    "profile": _text,
    "network": _text,
    "lanes": _count,
    "rows_per_clock": _count,
    "fits": _flag,
    "meets_timing": _flag,
    "fmax_mhz": _or_none(_number),
    "worst_fmax_mhz": _or_none(_number),
    "need_mhz": _number,
    "luts": _count,
    "luts_share": _number,
    "memories": _count,
    "memories_share": _number,
    "seeds": _seeds,
    "tools": _tools,
    "seconds": _number,
    "shortfall": _or_none(_text),
    "gateware": _or_none(_text),
    "cycles_per_image": _or_none(_positive),
    "images_per_second": _or_none(_number),
}
"""What each record has, and what it must be; there is more that nobody relies on."""
OPTIONAL: Mapping[str, Check] = {
    "redraw_clocks": _count,
    "resident_images": _or_none(_count),
}
"""What a record may have besides, and what it must be then."""


def check_record(value: Any) -> dict[str, Any]:
    """A record, if it is one.

    Parameters
    ----------
    value : object
        What a file says.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it is not what allspin build says of a board")
    if not value.keys() >= FIELDS.keys():
        raise ValueError(f"it lacks {', '.join(sorted(FIELDS.keys() - value.keys()))}")
    for name, right in {**FIELDS, **OPTIONAL}.items():
        if name in value and not right(value[name]):
            raise ValueError(f"its {name} is not what allspin build says of a board")
    if value["fits"] and (value["fmax_mhz"] is None or value["worst_fmax_mhz"] is None):
        raise ValueError("it fits, but has no fmax_mhz or worst_fmax_mhz")
    return dict(value)
