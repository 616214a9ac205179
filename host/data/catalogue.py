"""Networks and devices by name: those that ship, or a file."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_to_toml, load_device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, meant, refused
from allspin.sim.network.netfile import load_network, network_from_bytes, network_to_bytes
from allspin.sim.network.network import Network

FOLDER = Path(__file__).parent / "networks"
"""Where the networks that ship lie, one file a name."""
SUFFIX = ".safetensors"
DEVICES = Path(__file__).parent / "devices"
"""Where the devices that ship lie."""
DEVICE_SUFFIX = ".toml"


def _names(folder: Path, suffix: str) -> tuple[str, ...]:
    """Names of what ships in a folder, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{suffix}")))


def _find(kind: str, name_or_path: str, folder: Path, suffix: str) -> Path:
    """The file of what ships by a name, else the path itself."""
    names = _names(folder, suffix)
    if name_or_path in names:
        return folder / f"{name_or_path}{suffix}"
    path = Path(name_or_path)
    if not os.path.exists(path):  # False too for what can be no name
        raise UserError(
            f"there is no {kind} {name_or_path!r}{meant(name_or_path, names)}; give a file, or one "
            f"of {', '.join(names)}"
        )
    return path


def shipped_networks() -> tuple[str, ...]:
    """Names of the networks that ship, in alphabetical order."""
    return _names(FOLDER, SUFFIX)


def network_path(name_or_path: str) -> Path:
    """File of a network, by the rule of `open_network`."""
    return _find("network", name_or_path, FOLDER, SUFFIX)


def open_network(network: Any) -> Network:
    """Load a network, unless it is one.

    Parameters
    ----------
    network : str, Path or Network
        A network, or what has one, such as `Trained`; or the name of one that ships, else a
        network file. A file of the same name in the current folder is reached as ``./NAME``.

    Raises
    ------
    UserError
        If there is no such network, or its file is damaged.

    Examples
    --------
    >>> open_network("mnist-10").topology
    (784, 100, 10)
    """
    network = (
        network_from_bytes(network.content)
        if isinstance(network, Held)
        else getattr(network, "network", network)
    )
    return network if isinstance(network, Network) else load_network(network_path(str(network)))


def network_name(network: Any) -> str:
    """What results call a network: its name or file as it was given, else its topology."""
    if isinstance(network, str | Path):
        return str(network)
    return "-".join(map(str, open_network(network).topology))


class Held(str):
    """The name of a network or device that was given as itself, with what its file would hold."""

    content: bytes

    @classmethod
    def of(cls, model: Network | Device) -> Self:
        """Of a model; what differs is called differently."""
        name, content = (
            (network_name(model), network_to_bytes(model))
            if isinstance(model, Network)
            else (model.name, device_to_toml(model).encode())
        )
        held = cls(f"{name}-{hashlib.sha256(content).hexdigest()[:8]}")
        held.content = content
        return held


def several(given: Any) -> list[Any]:
    """One network or file, or several, as several."""
    many = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    return list(given) if many else [given]


def several_files(given: Any, advice: str) -> list[Path]:
    """One file or several by their paths; a `UserError` of what is none, with advice behind it."""
    files = [given] if hasattr(given, "columns") else several(given)  # a data frame's are strings
    if not files or not all(isinstance(file, str | Path) for file in files):
        raise UserError(f"give files by name, one or more, not {type(given).__name__}{advice}")
    return [Path(file) for file in files]


def found(kind: type, given: Any) -> Any:
    """The network or device of a name or file, or the one that is given."""
    return (open_network if issubclass(kind, Network) else open_device)(given)


def shipped_devices() -> tuple[str, ...]:
    """Names of the devices that ship, in alphabetical order."""
    return _names(DEVICES, DEVICE_SUFFIX)


def device_path(name_or_path: str) -> Path:
    """File of a device, by the rule of `open_device`."""
    return _find("device", name_or_path, DEVICES, DEVICE_SUFFIX)


def open_device(device: Any, at: str | OperatingPoint | None = None) -> Device:
    """Load a device, unless it is one.

    Parameters
    ----------
    device : str, Path or Device
        A device, or what has or makes one, such as what `fit` returns; or the name of one that
        ships, else a device file. A file of the same name in the current folder is reached as
        ``./NAME``.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.

    Raises
    ------
    UserError
        If there is no such device, its file is damaged, or it was not measured there.

    Examples
    --------
    >>> open_device("paper").synapse.span
    2.0
    """
    point, made = operating_point(at), getattr(device, "device", device)
    device = made() if callable(made) else made
    if isinstance(device, Device):
        if point is not None:
            raise UserError("`at` is for a device's name or file; a device is at its point already")
        return device
    return load_device(device_path(str(device)), point)


def operating_point(at: str | OperatingPoint | None) -> OperatingPoint | None:
    """The operating point that a text says, unless it is one.

    Raises
    ------
    UserError
        If the text is none.
    """
    with refused():
        return OperatingPoint.parse(at) if isinstance(at, str) else at
