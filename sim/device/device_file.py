"""The device file: TOML, specified in ``docs/formats.md``."""

import dataclasses
from pathlib import Path
from typing import Any

import tomli_w

from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.added_point import with_point
from allspin.sim.device.at_point import at_point
from allspin.sim.device.device import Device
from allspin.sim.device.electrical import Electrical, NeuronElectrical
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.measured_points import OutsideError
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file, read_text, write_atomically
from allspin.sim.network.neuron import SotNeuron, neuron_from_dict, neuron_to_dict
from allspin.sim.plain_values import MAX_TOML, TomlTable, parse_toml
from allspin.sim.synapse.synapse_kinds import synapse_from_table

FORMAT = 1
"""Version of the file's layout."""


def _plain(part: Any) -> dict[str, Any]:
    """Return the attributes that TOML can hold; None and empty values are omitted."""
    found = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {
        name: _plain(value) if dataclasses.is_dataclass(value) else value
        for name, value in found.items()
        if value is not None and value != ()
    }


def device_to_toml(device: Device) -> str:
    """Return the text of a device file; equal devices give equal texts.

    A part with default values is omitted, since a file without it means the same.
    """
    whole: dict[str, Any] = {"format": FORMAT, "name": device.name, "unit": device.unit}
    whole["synapse"] = device.synapse.record()
    if device.electrical != Electrical():
        whole["synapse"]["electrical"] = _plain(device.electrical)
    neuron = device.neuron, device.neuron_variation, device.neuron_electrical
    if neuron != (SotNeuron(), NeuronVariation(), NeuronElectrical()):
        # `kind` as in a synapse; kinds of earlier versions keep the key `name`.
        whole["neuron"] = {
            "kind" if key == "name" and device.neuron.noise else key: value
            for key, value in neuron_to_dict(device.neuron).items()
        } | {
            "variation": _plain(device.neuron_variation),
            "electrical": _plain(device.neuron_electrical),
        }
    whole |= {"imperfections": _plain(device.imperfections), "source": device.source}
    # Parts with default values are omitted.
    if device.array != HallArray():
        whole["array"] = _plain(device.array)
    if device.adc != AdcVariation():
        whole["adc"] = _plain(device.adc)
    return tomli_w.dumps(whole)


def save_device(device: Device, path: str | Path) -> None:
    """Write a device file atomically.

    Parameters
    ----------
    device : Device
        Device to write.
    path : str or Path
        Path of the file; an existing file is replaced.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_atomically(path, device_to_toml(device).encode())


def save_point(device: Device, path: Path, point: OperatingPoint) -> str | None:
    """Write a device that was measured at a point; other points of the file stay.

    Parameters
    ----------
    device : Device
        The device at that point.
    path : Path
        A new file, or one with ``[synapse.at]``.
    point : OperatingPoint
        Operating point of the measurement.

    Returns
    -------
    str or None
        Reason why the file cannot be read yet, such as missing points; None if it can.

    Raises
    ------
    UserError
        If the file cannot be written, or the point does not fit the file's other points.
    """
    there = None
    if path.exists():
        try:
            there = parse_toml(read_text(path, "device", MAX_TOML))
        except ValueError as error:
            raise UserError(f"{path} is not TOML ({error}); give another name") from error
    with refused(f"{path} cannot take the point {point}: "):
        text = tomli_w.dumps(with_point(parse_toml(device_to_toml(device)), point, there))
    write_atomically(path, text.encode())
    try:
        device_from_toml(text)
    except ValueError as error:
        return " ".join(str(error).split())
    return None


BOOLEANS = {"synapse.bounded"}
"""Keys that are true or false; the notes of ``[source]`` may be too."""


def _refuse_booleans(value: Any, where: str = "") -> None:
    """Raise if a value, or one in it, is true or false in place of a number or table."""
    if isinstance(value, dict):
        for key, each in value.items():
            name = f"{where}.{key}" if where else key
            if name != "source":
                _refuse_booleans(each, name)
    elif isinstance(value, list):
        for each in value:
            _refuse_booleans(each, where)
    elif isinstance(value, bool) and where not in BOOLEANS:
        known = ", ".join(sorted(BOOLEANS))
        raise ValueError(f"{where} is {str(value).lower()}; only {known} may be true or false")


def device_from_toml(text: str, at: OperatingPoint | None = None) -> Device:
    """Return the device of a device file's text.

    Parameters
    ----------
    text : str
        Text of the file.
    at : OperatingPoint, optional
        Operating point; by default, the file's own.

    Raises
    ------
    OutsideError
        If the point is outside the measured range.
    ValueError
        If the text is not TOML, or a key is missing or unknown; the message is one line.
    """
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise ValueError(f"it is not TOML ({error})") from error
    _refuse_booleans(content)
    whole = TomlTable("", at_point(content, at))
    version = whole.take("format")
    if version != FORMAT:
        raise ValueError(f"it has format {version!r}; this version reads {FORMAT}")
    names = {"name": whole.take("name"), "unit": whole.take("unit", "ohm")}
    for key, value in names.items():
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise ValueError(f"{key} must be a word or line of text, not {value!r}")
    table, neuron = whole.table("synapse", needed=True), whole.table("neuron")
    electrical = table.table("electrical").make(Electrical)
    try:
        synapse = synapse_from_table(table)
    except TypeError as error:
        raise ValueError(f"[synapse]: {error}") from error
    table.finish()
    variation = neuron.table("variation").make(NeuronVariation)
    neuron_electrical = neuron.table("electrical").make(NeuronElectrical)
    # A neuron's name may be given as its kind, like a synapse's.
    if "kind" in neuron.content and "name" not in neuron.content:
        neuron.content["name"] = neuron.content.pop("kind")
    others = whole.table("imperfections")
    retention = others.table("retention").make(Retention) if "retention" in others.content else None
    device = Device(
        **names,
        synapse=synapse,
        neuron=neuron_from_dict({"name": "sot", **neuron.content}),
        neuron_variation=variation,
        imperfections=dataclasses.replace(others.make(Imperfections), retention=retention),
        electrical=electrical,
        neuron_electrical=neuron_electrical,
        source=whole.table("source").content,
        array=whole.table("array").make(HallArray),
        adc=whole.table("adc").make(AdcVariation),
    )
    whole.finish()
    return device


def device_from_bytes(data: bytes, name: str, at: OperatingPoint | None = None) -> Device:
    """Return the device of a device file's content.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Name of the file in messages.
    at : OperatingPoint, optional
        Operating point; by default, the file's own.

    Raises
    ------
    UserError
        If the content is not a device file, or the point is outside the measured range.
    """
    try:
        return device_from_toml(data.decode(), at)
    except OutsideError as error:
        raise UserError(f"{name}: {error}") from error
    except UnicodeDecodeError:
        raise UserError(f"{name} is not a device file: it is not text in UTF-8") from None
    except ValueError as error:
        raise UserError(f"{name} is not a device file: {' '.join(str(error).split())}") from error


def load_device(path: Path, at: OperatingPoint | None = None) -> Device:
    """Read a device file.

    Parameters
    ----------
    path : Path
        Path of the file.
    at : OperatingPoint, optional
        Operating point; by default, the file's own.

    Raises
    ------
    UserError
        If the file is missing or not a device file, or the point is outside the measured range.
    """
    return device_from_bytes(read_file(path, "device", MAX_TOML), str(path), at)
