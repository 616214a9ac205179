"""Sizes of a graph's results, which are computed from a node's inputs before the node is."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.float_network import MAX_WEIGHTS
from allspin.sim.errors import UserError

MAX_COMPUTED = MAX_WEIGHTS
"""Largest number of values that the nodes of a graph may compute together for some images."""
MAX_WORK = 1 << 31
"""Largest number of values that are computed to read a graph: some seconds."""
Array = npt.NDArray[Any]


class TooLarge(UserError):
    """A graph's results are too large; those of fewer images may not be."""


def _pads(shape: Sequence[int], begins: Sequence[int], ends: Sequence[int]) -> int:
    """Return the values of an array with lines added at its ends."""
    sides = zip(shape, begins, ends, strict=True)
    return math.prod(max(0, side + int(before) + int(after)) for side, before, after in sides)


def _pad(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    data = inputs[0]
    amounts = np.ravel(inputs[1]).tolist() if len(inputs) > 1 else about["pads"]
    given = inputs[3] if len(inputs) > 3 else None
    axes = range(data.ndim) if given is None else np.ravel(given).tolist()
    half = len(amounts) // 2
    begins, ends = [0] * data.ndim, [0] * data.ndim
    for axis, before, after in zip(axes, amounts[:half], amounts[half:], strict=True):
        begins[axis], ends[axis] = before, after
    return _pads(data.shape, begins, ends)


def _window(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    """Bound a convolution or pool: each place may take a copy of what its kernel sees."""
    data = inputs[0]
    inner = data.ndim - 2
    kernel = inputs[1].shape[2:] if len(inputs) > 1 else about["kernel_shape"]
    amounts = about.get("pads") or [side - 1 for side in kernel] * 2
    lines = _pads(data.shape[2:], amounts[:inner], amounts[inner:])
    strides = math.prod(about.get("strides") or [1])
    copies = data.shape[1] * math.prod(kernel) / max(1, strides)
    channels = inputs[1].shape[0] if len(inputs) > 1 else data.shape[1]
    return int(data.shape[0] * lines * max(1, copies, channels / max(1, strides)))


def _gather(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    data, places = inputs[:2]
    return data.size // max(1, data.shape[about.get("axis", 0)]) * places.size


def _product(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    one, other = (np.atleast_2d(each) for each in inputs[:2])
    lines = one.shape[-1 if about.get("transA") else -2]
    columns = other.shape[-2 if about.get("transB") else -1]
    return math.prod(np.broadcast_shapes(one.shape[:-2], other.shape[:-2])) * lines * columns


def _joined(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    return sum(each.size for each in inputs)


def _alike(inputs: Sequence[Array], about: dict[str, Any]) -> int:
    """Return the size of numbers that are combined one by one, or kept."""
    return math.prod(np.broadcast_shapes(*(each.shape for each in inputs)))


RULES: dict[str, Callable[[Sequence[Array], dict[str, Any]], int]] = {
    "Concat": _joined,
    "Conv": _window,
    "AveragePool": _window,
    "MaxPool": _window,
    "Gather": _gather,
    "Gemm": _product,
    "MatMul": _product,
    "Pad": _pad,
    **dict.fromkeys(("Add", "Div", "Mul", "Pow", "Sub"), _alike),
    **dict.fromkeys(("Quant", "IntQuant", "BipolarQuant", "Trunc"), _alike),
}
"""Size of the result of an operator; that of all others is at most that of the inputs."""


class Sizes:
    """Limits of the values that a graph's nodes compute.

    A node's result is held until all nodes are computed, so their sizes are added.

    Attributes
    ----------
    limited : bool
        True while the graph is read: all values together are limited by `MAX_WORK`.
    """

    def __init__(self) -> None:
        self.limited = True
        self._work = 0
        self._held = 0

    def begin(self) -> None:
        """Begin to compute all nodes for some images."""
        self._held = 0

    def guarded(self, node: Any, about: dict[str, Any], run: Callable[..., Any]) -> Any:
        """Return a node's function with a check of its result's size before it is called.

        Parameters
        ----------
        node : onnx.NodeProto
            The node.
        about : dict
            Attributes of the node.
        run : callable
            Its function of arrays.
        """

        def guard(*inputs: Any, **linked: Any) -> Any:
            self._take(node, about, inputs)
            return run(*inputs, **linked)

        return guard

    def _take(self, node: Any, about: dict[str, Any], inputs: Sequence[Any]) -> None:
        arrays = [each if each is None else np.asarray(each) for each in inputs]
        rule = RULES.get(node.op_type, _joined)
        known: Any = arrays if rule is _pad else [each for each in arrays if each is not None]
        size = rule(known, about)
        title = f"{node.output[0]!r} ({node.op_type})"
        if self._held + size > MAX_COMPUTED:
            raise TooLarge(
                f"{title} is too large: it has {size:,} values, and the graph's results have at "
                f"most {MAX_COMPUTED:,} together"
            )
        self._held += size
        self._work += size
        if self.limited and self._work > MAX_WORK:
            raise ValueError(
                f"up to {title} it takes too long to read: its nodes compute more than "
                f"{MAX_WORK:,} values"
            )
