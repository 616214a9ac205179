"""The device file: TOML, described for strangers in ``docs/formats.md``."""

import dataclasses
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tomli_w

from allspin.sim.device.device import Device, Electrical, NeuronElectrical
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.synapse import (
    CycleVariation,
    DeviceVariation,
    PulseResponse,
    SotSynapse,
    Synapse,
)
from allspin.sim.device.table_device import TableResponse, TableSynapse
from allspin.sim.device.variation import Imperfections
from allspin.sim.errors import UserError
from allspin.sim.files.plain import MAX_TOML, parse_toml
from allspin.sim.files.user_file import read_file
from allspin.sim.network.netfile import write_atomically
from allspin.sim.network.neuron import neuron_from_dict, neuron_to_dict

FORMAT = 1
"""Version of the file's layout."""
RESPONSE = {"A": "nonlinearity", "P_max": "pulses", "R_min": "low", "R_max": "high"}
"""Keys of a pulse response, after the paper, and the attributes that they are."""
POLARITIES = ("potentiation", "depression")

Part = TypeVar("Part")


def _plain(part: Any) -> dict[str, Any]:
    """Attributes of a dataclass that TOML can hold: what is None is left out."""
    return {
        field.name: value
        for field in dataclasses.fields(part)
        if (value := getattr(part, field.name)) is not None
    }


def _synapse_to_dict(synapse: Synapse) -> dict[str, Any]:
    if isinstance(synapse, SotSynapse):
        record: dict[str, Any] = {"kind": "sot", "states": synapse.states}
        for name in POLARITIES:
            response = getattr(synapse, name)
            record[name] = {key: getattr(response, of) for key, of in RESPONSE.items()}
        return record | {"c2c": _plain(synapse.c2c), "d2d": _plain(synapse.d2d)}
    if isinstance(synapse, TableSynapse):
        record = {"kind": "table", "states": synapse.states, "occasion": synapse.occasion}
        for name in POLARITIES:
            tables = _plain(getattr(synapse, name))
            record[name] = {key: table.tolist() for key, table in tables.items()}
        return record
    raise TypeError(f"a device file cannot hold a {type(synapse).__name__}")


def device_to_toml(device: Device) -> str:
    """The device as the text of a device file; equal devices give equal texts."""
    return tomli_w.dumps(
        {
            "format": FORMAT,
            "name": device.name,
            "unit": device.unit,
            "synapse": _synapse_to_dict(device.synapse) | {"electrical": _plain(device.electrical)},
            "neuron": neuron_to_dict(device.neuron)
            | {
                "variation": _plain(device.neuron_variation),
                "electrical": _plain(device.neuron_electrical),
            },
            "imperfections": _plain(device.imperfections),
            "source": device.source,
        }
    )


def save_device(device: Device, path: Path) -> None:
    """Write a device file, whole or not at all.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_atomically(path, device_to_toml(device).encode())


class _Table:
    """A TOML table from which keys are taken, so that none goes unread."""

    def __init__(self, name: str, content: object) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"[{name}] must be a table")
        self.name = name
        self.content: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key; without a default it must be there."""
        if key not in self.content and default is None:
            raise ValueError(f"[{self.name}] lacks {key}" if self.name else f"it lacks {key}")
        return self.content.pop(key, default)

    def table(self, key: str, needed: bool = False) -> "_Table":
        """A table within; an empty one if it may be missing and is."""
        name = f"{self.name}.{key}" if self.name else key
        return _Table(name, self.take(key, None if needed else {}))

    def make(self, kind: type[Part], keys: dict[str, str] | None = None) -> Part:
        """A dataclass of all that is left."""
        fields = {field.name: field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        keys = keys or fields
        arguments = {}
        for key in list(self.content):
            if key not in keys:
                raise ValueError(f"[{self.name}] has no key {key}; it takes {', '.join(keys)}")
            arguments[keys[key]] = self.content.pop(key)
        try:
            return kind(**arguments)
        except TypeError as error:
            missing = [key for key, of in keys.items() if of not in arguments]
            if missing and "missing" in str(error):
                raise ValueError(f"[{self.name}] lacks {', '.join(missing)}") from None
            raise ValueError(f"[{self.name}]: {error}") from error
        except ValueError as error:
            raise ValueError(f"[{self.name}]: {error}") from error

    def finish(self) -> None:
        """Raise for the first key that nothing took."""
        for key in self.content:
            raise ValueError(f"[{self.name}] has no key {key}" if self.name else f"no key {key}")


def _synapse(table: _Table) -> tuple[Synapse, Electrical]:
    electrical = table.table("electrical").make(Electrical)
    kind = table.take("kind")
    states = table.take("states", 100)
    responses = [table.table(name, needed=True) for name in POLARITIES]
    if kind == "sot":
        synapse: Synapse = SotSynapse(
            *(response.make(PulseResponse, RESPONSE) for response in responses),
            states=states,
            c2c=table.table("c2c").make(CycleVariation),
            d2d=table.table("d2d").make(DeviceVariation),
        )
    elif kind == "table":
        synapse = TableSynapse(
            *(_response(response) for response in responses),
            states=states,
            occasion=table.take("occasion", "write"),
        )
    else:
        raise ValueError(f"[synapse] kind must be sot or table, not {kind!r}")
    table.finish()
    return synapse, electrical


def _response(table: _Table) -> TableResponse:
    for key in ("resistance", "cycle", "device"):
        values = table.content.get(key)
        numbers = isinstance(values, list) and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
        )
        if not numbers:
            raise ValueError(f"[{table.name}] {key} must be a list of numbers")
        table.content[key] = np.array(values, np.float64)
    return table.make(TableResponse)


def device_from_toml(text: str) -> Device:
    """The device that a file's text describes.

    Raises
    ------
    ValueError
        If the text is no TOML, or lacks or holds something that a device does not; the
        message is one line.
    """
    try:
        whole = _Table("", parse_toml(text))
    except ValueError as error:
        raise ValueError(f"it is not TOML ({error})") from error
    version = whole.take("format")
    if version != FORMAT or isinstance(version, bool):
        raise ValueError(f"it has format {version!r}; this version reads {FORMAT}")
    name, unit = whole.take("name"), whole.take("unit", "ohm")
    for key, value in (("name", name), ("unit", unit)):
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise ValueError(f"{key} must be a word or line of text, not {value!r}")
    try:
        synapse, electrical = _synapse(whole.table("synapse", needed=True))
    except TypeError as error:
        raise ValueError(f"[synapse]: {error}") from error
    neuron = whole.table("neuron")
    variation = neuron.table("variation").make(NeuronVariation)
    neuron_electrical = neuron.table("electrical").make(NeuronElectrical)
    neuron.content.setdefault("name", "sot")
    device = Device(
        name=name,
        synapse=synapse,
        neuron=neuron_from_dict(neuron.content),
        neuron_variation=variation,
        imperfections=whole.table("imperfections").make(Imperfections),
        electrical=electrical,
        neuron_electrical=neuron_electrical,
        unit=unit,
        source=whole.table("source").content,
    )
    whole.finish()
    return device


def device_from_bytes(data: bytes) -> Device:
    """The device that a file's content describes; raises as `device_from_toml` does."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    return device_from_toml(text)


def load_device(path: Path) -> Device:
    """Read a device file.

    Raises
    ------
    UserError
        If the file is missing, or is not a device file.
    """
    data = read_file(path, "device", MAX_TOML)
    try:
        return device_from_bytes(data)
    except ValueError as error:
        raise UserError(f"{path} is not a device file: {' '.join(str(error).split())}") from error
