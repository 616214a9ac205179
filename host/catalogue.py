"""Networks and devices by name: those that ship, or a file."""

from pathlib import Path

from sim.device import Device
from sim.device_file import load_device
from sim.errors import UserError
from sim.netfile import load_network
from sim.network import Network

FOLDER = Path(__file__).parent / "networks"
"""Where the networks that ship lie, one file a name."""
SUFFIX = ".safetensors"
DEVICES = Path(__file__).parent / "devices"
"""Where the devices that ship lie."""
DEVICE_SUFFIX = ".toml"


def shipped_networks() -> tuple[str, ...]:
    """Names of the networks that ship, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}")))


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
    names = shipped_networks()
    if name_or_path in names:
        return load_network(FOLDER / f"{name_or_path}{SUFFIX}")
    path = Path(name_or_path)
    if not path.exists():
        raise UserError(
            f"there is no network {name_or_path!r}; give a file, or one of {', '.join(names)}"
        )
    return load_network(path)


def shipped_devices() -> tuple[str, ...]:
    """Names of the devices that ship, in alphabetical order."""
    return tuple(sorted(path.stem for path in DEVICES.glob(f"*{DEVICE_SUFFIX}")))


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
    names = shipped_devices()
    if name_or_path in names:
        return load_device(DEVICES / f"{name_or_path}{DEVICE_SUFFIX}")
    path = Path(name_or_path)
    if not path.exists():
        raise UserError(
            f"there is no device {name_or_path!r}; give a file, or one of {', '.join(names)}"
        )
    return load_device(path)
