"""Liberty files: what a standard cell does, and what it costs.

Of a library this reads each cell's area, leakage, pin capacitances, logic functions, internal
energy and delay. Tables over slew and load are read at one point, which `OPERATING_SLEW` and
`OPERATING_LOAD` name; between their entries they are interpolated linearly. Timing and energy
that depend on the state of other pins are averaged (energy) or taken at their worst (delay).
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError
from allspin.sim.files import read_text

# Logic functions as Liberty files write them, evaluated on whole arrays at once.

MAX_LENGTH = 2000
"""Characters of a function."""
MAX_TOKENS = 200
"""Names and signs of a function: each may be a level of its own."""

Bits = npt.NDArray[np.bool_] | np.bool_
Values = Mapping[str, Any]

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'^*&+|])")


@dataclass(frozen=True)
class Expression:
    """A logic function.

    Attributes
    ----------
    text : str
        As it was written.
    names : tuple of str
        What it depends on, in the order of the text.
    evaluate : callable
        Takes a mapping from names to arrays of bool.
    """

    text: str
    names: tuple[str, ...]
    evaluate: Callable[[Values], Any]


class _Parser:
    """Precedence, highest first: not, exclusive or, and, or (Liberty's own)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        self.names: list[str] = []
        place, end = 0, len(text.rstrip())
        if end > MAX_LENGTH:
            raise ValueError(f"the function {text[:40]!r}... is too long")
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"the function {text!r} is not understood")
            self.tokens.append(match[1])
            place = match.end()
        if len(self.tokens) > MAX_TOKENS:
            raise ValueError(f"the function {text[:40]!r}... is too long")
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1] if self.place <= len(self.tokens) else ""

    def either(self) -> Callable[[Values], Any]:
        left = self.both()
        while self.peek() in ("|", "+"):
            self.next()
            left = self._or(left, self.both())
        return left

    def both(self) -> Callable[[Values], Any]:
        left = self.exclusive()
        # Names side by side are an AND, too.
        while self.peek() and self.peek() not in ("|", "+", ")"):
            if self.peek() in ("&", "*"):
                self.next()
            left = self._and(left, self.exclusive())
        return left

    def exclusive(self) -> Callable[[Values], Any]:
        left = self.factor()
        while self.peek() == "^":
            self.next()
            left = self._xor(left, self.factor())
        return left

    def factor(self) -> Callable[[Values], Any]:
        token = self.next()
        if token == "!":
            return self._not(self.factor())
        if token == "(":
            inner = self.either()
            if self.next() != ")":
                raise ValueError(f"the function {self.text!r} lacks a bracket")
        elif token in ("0", "1"):
            inner = self._constant(token == "1")
        elif token and (token[0].isalpha() or token[0] == "_"):
            self.names.append(token)
            inner = self._name(token)
        else:
            raise ValueError(f"the function {self.text!r} is not understood")
        while self.peek() == "'":
            self.next()
            inner = self._not(inner)
        return inner

    @staticmethod
    def _name(name: str) -> Callable[[Values], Any]:
        return lambda values: values[name]

    @staticmethod
    def _constant(value: bool) -> Callable[[Values], Any]:
        return lambda values: np.bool_(value)

    @staticmethod
    def _not(one: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: ~one(values)

    @staticmethod
    def _and(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) & two(values)

    @staticmethod
    def _or(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) | two(values)

    @staticmethod
    def _xor(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) ^ two(values)


def parse_expression(text: str) -> Expression:
    """Read a logic function.

    Parameters
    ----------
    text : str
        Such as ``!(A & (B1 | B2))``; Liberty's ``'``, ``*``, ``+`` and blanks do too.

    Raises
    ------
    ValueError
        If it is not understood, or longer than any cell's.
    """
    parser = _Parser(text)
    evaluate = parser.either()
    if parser.peek():
        raise ValueError(f"the function {text!r} is not understood at {parser.peek()!r}")
    return Expression(text, tuple(dict.fromkeys(parser.names)), evaluate)


OPERATING_SLEW = 17.0
"""Picoseconds at an input."""
OPERATING_LOAD = 3.2
"""Femtofarads at an output."""
CELLS_45 = Path(__file__).with_name("cells45.lib")
"""The small library of 45 nm cells that ships; its head says where its figures come from."""

MAX_BYTES = 1 << 25
"""Bytes of a library."""
MAX_TOKENS_OF_LIBERTY = 1 << 20
"""Words, numbers in quotes and signs of a library."""
MAX_UNIT = 1e12
"""Of ps, fF, nW, fJ or V."""
MAX_DEPTH = 16
"""Groups within one another; a table has five around it."""
MAX_FUNCTIONS = 1 << 20
"""Characters of all functions together."""
MAX_TABLE = 1 << 16
"""Characters of a table; its values have some hundred."""

_LIBERTY_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|[A-Za-z0-9_.+\-\[\]!*/&|^\']+|[(){}:;,=]', re.DOTALL
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
LibertyValues = npt.NDArray[np.float64]

_SCALES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}


@dataclass
class Group:
    """A group of a Liberty file: ``kind (arguments) { ... }``.

    Attributes
    ----------
    kind : str
        Such as ``cell``.
    arguments : list of str
        Its names.
    attributes : dict
        Simple attributes by name; the last one counts.
    lists : dict
        Complex attributes by name, such as ``values``: their arguments.
    groups : list of Group
        The groups within.
    """

    kind: str
    arguments: list[str]
    attributes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> Iterator["Group"]:
        """The groups within that are of some kind."""
        return (group for group in self.groups if group.kind in kinds)

    def number(self, name: str, default: float) -> float:
        """A simple attribute as a number."""
        return _number(self.attributes.get(name, default))


def _number(text: str | float) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number that a cell can have")
    return value


class _Reader:
    """Recursive descent over the tokens of a file."""

    def __init__(self, text: str) -> None:
        found = _LIBERTY_TOKEN.finditer(_COMMENT.sub(" ", text).replace("\\\n", " "))
        self.tokens = [token[0] for token in itertools.islice(found, MAX_TOKENS_OF_LIBERTY + 1)]
        if len(self.tokens) > MAX_TOKENS_OF_LIBERTY:
            raise ValueError(f"it has more than {MAX_TOKENS_OF_LIBERTY:,} words")
        self.place = 0
        self.depth = 0

    def next(self) -> str:
        if self.place == len(self.tokens):
            raise ValueError("it ends in the middle")
        self.place += 1
        return self.tokens[self.place - 1]

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def expect(self, wanted: str) -> None:
        if (found := self.next()) != wanted:
            raise ValueError(f"{wanted!r} is expected where {found!r} is")

    def arguments(self) -> list[str]:
        words = []
        self.expect("(")
        while (word := self.next()) != ")":
            if word != ",":
                words.append(word.strip('"'))
        return words

    def group(self) -> Group:
        """A group; the next token is its kind."""
        group = Group(self.next(), self.arguments())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        self.expect("{")
        while self.peek() != "}":
            self.statement(group)
        self.next()
        self.depth -= 1
        return group

    def statement(self, group: Group) -> None:
        name = self.next()
        if name == ";":
            return
        if self.peek() == ":":
            self.next()
            words = []
            while self.peek() not in (";", "}", ""):
                words.append(self.next().strip('"'))
            group.attributes[name] = " ".join(words)
        elif self.peek() == "(":
            start = self.place - 1
            words = self.arguments()
            if self.peek() == "{":
                self.place = start
                group.groups.append(self.group())
            else:
                group.lists[name] = words
        else:
            raise ValueError(f"{name!r} is followed by {self.peek()!r}")
        if self.peek() == ";":
            self.next()


@dataclass(frozen=True)
class InputPin:
    """An input of a cell.

    Attributes
    ----------
    capacitance : float
        fF.
    energy : float
        Inside the cell, fJ for each transition of the pin, whatever the output does.
    """

    capacitance: float
    energy: float


@dataclass(frozen=True)
class OutputPin:
    """An output of a cell.

    Attributes
    ----------
    function : Expression
        Of the inputs; of the register's state in a sequential cell.
    energy : float
        Inside the cell, fJ for each transition of the pin.
    delay : float
        ps, of the worst arc.
    """

    function: Expression
    energy: float
    delay: float


@dataclass(frozen=True)
class Register:
    """What makes a cell sequential.

    Attributes
    ----------
    clock : str
        The pin whose rising edge it takes its next state at.
    next_state : Expression
        Of the inputs.
    state, complement : str
        Names of the state in the outputs' functions.
    setup : float
        ps.
    """

    clock: str
    next_state: Expression
    state: str
    complement: str
    setup: float


@dataclass(frozen=True)
class Cell:
    """A standard cell.

    Attributes
    ----------
    name : str
        Its name.
    area : float
        um^2.
    leakage : float
        nW.
    inputs : dict
        `InputPin` by name.
    outputs : dict
        `OutputPin` by name.
    register : Register or None
        None for a combinational cell.
    """

    name: str
    area: float
    leakage: float
    inputs: dict[str, InputPin]
    outputs: dict[str, OutputPin]
    register: Register | None = None


@dataclass(frozen=True)
class Library:
    """A library of cells.

    Attributes
    ----------
    name : str
        Its name.
    voltage : float
        Volt.
    cells : dict
        `Cell` by name. Cells of another kind than combinational ones and flip-flops of a
        rising edge are left out.
    text : str
        The file.
    """

    name: str
    voltage: float
    cells: dict[str, Cell]
    text: str

    def transition_energy(self, capacitance: float) -> float:
        """``C V^2 / 2`` of a load in fF, in fJ."""
        return 0.5 * capacitance * self.voltage**2

    def full_adder(self) -> tuple[Cell, dict[str, str]] | None:
        """A cell that adds three bits, and its pins by A, B, CI, S and CO; None without one."""
        for cell in self.cells.values():
            if cell.register is not None or len(cell.inputs) != 3 or len(cell.outputs) != 2:
                continue
            pins: dict[str, str] = dict(zip(("A", "B", "CI"), cell.inputs, strict=True))
            table = [
                dict(zip(cell.inputs, map(np.bool_, bits), strict=True))
                for bits in np.ndindex(2, 2, 2)
            ]
            ones = [sum(map(int, row.values())) for row in table]
            for name, output in cell.outputs.items():
                values = [bool(output.function.evaluate(row)) for row in table]
                if values == [count % 2 == 1 for count in ones]:
                    pins["S"] = name
                elif values == [count >= 2 for count in ones]:
                    pins["CO"] = name
            if len(pins) == 5:
                return cell, pins
        return None


class _Units:
    """Factors to ps, fF, nW and fJ."""

    def __init__(self, library: Group) -> None:
        self.voltage = library.number("nom_voltage", 1.0)
        self.time = self._simple(library, "time_unit", "1ns", "s") / 1e-12
        amount, unit = library.lists.get("capacitive_load_unit", ["1", "pf"])
        self.capacitance = _number(amount) * _SCALES[unit.lower().removesuffix("f")] / 1e-15
        self.leakage = self._simple(library, "leakage_power_unit", "1nW", "W") / 1e-9
        volts = self._simple(library, "voltage_unit", "1V", "V")
        self.energy = self.capacitance * volts * volts
        units = (self.time, self.leakage, self.energy, self.voltage)
        if not all(0 < unit < MAX_UNIT for unit in units):
            raise ValueError(f"a unit or its voltage is not between 0 and {MAX_UNIT:g}")

    @staticmethod
    def _simple(library: Group, name: str, default: str, unit: str) -> float:
        text = library.attributes.get(name, default)
        match = re.fullmatch(rf"([0-9.]+) *([fpnum]?){unit}", text)
        if match is None:
            raise ValueError(f"{name} {text!r} is not understood")
        return float(match[1]) * _SCALES[match[2]]


def _numbers(texts: list[str]) -> list[list[float]]:
    if sum(map(len, texts)) > MAX_TABLE:
        raise ValueError(f"a table has more than {MAX_TABLE:,} characters")
    return [[_number(word) for word in re.split(r"[\s,]+", text) if word] for text in texts]


def _interpolate(values: LibertyValues, axis: LibertyValues, point: float) -> LibertyValues:
    """Values at a point of their last axis; beyond its ends they stay what they are there."""
    if axis.ndim != 1 or not axis.size or np.any(np.diff(axis) <= 0):
        raise ValueError("an index of a table does not rise")
    if point <= axis[0]:
        return values[..., 0]
    if point >= axis[-1]:
        return values[..., -1]
    place = int(np.searchsorted(axis, point, side="right"))
    before, after = values[..., place - 1], values[..., place]
    slope = (after - before) / (axis[place] - axis[place - 1])
    return slope * (point - axis[place - 1]) + before


class _Tables:
    """Lookup tables, read at the operating point."""

    def __init__(self, library: Group, units: _Units) -> None:
        self.units = units
        self.templates = {
            group.arguments[0]: group
            for group in library.of_kind("lu_table_template", "power_lut_template")
        }

    def value(self, table: Group) -> float:
        """A table's value at the operating point."""
        values = np.array(_numbers(table.lists.get("values", [])))
        if values.size == 0:
            raise ValueError(f"a {table.kind} has no values")
        if values.size == 1:
            return float(values.flat[0])
        template = self.templates.get(table.arguments[0] if table.arguments else "")
        axes, points = [], []
        for number in (1, 2, 3):
            index = table.lists.get(f"index_{number}") or (
                template.lists.get(f"index_{number}") if template else None
            )
            if index is None:
                break
            variable = template.attributes.get(f"variable_{number}", "") if template else ""
            axes.append(np.array(_numbers(index)).ravel())
            if "capacitance" in variable:
                points.append(OPERATING_LOAD / self.units.capacitance)
            else:
                points.append(OPERATING_SLEW / self.units.time)
        result = values.reshape([len(axis) for axis in axes])
        for axis, point in zip(reversed(axes), reversed(points), strict=True):
            result = _interpolate(result, axis, point)
        return float(result)

    def mean(self, groups: Iterator[Group], *kinds: str) -> float:
        """Mean over all tables of some kinds in some groups; 0 if there are none."""
        found = [self.value(table) for group in groups for table in group.of_kind(*kinds)]
        return float(np.mean(found)) if found else 0.0

    def worst(self, groups: Iterator[Group], *kinds: str) -> float:
        """Largest value of all tables of some kinds in some groups; 0 if there are none."""
        return max(
            (self.value(table) for group in groups for table in group.of_kind(*kinds)), default=0.0
        )


def _cell(group: Group, tables: _Tables) -> Cell | None:
    """A cell, or None if it is of a kind that is not used."""
    units = tables.units
    if any(group.of_kind("latch", "statetable", "ff_bank", "latch_bank")):
        return None
    inputs, outputs = {}, {}
    setup = 0.0
    for pin in group.of_kind("pin"):
        name = pin.arguments[0]
        energies = pin.of_kind("internal_power")
        energy = tables.mean(energies, "rise_power", "fall_power", "power") * units.energy
        timings = list(pin.of_kind("timing"))
        if pin.attributes.get("direction") == "input":
            inputs[name] = InputPin(pin.number("capacitance", 0) * units.capacitance, energy)
            rising = (t for t in timings if "setup" in t.attributes.get("timing_type", ""))
            constraint = tables.worst(rising, "rise_constraint", "fall_constraint")
            setup = max(setup, constraint * units.time)
        elif pin.attributes.get("direction") == "output":
            if "function" not in pin.attributes or "three_state" in pin.attributes:
                return None
            function = parse_expression(pin.attributes["function"])
            delay = tables.worst(iter(timings), "cell_rise", "cell_fall") * units.time
            outputs[name] = OutputPin(function, energy, delay)
    register = None
    known = set(inputs)
    for ff in group.of_kind("ff"):
        clock = ff.attributes.get("clocked_on", "")
        if clock not in inputs or {"clear", "preset"} & set(ff.attributes):
            return None  # another edge, or a set or reset: the gateware's data need none
        state, complement = ff.arguments
        next_state = parse_expression(ff.attributes["next_state"])
        if not known.issuperset(next_state.names):
            return None
        register = Register(clock, next_state, state, complement, setup)
        known |= {state, complement}
    if not all(known.issuperset(output.function.names) for output in outputs.values()):
        return None  # of something that is no pin
    leakage = group.number("cell_leakage_power", 0) * units.leakage
    area = group.number("area", 0)
    figures = [area, leakage, setup]
    figures += [figure for pin in inputs.values() for figure in (pin.capacitance, pin.energy)]
    figures += [figure for pin in outputs.values() for figure in (pin.energy, pin.delay)]
    if not all(map(math.isfinite, figures)):
        raise ValueError(f"cell {group.arguments[0]} has a figure that is too large")
    return Cell(group.arguments[0], area, leakage, inputs, outputs, register)


def parse_library(text: str) -> Library:
    """The library that a file's text describes.

    Raises
    ------
    ValueError
        If it is no Liberty file, or one that is not understood; the message is one line.
    """
    reader = _Reader(text)
    if reader.peek() != "library":
        raise ValueError("it does not begin with library")
    try:
        library = reader.group()
        units = _Units(library)
        tables = _Tables(library, units)
        pins = (pin for cell in library.of_kind("cell") for pin in cell.of_kind("pin"))
        if sum(len(pin.attributes.get("function", "")) for pin in pins) > MAX_FUNCTIONS:
            raise ValueError(f"its functions have more than {MAX_FUNCTIONS:,} characters")
        cells: dict[str, Any] = {
            group.arguments[0]: _cell(group, tables) for group in library.of_kind("cell")
        }
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except IndexError as error:
        raise ValueError("a group of it lacks its name") from error
    cells = {name: cell for name, cell in cells.items() if cell is not None and cell.outputs}
    if not cells:
        raise ValueError("it has no cell that can be used")
    name = library.arguments[0] if library.arguments else "without a name"
    return Library(name, units.voltage, cells, text)


def load_library(path: Path = CELLS_45) -> Library:
    """Read a Liberty file.

    Raises
    ------
    UserError
        If it is missing, or is not a Liberty file.
    """
    text = read_text(path, "library", MAX_BYTES)
    try:
        return parse_library(text)
    except ValueError as error:
        raise UserError(f"{path} is not a Liberty file: {' '.join(str(error).split())}") from error
