"""The network file: safetensors, described for strangers in ``docs/formats.md``."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sim.errors import UserError
from sim.network import Converter, Layer, Network
from sim.neuron import neuron_from_dict, neuron_to_dict

FORMAT = 1
"""Version of the file's layout."""
KEY = "allspin"
"""The one metadata entry, JSON, so that equal networks make equal files."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    UserError
        If the folder is missing or cannot be written, or the disk is full.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def network_to_bytes(network: Network) -> bytes:
    """The network as the content of a network file; equal networks give equal bytes."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for number, layer in enumerate(network.layers):
        tensors[f"layer.{number}.states"] = np.ascontiguousarray(layer.states)
        tensors[f"layer.{number}.levels"] = layer.levels
        if layer.converter is not None:
            tensors[f"layer.{number}.gains"] = layer.converter.gains.astype(np.uint16)
            tensors[f"layer.{number}.offsets"] = layer.converter.offsets.astype(np.int16)
        if layer.table is not None:
            tensors[f"layer.{number}.table"] = layer.table
    record = {
        "format": FORMAT,
        "topology": list(network.topology),
        "image_shape": list(network.image_shape),
        "pixel_bits": network.pixel_bits,
        "hidden_bits": network.hidden_bits,
        "rah_bits": network.rah_bits,
        "current_bits": network.current_bits,
        "neuron": neuron_to_dict(network.neuron),
        "shifts": [
            layer.converter.shift for layer in network.layers if layer.converter is not None
        ],
        "provenance": network.provenance,
    }
    return save(tensors, metadata={KEY: json.dumps(record, sort_keys=True)})


def save_network(network: Network, path: Path) -> None:
    """Write a network file, whole or not at all.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_atomically(path, network_to_bytes(network))


def _header(data: bytes) -> dict[str, Any]:
    """Metadata of a safetensors file (its reader for NumPy returns the tensors only)."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError("it has no allspin metadata")
    record = json.loads(metadata[KEY])
    if not isinstance(record, dict):
        raise ValueError("its allspin metadata is not an object")
    return record


def network_from_bytes(data: bytes) -> Network:
    """The network that a file's content describes.

    Raises
    ------
    ValueError
        If the content is not a whole and consistent network file; the message is one line.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"it is not a safetensors file, or a damaged one ({error})") from error
    record = _header(data)
    if record.get("format") != FORMAT:
        raise ValueError(f"it has format {record.get('format')!r}; this version reads {FORMAT}")
    try:
        topology = [int(n) for n in record["topology"]]
        shifts = [int(n) for n in record["shifts"]]
        height, width = (int(n) for n in record["image_shape"])
        layers = []
        for number in range(len(topology) - 1):
            prefix = f"layer.{number}."
            converter = None
            if number < len(topology) - 2:
                converter = Converter(
                    gains=tensors.pop(prefix + "gains"),
                    offsets=tensors.pop(prefix + "offsets"),
                    shift=shifts[number],
                )
            layers.append(
                Layer(
                    states=tensors.pop(prefix + "states"),
                    levels=tensors.pop(prefix + "levels"),
                    converter=converter,
                    table=tensors.pop(prefix + "table", None),
                )
            )
        network = Network(
            layers=tuple(layers),
            neuron=neuron_from_dict(record["neuron"]),
            image_shape=(height, width),
            pixel_bits=record["pixel_bits"],
            hidden_bits=record["hidden_bits"],
            rah_bits=record["rah_bits"],
            current_bits=record["current_bits"],
            provenance=dict(record["provenance"]),
        )
    except KeyError as error:
        raise ValueError(f"it lacks {error.args[0]!r}") from error
    except (TypeError, IndexError) as error:
        raise ValueError(f"its metadata is inconsistent ({error})") from error
    if tensors:
        raise ValueError(f"it has a tensor too many, {sorted(tensors)[0]!r}")
    if list(network.topology) != topology or len(shifts) != len(topology) - 2:
        raise ValueError(
            f"its topology {topology} does not fit its layers {list(network.topology)}"
        )
    return network


def load_network(path: Path) -> Network:
    """Read a network file.

    Raises
    ------
    UserError
        If the file is missing, foreign, truncated or inconsistent.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read network {path}: {error.strerror}") from error
    try:
        return network_from_bytes(data)
    except ValueError as error:
        raise UserError(f"{path} is not a network file: {error}") from error
