"""Netlist: read from the JSON of Yosys or nextpnr, and written as Verilog for a simulator.

The file is the one that the next tool reads, and its name is the digest of its bytes. The Verilog
has the same cells under short names, which simulators compile faster.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from allspin.boards.gates.pins import Pins
from allspin.sim.errors import UserError

DIGEST_DIGITS = 16
"""Digits of the SHA-256 that names a netlist."""
WRAPPER = "gates"
"""Top module for a simulator, with the ports clk, rx and tx, whatever the board calls them."""
SOURCE_ONLY = ("$scopeinfo",)
"""Cells that only hold source locations."""
UNTOLD = re.compile(r"EHXPLLL|SB_PLL40_\w+|ICESTORM_PLL")
"""Cells whose models ignore parameters: the clock passes through unchanged."""
PULLED_UP = {
    "ICESTORM_LC": ("CEN",),
    "ICESTORM_RAM": ("RCLKE", "WCLKE"),
    "ICESTORM_DSP": ("CE",),
    "TRELLIS_COMB": tuple("ABCD"),
    "TRELLIS_FF": ("CE",),
    # Clocks, enables and resets.
    "DP16KD": tuple(f"{n}{p}" for n in ("CLK", "CE", "OCE", "WE", "RST") for p in "AB"),
}
"""Ports of routed cells that are high if they are unconnected; all others are low."""
TELLING = {
    "TRELLIS_COMB": ("MODE", "INITVAL", "CCU2_INJECT1", "WREMUX", "WCKMUX"),
    "TRELLIS_IO": ("DIR",),
}
"""Parameters that the models use, for cells to which nextpnr gives more."""
TIED = ("DP16KD", "MULT18X18D")
"""Placed cells with a parameter for the level of each unconnected pin."""
UNUSED = {"MULT18X18D": ("SRI", "CE", "CLK", "RST"), "TRELLIS_IO": ("IOL",)}
"""Prefixes of inputs that are not modelled: a connection to them does not compile."""
PADS = {"SB_IO": "PACKAGE_PIN", "TRELLIS_IO": "B"}
"""Cells of pins, with their outer port. Each direction has its own model, since simulators take a
bidirectional port for high impedance."""
GLOBAL_INPUT = "USER_SIGNAL_TO_GLOBAL_BUFFER"
_BINARY = re.compile(r"[01xz]+")


@dataclass(frozen=True)
class GateCell:
    """Cell of a netlist.

    Parameters
    ----------
    name, type : str
        Name and type in the netlist.
    parameters : mapping of str to str
        Binary digits, highest first, or text.
    connections : mapping of str to list
        Bits of each port, lowest first: a net's number, or a constant's digit.
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    connections: Mapping[str, Sequence[int | str]]


