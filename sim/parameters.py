"""Parameters and options, described once: default, range, unit and help.

A frozen dataclass under `Parameters` declares its fields by `number` and `choice`, or has range or
known values in their metadata; they are checked when it is made, and files, reports and options
know them by the same description. What a command line says of a field is described by `option`
(`allspin.host.cli.options.add_options`); `make` makes an object of the words of a command line, or
of the keywords of a function.
"""

import dataclasses
import inspect
import keyword
import math
import reprlib
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from allspin.sim.errors import check_number, check_one_of, check_range, meant


def number(
    default: Any = dataclasses.MISSING,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
) -> Any:
    """A field that is a number within a range, both ends included.

    Parameters
    ----------
    default : float or None, optional
        Its default; where it is None, so may the value be: it is not known.
    low, high : float
        The range.
    unit : str
        What reports call its unit; those without are left out there.
    """
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "unit": unit})


def choice(default: str, known: dict[str, str]) -> Any:
    """A field that is one of some readings, each with what it means."""
    return dataclasses.field(default=default, metadata={"known": known})


class Parameters:
    """Parameters that are checked as they are made: those of type int must be whole numbers.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, no whole number, or none that is known.
    """

    def __post_init__(self) -> None:
        for name, field in described(type(self)).items():
            value = getattr(self, name)
            about = {} if value is None and field.default is None else field.metadata
            if "known" in about:
                check_one_of(self.called(name), value, about["known"])
            elif "low" in about:
                check: Any = check_range if field.type in (int, int | None) else check_number
                checked = check(self.called(name), value, about["low"], about["high"])
                object.__setattr__(self, name, checked)

    def called(self, name: str) -> str:
        """What messages call a parameter."""
        return name

    def figures(self) -> list[str]:
        """Numbers with a unit that are not 0, a line each, for reports."""
        return [
            f"{name} {value:g} {unit}"
            for name, unit in units(type(self)).items()
            if (value := getattr(self, name))
        ]


