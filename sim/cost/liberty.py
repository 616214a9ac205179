"""Liberty files: what a standard cell does, and what it costs.

Of a library this reads each cell's area, leakage, pin capacitances, logic functions, internal
energy and delay. Tables over slew and load are read at one point, which `OPERATING_SLEW` and
`OPERATING_LOAD` name; between their entries they are interpolated linearly. Timing and energy
that depend on the state of other pins are averaged (energy) or taken at their worst (delay).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from allspin.sim.errors import refused
from allspin.sim.files import read_text

OPERATING_SLEW = 17.0
"""Picoseconds at an input."""
OPERATING_LOAD = 3.2
"""Femtofarads at an output."""
CELLS_45 = Path(__file__).with_name("cells45.lib")
"""The small library of 45 nm cells that ships; its head says where its figures come from."""

MAX_BYTES = 1 << 25
"""Bytes of a library."""
MAX_STATEMENTS = 1 << 19
"""Attributes and groups of a library."""
MAX_UNIT = 1e12
"""Of ps, fF, nW, fJ or V."""
MAX_NUMBER = 1e100
"""Of any attribute."""
MAX_TOKENS = 200
"""Names and signs of a function: each may be a level of its own."""
MAX_TEXT = 1 << 16
"""Characters of a table or function; a table's values have some hundred."""


@dataclass(frozen=True)
class Expression:
    """A logic function.

    Attributes
    ----------
    text : str
        As it was written.
    names : tuple of str
        What it depends on, in the order of the text.
    code : code object
        The same in Python, of ``v0``, ``v1`` and so on in place of the names.
    """

    text: str
    names: tuple[str, ...]
    code: CodeType

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """The function of values by name: arrays of bool of one shape, or single ones."""
        known = {f"v{number}": values[name] for number, name in enumerate(self.names)}
        return eval(self.code, {"__builtins__": {}, **CONSTANTS}, known)


_FUNCTION_TOKEN = re.compile(r"[A-Za-z_][\w\[\]]*|[01]|\S")
CONSTANTS = {"one": np.bool_(True), "zero": np.bool_(False)}
IN_PYTHON = {
    **{"|": "))|((", "+": "))|((", "&": ")&(", "*": ")&(", "(": "(((", ")": ")))"},
    **{"!": "~", "^": "^", "'": "^one", "0": "zero", "1": "one"},
}
"""Each sign in Python, with brackets by which XOR binds closer than AND, and AND than OR."""


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
    tokens = _FUNCTION_TOKEN.findall(text[:MAX_TEXT])
    if len(text) > MAX_TEXT or len(tokens) > MAX_TOKENS:
        raise ValueError(f"the function {text[:40]!r}... is too long")
    names = tuple(dict.fromkeys(token for token in tokens if re.match("[A-Za-z_]", token)))
    in_python = IN_PYTHON | {name: f"v{number}" for number, name in enumerate(names)}
    source, before = "((", ""
    try:
        for token in tokens:
            # Names and brackets side by side are an AND.
            if re.match(r"[\w)']", before) and re.match(r"[\w(!]", token):
                source += in_python["&"]
            source += in_python[token]
            before = token
        source += "))"
        code = compile(source, "function", "eval")
    except (SyntaxError, KeyError):
        raise ValueError(f"the function {text!r} is not understood") from None
    if "()" in source:
        raise ValueError(f"the function {text!r} lacks an operand")
    return Expression(text, names, code)


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
    """Arguments of a group or list, without their quotes."""
    return [word.strip('"') for word in re.findall(rf"{_STRING}|[^\s,]+", text, re.DOTALL)]


def parse_group(text: str) -> Group:
    """The group that a file's text is.

    Raises
    ------
    ValueError
        If it is none, or has too many statements.
    """
    text = re.sub(r"\\\r?\n", " ", _COMMENT.sub(" ", text))
    if not re.match(r"\s*library\b", text):
        raise ValueError("it does not begin with library")
    outermost = Group("", [])
    open_groups, place = [outermost], 0
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
    inputs, outputs : dict
        `InputPin` and `OutputPin` by name.
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

    def full_adder(self) -> tuple[Cell, dict[str, str]] | None:
        """A cell that adds three bits, and its pins by A, B, CI, S and CO; None without one."""
        bits = np.indices((2, 2, 2)).reshape(3, 8).astype(bool)
        ones = bits.sum(axis=0)
        for cell in self.cells.values():
            if cell.register is not None or len(cell.inputs) != 3 or len(cell.outputs) != 2:
                continue
            pins: dict[str, str] = dict(zip(("A", "B", "CI"), cell.inputs, strict=True))
            values = dict(zip(cell.inputs, bits, strict=True))
            for name, output in cell.outputs.items():
                table = output.function.evaluate(values)
                if np.all(table == (ones % 2 == 1)):
                    pins["S"] = name
                elif np.all(table == (ones >= 2)):
                    pins["CO"] = name
            if len(pins) == 5:
                return cell, pins
        return None


SCALES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}


def _unit(library: Group, name: str, default: str, unit: str) -> float:
    """A unit that the library names, such as ``1ns``, in its SI unit."""
    text = library.attributes.get(name, default)
    match = re.fullmatch(rf"([0-9.]+) *([fpnum]?){unit}", text)
    if match is None:
        raise ValueError(f"{name} {text!r} is not understood")
    return float(match[1]) * SCALES[match[2]]


