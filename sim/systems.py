"""What only some systems have: loaded as it is used, and named in a line where it is not there."""

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
            found = self.__dict__[name] = getattr(import_module(self._module), name)
        except (ImportError, AttributeError) as error:
            raise Lacking(
                f"this needs {self._module}.{name}, which Python has not on this system "
                f"({one_line(error)}); it is there on Linux and macOS"
            ) from error
        return found
