"""A netlist as Yosys and nextpnr write it in JSON, and as Verilog for a simulator.

The file is the one that the next tool reads; it is named by the digest of its bytes. The
Verilog says the same cell for cell, under short names, which simulators compile sooner.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from allspin.boards.board import Board
from allspin.sim.errors import UserError

# Which of a board's pins the simulation drives and reads.


@dataclass(frozen=True)
class Pins:
    """Ports of a netlist, each of one bit.

    Parameters
    ----------
    clock, rx, tx : str
        Their names.
    low, high : tuple of str
        Inputs that are held at a level.
    """

    clock: str
    rx: str
    tx: str
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()

    @classmethod
    def of_board(cls, board: Board) -> Self:
        """Of a whole board, whose ports Amaranth names after its resources."""
        platform = board.create_platform()
        low: tuple[str, ...] = ()
        high: tuple[str, ...] = ()
        reset = platform.default_rst
        if reset is not None:
            low = (f"{reset}_0__io",)
            if platform.lookup(reset).ios[0].invert:  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
                low, high = (), low
        uart = f"{board.uart}_0"
        return cls(f"{board.clock_name}_0__io", f"{uart}__rx__io", f"{uart}__tx__io", low, high)


DIGEST_DIGITS = 16
"""Of the SHA-256 that a netlist is called by."""
WRAPPER = "gates"
"""The top module for a simulator: ports clk, rx and tx, whatever the board calls them."""
SOURCE_ONLY = ("$scopeinfo",)
"""Cells that say where others came from."""
UNTOLD = re.compile(r"EHXPLLL|SB_PLL40_\w+|ICESTORM_PLL")
"""Cells whose parameters say nothing to their models: a clock comes out as it goes in."""
PULLED_UP = {
    "ICESTORM_LC": ("CEN",),
    "ICESTORM_RAM": ("RCLKE", "WCLKE"),
    "ICESTORM_DSP": ("CE",),
    "TRELLIS_COMB": tuple("ABCD"),
    "TRELLIS_FF": ("CE",),
    # What comes by a clock's, an enable's or a reset's wire.
    "DP16KD": tuple(f"{n}{p}" for n in ("CLK", "CE", "OCE", "WE", "RST") for p in "AB"),
}
"""Ports of routed cells that are high where nothing is connected; all others are low."""
TELLING = {
    "TRELLIS_COMB": ("MODE", "INITVAL", "CCU2_INJECT1", "WREMUX", "WCKMUX"),
    "TRELLIS_IO": ("DIR",),
}
"""Parameters that say something to the models of cells that nextpnr gives more."""
TIED = ("DP16KD", "MULT18X18D")
"""Placed, a parameter says which level a pin of these has that is not connected."""
UNUSED = {"MULT18X18D": ("SRI", "CE", "CLK", "RST"), "TRELLIS_IO": ("IOL",)}
"""Beginnings of inputs that are not modelled: with something connected it does not compile."""
PADS = {"SB_IO": "PACKAGE_PIN", "TRELLIS_IO": "B"}
"""Cells of pins, and their port to the outside. Their models are one for each direction, for
simulators take what goes both ways for high impedance."""
GLOBAL_INPUT = "USER_SIGNAL_TO_GLOBAL_BUFFER"
_BINARY = re.compile(r"[01xz]+")


@dataclass(frozen=True)
class GateCell:
    """One cell.

    Parameters
    ----------
    name, type : str
        As the netlist has them.
    parameters : mapping of str to str
        Binary digits, highest first, or text.
    connections : mapping of str to list
        For each port its bits, lowest first: a net's number, or a constant's digit.
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    connections: Mapping[str, Sequence[int | str]]


