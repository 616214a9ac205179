"""Operators on shapes: exporters compute the shape that a Reshape takes of the images' own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from allspin.host.data.foreign.graphs.attributes import integer, integers
from allspin.host.data.foreign.graphs.values import Sides, Stream, Value

MAX_SIDES = 16


def shape(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Shape, of what comes of the images."""
    if len(inputs) != 1 or not isinstance(inputs[0], Stream):
        raise ValueError("it is supported of what comes of the images only")
    sides = (None, *inputs[0].shape)
    end = integer(node, "end", len(sides))
    return Sides(sides[integer(node, "start", 0) : end])


def _sides(value: Value | None) -> Sides:
    """A shape, or a list of whole numbers as one."""
    if isinstance(value, Sides):
        return value
    if (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "i"
        and value.ndim <= 1
        and value.size <= MAX_SIDES
    ):
        return Sides(tuple(int(side) for side in value.reshape(-1)), value.ndim == 0)
    raise ValueError("it is supported of shapes only")


def _whole(value: Value | None, what: str) -> list[int]:
    """Constants of a node on shapes."""
    found = _sides(value).sides
    if None in found:
        raise ValueError(f"its {what} depend on the number of images")
    return [side for side in found if side is not None]


def _axes(node: Any, inputs: Sequence[Value | None]) -> list[int]:
    """The axes of Squeeze and Unsqueeze, an input since opset 13."""
    return _whole(inputs[1], "axes") if len(inputs) > 1 else integers(node, "axes") or [0]


def gather(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Gather: sides by their number."""
    if len(inputs) != 2 or integer(node, "axis", 0) != 0:
        raise ValueError("it is supported along the axis 0 of a shape only")
    sides, numbers = _sides(inputs[0]).sides, _sides(inputs[1])
    return Sides(tuple(sides[number] for number in _whole(numbers, "indices")), numbers.scalar)


def unsqueeze(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Unsqueeze: one side as a list."""
    sides = _sides(inputs[0] if inputs else None)
    if not sides.scalar or _axes(node, inputs) not in ([0], [-1]):
        raise ValueError("it is supported of one side of a shape only")
    return Sides(sides.sides)


def squeeze(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Squeeze: a list of one side as this."""
    sides = _sides(inputs[0] if inputs else None)
    if len(sides.sides) != 1 or _axes(node, inputs) not in ([0], [-1]):
        raise ValueError("it is supported of a list of one side only")
    return Sides(sides.sides, True)


def part(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Slice: neighbouring sides."""
    if not 3 <= len(inputs) <= 5:
        raise ValueError("it takes starts and ends as inputs; export with opset 10 or later")
    sides = _sides(inputs[0]).sides
    places = [_whole(place, "places") for place in inputs[1:]]
    start, end, axis, step = *places, *([0], [1])[len(places) - 2 :]
    if len(start) != 1 or len(end) != 1 or axis not in ([0], [-1]) or step != [1]:
        raise ValueError("it is supported of neighbouring sides of a shape only")
    return Sides(tuple(sides[start[0] : end[0]]))


def concat(node: Any, inputs: Sequence[Value | None]) -> Value:
    """The operator Concat: lists of sides, one behind another."""
    lists = [_sides(value) for value in inputs]
    if integer(node, "axis", 0) not in (0, -1) or any(sides.scalar for sides in lists):
        raise ValueError("it is supported of lists of sides only")
    found = tuple(side for sides in lists for side in sides.sides)
    if len(found) > MAX_SIDES:
        raise ValueError(f"it makes a shape of {len(found)} sides")
    return Sides(found)
