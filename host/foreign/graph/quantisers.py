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

Rounding = Callable[[Array], Array]


def _of_magnitudes(rounding: Rounding, shift: float) -> Rounding:
    """Return the rounding of magnitudes that are shifted before; signs stay."""
    return lambda x: np.copysign(rounding(np.abs(x) + shift), x)


ROUNDINGS: dict[str, Rounding] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "DOWN": np.trunc,
    "UP": _of_magnitudes(np.ceil, 0.0),
    "HALF_UP": _of_magnitudes(np.floor, 0.5),
    "HALF_DOWN": _of_magnitudes(np.ceil, -0.5),
}


def _held(values: Array, bits: Array, signed: int, narrow: int) -> Array:
    """Clip numbers to the range of some bits; `narrow` leaves out the last value."""
    half = 2.0 ** (bits - signed)
    if signed:
        return np.clip(values, narrow - half, half - 1)
    return np.clip(values, 0, half - 1 - bool(narrow))


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
        rounded = ROUNDINGS[rounding_mode.upper()]
        steps = rounded(_held(steps, bits, signed, narrow))
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
    steps = np.rint(x / scale + zero)
    rounded = ROUNDINGS[rounding_mode.upper()]
    if len(to) == 1:
        left_out = bits - to[0]
        return (rounded(steps / 2.0**left_out) - zero) * scale
    new_scale, new_bits = to
    share = 2.0 ** np.rint(np.log2(new_scale / scale))
    steps = rounded(_held(steps / share, new_bits, signed, narrow))
    return (steps - zero / share) * new_scale


def dequantize_linear(
    x: Array, scale: Array, zero: Array | int = 0, *, axis: int = 1, block_size: int = 0, **_: Any
) -> Array:
    """Compute ONNX's DequantizeLinear, which its evaluator supports from opset 19 only."""
    if block_size:
        raise ValueError("a DequantizeLinear of blocks is not read")
    if scale.size == 1:
        return (x.astype(scale.dtype) - zero) * scale
    turned = np.moveaxis(x, axis, -1).astype(scale.dtype)
    return np.moveaxis((turned - zero) * scale, -1, axis)


LIMITS = {"scale": (-np.inf, np.inf), "zero": (-np.inf, np.inf), "bits": (1, 64)}
"""Ends of a quantiser's finite parameters, in the order in which operators take them."""


def _check_steps(parameters: tuple[Array, ...]) -> None:
    """Raise unless a quantiser's parameters define steps."""
    for (name, (low, high)), values in zip(LIMITS.items(), parameters, strict=False):
        real = np.asarray(values, np.float64)
        if not np.all(np.isfinite(real) & (real >= low) & (real <= high)):
            legal = "finite" if low == -np.inf else f"from {low} to {high}"
            raise ValueError(f"{name} must be {legal}, not {real.ravel()[:4]}")
        if name == "scale" and not np.all(real):
            raise ValueError("scale must be finite and not 0")


OPERATORS = {"Quant": quant, "IntQuant": quant, "BipolarQuant": bipolar_quant, "Trunc": trunc}


@cache
def quantisers() -> list[type]:
    """Return the operators for ``onnx.reference.ReferenceEvaluator``."""
    from onnx.reference.op_run import OpRun

    def operator(name: str, domain: str, compute: Callable[..., Array]) -> type:
        def run(self: Any, x: Array, scale: Array, *others: Array, **about: Any) -> tuple[Array]:
            try:
                _check_steps((scale, *others))
            except ValueError as error:
                node = self.onnx_node
                title = node.name or node.output[0]
                raise ValueError(f"the node {title!r} ({name}): {error}") from None
            found = compute(x, scale, *others, **about)
            return (np.asarray(found, scale.dtype),)

        return type(name, (OpRun,), {"op_domain": domain, "_run": run})

    own = [operator(name, QONNX, compute) for name, compute in OPERATORS.items()]
    return [*own, operator("DequantizeLinear", "", dequantize_linear)]
