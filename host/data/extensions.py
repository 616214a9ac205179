"""Extensions: modules that the environment names and that register kinds of their own."""

import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from allspin.sim.errors import VARIABLE, UserError

_loaded: dict[str, ModuleType] = {}


def load_extensions() -> None:
    """Load the extensions that the environment names, each once in a process.

    An extension registers itself: see ``docs/extending.md``. Child processes inherit the variable,
    so they load the same extensions.

    Raises
    ------
    UserError
        If an extension cannot be found, or fails when it is loaded.
    """
    for place in os.environ.get(VARIABLE, "").split(os.pathsep):
        if place and place not in _loaded:
            try:
                _loaded[place] = _load(place)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                raise UserError(f"cannot load {place}, which {VARIABLE} names: {why}") from error


def fault_of_extension(error: BaseException) -> str | None:
    """Return the place and the error if an extension's own code failed; otherwise None.

    Parameters
    ----------
    error : BaseException
        Error of a command.

    Returns
    -------
    str or None
        Such as ``mine.py, line 12: NameError: name 'x' is not defined``.
    """
    files = {module.__file__ for module in _loaded.values()}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename in files:
            return f"{frame.filename}, line {frame.lineno}: {type(error).__name__}: {error}"
    return None


def _load(place: str) -> ModuleType:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    # Under its path, so that it does not hide a module of the same name.
    path = str(Path(place).resolve())
    spec = importlib.util.spec_from_file_location(path, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
