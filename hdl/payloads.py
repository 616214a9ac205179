"""Payloads of streams as plain integers, as the ports of simulators and Verilog carry them."""

from collections.abc import Iterator, Mapping

from amaranth.hdl import Shape
from amaranth.lib import data


def flat_members(
    layout: data.Layout, prefix: str = "", offset: int = 0
) -> Iterator[tuple[str, int, Shape]]:
    """Yield every plain member of a layout, also of nested layouts.

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
    >>> from allspin.hdl.stream.layouts import BYTE_LAYOUT
    >>> code = PayloadCode(BYTE_LAYOUT)
    >>> code.pack(data=3, last=1)
    259
    >>> code.unpack(259)
    {'data': 3, 'last': 1}
    """

    def __init__(self, layout: data.Layout) -> None:
        self._fields = {
            name: (offset, shape.width, shape.signed)
            for name, offset, shape in flat_members(layout)
        }

    def pack(self, **members: int) -> int:
        """Return the bits of a payload; members that are not named are 0.

        Raises
        ------
        ValueError
            If the payload has no such member, or the value does not fit it.
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
        """Return the members of a payload."""
        members = {}
        for name, (offset, width, signed) in self._fields.items():
            value = bits >> offset & (2**width - 1)
            if signed and width and value >> (width - 1):
                value -= 1 << width
            members[name] = value
        return members
