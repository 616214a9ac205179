"""The network file: safetensors, described for strangers in ``docs/formats.md``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from allspin.sim.errors import UserError
from allspin.sim.extensions import UnknownKind
from allspin.sim.files import parse_json, read_file, write_atomically
from allspin.sim.network.formats import Adc
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import neuron_from_dict, neuron_to_dict

FORMAT, TILED_FORMAT = 1, 2
"""Versions of the file's layout: of columns in one piece, and of a network with tiles."""
MAX_BYTES = 1 << 27
"""Bytes of a network file: more synapses than any machine here has room for."""
MAX_HEADER = 1 << 22
"""Bytes of its header, which lists at most a hundred tensors beside what `KEY` has."""
KEY = "allspin"
"""The one metadata entry, JSON, so that equal networks make equal files."""
ADC_KEYS = ("rows", "bits", "shift")
"""What the metadata says of a layer's converters."""
DTYPES = {
    "states": np.uint8,
    "levels": np.int16,
    "gains": np.uint16,
    "offsets": np.int16,
    "table": np.uint8,
    "adc_offsets": np.int32,
}
"""Type of each of a layer's tensors."""


def network_to_bytes(network: Network) -> bytes:
    """The network as the content of a network file; equal networks give equal bytes."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for number, layer in enumerate(network.layers):
        content = {"states": layer.states, "levels": layer.levels, "table": layer.table}
        if layer.converter is not None:
            content |= {"gains": layer.converter.gains, "offsets": layer.converter.offsets}
        if layer.adc is not None:
            content["adc_offsets"] = layer.adc.offsets
        for name, tensor in content.items():
            if tensor is not None:
                # In row-major order whatever the array's own: safetensors takes the bytes.
                tensors[f"layer.{number}.{name}"] = np.array(tensor, DTYPES[name], order="C")
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
    adcs = [layer.adc for layer in network.layers]
    if any(adcs):
        record["format"] = TILED_FORMAT
        record["adcs"] = [adc and {name: getattr(adc, name) for name in ADC_KEYS} for adc in adcs]
    return save(tensors, metadata={KEY: json.dumps(record, sort_keys=True, allow_nan=False)})


def save_network(network: Network, path: str | Path) -> None:
    """Write a network file, whole or not at all.

    Parameters
    ----------
    network : Network
        The network.
    path : str or Path
        The file; another of that name is replaced.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_atomically(path, network_to_bytes(network))


def _record(data: bytes) -> dict[str, Any]:
    """Metadata of a safetensors file (its reader for NumPy returns the tensors only)."""
    size = int.from_bytes(data[:8], "little")
    metadata = parse_json(data[8 : 8 + size]).get("__metadata__", {})
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError("it has no allspin metadata")
    try:
        record = parse_json(metadata[KEY])
    except ValueError as error:
        raise ValueError(f"its allspin metadata is not JSON ({error})") from error
    if not isinstance(record, dict):
        raise ValueError("its allspin metadata is not an object")
    version = record.get("format")
    if version not in (FORMAT, TILED_FORMAT) or type(version) is not int:
        raise ValueError(
            f"it has format {version!r}; this version reads {FORMAT} and {TILED_FORMAT}"
        )
    return record


def _integers(name: str, value: object) -> list[int]:
    """A list of JSON integers as they stand: neither 784.0 nor true is one."""
    if not isinstance(value, list) or any(type(number) is not int for number in value):
        raise ValueError(f"its {name} must be a list of integers, not {value!r}")
    return value


def _adcs(record: dict[str, Any], layers: int) -> list[dict[str, int] | None]:
    """What the metadata says of each layer's converters."""
    if record["format"] == FORMAT:
        if "adcs" in record:
            raise ValueError(f"its adcs need format {TILED_FORMAT}, and it has format {FORMAT}")
        return [None] * layers
    found = record["adcs"]
    if not isinstance(found, list) or len(found) != layers:
        raise ValueError(f"its adcs must be a list of {layers}, one for each layer")
    for each in found:
        if each is not None:
            if not isinstance(each, dict) or sorted(each) != sorted(ADC_KEYS):
                raise ValueError(f"its adcs must have {', '.join(ADC_KEYS)} each, or be null")
            _integers("adcs", list(each.values()))
    return found


def _layer(
    tensors: dict[str, Any], number: int, shift: int | None, adc: dict[str, int] | None
) -> Layer:
    """Take one layer's tensors."""

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
    )


def _network(record: dict[str, Any], tensors: dict[str, Any]) -> Network:
    """The network that metadata and tensors make together."""
    topology = _integers("topology", record["topology"])
    shifts = _integers("shifts", record["shifts"])
    if len(topology) < 2 or len(shifts) != len(topology) - 2:
        raise ValueError(f"its {len(shifts)} shifts do not fit its topology {topology}")
    image_shape = _integers("image_shape", record["image_shape"])
    if len(image_shape) != 2:
        raise ValueError(f"its image_shape must be height and width, not {image_shape}")
    bits = ("pixel_bits", "hidden_bits", "rah_bits", "current_bits")
    for name in bits:
        _integers(name, [record[name]])
    if not isinstance(record["provenance"], dict):
        raise ValueError("its provenance is not an object")
    foot = zip([*shifts, None], _adcs(record, len(shifts) + 1), strict=True)
    network = Network(
        layers=tuple(_layer(tensors, number, *each) for number, each in enumerate(foot)),
        neuron=neuron_from_dict(record["neuron"]),
        image_shape=(image_shape[0], image_shape[1]),
        **{name: record[name] for name in bits},
        provenance=record["provenance"],
    )
    if tensors:
        raise ValueError(f"it has a tensor too many, {min(tensors)!r}")
    if list(network.topology) != topology:
        raise ValueError(
            f"its topology {topology} does not fit its layers {list(network.topology)}"
        )
    return network


def network_from_bytes(data: bytes) -> Network:
    """The network that a file's content describes.

    Raises
    ------
    ValueError
        If the content is not a whole and consistent network file; the message is one line.
    """
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise ValueError(
            f"it is not a safetensors file, or one with a header of more than {MAX_HEADER:,} bytes"
        )
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f"it is not a safetensors file, or a damaged one ({' '.join(str(error).split())})"
        ) from error
    record = _record(data)
    # The tensors are copies: where nobody else has the file's content, layers take its place.
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
        If the file is missing, foreign, truncated or inconsistent, or its neuron is of a kind
        that nobody registered.
    """
    try:
        return network_from_bytes(read_file(path, "network", MAX_BYTES))
    except UnknownKind as error:
        raise UserError(f"cannot use the network file {path}: {error}") from error
    except ValueError as error:
        raise UserError(f"{path} is not a network file: {error}") from error
