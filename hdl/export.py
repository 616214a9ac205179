"""The engine for other people's tools: Verilog, and an image of its memories.

``docs/export.md`` describes both files.
"""

from amaranth.lib import data

from allspin.hdl.contents import load_beats, network_contents
from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron.neuron_kinds import check_gateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.payloads import PayloadCode, flat_members
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    FETCH_LAYOUT,
    LOAD_LAYOUT,
    event_layout,
    result_layout,
)
from allspin.hdl.verilog import Dialect, to_verilog
from allspin.sim.network.network import Network

MODULE = "engine"
"""Name of the top module."""


def _members(layout: data.Layout) -> str:
    """Return a payload's members as Verilog would select them."""
    parts = []
    for name, offset, shape in flat_members(layout):
        bits = f"[{offset + shape.width - 1}:{offset}]" if shape.width > 1 else f"[{offset}]"
        # A row of an array with one row needs no number.
        parts.append(f"{name} {bits}{' signed' * shape.signed}" if shape.width else f"{name} none")
    return ", ".join(parts)


def engine_line(parameters: EngineParameters) -> str:
    """Return a line that describes an engine."""
    columns = [crossbar.columns for crossbar in parameters.crossbars]
    shape = "-".join(map(str, [parameters.image.rows, *columns]))
    lanes = ", ".join(str(crossbar.lanes) for crossbar in parameters.crossbars)
    return (
        f"engine {shape}: lanes {lanes}; "
        f"R_AH words of {parameters.rah_bits} bits; neuron {parameters.neuron}."
    )


def engine_verilog(parameters: EngineParameters, dialect: Dialect = "verilog") -> str:
    """Return the engine as Verilog, with its ports explained at the top.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.
    dialect : {"verilog", "systemverilog"}
        Dialect, as in `allspin.hdl.verilog.to_verilog`.

    Raises
    ------
    UserError
        If the engine's neurons have no gateware.
    """
    check_gateware(parameters)
    ports = {
        "events": event_layout(parameters.image),
        "results": result_layout(parameters),
        "load": LOAD_LAYOUT,
        "fetch": FETCH_LAYOUT,
        "fetched": BYTE_LAYOUT,
    }
    header = [
        f"allspin, {engine_line(parameters)}",
        "Everything happens on the rising edge of clk; rst is synchronous and active high.",
        "A payload moves in each clock in which its valid and its ready are both high:",
        *(f"  {name}__payload: {_members(layout)}" for name, layout in ports.items()),
        "Its memories are empty; load them through the port load, as docs/export.md says.",
    ]
    return to_verilog(Engine(parameters), MODULE, dialect=dialect, header="\n".join(header))


def memory_image(network: Network) -> str:
    """Return the contents of all memories for a network, as ``$readmemh`` reads them.

    Parameters
    ----------
    network : Network
        Network to run.

    Returns
    -------
    str
        One payload of the port ``load`` a line, nine hexadecimal digits, in the order in
        which they must be sent; comments between.
    """
    code = PayloadCode(LOAD_LAYOUT)
    memories = network_contents(network)
    topology = "-".join(map(str, network.topology))
    beats = sum(len(line) for contents in memories for line in contents.lines)
    lines = [f"// {beats} payloads of the engine's port load, {MODULE} {topology}"]
    for contents in memories:
        lines.append(f"// layer {contents.space >> 4}, memory {contents.space & 15}")
        for layer, memory, first, address, byte in load_beats(contents):
            payload = code.pack(layer=layer, memory=memory, first=first, address=address, data=byte)
            lines.append(f"{payload:09x}")
    return "\n".join(lines) + "\n"
