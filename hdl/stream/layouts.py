"""Layouts of the streams between blocks.

All streams are `amaranth.lib.stream.Signature` of one of these layouts.
"""

from amaranth.hdl import signed
from amaranth.lib import data, stream

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.window_parameters import MapParameters, WindowParameters
from allspin.sim.chip.generator import USE_BITS

Rows = CrossbarParameters | MapParameters | WindowParameters
"""Parameters of an array that is driven row by row."""


def slot_layout(parameters: Rows) -> data.StructLayout:
    """Return the layout of a driven row.

    Members
    -------
    row : unsigned
        Row within the part of the array that the slot belongs to.
    value : unsigned, `value_bits`
        Value of the row; 0 drives no row, but `row` must exist all the same.
    """
    return data.StructLayout({"row": range(parameters.part_rows), "value": parameters.value_bits})


def event_layout(parameters: Rows) -> data.StructLayout:
    """Return the layout of a beat: the rows that are driven in one clock, at most one of each part
    of the array.

    Members
    -------
    slots : array of `slot_layout`, `rows_per_clock` of them
        Slot k drives row ``row * rows_per_clock + k`` of the array.
    last : 1 bit
        The image's last beat. Every image has exactly one, even a blank image.
    """
    slots = data.ArrayLayout(slot_layout(parameters), parameters.rows_per_clock)
    return data.StructLayout({"slots": slots, "last": 1})


def sum_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of the sums of `neurons_per_clock` columns; the columns of an image come in
    order.

    Members
    -------
    sums : array of signed
        Sum of value times R_AH word over the image's events. In an image's last beat, entries
        beyond the last column have no meaning.
    last : 1 bit
        The image's last columns.
    """
    sums = data.ArrayLayout(signed(parameters.sum_bits), parameters.neurons_per_clock)
    return data.StructLayout({"sums": sums, "last": 1})


def noise_layout(parameters: EngineParameters, layer: int) -> data.StructLayout:
    """Return the layout of the noise at one use of `neurons_per_clock` columns.

    In an image's last beat, entries beyond the last column have no meaning.

    Members
    -------
    uses : array of signed
        To the neurons' currents; of a hidden layer.
    sums : array of signed
        To the columns' sums; where these have noise.
    """
    lanes = parameters.crossbars[layer].neurons_per_clock
    members = {}
    if layer < len(parameters.crossbars) - 1:
        members["uses"] = data.ArrayLayout(signed(parameters.use_bits), lanes)
    if parameters.noisy_sums:
        members["sums"] = data.ArrayLayout(signed(parameters.sum_noise_bits(layer)), lanes)
    return data.StructLayout(members)


def amplified_layout(parameters: EngineParameters, layer: int) -> data.StructLayout:
    """Return the layout of the sums of a layer behind its amplifiers.

    Members
    -------
    sums, last
        Sums as in `sum_layout`; they may be wider.
    """
    sum_ = signed(parameters.amplified_bits(layer))
    lanes = parameters.crossbars[layer].neurons_per_clock
    return data.StructLayout({"sums": data.ArrayLayout(sum_, lanes), "last": 1})


def result_layout(parameters: EngineParameters) -> data.StructLayout:
    """Return the layout of a logit; the classes of an image come in order.

    Members
    -------
    logit : signed
        The class's logit.
    last : 1 bit
        The image's last class.
    winner : unsigned
        The lowest class with the largest logit; meaningful where `last` is set.
    """
    return data.StructLayout(
        {
            "logit": signed(parameters.amplified_bits(len(parameters.crossbars) - 1)),
            "last": 1,
            "winner": range(parameters.classes),
        }
    )


LOAD_LAYOUT = data.StructLayout({"layer": 4, "memory": 4, "first": 1, "address": 16, "data": 8})
"""A byte for one of the engine's memories.

Members
-------
layer, memory : 4 bits each
    Memory (the space's two nibbles). It must exist.
first : 1 bit
    The byte is the first of line `address`; further bytes fill that line and then
    the following lines.
address : 16 bits
    A line; read where `first` is set.
data : 8 bits
    The byte.
"""


FETCH_LAYOUT = data.StructLayout({"layer": 4, "memory": 4, "address": 16})
"""A request for one line of one of the engine's memories; it must exist.

Members
-------
layer, memory : 4 bits each
    Memory (the space's two nibbles).
address : 16 bits
    The line.
"""


BYTE_LAYOUT = data.StructLayout({"data": 8, "last": 1})
"""A byte of a packet.

Members
-------
data : 8 bits
    The byte.
last : 1 bit
    The packet's last byte.
"""

LOADS = stream.Signature(LOAD_LAYOUT)
FETCHES = stream.Signature(FETCH_LAYOUT)
BYTES = stream.Signature(BYTE_LAYOUT)
"""Streams of these payloads."""

IMAGE_BITS = USE_BITS
"""Width of an image's number, by which the noise of its uses is drawn."""
NUMBERS = stream.Signature(IMAGE_BITS)
"""A stream of them."""
