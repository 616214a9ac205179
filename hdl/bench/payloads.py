"""Payloads of streams as plain numbers: what a simulator's port carries."""

from collections.abc import Mapping

from amaranth.hdl import Shape
from amaranth.lib import data


class PayloadCode:
    """Turn a payload's members into the bits of its port, and back.

    Parameters
    ----------
    layout : amaranth.lib.data.Layout
        Layout of the payload, without nested layouts.

    Examples
    --------
    >>> from hdl.streams import ByteLayout
    >>> code = PayloadCode(ByteLayout())
    >>> code.pack(data=3, last=1)
    259
    >>> code.unpack(259)
    {'data': 3, 'last': 1}
    """

    def __init__(self, layout: data.Layout) -> None:
        self._fields: dict[str, tuple[int, int, bool]] = {}
        for name, field in layout:
            shape = Shape.cast(field.shape)
            self._fields[str(name)] = (field.offset, shape.width, shape.signed)

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
