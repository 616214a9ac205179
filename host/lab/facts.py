"""Quantities, device and cycle in lines before a table and in names of files.

``Pulse width: 1 ms`` before a table, ``# HB1 at 8 mA`` and ``HB1_8mA_cycle2.csv`` give settings, a
device and a cycle as columns do.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from allspin.host.lab.quantities import base_of, number


class Fact(NamedTuple):
    """A quantity that a text gives: its name, its unit as written, and its value as written."""

    name: str
    unit: str
    value: str


_VALUE = r"(?P<value>[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)"
_IN = r"\s*(?:[(\[](?P<in>[^)\]]*)[)\]])?\s*"
_UNIT = r"(?P<unit>\N{DEGREE SIGN}?[^\W\d]+)"
CELLS = re.compile(
    rf"\W*(?P<name>[^\W\d]+(?:[ .-][^\W\d]+)*){_IN}[\t;,]\s*{_VALUE}\s*[\t;,]?\s*{_UNIT}?\W*"
)
"""Line of name, value and unit in cells, such as ``Pulse width,1,ms``."""
ASSIGNED = re.compile(rf"(?P<name>[^\W\d][\w .-]*?){_IN}[:=]\s*{_VALUE}(?:\s*{_UNIT})?(?![\w.:/-])")
"""Assignment within a line, such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""
BARE = re.compile(
    r"(?<![^\W_])[A-Za-z]{0,2}([+-]?\d+(?:[.,p]\d+)?)\s?([^\W\d_]{2,4}|[KTV]|(?<=\d\d)C)(?![^\W_])"
)
"""Quantity without a name, such as ``8mA`` in the name of a file."""
NAME_OF_UNIT = {
    "A": "current",
    "T": "field",
    "Oe": "field",
    "K": "temperature",
    "C": "temperature",
    "V": "pulse voltage",
    "s": "duration of something",
}
"""Names of quantities without a name, by their base unit; other units are no setting."""
CYCLE = re.compile(r"(?<![^\W_])(?:cycle|cyc|run|rep|repeat|loop|sweep)[ _-]?(\d+)(?![^\W_])", re.I)
"""Number of a cycle in the name of a file."""
POLARITY = re.compile(
    r"(?<![a-z])(pot|potentiation|ltp|dep|depression|ltd)(?![a-z])", re.IGNORECASE
)
"""Polarity in the name of a file, which is no part of the device's name."""


def quantities(text: str) -> list[Fact]:
    """Return the quantities that a line or a name gives."""
    whole = CELLS.fullmatch(text)
    if whole:
        facts = [_assigned(whole)]
    else:
        facts = [_assigned(match) for match in ASSIGNED.finditer(text)]
        facts += _bare(ASSIGNED.sub(" ", text))
    return [fact for fact in facts if number(fact.value) is not None]


def _assigned(match: re.Match[str]) -> Fact:
    return Fact(match["name"], match["in"] or match["unit"] or "", match["value"])


def _bare(text: str) -> list[Fact]:
    """Return quantities without a name; several of one kind are numbered by their position."""
    pairs = BARE.findall(text)
    kinds = [NAME_OF_UNIT.get(base_of(unit), "") for _, unit in pairs]
    facts = []
    for place, (kind, (value, unit)) in enumerate(zip(kinds, pairs, strict=True)):
        if kind:
            name = f"{kind} {place}" if kinds.count(kind) > 1 else kind
            facts.append(Fact(name, unit, value.replace("p", ".")))
    return facts


def stem(path: Path) -> str:
    """Return a file's name without its ending."""
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name


def own_names(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Return device and cycle that the name of each file gives.

    Quantities and polarities are no part of a device's name. Files of equal name are told apart
    by their path, unless the folder's name has a quantity.
    """
    stems = list(map(stem, paths))
    found = []
    for path, name in zip(paths, stems, strict=True):
        same_name = stems.count(name) > 1 and not quantities(path.parent.name)
        cycle = CYCLE.search(name)
        found.append((bare(str(path) if same_name else name), cycle[1] if cycle else ""))
    return found


def bare(device: str) -> str:
    """Return a device's name without quantities, cycles and polarities."""
    rest = BARE.sub(lambda match: "" if base_of(match[2]) in NAME_OF_UNIT else match[0], device)
    rest = POLARITY.sub("", CYCLE.sub("", rest))
    if rest == device:
        return device
    return re.sub(r"[\s_-]+(?=[\s_-]|$)", "", rest).strip("_- ") or "device"
