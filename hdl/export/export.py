"""The engine for other people's tools: Verilog, and an image of its memories.

``docs/export.md`` describes both files.
"""

from amaranth.lib import data

from allspin.hdl.engine.engine import Engine
from allspin.hdl.export.contents import load_beats, network_contents
from allspin.hdl.export.payloads import PayloadCode, flat_members
from allspin.hdl.export.verilog import Dialect, to_verilog
from allspin.hdl.neuron.neuron import check_gateware
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.stream.layouts import (
    ByteLayout,
    EventLayout,
    FetchLayout,
    LoadLayout,
    ResultLayout,
)
from allspin.sim.network.network import Network

MODULE = "engine"
"""Name of the top module."""


def _members(layout: data.Layout) -> str:
    """A payload's members as Verilog would select them."""
    parts = []
    for name, offset, shape in flat_members(layout):
        bits = f"[{offset + shape.width - 1}:{offset}]" if shape.width > 1 else f"[{offset}]"
        # A row of an array with one row needs no number.
        parts.append(f"{name} {bits}{' signed' * shape.signed}" if shape.width else f"{name} none")
    return ", ".join(parts)


def engine_verilog(parameters: EngineParameters, dialect: Dialect = "verilog") -> str:
    """The engine as Verilog, with its ports explained at the top.

    Parameters
    ----------
    parameters : EngineParameters
        Which engine.
    dialect : {"verilog", "systemverilog"}
        As `allspin.hdl.export.verilog.to_verilog` takes it.

    Raises
    ------
    UserError
        If there is no gateware for its neurons.
    """
    check_gateware(parameters)
    shape = "-".join(map(str, [parameters.crossbars[0].rows, *_columns(parameters)]))
    ports = {
        "events": EventLayout(parameters.crossbars[0]),
        "results": ResultLayout(parameters),
        "load": LoadLayout(),
        "fetch": FetchLayout(),
        "fetched": ByteLayout(),
    }
    header = [
        f"allspin, engine {shape}: lanes {', '.join(map(str, _lanes(parameters)))}; "
        f"R_AH words of {parameters.rah_bits} bits; neuron {parameters.neuron}.",
        "Everything happens on the rising edge of clk; rst is synchronous and active high.",
        "A payload moves in each clock in which its valid and its ready are both high:",
        *(f"  {name}__payload: {_members(layout)}" for name, layout in ports.items()),
        "Its memories are empty; load them through the port load, as docs/export.md says.",
    ]
    return to_verilog(Engine(parameters), MODULE, dialect=dialect, header="\n".join(header))


def memory_image(network: Network) -> str:
    """Everything that is loaded to run a network, as ``$readmemh`` reads it.

    Parameters
    ----------
    network : Network
        What to run.

    Returns
    -------
    str
        One payload of the port ``load`` a line, nine hexadecimal digits, in the order in
        which they must be sent; comments between.
    """
    code = PayloadCode(LoadLayout())
    memories = network_contents(network)
    beats = sum(len(line) for contents in memories for line in contents.lines)
    lines = [f"// {beats} payloads of the engine's port load, {MODULE} {_topology(network)}"]
    for contents in memories:
        lines.append(f"// layer {contents.space >> 4}, memory {contents.space & 15}")
        for layer, memory, first, address, byte in load_beats(contents):
            payload = code.pack(layer=layer, memory=memory, first=first, address=address, data=byte)
            lines.append(f"{payload:09x}")
    return "\n".join(lines) + "\n"


def _columns(parameters: EngineParameters) -> list[int]:
    return [crossbar.columns for crossbar in parameters.crossbars]


def _lanes(parameters: EngineParameters) -> list[int]:
    return [crossbar.lanes for crossbar in parameters.crossbars]


def _topology(network: Network) -> str:
    return "-".join(map(str, network.topology))
