"""Attributes of nodes, which are a stranger's, by type."""

from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.foreign.graphs.loading import tensor_array
from allspin.host.data.foreign.graphs.package import onnx_package


def _find(node: Any, name: str, kind: int) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            if attribute.type != kind:
                raise ValueError(f"its attribute {name} is of another type")
            return attribute
    return None


def integer(node: Any, name: str, default: int) -> int:
    """An attribute that is a whole number."""
    found = _find(node, name, onnx_package().AttributeProto.INT)
    return default if found is None else int(found.i)


def real(node: Any, name: str, default: float) -> float:
    """An attribute that is a real number."""
    found = _find(node, name, onnx_package().AttributeProto.FLOAT)
    return default if found is None else float(found.f)


def integers(node: Any, name: str) -> list[int] | None:
    """An attribute that is a list of whole numbers; None where it is missing."""
    found = _find(node, name, onnx_package().AttributeProto.INTS)
    return None if found is None else list(found.ints)


def constant(node: Any) -> npt.NDArray[Any]:
    """What a node of the operator Constant holds.

    Raises
    ------
    ValueError
        If it is no number or tensor of numbers.
    """
    kinds = onnx_package().AttributeProto
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.type == kinds.TENSOR:
            return tensor_array(attribute.t)
        if attribute.name == "value_float" and attribute.type == kinds.FLOAT:
            return np.array(attribute.f, np.float32)
        if attribute.name == "value_int" and attribute.type == kinds.INT:
            return np.array(attribute.i, np.int64)
        if attribute.name == "value_floats" and attribute.type == kinds.FLOATS:
            return np.array(attribute.floats, np.float32)
        if attribute.name == "value_ints" and attribute.type == kinds.INTS:
            return np.array(attribute.ints, np.int64)
    raise ValueError("it holds no number or tensor of numbers")
