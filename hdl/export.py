"""The engine for other people's tools: Verilog, and an image of its memories.

``docs/export.md`` describes both files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron.neuron import check_gateware
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT, TABLE, TILE_OFFSETS, WEIGHTS
from allspin.hdl.stream.layouts import (
    ByteLayout,
    EventLayout,
    FetchLayout,
    LoadLayout,
    ResultLayout,
)
from allspin.hdl.verilog import Dialect, to_verilog
from allspin.sim.network.network import Network

# What the engine's memories must hold to run a network, and how it gets there.


@dataclass(frozen=True)
class Contents:
    """The whole content of one memory.

    Parameters
    ----------
    space : int
        Its number: layer in the high nibble, memory in the low one (``docs/protocol.md``).
    lines : tuple of bytes
        Its lines, from line 0.
    """

    space: int
    lines: tuple[bytes, ...]


def network_contents(
    network: Network, parameters: EngineParameters | None = None
) -> tuple[Contents, ...]:
    """Everything that is loaded to run a network.

    Parameters
    ----------
    network : Network
        What to run.
    parameters : EngineParameters, optional
        Of an engine that may have converters with offsets where the network has none.

    Returns
    -------
    tuple of Contents
        In the order of their spaces; every memory but the counters.
    """
    contents = []
    for number, layer in enumerate(network.layers):
        base = number << 4
        contents.append(Contents(base | WEIGHTS, tuple(row.tobytes() for row in layer.words)))
        if layer.table is not None:
            contents.append(
                Contents(base | TABLE, tuple(bytes([int(entry)]) for entry in layer.table))
            )
        if layer.converter is not None:
            words = np.empty(layer.columns, dtype=[("gain", "<u2"), ("offset", "<i2")])
            words["gain"] = layer.converter.gains
            words["offset"] = layer.converter.offsets
            contents.append(Contents(base | CONVERTER, tuple(word.tobytes() for word in words)))
            contents.append(Contents(base | SHIFT, (bytes([layer.converter.shift]),)))
        tiling = None if parameters is None else parameters.crossbars[number].tiling
        offsets = None if layer.adc is None else layer.adc.offsets
        if layer.adc is not None and offsets is None and tiling is not None and tiling.offsets:
            offsets = np.zeros((layer.adc.tiles(layer.rows), layer.columns), np.int32)
        if offsets is not None:
            tiles = tuple(tile.tobytes() for tile in offsets.astype("<i2"))
            contents.append(Contents(base | TILE_OFFSETS, tiles))
    return tuple(contents)


def load_beats(contents: Contents) -> Iterator[tuple[int, int, int, int, int]]:
    """One memory's content as beats of the engine's port ``load``.

    Yields
    ------
    tuple of int
        The members of `allspin.hdl.stream.layouts.LoadLayout` in order: layer, memory, first,
        address, data.
    """
    layer, memory = contents.space >> 4, contents.space & 15
    first = 1
    for line in contents.lines:
        for byte in line:
            yield layer, memory, first, 0, byte
            first = 0


# Payloads of streams as plain numbers: what a simulator's port carries.


def flat_members(
    layout: data.Layout, prefix: str = "", offset: int = 0
) -> Iterator[tuple[str, int, Shape]]:
    """Every plain member of a layout, also of nested ones.

    Yields
    ------
    tuple of str, int, Shape
        Its name, such as ``last`` or ``slots[0].row``, its lowest bit and its shape.
    """
    for key, field in layout:
        if isinstance(layout, data.ArrayLayout):
            name = f"{prefix}[{key}]"
        else:
            name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(field.shape, data.Layout):
            yield from flat_members(field.shape, name, offset + field.offset)
        else:
            yield name, offset + field.offset, Shape.cast(field.shape)


class PayloadCode:
    """Turn a payload's members into the bits of its port, and back.

    Parameters
    ----------
    layout : amaranth.lib.data.Layout
        Layout of the payload. Members of nested layouts are named as in
        ``slots[0].row``.

    Examples
    --------
    >>> from allspin.hdl.stream.layouts import ByteLayout
    >>> code = PayloadCode(ByteLayout())
    >>> code.pack(data=3, last=1)
    259
    >>> code.unpack(259)
    {'data': 3, 'last': 1}
    """

    def __init__(self, layout: data.Layout) -> None:
        self._fields: dict[str, tuple[int, int, bool]] = {}
        for name, offset, shape in flat_members(layout):
            self._fields[name] = (offset, shape.width, shape.signed)

    def pack(self, **members: int) -> int:
        """Bits of a payload; members that are not named are 0.

        Raises
        ------
        ValueError
            If there is no such member or the value does not fit it.
        """
        bits = 0
        for name, value in members.items():
            if name not in self._fields:
                raise ValueError(f"the payload has {', '.join(self._fields)}, but no {name}")
            offset, width, signed = self._fields[name]
            low, high = (-(1 << width >> 1), (1 << width >> 1) - 1) if signed else (0, 2**width - 1)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {value}")
            bits |= (value & (2**width - 1)) << offset
        return bits

    def unpack(self, bits: int) -> Mapping[str, int]:
        """Members of a payload."""
        members = {}
        for name, (offset, width, signed) in self._fields.items():
            value = bits >> offset & (2**width - 1)
            if signed and width and value >> (width - 1):
                value -= 1 << width
            members[name] = value
        return members


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
        As `allspin.hdl.verilog.to_verilog` takes it.

    Raises
    ------
    UserError
        If there is no gateware for its neurons.
    """
    check_gateware(parameters)
    columns = [crossbar.columns for crossbar in parameters.crossbars]
    shape = "-".join(map(str, [parameters.crossbars[0].rows, *columns]))
    lanes = ", ".join(str(crossbar.lanes) for crossbar in parameters.crossbars)
    ports = {
        "events": EventLayout(parameters.crossbars[0]),
        "results": ResultLayout(parameters),
        "load": LoadLayout(),
        "fetch": FetchLayout(),
        "fetched": ByteLayout(),
    }
    header = [
        f"allspin, engine {shape}: lanes {lanes}; "
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
    topology = "-".join(map(str, network.topology))
    beats = sum(len(line) for contents in memories for line in contents.lines)
    lines = [f"// {beats} payloads of the engine's port load, {MODULE} {topology}"]
    for contents in memories:
        lines.append(f"// layer {contents.space >> 4}, memory {contents.space & 15}")
        for layer, memory, first, address, byte in load_beats(contents):
            payload = code.pack(layer=layer, memory=memory, first=first, address=address, data=byte)
            lines.append(f"{payload:09x}")
    return "\n".join(lines) + "\n"
