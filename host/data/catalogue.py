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
"""Folder of the networks that ship, one file a name."""
SUFFIX = ".safetensors"
DEVICES = Path(__file__).parent / "devices"
"""Folder of the devices that ship."""
DEVICE_SUFFIX = ".toml"


def _names(folder: Path, suffix: str) -> tuple[str, ...]:
    """Return the names of the files that ship in a folder, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{suffix}")))


def _find(kind: str, name_or_path: str, folder: Path, suffix: str) -> Path:
    """Return the file that ships under a name, otherwise the path itself."""
    names = _names(folder, suffix)
    if name_or_path in names:
        return folder / f"{name_or_path}{suffix}"
    path = Path(name_or_path)
    if not os.path.exists(path):  # False too for a text that cannot be a name
        raise UserError(
            f"there is no {kind} {name_or_path!r}{meant(name_or_path, names)}; give a file, or one "
            f"of {', '.join(names)}"
        )
    return path


def shipped_networks() -> tuple[str, ...]:
    """Return the names of the networks that ship, in alphabetical order."""
    return _names(FOLDER, SUFFIX)


def network_path(name_or_path: str) -> Path:
    """Return the file of a network, by the rule of `open_network`."""
    return _find("network", name_or_path, FOLDER, SUFFIX)


def open_network(network: Any) -> Network:
    """Load a network, unless it is one.

    Parameters
    ----------
    network : str, Path or Network
        A network, or an object that has one, such as `Trained`; or the name of one that ships,
        otherwise a network file. A file of the same name in the current folder is ``./NAME``.

    Raises
    ------
    UserError
        If the network does not exist, or its file is damaged.

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
    """Return the name of a network in results: the given name or file, otherwise its topology."""
    if isinstance(network, str | Path):
        return str(network)
    return "-".join(map(str, open_network(network).topology))


class Held(str):
    """Name of a network or device that was given as an object, with the content of its file."""

    content: bytes

    @classmethod
    def of(cls, model: Network | Device) -> Self:
        """Return the name of a model; different models have different names."""
        name, content = (
            (network_name(model), network_to_bytes(model))
            if isinstance(model, Network)
            else (model.name, device_to_toml(model).encode())
        )
        held = cls(f"{name}-{hashlib.sha256(content).hexdigest()[:8]}")
        held.content = content
        return held


def several(given: Any) -> list[Any]:
    """Return one network or file, or several, as a list."""
    many = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    return list(given) if many else [given]


def several_files(given: Any, advice: str) -> list[Path]:
    """Return the paths of one file or several; a `UserError` with advice for anything else."""
    files = [given] if hasattr(given, "columns") else several(given)  # a data frame's are strings
    if not files or not all(isinstance(file, str | Path) for file in files):
        raise UserError(f"give files by name, one or more, not {type(given).__name__}{advice}")
    return [Path(file) for file in files]


def found(kind: type, given: Any) -> Any:
    """Return the network or device of a name or file, or the given one."""
    return (open_network if issubclass(kind, Network) else open_device)(given)


def shipped_devices() -> tuple[str, ...]:
    """Return the names of the devices that ship, in alphabetical order."""
    return _names(DEVICES, DEVICE_SUFFIX)


def device_path(name_or_path: str) -> Path:
    """Return the file of a device, by the rule of `open_device`."""
    return _find("device", name_or_path, DEVICES, DEVICE_SUFFIX)


def split_point(device: str) -> tuple[str, str | None]:
    """Split ``NAME@POINT`` into a device's name or file and its operating point.

    The point is None if the text has none, or is the name of a file as a whole.
    """
    name, sign, point = device.rpartition("@")
    if not sign or os.path.exists(device):
        return device, None
    return name, point


def open_device(device: Any, at: str | OperatingPoint | None = None) -> Device:
    """Load a device, unless it is one.

    Parameters
    ----------
    device : str, Path or Device
        A device, or an object that has or makes one, such as the result of `fit`; or the name of
        one that ships, otherwise a device file. A file of the same name in the current folder is
        ``./NAME``. ``NAME@POINT`` is a device at an operating point.
    at : str or OperatingPoint, optional
        Operating point, such as ``current=9mA,temperature=350``; by default the file's own.

    Raises
    ------
    UserError
        If the device does not exist, its file is damaged, or it was not measured at this point.

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
    name, own_point = split_point(str(device))
    if own_point is not None and point is not None:
        raise UserError(f"{device} has a point already: leave out `at`")
    return load_device(device_path(name), operating_point(own_point) or point)


def operating_point(at: str | OperatingPoint | None) -> OperatingPoint | None:
    """Return the operating point of a text, or the given point.

    Raises
    ------
    UserError
        If the text is not an operating point.
    """
    with refused():
        return OperatingPoint.parse(at) if isinstance(at, str) else at