@dataclass(frozen=True)
class GateNetlist:
    """One flat module.

    Parameters
    ----------
    digest : str
        Of the file.
    ports : mapping of str to list of int
        The nets of the module's ports, lowest bit first.
    cells : tuple of GateCell
        All of them.
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
            If it is no such file, or has not one top module.
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
        """How many cells there are of each type."""
        return dict(sorted(Counter(cell.type for cell in self.cells).items()))

    def to_verilog(self, pins: Pins) -> str:
        """The netlist as a module ``gates`` with the ports clk, rx and tx.

        Raises
        ------
        ValueError
            If it has not the ports that `pins` names, each of one bit.
        """
        outside = {pins.clock: "clk", pins.rx: "rx", pins.tx: "tx"}
        outside |= dict.fromkeys(pins.low, "1'b0") | dict.fromkeys(pins.high, "1'b1")
        for name in outside:
            if len(self.ports.get(name, ())) != 1:
                raise ValueError(f"the netlist has no port {name!r} of one bit")
        named = {self.ports[name][0]: value for name, value in outside.items()}
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
            parameters = ", ".join(
                f".{key}({_literal(value)})" for key, value in cell.parameters.items()
            )
            ports = []
            connections = dict(cell.connections)
            if cell.type == "SB_GB" and not connections.get(GLOBAL_INPUT):
                # Routed, a PLL drives its clock's buffer by a wire that nextpnr does not tell.
                connections[GLOBAL_INPUT] = self.ports[pins.clock]
            for port, bits in connections.items():
                parts = [net(bit) for bit in reversed(bits)]
                if parts:
                    value = parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
                    ports.append(f".{port}({value})")
            kind = cell.type
            if kind in PADS:
                (pad,) = cell.connections[PADS[kind]]
                kind += "_IN" if named.get(pad, "tx") != "tx" else "_OUT"
            given = f" #({parameters})" if parameters else ""
            body.append(f"  {kind}{given} c{number} ({', '.join(ports)});")
        wires = [f"  wire {name};" for name in sorted(nets)]
        return "\n".join(
            [f"module {WRAPPER} (input clk, input rx, output tx);", *wires, *body, "endmodule", ""]
        )


def _cells(module: Mapping[str, Any]) -> Iterator[GateCell]:
    carries = [cell["connections"].get("COUT", ()) for cell in module["cells"].values()]
    carry_nets = {bit for bits in carries for bit in bits}
    for name, cell in module["cells"].items():
        kind = cell["type"]
        if kind in SOURCE_ONLY:
            continue
        parameters = {} if UNTOLD.fullmatch(kind) else cell["parameters"]
        connections = dict(cell["connections"])
        if kind == "ICESTORM_LC" and not connections.get("CIN"):
            # Where a carry is used beside its chain, nextpnr tells of the cell that it goes
            # through only that its table has it. A carry comes in by no other wire.
            from_chain = connections.get("I3", ())
            if carry_nets.issuperset(from_chain):
                connections["CIN"] = from_chain
        if kind in TELLING:
            parameters = {name: parameters[name] for name in TELLING[kind] if name in parameters}
        if kind == "TRELLIS_COMB" and connections.get("FXA"):
            parameters["OF_TWO"] = "1"
        if kind == "TRELLIS_FF" and not connections.get("LSR"):
            parameters = {**parameters, "LSRMUX": "LSR"}  # of a reset that never is, none is left
        if kind in TIED:
            parameters = _tie(name, parameters, connections)
        # Routed cells list all their ports. What a cell is not given is a level, not unknown.
        for port, direction in cell.get("port_directions", {}).items():
            known = port != GLOBAL_INPUT and not port.startswith(UNUSED.get(kind, ()))
            if direction == "input" and not connections.get(port) and known:
                connections[port] = ["1" if port in PULLED_UP.get(kind, ()) else "0"]
        yield GateCell(name, kind, parameters, connections)


def _tie(
    name: str, parameters: Mapping[str, str], connections: dict[str, Sequence[int | str]]
) -> dict[str, str]:
    """Connect a block's pins to their levels; the parameters without those that said them."""
    left = dict(parameters)
    for port in [*connections]:
        level = left.pop(f"{port}MUX", "").strip() if not port.startswith("CLK") else ""
        if not connections[port] and level:
            connections[port] = ["0" if level in ("0", "INV") else "1"]
        elif level == "INV":
            raise ValueError(f"{name} inverts {port}, which is not modelled")
    return left


def _literal(value: str) -> str:
    """A parameter as Verilog writes it: binary digits are a number, all else is text.

    Where the netlist leaves a digit open, bitstreams have zero.
    """
    if _BINARY.fullmatch(value):
        return f"{len(value)}'b{re.sub('[xz]', '0', value)}"
    # Text that could be taken for a number has a space behind it.
    return f'"{value.removesuffix(" ") if _BINARY.fullmatch(value[:-1]) else value}"'
