"""A netlist of standard cells: its area, its leakage, its longest path, and what it switches.

Simulation has no delays: each clock, every net settles once, so glitches are not counted. It
runs many copies of the circuit at once, one beside the other, which share nothing but the
netlist.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.cost.liberty import OPERATING_LOAD, Cell, Library

Integers = npt.NDArray[np.integer[Any]]
Bits = npt.NDArray[np.bool_]

CONSTANTS = ("0", "1", "x", "z")
"""What stands for a net that never changes; what is not known is 0."""


@dataclass(frozen=True)
class Instance:
    """A cell in its place.

    Attributes
    ----------
    name : str
        Of the instance.
    cell : Cell
        What it is.
    nets : dict
        Net of each pin: a number, or ``"0"`` or ``"1"``.
    """

    name: str
    cell: Cell
    nets: dict[str, int | str]


@dataclass(frozen=True, eq=False)
class Activity:
    """What a simulation counted.

    Attributes
    ----------
    clocks : int
        Clocks of one copy.
    copies : int
        Copies side by side.
    toggles : dict
        Transitions of each net, in all copies and clocks together; a clock's net has two a
        clock.
    outputs : dict
        Of each output port, its unsigned value at the end of each clock, before the registers
        take their next state: shape (clocks, copies).
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
        Inside the cells, where their pins switch.
    load : float
        Charging what the nets drive.
    leakage : float
        Over the clock's period.
    """

    internal: float
    load: float
    leakage: float

    @property
    def dynamic(self) -> float:
        """Of switching."""
        return self.internal + self.load

    @property
    def total(self) -> float:
        """Of everything."""
        return self.internal + self.load + self.leakage


class Netlist:
    """A mapped module.

    Parameters
    ----------
    text : str
        What Yosys' ``write_json`` says of it; its only module, or the one marked as the top.
    library : Library
        Of its cells.

    Attributes
    ----------
    inputs, outputs : dict
        Nets of each port, lowest bit first.
    instances : tuple of Instance
        Its cells.

    Raises
    ------
    ValueError
        If it has a cell that the library does not, or a loop without a register.
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
        """Of all cells together, um^2."""
        return sum(instance.cell.area for instance in self.instances)

    @property
    def leakage(self) -> float:
        """Of all cells together, nW."""
        return sum(instance.cell.leakage for instance in self.instances)

    @property
    def registers(self) -> int:
        """How many cells are flip-flops."""
        return sum(instance.cell.register is not None for instance in self.instances)

    def cells(self) -> dict[str, int]:
        """How many there are of each cell, by name."""
        counts: dict[str, int] = {}
        for instance in self.instances:
            counts[instance.cell.name] = counts.get(instance.cell.name, 0) + 1
        return dict(sorted(counts.items()))

    @cached_property
    def loads(self) -> dict[int, float]:
        """Capacitance that each net drives, in fF: pins of cells, and `OPERATING_LOAD` at each
        output of the module. Wires are left out.
        """
        loads: dict[int, float] = {}
        for instance in self.instances:
            for pin, about in instance.cell.inputs.items():
                net = instance.nets.get(pin)
                if isinstance(net, int):
                    loads[net] = loads.get(net, 0.0) + about.capacitance
        for bits in self.outputs.values():
            for net in bits:
                if isinstance(net, int):
                    loads[net] = loads.get(net, 0.0) + OPERATING_LOAD
        return loads

    @cached_property
    def _order(self) -> list[Instance]:
        """Combinational cells, each after those that drive it."""
        cells = {i.name: i for i in self.instances if i.cell.register is None}
        drivers = {
            net: name
            for name, instance in cells.items()
            for pin, net in instance.nets.items()
            if pin in instance.cell.outputs
        }
        before = {
            name: [
                drivers[net]
                for pin, net in instance.nets.items()
                if pin in instance.cell.inputs and net in drivers
            ]
            for name, instance in cells.items()
        }
        try:
            return [cells[name] for name in TopologicalSorter(before).static_order()]
        except CycleError as error:
            place = error.args[1][0]
            raise ValueError(f"there is a loop without a register at {place}") from None

    def longest_path(self) -> float:
        """Delay from inputs or registers to outputs or registers, setup included, in ps.

        Each arc takes its worst delay at the library's operating point.
        """
        arrival: dict[int | str, float] = {}
        for instance in self.instances:
            if instance.cell.register is not None:
                for pin, about in instance.cell.outputs.items():
                    arrival[instance.nets.get(pin, "x")] = about.delay
        for instance in self._order:
            start = max(
                (arrival.get(instance.nets.get(pin, "0"), 0.0) for pin in instance.cell.inputs),
                default=0.0,
            )
            for pin, about in instance.cell.outputs.items():
                arrival[instance.nets.get(pin, "x")] = start + about.delay
        ends = [arrival.get(net, 0.0) for bits in self.outputs.values() for net in bits]
        for instance in self.instances:
            register = instance.cell.register
            if register is not None:
                for pin in register.next_state.names:
                    at = arrival.get(instance.nets.get(pin, "0"), 0.0)
                    ends.append(at + register.setup)
        return max(ends, default=0.0)

    def simulate(self, stimulus: Mapping[str, Integers]) -> Activity:
        """Run, and count every net's transitions.

        Parameters
        ----------
        stimulus : dict
            Of each input port bar the clock, its value in each clock: whole numbers of shape
            (clocks, copies); of negative ones the low bits count. An input that is missing
            stays 0.

        Returns
        -------
        Activity
            The first clock only sets a start: its transitions are not counted.

        Raises
        ------
        ValueError
            If a port is unknown.
        """
        strange = set(stimulus) - set(self.inputs)
        if strange:
            raise ValueError(f"the netlist has no input {', '.join(sorted(strange))}")
        clocks, copies = next(iter(stimulus.values())).shape
        registers = [i for i in self.instances if i.cell.register is not None]
        # Without registers no clock depends on the one before: all of them at once, and
        # transitions are looked for along the clocks.
        steps = [slice(None)] if not registers else range(clocks)
        shape = (clocks, copies) if not registers else (copies,)
        rows = {net: row for row, net in enumerate(self._nets)}
        nets = np.zeros((len(rows), *shape), np.bool_)
        nets[rows["1"]] = True
        before = nets.copy()
        counts = np.zeros(len(rows), np.int64)
        held = {instance.name: nets[rows["0"]].copy() for instance in registers}
        outputs = {name: np.zeros((clocks, copies), np.int64) for name in self.outputs}
        order = [
            (
                {pin: nets[rows[i.nets.get(pin, "0")]] for pin in i.cell.inputs},
                [
                    (about.function.evaluate, nets[rows[i.nets[pin]]])
                    for pin, about in i.cell.outputs.items()
                    if pin in i.nets
                ],
            )
            for i in self._order
        ]
        for number, step in enumerate(steps):
            for name, values in stimulus.items():
                for place, net in enumerate(self.inputs[name]):
                    nets[rows[net]] = values[step] >> place & 1
            for instance in registers:
                register = instance.cell.register
                assert register is not None
                state = held[instance.name]
                values = {register.state: state, register.complement: ~state}
                for pin, about in instance.cell.outputs.items():
                    if pin in instance.nets:
                        nets[rows[instance.nets[pin]]] = about.function.evaluate(values)
            for pins, results in order:
                for evaluate, net in results:
                    net[...] = evaluate(pins)
            for name, bits in self.outputs.items():
                for place, net in enumerate(bits):
                    outputs[name][step] |= nets[rows[net]].astype(np.int64) << place
            if not registers:
                counts += np.count_nonzero(nets[:, 1:] != nets[:, :-1], axis=(1, 2))
            elif number:
                counts += np.count_nonzero(nets != before, axis=1)
            before[...] = nets if registers else before
            for instance in registers:
                register = instance.cell.register
                assert register is not None
                pins = {
                    pin: nets[rows[instance.nets.get(pin, "0")]] for pin in instance.cell.inputs
                }
                held[instance.name] = register.next_state.evaluate(pins).copy()
        toggles = {net: int(counts[row]) for net, row in rows.items() if isinstance(net, int)}
        counted = max(clocks - 1, 1)
        for net in self._clocks:
            toggles[net] = 2 * counted * copies
        return Activity(counted, copies, toggles, outputs)

    @cached_property
    def _nets(self) -> list[int | str]:
        """Every net, constants too."""
        nets: dict[int | str, None] = dict.fromkeys(CONSTANTS)
        for bits in (*self.inputs.values(), *self.outputs.values()):
            nets.update(dict.fromkeys(bits))
        for instance in self.instances:
            nets.update(dict.fromkeys(instance.nets.values()))
        return list(nets)

    @cached_property
    def _clocks(self) -> set[int]:
        """Nets of the registers' clocks."""
        nets = set()
        for instance in self.instances:
            if instance.cell.register is not None:
                net = instance.nets.get(instance.cell.register.clock)
                if isinstance(net, int):
                    nets.add(net)
        return nets

    def energy(self, activity: Activity, period: float) -> Energy:
        """Energy of a clock of one copy.

        Parameters
        ----------
        activity : Activity
            What was counted.
        period : float
            Of the clock, in ns.
        """
        internal = load = 0.0
        for instance in self.instances:
            pins = {**instance.cell.inputs, **instance.cell.outputs}
            for pin, about in pins.items():
                net = instance.nets.get(pin)
                if isinstance(net, int):
                    internal += about.energy * activity.toggles.get(net, 0)
        for net, capacitance in self.loads.items():
            load += self.library.transition_energy(capacitance) * activity.toggles.get(net, 0)
        uses = activity.clocks * activity.copies
        # nW times ns are 1e-18 J.
        return Energy(internal / uses, load / uses, self.leakage * period * 1e-3)
