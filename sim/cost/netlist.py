"""A netlist of standard cells: area, leakage, longest path and switching activity.

The simulation has no delays: every net settles once in each clock, so glitches are not counted.
It runs many independent copies of the circuit at once.
"""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.cost.liberty import OPERATING_LOAD, Cell, Library, Register
from allspin.sim.cost.logic_function import Expression

Integers = npt.NDArray[np.integer[Any]]
Bits = npt.NDArray[np.bool_]

CONSTANTS = ("0", "1", "x", "z")
"""Names of constant nets; unknown values are 0."""


@dataclass(frozen=True)
class Instance:
    """An instance of a cell.

    Attributes
    ----------
    name : str
        Name of the instance.
    cell : Cell
        Cell of the library.
    nets : dict
        Net of each pin: a number, ``"0"`` or ``"1"``.
    """

    name: str
    cell: Cell
    nets: dict[str, int | str]

    def inputs_in(self, values: Mapping[int | str, Bits]) -> dict[str, Bits]:
        """Return the values at the input pins, from the values of all nets."""
        return {pin: values[self.nets.get(pin, "0")] for pin in self.cell.inputs}

    def outputs_in(self, values: Mapping[int | str, Bits]) -> list[tuple[Expression, Bits]]:
        """Return each output pin's function with the value of the net that it drives."""
        pins = self.cell.outputs.items()
        return [(about.function, values[self.nets[pin]]) for pin, about in pins if pin in self.nets]


@dataclass(frozen=True, eq=False)
class Activity:
    """Switching activity that a simulation counted.

    Attributes
    ----------
    clocks : int
        Number of clocks of each copy.
    copies : int
        Number of copies.
    toggles : dict
        Transitions of each net over all copies and clocks; a clock net has two in each clock.
    outputs : dict
        Unsigned value of each output port at the end of each clock, before the registers take
        their next state; shape (clocks, copies).
    """

    clocks: int
    copies: int
    toggles: dict[int, int]
    outputs: dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Energy:
    """Energy of one clock of one copy, in fJ.

    Attributes
    ----------
    internal : float
        Internal energy of the cells whose pins switch.
    load : float
        Energy that charges the nets' loads.
    leakage : float
        Leakage during the clock's period.
    """

    internal: float
    load: float
    leakage: float

    @property
    def dynamic(self) -> float:
        """Energy of switching."""
        return self.internal + self.load

    @property
    def total(self) -> float:
        """Energy of switching and leakage."""
        return self.internal + self.load + self.leakage