class _Reader:
    """Reads cells of a library; units are factors to ps, fF, nW and fJ."""

    def __init__(self, library: Group) -> None:
        self.voltage = library.number("nom_voltage", 1.0)
        self.time = _unit(library, "time_unit", "1ns", "s") / 1e-12
        amount, unit = library.lists.get("capacitive_load_unit", ["1", "pf"])
        self.capacitance = _number(amount) * SCALES[unit.lower().removesuffix("f")] / 1e-15
        self.leakage = _unit(library, "leakage_power_unit", "1nW", "W") / 1e-9
        volts = _unit(library, "voltage_unit", "1V", "V")
        self.energy = self.capacitance * volts * volts
        units = (self.time, self.leakage, self.energy, self.voltage)
        if not all(0 < unit < MAX_UNIT for unit in units):
            raise ValueError(f"a unit or its voltage is not between 0 and {MAX_UNIT:g}")
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
        template = self.templates.get("".join(table.arguments[:1]), Group("", []))
        axes, points = [], []
        for number in (1, 2, 3):
            key = f"index_{number}"
            index = table.lists.get(key) or template.lists.get(key)
            if index is None:
                break
            axes.append(np.array(_numbers(index)).ravel())
            if "capacitance" in template.attributes.get(f"variable_{number}", ""):
                points.append(OPERATING_LOAD / self.capacitance)
            else:
                points.append(OPERATING_SLEW / self.time)
        result = values.reshape([len(axis) for axis in axes])
        for axis, point in zip(reversed(axes), reversed(points), strict=True):
            if not axis.size or np.any(np.diff(axis) <= 0):
                raise ValueError("an index of a table does not rise")
            # Beyond the ends of an axis the value stays what it is there.
            result = np.apply_along_axis(partial(np.interp, point, axis), -1, result)
        return float(result)

    def values(self, groups: Iterable[Group], *kinds: str) -> list[float]:
        """Values of all tables of some kinds in some groups."""
        return [self.value(table) for group in groups for table in group.of_kind(*kinds)]

    def cell(self, group: Group) -> Cell | None:
        """A cell, or None if it is of a kind that is not used."""
        if any(group.of_kind("latch", "statetable", "ff_bank", "latch_bank")):
            return None
        inputs, outputs = {}, {}
        setups = [0.0]
        for pin in group.of_kind("pin"):
            name, direction = pin.arguments[0], pin.attributes.get("direction")
            powers = pin.of_kind("internal_power")
            energies = self.values(powers, "rise_power", "fall_power", "power")
            energy = float(np.mean(energies)) * self.energy if energies else 0.0
            timings = list(pin.of_kind("timing"))
            if direction == "input":
                inputs[name] = InputPin(pin.number("capacitance", 0) * self.capacitance, energy)
                setup = [t for t in timings if "setup" in t.attributes.get("timing_type", "")]
                setups += self.values(setup, "rise_constraint", "fall_constraint")
            elif direction == "output":
                if "function" not in pin.attributes or "three_state" in pin.attributes:
                    return None
                delay = max(self.values(timings, "cell_rise", "cell_fall"), default=0.0)
                function = parse_expression(pin.attributes["function"])
                outputs[name] = OutputPin(function, energy, delay * self.time)
        register, known = None, set(inputs)
        for ff in group.of_kind("ff"):
            clock = ff.attributes.get("clocked_on", "")
            if clock not in inputs or {"clear", "preset"} & set(ff.attributes):
                return None  # another edge, or a set or reset: the gateware's data need none
            state, complement = ff.arguments
            next_state = parse_expression(ff.attributes["next_state"])
            if not known.issuperset(next_state.names):
                return None
            register = Register(clock, next_state, state, complement, max(setups) * self.time)
            known |= {state, complement}
        if not all(known.issuperset(output.function.names) for output in outputs.values()):
            return None  # of something that is no pin
        leakage = group.number("cell_leakage_power", 0) * self.leakage
        return Cell(group.arguments[0], group.number("area", 0), leakage, inputs, outputs, register)


def _numbers(texts: list[str]) -> list[list[float]]:
    if sum(map(len, texts)) > MAX_TEXT:
        raise ValueError(f"a table has more than {MAX_TEXT:,} characters")
    return [[_number(word) for word in re.split(r"[\s,]+", text) if word] for text in texts]


def parse_library(text: str) -> Library:
    """The library that a file's text describes.

    Raises
    ------
    ValueError
        If it is no Liberty file, or one that is not understood; the message is one line.
    """
    library = parse_group(text)
    try:
        reader = _Reader(library)
        found = [reader.cell(group) for group in library.of_kind("cell")]
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error
    except IndexError as error:
        raise ValueError("a group of it lacks its name") from error
    cells = {cell.name: cell for cell in found if cell is not None and cell.outputs}
    if not cells:
        raise ValueError("it has no cell that can be used")
    name = library.arguments[0] if library.arguments else "without a name"
    return Library(name, reader.voltage, cells, text)


def load_library(path: Path = CELLS_45) -> Library:
    """Read a Liberty file.

    Raises
    ------
    UserError
        If it is missing, or is not a Liberty file.
    """
    text = read_text(path, "library", MAX_BYTES)
    with refused(f"{path} is not a Liberty file: "):
        return parse_library(text)
