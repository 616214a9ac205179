"""QONNX's operators, which round numbers to few bits, for ONNX's evaluator.

They follow the definitions in github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

QONNX = "qonnx.custom_op.general"
"""The set of operators."""
Array = npt.NDArray[Any]

ROUNDINGS = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "DOWN": np.trunc,
    "UP": lambda x: np.copysign(np.ceil(np.abs(x)), x),
    "HALF_UP": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "HALF_DOWN": lambda x: np.copysign(np.ceil(np.abs(x) - 0.5), x),
}


def _held(values: Array, bits: Array, signed: int, narrow: int) -> Array:
    """Clip numbers to the range of some bits; `narrow` leaves out the last value."""
    half = 2.0 ** (bits - signed)
    return np.clip(values, narrow - half if signed else 0, half - 1 - (narrow and not signed))


def quant(
    x: Array,
    scale: Array,
    zero: Array,
    bits: Array,
    *,
    signed: int = 1,
    narrow: int = 0,
    rounding_mode: str = "ROUND",
) -> Array:
    """Compute Quant, or IntQuant: whole numbers of some bits, times a scale."""
    steps = x / scale + zero
    if signed and np.all(bits == 1):
        steps = np.where(steps >= 0, 1, -1)
    else:
        steps = ROUNDINGS[rounding_mode.upper()](_held(steps, bits, signed, narrow))
    return (steps - zero) * scale


def bipolar_quant(x: Array, scale: Array) -> Array:
    """Compute BipolarQuant: the sign, positive for 0, times a scale."""
    return np.where(x >= 0, scale, -scale)


def trunc(
    x: Array,
    scale: Array,
    zero: Array,
    bits: Array,
    *to: Array,
    signed: int = 1,
    narrow: int = 0,
    rounding_mode: str = "FLOOR",
) -> Array:
    """Compute Trunc: whole numbers without their last bits.

    `to` is the remaining number of bits in the operator's first version; in its second version, the
    scale of the result and that number.
    """
    steps, rounded = np.rint(x / scale + zero), ROUNDINGS[rounding_mode.upper()]
    if len(to) == 1:
        return (rounded(steps / 2.0 ** (bits - to[0])) - zero) * scale
    share = 2.0 ** np.rint(np.log2(to[0] / scale))
    return (rounded(_held(steps / share, to[1], signed, narrow)) - zero / share) * to[0]


def dequantize_linear(
    x: Array, scale: Array, zero: Array | int = 0, *, axis: int = 1, block_size: int = 0, **_: Any
) -> Array:
    """Compute ONNX's DequantizeLinear, which its evaluator supports from opset 19 only."""
    if block_size:
        raise ValueError("a DequantizeLinear of blocks is not read")
    turned = np.moveaxis(x, axis, -1) if scale.size > 1 else x
    found = (turned.astype(scale.dtype) - zero) * scale
    return np.moveaxis(found, -1, axis) if scale.size > 1 else found


OPERATORS = {"Quant": quant, "IntQuant": quant, "BipolarQuant": bipolar_quant, "Trunc": trunc}


@cache
def quantisers() -> list[type]:
    """Return the operators for ``onnx.reference.ReferenceEvaluator``."""
    from onnx.reference.op_run import OpRun

    def made(name: str, domain: str, compute: Callable[..., Array]) -> type:
        def run(self: Any, x: Array, scale: Array, *others: Array, **about: Any) -> tuple[Array]:
            return (np.asarray(compute(x, scale, *others, **about), scale.dtype),)

        return type(name, (OpRun,), {"op_domain": domain, "_run": run})

    own = [made(name, QONNX, compute) for name, compute in OPERATORS.items()]
    return [*own, made("DequantizeLinear", "", dequantize_linear)]
