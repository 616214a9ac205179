"""The network file: safetensors, specified in ``docs/formats.md``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from allspin.sim.errors import UnknownKind, UserError
from allspin.sim.files import read_file, write_atomically
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, kind_from_dict, kind_to_dict
from allspin.sim.network.network import WIDTHS, Network
from allspin.sim.network.neuron import neuron_from_dict, neuron_to_dict
from allspin.sim.plain_values import parse_json

FORMAT = 1
"""Version of the file's layout for dense layers whose columns are read in one piece."""
TILED_FORMAT = 2
"""Version for networks with tiles."""
KINDS_FORMAT = 3
"""Version for layers that are not dense, images with channels, or a neuron for each position."""
MAX_BYTES = 1 << 27
"""Largest size of a network file, with more synapses than any machine can store."""
KEY = "allspin"
"""The only metadata entry; its value is JSON, so that equal networks make equal files."""
KEYS = {
    "format",
    "topology",
    "image_shape",
    *WIDTHS,
    "neuron",
    "shifts",
    "provenance",
    "adcs",
    "kinds",
    "neuron_per",
}
"""Keys of the metadata in `KINDS_FORMAT`; a file with another key is of a newer version."""
ADC_KEYS = ("rows", "bits", "shift")
"""Keys of the metadata of a layer's ADCs."""
DTYPES = {
    "states": np.uint8,
    "levels": np.int16,
    "gains": np.uint16,
    "offsets": np.int16,
    "table": np.uint8,
    "adc_offsets": np.int32,
}
"""Types of a layer's tensors."""


def network_to_bytes(network: Network) -> bytes:
    """Return the content of a network file; equal networks give equal bytes."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for number, layer in enumerate(network.layers):
        content = {"states": layer.states, "levels": layer.levels, "table": layer.table}
        if layer.converter is not None:
            content |= {"gains": layer.converter.gains, "offsets": layer.converter.offsets}
        if layer.adc is not None:
            content["adc_offsets"] = layer.adc.offsets
        for name, tensor in content.items():
            if tensor is not None:
                # safetensors stores the bytes as they are, so the order must be row-major.
                tensors[f"layer.{number}.{name}"] = np.array(tensor, DTYPES[name], order="C")
    adcs = [layer.adc for layer in network.layers]
    record = {
        "format": TILED_FORMAT if any(adcs) else FORMAT,
        "topology": list(network.topology),
        "image_shape": list(network.image_shape),
        **{name: getattr(network, name) for name in WIDTHS},
        "neuron": neuron_to_dict(network.neuron),
        "shifts": [
            layer.converter.shift for layer in network.layers if layer.converter is not None
        ],
        "provenance": network.provenance,
    }
    if any(adcs):
        record["adcs"] = [_adc_record(adc) for adc in adcs]
    kinds = [layer.kind for layer in network.layers]
    if set(kinds) != {DENSE} or len(network.image_shape) > 2 or network.neuron_per != "column":
        record["kinds"] = [kind_to_dict(kind) for kind in kinds]
        record |= {"format": KINDS_FORMAT, "neuron_per": network.neuron_per}
    return save(tensors, metadata={KEY: json.dumps(record, sort_keys=True, allow_nan=False)})


def _adc_record(adc: Adc | None) -> dict[str, int] | None:
    return None if adc is None else {name: getattr(adc, name) for name in ADC_KEYS}


def save_network(network: Network, path: str | Path) -> None:
    """Write a network file atomically.

    Parameters
    ----------
    network : Network
        Network to write.
    path : str or Path
        Path of the file; an existing file is replaced.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_atomically(path, network_to_bytes(network))


def _record(data: bytes) -> dict[str, Any]:
    """Return the metadata of a safetensors file, which its reader for NumPy does not return."""
    size = int.from_bytes(data[:8], "little")
    metadata = parse_json(data[8 : 8 + size]).get("__metadata__", {})
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError("it has no allspin metadata")
    try:
        record = parse_json(metadata[KEY])
    except ValueError as error:
        raise ValueError(f"its allspin metadata is not JSON ({error})") from error
    version = record.get("format") if isinstance(record, dict) else None
    if version not in (FORMAT, TILED_FORMAT, KINDS_FORMAT) or type(version) is not int:
        raise ValueError(f"it has format {version!r}; this version reads 1 to {KINDS_FORMAT}")
    unknown = sorted(record.keys() - KEYS) if version == KINDS_FORMAT else []
    if unknown:
        raise ValueError(f"it has {unknown[0]!r}, which this version does not know")
    return record


def _layer(tensors: dict[str, Any], number: int, shift: int | None, adc: Any, kind: Any) -> Layer:
    """Remove one layer's tensors from `tensors`, and return the layer."""

    def take(name: str, needed: bool = True) -> Any:
        key = f"layer.{number}.{name}"
        if not needed and key not in tensors:
            return None
        tensor = tensors.pop(key)
        if tensor.dtype != DTYPES[name]:
            raise ValueError(f"{key} must be {np.dtype(DTYPES[name])}, not {tensor.dtype}")
        return tensor

    return Layer(
        states=take("states"),
        levels=take("levels"),
        converter=None if shift is None else Converter(take("gains"), take("offsets"), shift),
        table=take("table", needed=False),
        adc=None if adc is None else Adc(**adc, offsets=take("adc_offsets", needed=False)),
        kind=kind_from_dict(kind),
    )


def _network(record: dict[str, Any], tensors: dict[str, Any]) -> Network:
    """Return the network of metadata and tensors."""
    shifts = [*record["shifts"], None]
    adcs = record.get("adcs", [None] * len(shifts))
    if not isinstance(adcs, list):
        raise ValueError(f"adcs must be a list, not {adcs!r}")
    kinds = [{"name": DENSE.name}] * len(shifts)
    more = {}
    if record["format"] == KINDS_FORMAT:
        kinds, more = record["kinds"], {"neuron_per": record["neuron_per"]}
    if not isinstance(record["provenance"], dict):
        raise ValueError("its provenance is not an object")
    network = Network(
        layers=tuple(
            _layer(tensors, number, *each)
            for number, each in enumerate(zip(shifts, adcs, kinds, strict=True))
        ),
        neuron=neuron_from_dict(record["neuron"]),
        image_shape=record["image_shape"],
        **{name: record[name] for name in WIDTHS},
        provenance=record["provenance"],
        **more,
    )
    if tensors:
        raise ValueError(f"it has a tensor too many, {min(tensors)!r}")
    if list(network.topology) != record["topology"]:
        raise ValueError(
            f"its topology {record['topology']} does not fit its layers {list(network.topology)}"
        )
    return network


def network_from_bytes(data: bytes) -> Network:
    """Return the network of a file's content.

    Raises
    ------
    ValueError
        If the content is not a complete and consistent network file; the message is one line.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f"it is not a safetensors file, or a damaged one ({' '.join(str(error).split())})"
        ) from error
    record = _record(data)
    # The tensors are copies, so the content can be freed before the layers are made.
    del data
    try:
        return _network(record, tensors)
    except KeyError as error:
        raise ValueError(f"it lacks {error.args[0]!r}") from error
    except TypeError as error:
        raise ValueError(f"its metadata is inconsistent ({error})") from error


def load_network(path: Path) -> Network:
    """Read a network file.

    Raises
    ------
    UserError
        If the file is missing, foreign, truncated or inconsistent, or the kind of its neuron is
        not registered.
    """
    try:
        return network_from_bytes(read_file(path, "network", MAX_BYTES))
    except UnknownKind as error:
        raise UserError(f"cannot use the network file {path}: {error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not a network file: {error}") from error