def described(kind: Any) -> dict[str, dataclasses.Field[Any]]:
    """Fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def units(kind: Any) -> dict[str, str]:
    """Unit of each field that has one."""
    fields = described(kind)
    return {name: unit for name in fields if (unit := fields[name].metadata.get("unit"))}


LONGEST_REPR = 300
"""Characters of what `repr` says of a model."""


class Brief:
    """A dataclass whose `repr` is a line of at most `LONGEST_REPR` characters.

    Whoever asks for what it has not is told what was meant, or what there is.
    """

    def __init_subclass__(cls) -> None:
        # Here, since a dataclass would write one of its own, with every value of every array.
        cls.__repr__ = Brief.__repr__

    def __repr__(self) -> str:
        values = ", ".join(
            f"{name}={reprlib.repr(getattr(self, name))}" for name in described(type(self))
        )
        text = " ".join(f"{type(self).__name__}({values})".split())
        return text if len(text) <= LONGEST_REPR else f"{text[: LONGEST_REPR - 4]}...)"

    if not typing.TYPE_CHECKING:  # to which every name would be known

        def __getattr__(self, name: str) -> Any:
            known = sorted(
                each
                for each in {*dir(self)} - {"card", "drawn", "found", "named"}
                if not each.startswith("_")
            )
            there = meant(name, known) or f"; it has {', '.join(known)}"
            raise AttributeError(f"{type(self).__name__} has no {name!r}{there}")


class Shown(Brief):
    """A model or a result: a line in a terminal, a card in a notebook, a figure by `plot`.

    Attributes
    ----------
    card : callable
        Makes the HTML. `allspin/__init__.py` sets it for all models at once, when a name of the
        package is first asked for; likewise ``drawn``, which makes the figure, and ``found``,
        which opens a model by its class and its name or file. Until then there is no card, and a
        notebook shows the model's `repr`.
    """

    card: ClassVar[Callable[[Any], str | None]] = staticmethod(lambda model: None)

    @classmethod
    def named(cls, given: Any) -> Self:
        """A model, or the one that a name or a file says; `UserError` if it cannot be read."""
        return given if isinstance(given, cls) else typing.cast(Any, Shown).found(cls, given)

    def plot(self) -> Any:
        """The figure of it, a `matplotlib.figure.Figure`."""
        return typing.cast(Any, Shown).drawn(self)

    def _repr_html_(self) -> str | None:
        return Shown.card(self)


def option(
    words: str, metavar: str | tuple[str, ...] | None = None, *, flag: str | None = None, **how: Any
) -> dict[str, Any]:
    """Metadata of a dataclass's field that is an option of a command.

    Parameters
    ----------
    words : str
        Its help.
    metavar : str or tuple of str, optional
        What its value is called; a switch has none.
    flag : str, optional
        What it is called where that is not the field's name, such as ``--program``.
    **how
        More for `argparse`: ``type`` where it is not the field's own, ``choices``, ``action``.

    Examples
    --------
    >>> option("states of a synapse, 2 to 128 (10)", "N")["how"]["metavar"]
    'N'
    """
    return {"flag": flag, "how": {"help": words, "metavar": metavar, **how}}


def _keyword(field: dataclasses.Field[Any]) -> str:
    """What a field is called as a keyword: as its option, ``program`` where that is --program."""
    flag = (field.metadata.get("flag") or field.name).removeprefix("--").replace("-", "_")
    return field.name if keyword.iskeyword(flag) else flag


def keywords(maker: Callable[..., Any]) -> dict[str, Any]:
    """What `make` can make an object of: keywords with their defaults, None where there is none.

    Parameters
    ----------
    maker : callable
        A dataclass: its fields, and the keywords of the class or function that its metadata
        ``made`` names for a field; or a function: its parameters.
    """
    if not dataclasses.is_dataclass(maker):
        return {each.name: None for each in inspect.signature(maker).parameters.values()}
    found = {}
    for field in dataclasses.fields(maker):
        found[field.name] = found[_keyword(field)] = (
            None if field.default is dataclasses.MISSING else field.default
        )
        if part := field.metadata.get("made"):
            found |= keywords(part)
    return found


def make(maker: Callable[..., Any], words: Mapping[str, Any], begun: Any = None) -> Any:
    """An object of a class of options or a function, by keywords.

    Parameters
    ----------
    maker : callable
        As of `keywords`.
    words : mapping
        Values by keyword, or by a field's own name; others may be among them. A text is read as on
        a command line, and a single value is taken for a list of one.
    begun : object, optional
        An object of the class, whose other fields stay; or the value of the first parameter.

    Raises
    ------
    ValueError, TypeError, UserError
        What the class or function says of a value.
    """
    if not dataclasses.is_dataclass(maker):
        return maker(
            *([] if begun is None else [begun]),
            **{word: words[word] for word in keywords(maker) if word in words},
        )
    values = {}
    for field in dataclasses.fields(maker):
        part = field.metadata.get("made")
        if part is not None and any(word in words for word in set(keywords(part)) - {field.name}):
            values[field.name] = make(part, words)
        for word in {_keyword(field), field.name} & set(words):
            if words[word] is not True or field.name not in values:
                values[field.name] = _value(field, words[word])
    if isinstance(begun, typing.cast(type, maker)):
        return dataclasses.replace(begun, **values)
    return typing.cast(Any, maker)(*([] if begun is None else [begun]), **values)


def _value(field: dataclasses.Field[Any], given: Any) -> Any:
    """A field's value, of what was given for it."""
    read = field.metadata.get("made") or field.metadata.get("how", {}).get("type")
    if isinstance(given, bool) and "made" in field.metadata:
        return read() if given else None
    if isinstance(given, str) and callable(read):
        given = read(given)
    if typing.get_origin(field.type) is tuple and not isinstance(given, list | tuple):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


def listed(text: str) -> tuple[str, ...]:
    """The words of a list with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def megahertz(text: str) -> float:
    """A frequency in MHz as Hz."""
    return 1e6 * float(text)
