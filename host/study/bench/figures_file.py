"""The figures of an earlier run, as ``allspin bench -o`` has written them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allspin.host.bitstreams.record import Check, count, flag, number, or_none, text
from allspin.host.study.bench.document import markdown
from allspin.sim.errors import refused
from allspin.sim.files.plain import MAX_JSON, parse_json
from allspin.sim.files.user_file import read_file

_CHIPS: Mapping[str, Check] = {
    "network": text,
    "chips": count,
    "images": count,
    "seconds": number,
    "target_seconds": number,
}
TABLES: Mapping[str, Mapping[str, Check]] = {
    "golden_chips": {
        **_CHIPS,
        "device": text,
        "processor_seconds": number,
        "memory_bytes": count,
        "target_bytes": count,
    },
    "virtual_chips": {**_CHIPS, "chips_that_differ": count},
    "training": {"states": count, "epochs": count, "seconds": number, "target_seconds": number},
    "ratios": {
        "what": text,
        "noisy": flag,
        "images_per_second": or_none(number),
        "golden_is_times_as_fast": or_none(number),
        "target": or_none(number),
    },
    "shapes": {
        "lanes": or_none(count),
        "rows_per_clock": count,
        "states": flag,
        "cycles_per_image": number,
        "bound": number,
        "link_cycles_per_image": number,
        "images_per_second": number,
        "target": or_none(number),
    },
}
"""What the rows of each table have, and what it must be."""
MACHINE: Mapping[str, Check] = {"cores": count, "python": text, "numpy": text, "load": number}


def _check(where: str, value: Any, checks: Mapping[str, Check]) -> None:
    """Raise unless a mapping has all that is checked, and as it must be."""
    if not isinstance(value, Mapping):
        raise ValueError(f"its {where} has no names")
    for name, right in checks.items():
        if name not in value or not right(value[name]):
            raise ValueError(f"its {where} has no {name}, or a wrong one")


def _check_all(record: Any) -> None:
    _check("record", record, {"commit": or_none(text)})
    _check("machine", record.get("machine"), MACHINE)
    for table, checks in TABLES.items():
        rows = record.get(table)
        if not isinstance(rows, list):
            raise ValueError(f"it has no {table}, or no list of them")
        for row in rows:
            _check(table, row, checks)
            if not or_none(number)(row.get("accuracy")):
                raise ValueError(f"its {table} has a wrong accuracy")
    growth = record.get("growth")
    _check("growth", growth, {})
    for what, rows in growth.items():
        if not text(what) or not isinstance(rows, list):
            raise ValueError("its growth has no lists")
        for row in rows:
            _check("growth", row, {what: count, "seconds": number})
    _check("link", record.get("link"), {"bytes_per_image": number})
    rates = record["link"].get("images_per_second")
    _check("link", rates, {})
    for baud, rate in rates.items():
        if not baud.isdecimal() or not number(rate):
            raise ValueError("its link has a rate or baud rate that is none")


def read_measured(path: Path) -> dict[str, Any]:
    """The figures of an earlier run.

    Raises
    ------
    UserError
        If the file cannot be read, or is something else.
    """
    content = read_file(path, "file of figures", MAX_JSON)
    with refused(f"{path} is not what `allspin bench -o` has written: "):
        record = parse_json(content)
        _check_all(record)
        markdown({**record, "engine": [], "resident": []})
    return record