class Netlist:
    """A mapped module.

    Parameters
    ----------
    text : str
        Output of Yosys' ``write_json``; its only module, or the one marked as the top, is used.
    library : Library
        Library of the cells.

    Attributes
    ----------
    inputs, outputs : dict
        Nets of each port, lowest bit first.
    instances : tuple of Instance
        Instances of cells.

    Raises
    ------
    ValueError
        If a cell is not in the library, or a loop has no register.
    """

    def __init__(self, text: str, library: Library) -> None:
        modules = json.loads(text)["modules"]
        marked = [m for m in modules.values() if int(m.get("attributes", {}).get("top", "0"), 2)]
        module = (marked or list(modules.values()))[0]
        self.library = library
        self.inputs: dict[str, list[int | str]] = {}
        self.outputs: dict[str, list[int | str]] = {}
        for name, port in module["ports"].items():
            side = self.inputs if port["direction"] == "input" else self.outputs
            side[name] = port["bits"]
        instances = []
        for name, cell in module["cells"].items():
            if cell["type"] not in library.cells:
                raise ValueError(f"the library has no cell {cell['type']}")
            nets = {pin: bits[0] for pin, bits in cell["connections"].items() if bits}
            instances.append(Instance(name, library.cells[cell["type"]], nets))
        self.instances = tuple(instances)

    @property
    def area(self) -> float:
        """Area of all cells, um^2."""
        return sum(instance.cell.area for instance in self.instances)

    @property
    def leakage(self) -> float:
        """Leakage of all cells, nW."""
        return sum(instance.cell.leakage for instance in self.instances)

    @property
    def registers(self) -> int:
        """Number of flip-flops."""
        return len(self._registers)

    @cached_property
    def _registers(self) -> list[tuple[Instance, Register]]:
        return [(i, i.cell.register) for i in self.instances if i.cell.register is not None]

    def cells(self) -> dict[str, int]:
        """Return the number of instances of each cell, by name."""
        return dict(sorted(Counter(instance.cell.name for instance in self.instances).items()))

    @cached_property
    def loads(self) -> dict[int, float]:
        """Capacitance of each net, fF: the pins of cells, and `OPERATING_LOAD` at module outputs.

        Wires are not included.
        """
        loads: defaultdict[int | str, float] = defaultdict(float)
        for instance in self.instances:
            for pin, about in instance.cell.inputs.items():
                loads[instance.nets.get(pin, "0")] += about.capacitance
        for net in itertools.chain(*self.outputs.values()):
            loads[net] += OPERATING_LOAD
        return {net: load for net, load in loads.items() if isinstance(net, int)}

    @cached_property
    def _order(self) -> list[Instance]:
        """Combinational cells in topological order."""
        cells = {i.name: i for i in self.instances if i.cell.register is None}
        drivers = {}
        for name, instance in cells.items():
            for pin, net in instance.nets.items():
                if pin in instance.cell.outputs:
                    drivers[net] = name
        before = {}
        for name, instance in cells.items():
            input_nets = [net for pin, net in instance.nets.items() if pin in instance.cell.inputs]
            before[name] = [drivers[net] for net in input_nets if net in drivers]
        try:
            return [cells[name] for name in TopologicalSorter(before).static_order()]
        except CycleError as error:
            raise ValueError(f"there is a loop without a register at {error.args[1][0]}") from None

    def longest_path(self) -> float:
        """Return the longest delay between inputs, registers and outputs, including setup, in ps.

        Each arc has its worst delay at the library's operating point.
        """
        arrival: dict[int | str, float] = {}
        ends = []
        for instance in [*(one for one, _ in self._registers), *self._order]:
            is_logic = instance.cell.register is None
            sources = [instance.nets.get(pin, "0") for pin in instance.cell.inputs if is_logic]
            start = max((arrival.get(net, 0.0) for net in sources), default=0.0)
            for pin, about in instance.cell.outputs.items():
                arrival[instance.nets.get(pin, "x")] = start + about.delay
        for instance, register in self._registers:
            for pin in register.next_state.names:
                ends.append(arrival.get(instance.nets.get(pin, "0"), 0.0) + register.setup)
        ends += [arrival.get(net, 0.0) for bits in self.outputs.values() for net in bits]
        return max(ends, default=0.0)

    def simulate(self, stimulus: Mapping[str, Integers]) -> Activity:
        """Simulate the netlist, and count every net's transitions.

        Parameters
        ----------
        stimulus : dict
            Value of each input port except the clock in each clock: integers of shape (clocks,
            copies). The low bits of negative values are used. A missing input is 0.

        Returns
        -------
        Activity
            The first clock sets the initial state: its transitions are not counted.

        Raises
        ------
        ValueError
            If a port is unknown.
        """
        unknown = set(stimulus) - set(self.inputs)
        if unknown:
            raise ValueError(f"the netlist has no input {', '.join(sorted(unknown))}")
        clocks, copies = next(iter(stimulus.values())).shape
        registers = self._registers
        # Without registers no clock depends on an earlier one: all are computed at once, and
        # transitions are counted along the clocks.
        steps = range(clocks) if registers else [slice(None)]
        ports = itertools.chain(*self.inputs.values(), *self.outputs.values())
        pins = itertools.chain(*(i.nets.values() for i in self.instances))
        names = list(dict.fromkeys([*CONSTANTS, *ports, *pins]))
        values = np.zeros((len(names), *((copies,) if registers else (clocks, copies))), np.bool_)
        nets: dict[int | str, Bits] = {net: values[row] for row, net in enumerate(names)}
        nets["1"][...] = True
        before = values.copy()
        counts = np.zeros(len(names), np.int64)
        outputs = {name: np.zeros((clocks, copies), np.int64) for name in self.outputs}
        logic = [(i.inputs_in(nets), i.outputs_in(nets)) for i in self._order]
        states = [
            (register, i.inputs_in(nets), i.outputs_in(nets), np.zeros(copies, np.bool_))
            for i, register in registers
        ]
        for number, step in enumerate(steps):
            for name, driven in stimulus.items():
                for place, net in enumerate(self.inputs[name]):
                    nets[net][...] = driven[step] >> place & 1
            for register, _, results, held in states:
                state = {register.state: held, register.complement: ~held}
                for function, result in results:
                    result[...] = function.evaluate(state)
            for inputs, results in logic:
                for function, result in results:
                    result[...] = function.evaluate(inputs)
            for name, bits in self.outputs.items():
                for place, net in enumerate(bits):
                    outputs[name][step] |= nets[net].astype(np.int64) << place
            if not registers:
                counts += np.count_nonzero(values[:, 1:] != values[:, :-1], axis=(1, 2))
            elif number:
                counts += np.count_nonzero(values != before, axis=1)
            before[...] = values
            for register, inputs, _, held in states:
                held[...] = register.next_state.evaluate(inputs)
        counted_nets = zip(names, counts.tolist(), strict=True)
        toggles = {net: count for net, count in counted_nets if isinstance(net, int)}
        counted = max(clocks - 1, 1)
        for instance, register in registers:
            clock = instance.nets.get(register.clock)
            if isinstance(clock, int):
                toggles[clock] = 2 * counted * copies
        return Activity(counted, copies, toggles, outputs)

    def energy(self, activity: Activity, period: float) -> Energy:
        """Return the energy of one clock of one copy.

        Parameters
        ----------
        activity : Activity
            Counted transitions.
        period : float
            Period of the clock, ns.
        """
        internal = 0.0
        load = 0.0
        for instance in self.instances:
            for pin, about in {**instance.cell.inputs, **instance.cell.outputs}.items():
                net = instance.nets.get(pin)
                if isinstance(net, int):
                    internal += about.energy * activity.toggles.get(net, 0)
        for net, capacitance in self.loads.items():
            # A transition takes C V^2 / 2.
            load += 0.5 * capacitance * self.library.voltage**2 * activity.toggles.get(net, 0)
        uses = activity.clocks * activity.copies
        # 1 nW times 1 ns is 1e-18 J.
        return Energy(internal / uses, load / uses, self.leakage * period * 1e-3)
