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


def read_safetensors(path: Path) -> FloatNetwork:
    """Read a network from a safetensors file, as `state_layers` describes it.

    Raises
    ------
    UserError
        If the file is missing, damaged, too large, or holds anything else.
    """
    data = read_file(path, "safetensors file", MAX_BYTES)
    header = _header(path, data)
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
