"""Rewrite generated C++: wires of many words become a value for each word.

CXXRTL makes a port with the words of all lanes one value of hundreds of bits, and setting a few of
its bits costs as much as setting all.
"""

import re
from collections.abc import Iterable

WIDE = 64
"""Largest number of bits of a value that stays as it is."""

_EVAL = re.compile(r"^bool p_top::eval\(.*?^\}\n", re.MULTILINE | re.DOTALL)
_LOCAL = re.compile(r"^\tvalue<(\d+)> (p_\w+);\n", re.MULTILINE)
_COPY = re.compile(r"^(\t+)(p_\w+) = (p_\w+);\n", re.MULTILINE)
_USE = re.compile(r"\b(p_\w+)(?:\.slice<(\d+)(?:,(\d+))?>\(\))?")
"""A name and its slice, which is one bit if it has one number."""

Bits = tuple[int, int]
"""Highest and lowest bit of a slice."""


def split_wide(text: str) -> str:
    """Split each wide local value that is only read and written by the same slices.

    Values that are copied as a whole are all split alike, or all stay.

    Parameters
    ----------
    text : str
        CXXRTL's output for a flat module ``p_top``.
    """
    return _EVAL.sub(lambda found: _split(found[0]), text)


def _split(body: str) -> str:
    groups = _groups(body)
    uses = _COPY.sub("", _LOCAL.sub("", body))
    # A copy between a value that is split and one that is not would be a use of the whole.
    copies = ((a, b) for _, a, b in _COPY.findall(body))
    whole = {name for pair in copies if len(groups.keys() & set(pair)) == 1 for name in pair}
    slices: dict[str, set[Bits]] = {name: set() for name in groups}
    for name, high, low in _USE.findall(uses):
        if name in groups and high:
            slices[groups[name]].add((int(high), int(low or high)))
        elif name in groups:
            whole.add(name)
    spoilt = {groups[name] for name in whole if name in groups}
    parts = {
        name: sorted(slices[group], key=lambda bits: bits[1])
        for name, group in groups.items()
        if group not in spoilt and _are_apart(slices[group])
    }
    body = _LOCAL.sub(lambda found: _declared(found, parts), body)
    body = _COPY.sub(lambda found: _copied(found, parts), body)
    return _USE.sub(
        lambda found: (
            _part(found[1], found[2], found[3] or found[2]) if found[1] in parts else found[0]
        ),
        body,
    )


def _groups(body: str) -> dict[str, str]:
    """Representative of each wide value's group: values that are copied to each other."""
    wide = {name for bits, name in _LOCAL.findall(body) if int(bits) > WIDE}
    groups = {name: name for name in wide}

    def first(name: str) -> str:
        while groups[name] != name:
            name = groups[name]
        return name

    for _, target, source in _COPY.findall(body):
        if target in wide and source in wide:
            groups[first(target)] = first(source)
    return {name: first(name) for name in wide}


def _are_apart(slices: Iterable[Bits]) -> bool:
    """True if no bit is in two slices."""
    above = -1
    for high, low in sorted(slices, key=lambda bits: bits[1]):
        if low <= above:
            return False
        above = high
    return True


def _part(name: str, high: object, low: object) -> str:
    return f"{name}__{high}_{low}"


def _declared(found: re.Match[str], parts: dict[str, list[Bits]]) -> str:
    if found[2] not in parts:
        return found[0]
    lines = (
        f"\tvalue<{high - low + 1}> {_part(found[2], high, low)};\n"
        for high, low in parts[found[2]]
    )
    return "".join(lines)


def _copied(found: re.Match[str], parts: dict[str, list[Bits]]) -> str:
    indent, target, source = found.groups()
    if target not in parts or source not in parts:
        return found[0]
    return "".join(
        f"{indent}{_part(target, *bits)} = {_part(source, *bits)};\n" for bits in parts[target]
    )
