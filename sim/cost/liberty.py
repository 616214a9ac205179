"""Liberty files: function, area, leakage, energy and delay of standard cells.

Tables over slew and load are evaluated at one operating point, `OPERATING_SLEW` and
`OPERATING_LOAD`, by linear interpolation. Energy that depends on the state of other pins is
averaged; for delay the worst case counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from allspin.sim.cost.liberty_syntax import Group, parse_group, parse_number
from allspin.sim.cost.logic_function import MAX_TEXT, Expression, parse_expression
from allspin.sim.errors import refused
from allspin.sim.files import read_text

OPERATING_SLEW = 17.0
"""Slew at an input, ps."""
OPERATING_LOAD = 3.2
"""Load at an output, fF."""
CELLS_45 = Path(__file__).with_name("cells45.lib")
"""The small 45 nm library that ships; its header gives the sources of its figures."""

MAX_BYTES = 1 << 25
"""Largest size of a library, in bytes."""
MAX_UNIT = 1e12
"""Largest unit in ps, fF, nW, fJ or V."""


@dataclass(frozen=True)
class InputPin:
    """An input of a cell.

    Attributes
    ----------
    capacitance : float
        Capacitance of the pin, fF.
    energy : float
        Internal energy of a transition of the pin, fJ, for any change of the output.
    """

    capacitance: float
    energy: float


@dataclass(frozen=True)
class OutputPin:
    """An output of a cell.

    Attributes
    ----------
    function : Expression
        Function of the inputs, or of the register's state in a sequential cell.
    energy : float
        Internal energy of a transition of the pin, fJ.
    delay : float
        Delay of the worst arc, ps.
    """

    function: Expression
    energy: float
    delay: float


@dataclass(frozen=True)
class Register:
    """Register of a sequential cell.

    Attributes
    ----------
    clock : str
        Clock pin; the state changes at its rising edge.
    next_state : Expression
        Next state as a function of the inputs.
    state, complement : str
        Names of the state and its complement in the outputs' functions.
    setup : float
        Setup time, ps.
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
        Name in the library.
    area : float
        Area, um^2.
    leakage : float
        Leakage power, nW.
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
        Name of the library.
    voltage : float
        Supply voltage, V.
    cells : dict
        `Cell` by name: combinational cells and flip-flops with a rising clock edge.
    text : str
        Text of the file.
    """

    name: str
    voltage: float
    cells: dict[str, Cell]
    text: str

    def full_adder(self) -> tuple[Cell, dict[str, str]] | None:
        """Return a full adder with its pins by A, B, CI, S and CO; None without one."""
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
    """Return a unit of the library, such as ``1ns``, in the SI unit."""
    text = library.attributes.get(name, default)
    match = re.fullmatch(rf"([0-9.]+) *([fpnum]?){unit}", text)
    if match is None:
        raise ValueError(f"{name} {text!r} is not understood")
    return float(match[1]) * SCALES[match[2]]


class _Reader:
    """Reader of a library's cells; its units are factors to ps, fF, nW and fJ."""

    def __init__(self, library: Group) -> None:
        self.voltage = library.number("nom_voltage", 1.0)
        self.time = _unit(library, "time_unit", "1ns", "s") / 1e-12
        amount, unit = library.lists.get("capacitive_load_unit", ["1", "pf"])
        self.capacitance = parse_number(amount) * SCALES[unit.lower().removesuffix("f")] / 1e-15
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
        """Return a table's value at the operating point."""
        values = np.array(_numbers(table.lists.get("values", [])))
        if values.size == 0:
            raise ValueError(f"a {table.kind} has no values")
        if values.size == 1:
            return float(values.flat[0])
        template = self.templates.get("".join(table.arguments[:1]), Group("", []))
        axes = []
        points = []
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
            # Beyond the ends of an axis, the value at the end applies.
            result = np.apply_along_axis(partial(np.interp, point, axis), -1, result)
        return float(result)

    def values(self, groups: Iterable[Group], *kinds: str) -> list[float]:
        """Return the values of all tables of some kinds in some groups."""
        return [self.value(table) for group in groups for table in group.of_kind(*kinds)]

    def cell(self, group: Group) -> Cell | None:
        """Return a cell, or None if its kind is not supported."""
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
        register = None
        known = set(inputs)
        for ff in group.of_kind("ff"):
            clock = ff.attributes.get("clocked_on", "")
            if clock not in inputs or {"clear", "preset"} & set(ff.attributes):
                return None  # a falling edge, a set or a reset, which the gateware does not use
            state, complement = ff.arguments
            next_state = parse_expression(ff.attributes["next_state"])
            if not known.issuperset(next_state.names):
                return None
            register = Register(clock, next_state, state, complement, max(setups) * self.time)
            known |= {state, complement}
        if not all(known.issuperset(output.function.names) for output in outputs.values()):
            return None  # a function of a name that is not a pin
        leakage = group.number("cell_leakage_power", 0) * self.leakage
        return Cell(group.arguments[0], group.number("area", 0), leakage, inputs, outputs, register)


def _numbers(texts: list[str]) -> list[list[float]]:
    if sum(map(len, texts)) > MAX_TEXT:
        raise ValueError(f"a table has more than {MAX_TEXT:,} characters")
    return [[parse_number(word) for word in re.split(r"[\s,]+", text) if word] for text in texts]


def parse_library(text: str) -> Library:
    """Parse the text of a Liberty file.

    Raises
    ------
    ValueError
        If the text is not a Liberty file that can be read; the message is one line.
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
        If the file is missing, or is not a Liberty file.
    """
    text = read_text(path, "library", MAX_BYTES)
    with refused(f"{path} is not a Liberty file: "):
        return parse_library(text)
