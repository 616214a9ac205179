"""A network in safetensors, with the names that PyTorch's modules give."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from allspin.host.data.foreign.description import MAX_BYTES, FloatNetwork
from allspin.host.data.foreign.tensor_layers import state_layers
from allspin.sim.errors import UserError
from allspin.sim.files.plain import parse_json
from allspin.sim.files.user_file import read_file

MAX_HEADER = 1 << 20
"""Bytes of the header, which lists a few dozen tensors."""
OTHER_TYPES = ("BF", "F8", "F4", "F6")
"""How the names of types begin that NumPy has not."""
SHOWN = 20
"""Characters that a message shows of such a name."""
OWN_KEY = "allspin"
"""What the metadata of a network file of this program has."""


def _header(path: Path, data: bytes) -> dict[str, object]:
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER or len(data) < 8 + size:
        raise UserError(f"{path} is not a safetensors file, or is cut short")
    try:
        return parse_json(data[8 : 8 + size])
    except ValueError as error:
        raise UserError(f"{path} is not a safetensors file: {error}") from error


def _check_types(path: Path, header: dict[str, object]) -> None:
    """Refuse numbers that NumPy has not."""
    for name, tensor in header.items():
        kind = tensor.get("dtype") if isinstance(tensor, dict) else None
        if isinstance(kind, str) and kind.startswith(OTHER_TYPES):
            raise UserError(
                f"{path}: {name} has numbers of the type {kind[:SHOWN]}, which is not read; save "
                "the module in single precision: module.float()"
            )


def read_safetensors(path: Path) -> FloatNetwork:
    """Read a network from a safetensors file, as `state_layers` describes it.

    Raises
    ------
    UserError
        If the file is missing, damaged, too large, or holds anything else.
    """
    data = read_file(path, "safetensors file", MAX_BYTES)
    header = _header(path, data)
    _check_types(path, header)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and OWN_KEY in metadata:
        raise UserError(f"{path} is a network file of allspin already; allspin run {path} runs it")
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    try:
        return state_layers({name: np.asarray(array) for name, array in arrays.items()})
    except ValueError as error:
        raise UserError(f"{path} holds no network: {error}") from error
