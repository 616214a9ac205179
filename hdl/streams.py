"""What travels on the streams between blocks.

All streams are `amaranth.lib.stream.Signature` of one of these layouts.
"""

from amaranth.hdl import signed
from amaranth.lib import data

from hdl.parameters import CrossbarParameters, EngineParameters


class EventLayout(data.StructLayout):
    """A row is driven.

    Members
    -------
    row : unsigned
        Which row.
    value : unsigned, `value_bits`
        What it is driven with; 0 drives nothing (used to close an image).
    last : 1 bit
        The image's last event. Every image has exactly one, even a blank image.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(
            {
                "row": range(parameters.rows),
                "value": parameters.value_bits,
                "last": 1,
            }
        )


class SumLayout(data.StructLayout):
    """A column's sum; the columns of an image come in order.

    Members
    -------
    sum : signed
        Sum of value times R_AH word over the image's events.
    last : 1 bit
        The image's last column.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__({"sum": signed(parameters.sum_bits), "last": 1})


class ResultLayout(data.StructLayout):
    """A logit; the classes of an image come in order.

    Members
    -------
    logit : signed
        The class's logit.
    last : 1 bit
        The image's last class.
    winner : unsigned
        The lowest class with the largest logit; meaningful where `last` is set.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(
            {
                "logit": signed(parameters.crossbars[-1].sum_bits),
                "last": 1,
                "winner": range(parameters.classes),
            }
        )


class LoadLayout(data.StructLayout):
    """A byte for one of the engine's memories.

    Members
    -------
    layer, memory : 4 bits each
        Which memory (the space's two nibbles). It must exist.
    first : 1 bit
        The byte is the first of line `address`; further bytes fill that line and then
        the following lines.
    address : 16 bits
        A line; read where `first` is set.
    data : 8 bits
        The byte.
    """

    def __init__(self) -> None:
        super().__init__({"layer": 4, "memory": 4, "first": 1, "address": 16, "data": 8})


class FetchLayout(data.StructLayout):
    """A request for one line of one of the engine's memories; it must exist.

    Members
    -------
    layer, memory : 4 bits each
        Which memory (the space's two nibbles).
    address : 16 bits
        The line.
    """

    def __init__(self) -> None:
        super().__init__({"layer": 4, "memory": 4, "address": 16})


class ByteLayout(data.StructLayout):
    """A byte of a packet.

    Members
    -------
    data : 8 bits
        The byte.
    last : 1 bit
        The packet's last byte.
    """

    def __init__(self) -> None:
        super().__init__({"data": 8, "last": 1})
