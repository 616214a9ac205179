"""What lines before a table, and the names of files, say of a measurement.

``Pulse width: 1 ms`` before a table, ``# HB1 at 8 mA`` and ``HB1_8mA_cycle2.csv`` tell settings,
a device and a cycle as well as columns do.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from allspin.host.lab.quantities import base_of, number

_VALUE = r"(?P<value>[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)"
_IN = r"\s*(?:[(\[](?P<in>[^)\]]*)[)\]])?\s*"
_UNIT = r"(?P<unit>\N{DEGREE SIGN}?[^\W\d]+)"
CELLS = re.compile(
    rf"\W*(?P<name>[^\W\d]+(?:[ .-][^\W\d]+)*){_IN}[\t;,]\s*{_VALUE}\s*[\t;,]?\s*{_UNIT}?\W*"
)
"""A whole line of name, value and unit, such as ``Pulse width,1,ms``."""
SAID = re.compile(rf"(?P<name>[^\W\d][\w .-]*?){_IN}[:=]\s*{_VALUE}(?:\s*{_UNIT})?(?![\w.:/-])")
"""What a part of a line says, such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""
BARE = re.compile(
    r"(?<![^\W_])[A-Za-z]{0,2}([+-]?\d+(?:[.,p]\d+)?)\s?([^\W\d_]{2,4}|[KTV]|(?<=\d\d)C)(?![^\W_])"
)
"""A quantity among words, such as ``8mA`` in the name of a file."""
CALLED = {
    **{"A": "current", "T": "field", "Oe": "field", "K": "temperature", "C": "temperature"},
    **{"V": "pulse voltage", "s": "duration of something"},
}
"""What such quantities are by their units; others are nothing that is set."""
CYCLE = re.compile(r"(?<![^\W_])(?:cycle|cyc|run|rep|repeat|loop|sweep)[ _-]?(\d+)(?![^\W_])", re.I)
"""The number of a cycle in the name of a file."""
POLARITY = re.compile(
    r"(?<![a-z])(pot|potentiation|ltp|dep|depression|ltd)(?![a-z])", re.IGNORECASE
)
"""A polarity in the name of a file, which is no part of the device's."""


def quantities(text: str) -> list[tuple[str, str, str]]:
    """What is called what in a text, its unit, and its value."""
    whole = CELLS.fullmatch(text)
    said = [whole] if whole else SAID.finditer(text)
    found = [(one["name"], one["in"] or one["unit"] or "", one["value"]) for one in said]
    rest = [] if whole else BARE.findall(SAID.sub(" ", text))
    kinds = [_kind(unit) for _, unit in rest]
    # Several of one kind are told apart by where they stand.
    found += [
        (kind + f" {place}" * (kinds.count(kind) > 1), unit, value.replace("p", "."))
        for place, (kind, (value, unit)) in enumerate(zip(kinds, rest, strict=True))
        if kind
    ]
    return [one for one in found if number(one[2]) is not None]


def _kind(unit: str) -> str:
    """What a quantity is by its unit; empty for nothing that is set."""
    return CALLED.get(base_of(unit), "")


def stem(path: Path) -> str:
    """A file's name without what it ends with."""
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name


def own_names(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Device and cycle as files are called, without the quantities and polarities in their names.

    Files of one name are called with their folders, unless these say what differs.
    """
    stems, found = list(map(stem, paths)), []
    for path, name in zip(paths, stems, strict=True):
        alike = stems.count(name) > 1 and not quantities(path.parent.name)
        device, cycle = str(path) if alike else name, CYCLE.search(name)
        found.append((bare(device), cycle[1] if cycle else ""))
    return found


def bare(device: str) -> str:
    """A device's name without quantities, cycles and polarities in it."""
    rest = BARE.sub(lambda match: "" if _kind(match[2]) else match[0], device)
    rest = POLARITY.sub("", CYCLE.sub("", rest))
    tidy = re.sub(r"[\s_-]+(?=[\s_-]|$)", "", rest).strip("_- ") or "device"
    return device if rest == device else tidy