@dataclass(frozen=True)
class GateNetlist:
    """Flat module.

    Parameters
    ----------
    digest : str
        Digest of the file.
    ports : mapping of str to list of int
        Nets of the module's ports, lowest bit first.
    cells : tuple of GateCell
        All cells.
    """

    digest: str
    ports: Mapping[str, Sequence[int | str]]
    cells: tuple[GateCell, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of Yosys' ``write_json`` or nextpnr's ``--write``.

        Raises
        ------
        UserError
            If it is not such a file, or does not have exactly one top module.
        """
        try:
            content = path.read_bytes()
            modules = list(json.loads(content)["modules"].values())
        except OSError as error:
            raise UserError(f"cannot read the netlist {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path} is not a netlist in Yosys' JSON") from error
        whole = [module for module in modules if module["cells"]]
        marked = [module for module in whole if int(module["attributes"].get("top", "0"), 2)]
        tops = marked or whole
        if len(tops) != 1:
            raise UserError(f"{path} must have one top module, not {len(tops)}")
        (top,) = tops
        return cls(
            hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS],
            {name: port["bits"] for name, port in top["ports"].items()},
            tuple(_cells(top)),
        )

    @property
    def types(self) -> dict[str, int]:
        """Number of cells of each type."""
        return dict(sorted(Counter(cell.type for cell in self.cells).items()))

    def to_verilog(self, pins: Pins) -> str:
        """Return the netlist as a module ``gates`` with the ports clk, rx and tx.

        Raises
        ------
        ValueError
            If it lacks a port that `pins` names, or the port has several bits.
        """
        named = self._named_nets(pins)
        nets: set[str] = set()

        def net(bit: int | str) -> str:
            if bit in named:
                return named[bit]
            if isinstance(bit, str):
                return f"1'b{bit}" if bit in "01" else "1'b0"
            nets.add(f"n{bit}")
            return f"n{bit}"

        body = []
        for number, cell in enumerate(self.cells):
            connections = dict(cell.connections)
            if cell.type == "SB_GB" and not connections.get(GLOBAL_INPUT):
                # Routed, a PLL drives its clock's buffer by a wire that nextpnr does not write.
                connections[GLOBAL_INPUT] = self.ports[pins.clock]
            ports = []
            for port, bits in connections.items():
                parts = [net(bit) for bit in reversed(bits)]
                if parts:
                    value = parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
                    ports.append(f".{port}({value})")
            parameters = [f".{key}({_literal(value)})" for key, value in cell.parameters.items()]
            given = f" #({', '.join(parameters)})" if parameters else ""
            model = _model(cell, named)
            body.append(f"  {model}{given} c{number} ({', '.join(ports)});")
        wires = [f"  wire {name};" for name in sorted(nets)]
        head = f"module {WRAPPER} (input clk, input rx, output tx);"
        return "\n".join([head, *wires, *body, "endmodule", ""])

    def _named_nets(self, pins: Pins) -> dict[int | str, str]:
        """Verilog of the nets at the pins."""
        outside = {pins.clock: "clk", pins.rx: "rx", pins.tx: "tx"}
        outside |= dict.fromkeys(pins.low, "1'b0")
        outside |= dict.fromkeys(pins.high, "1'b1")
        for name in outside:
            if len(self.ports.get(name, ())) != 1:
                raise ValueError(f"the netlist has no port {name!r} of one bit")
        return {self.ports[name][0]: value for name, value in outside.items()}


def _model(cell: GateCell, named: Mapping[int | str, str]) -> str:
    """Name of a cell's model; pads have one for each direction."""
    if cell.type not in PADS:
        return cell.type
    (pad,) = cell.connections[PADS[cell.type]]
    is_input = named.get(pad, "tx") != "tx"
    return f"{cell.type}_IN" if is_input else f"{cell.type}_OUT"


def _cells(module: Mapping[str, Any]) -> Iterator[GateCell]:
    """Cells of a module, with a level at each unconnected input."""
    carry_nets = set()
    for cell in module["cells"].values():
        carry_nets.update(cell["connections"].get("COUT", ()))
    for name, cell in module["cells"].items():
        kind = cell["type"]
        if kind in SOURCE_ONLY:
            continue
        connections = dict(cell["connections"])
        parameters = _parameters(kind, cell["parameters"], connections)
        if kind == "ICESTORM_LC" and not connections.get("CIN"):
            # If a carry is used beside its chain, nextpnr writes of the cell that it passes only
            # that its table has it. A carry comes in by no other wire.
            from_chain = connections.get("I3", ())
            if carry_nets.issuperset(from_chain):
                connections["CIN"] = from_chain
        if kind in TIED:
            parameters = _tie(name, parameters, connections)
        # Routed cells list all their ports. An unconnected input is a level, not unknown.
        for port, direction in cell.get("port_directions", {}).items():
            is_modelled = port != GLOBAL_INPUT and not port.startswith(UNUSED.get(kind, ()))
            if direction == "input" and not connections.get(port) and is_modelled:
                connections[port] = ["1" if port in PULLED_UP.get(kind, ()) else "0"]
        yield GateCell(name, kind, parameters, connections)


def _parameters(
    kind: str, parameters: Mapping[str, str], connections: Mapping[str, Sequence[int | str]]
) -> dict[str, str]:
    """Parameters of a cell that its model uses."""
    if UNTOLD.fullmatch(kind):
        return {}
    used = dict(parameters)
    if kind in TELLING:
        used = {name: parameters[name] for name in TELLING[kind] if name in parameters}
    if kind == "TRELLIS_COMB" and connections.get("FXA"):
        used["OF_TWO"] = "1"
    if kind == "TRELLIS_FF" and not connections.get("LSR"):
        used["LSRMUX"] = "LSR"  # the inversion of a reset that never comes is dropped
    return used


def _tie(
    name: str, parameters: Mapping[str, str], connections: dict[str, Sequence[int | str]]
) -> dict[str, str]:
    """Tie constant pins to their levels; return the remaining parameters."""
    left = dict(parameters)
    for port in [*connections]:
        level = left.pop(f"{port}MUX", "").strip() if not port.startswith("CLK") else ""
        if not connections[port] and level:
            connections[port] = ["0" if level in ("0", "INV") else "1"]
        elif level == "INV":
            raise ValueError(f"{name} inverts {port}, which is not modelled")
    return left


def _literal(value: str) -> str:
    """Write a parameter in Verilog: binary digits are a number, other values text.

    An open digit is zero, as in bitstreams.
    """
    if _BINARY.fullmatch(value):
        return f"{len(value)}'b{re.sub('[xz]', '0', value)}"
    # Text that could be taken for a number ends with a space.
    return f'"{value.removesuffix(" ") if _BINARY.fullmatch(value[:-1]) else value}"'
