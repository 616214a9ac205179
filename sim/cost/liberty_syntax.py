"""Syntax of Liberty files: nested groups with attributes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_STATEMENTS = 1 << 19
"""Largest number of attributes and groups of a library."""
MAX_NUMBER = 1e100
"""Largest magnitude of an attribute."""


@dataclass
class Group:
    """A group of a Liberty file: ``kind (arguments) { ... }``.

    Attributes
    ----------
    kind : str
        Kind of the group, such as ``cell``.
    arguments : list of str
        Names of the group.
    attributes : dict
        Simple attributes by name; the last one of a name counts.
    lists : dict
        Arguments of complex attributes by name, such as ``values``.
    groups : list of Group
        Nested groups.
    """

    kind: str
    arguments: list[str]
    attributes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> Iterator["Group"]:
        """Return the nested groups of some kinds."""
        return (group for group in self.groups if group.kind in kinds)

    def number(self, name: str, default: float) -> float:
        """Return a simple attribute as a number."""
        return parse_number(self.attributes.get(name, default))


def parse_number(text: str | float) -> float:
    """Return an attribute's number; raise `ValueError` if it is beyond `MAX_NUMBER` or NaN."""
    value = float(text)
    if not abs(value) <= MAX_NUMBER:
        raise ValueError(f"{text} is no number that a cell can have")
    return value


_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_STRING = r'"(?:[^"\\]|\\.)*+"'
_STATEMENT = re.compile(
    rf"""\s*(?:
        (?P<name>[\w.\[\]]+|{_STRING}) \s* (?:
            : \s* (?P<value>(?:{_STRING}|[^;}}{{"])*+)
            | \( (?P<arguments>(?:{_STRING}|[^()"{{}}])*+) \) \s* (?P<opens>\{{)?
        ) \s* ;?
        | (?P<closes>\}}) | ;
    )\s*""",
    re.DOTALL | re.VERBOSE,
)


def _words(text: str) -> list[str]:
    """Split the arguments of a group or list, and remove their quotes."""
    return [word.strip('"') for word in re.findall(rf"{_STRING}|[^\s,]+", text, re.DOTALL)]


def parse_group(text: str) -> Group:
    """Parse the text of a file, which is one group.

    Raises
    ------
    ValueError
        If the text is not a group, or has too many statements.
    """
    text = re.sub(r"\\\r?\n", " ", _COMMENT.sub(" ", text))
    if not re.match(r"\s*library\b", text):
        raise ValueError("it does not begin with library")
    outermost = Group("", [])
    open_groups = [outermost]
    place = 0
    for _ in range(MAX_STATEMENTS):
        found = _STATEMENT.match(text, place)
        if found is None:
            near = " ".join(text[place : place + 30].split())
            raise ValueError(f"{near!r} is not understood" if near else "it ends in the middle")
        place = found.end()
        if found["opens"]:
            group = Group(found["name"], _words(found["arguments"]))
            open_groups[-1].groups.append(group)
            open_groups.append(group)
        elif found["closes"]:
            open_groups.pop()
        elif found["value"] is not None:
            value = found["value"].replace('"', "")
            open_groups[-1].attributes[found["name"]] = " ".join(value.split())
        elif found["name"]:
            open_groups[-1].lists[found["name"]] = _words(found["arguments"])
        if len(open_groups) == 1:
            break
    else:
        raise ValueError(f"it has more than {MAX_STATEMENTS:,} statements")
    if not outermost.groups:
        raise ValueError("its library is no group")
    return outermost.groups[0]
