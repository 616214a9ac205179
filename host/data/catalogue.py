"""Networks and devices by name: those that ship, or a file."""

import os
from pathlib import Path

from allspin.sim.device.device import Device
from allspin.sim.device.device_file import load_device
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import load_network
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
            f"there is no {kind} {name_or_path!r}; give a file, or one of {', '.join(names)}"
        )
    return path


def shipped_networks() -> tuple[str, ...]:
    """Names of the networks that ship, in alphabetical order."""
    return _names(FOLDER, SUFFIX)


def network_path(name_or_path: str) -> Path:
    """File of a network, by the rule of `open_network`."""
    return _find("network", name_or_path, FOLDER, SUFFIX)


def open_network(name_or_path: str) -> Network:
    """Load a network.

    Parameters
    ----------
    name_or_path : str
        The name of a network that ships, else a network file. A file of the same name in
        the current folder is reached as ``./NAME``.

    Raises
    ------
    UserError
        If there is no such network, or its file is damaged.
    """
    return load_network(network_path(name_or_path))


def shipped_devices() -> tuple[str, ...]:
    """Names of the devices that ship, in alphabetical order."""
    return _names(DEVICES, DEVICE_SUFFIX)


def device_path(name_or_path: str) -> Path:
    """File of a device, by the rule of `open_device`."""
    return _find("device", name_or_path, DEVICES, DEVICE_SUFFIX)


def open_device(name_or_path: str) -> Device:
    """Load a device.

    Parameters
    ----------
    name_or_path : str
        The name of a device that ships, else a device file. A file of the same name in the
        current folder is reached as ``./NAME``.

    Raises
    ------
    UserError
        If there is no such device, or its file is damaged.
    """
    return load_device(device_path(name_or_path))
