"""What is known of files before the work: that its outcome can be written; and what is closed."""

import importlib.util
import os
import sys
import tempfile
import traceback
from abc import abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

from allspin.sim.errors import VARIABLE, UserError, refused

# What is closed at the end of a ``with``.


class Closing(AbstractContextManager):
    """Something that holds a file, a process or a stream until it is closed."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def __exit__(self, *_: object) -> None:
        self.close()


def check_writable(path: Path, regular: bool = False) -> None:
    """Raise unless a file can be written.

    Parameters
    ----------
    path : Path
        The file; it need not exist, its folder must.
    regular : bool
        Whether it must be a file that keeps what is written: one that is read again, or that
        others are put beside.

    Raises
    ------
    UserError
        If `path` is a folder, or a device or pipe where it must be a file, or no file can be
        made beside it.
    """
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give a file")
    if regular and path.exists() and not path.is_file():
        raise UserError(f"cannot write {path}: it is a device or a pipe; give a file")
    with refused(f"cannot write {path}: ", kinds=OSError):
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()


def check_apart(path: Path, *read: Path | None) -> None:
    """Raise where a file that is to be written is one that is read.

    Parameters
    ----------
    path : Path
        The file to write, of the parameter `output`.
    *read : Path or None
        What is read.

    Raises
    ------
    UserError
        If it is one of them.
    """
    written = os.path.realpath(path)
    if any(each is not None and os.path.realpath(each) == written for each in read):
        raise UserError(
            f"`output` {path} is read, and would be lost when it is written; give another name"
        )


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, unless it is there; files can then be written into it.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    UserError
        If it cannot be made, or takes no file.
    """
    with refused(f"cannot write into the folder {path}: ", kinds=OSError):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.NamedTemporaryFile(dir=path).close()


_loaded: dict[str, ModuleType] = {}


def load_extensions() -> None:
    """Load what the environment names, each once in a process.

    What is loaded registers itself: see ``docs/extending.md``. Processes that are started from
    here inherit the variable, so they load the same.

    Raises
    ------
    UserError
        If something cannot be found, or fails as it is loaded.
    """
    for place in os.environ.get(VARIABLE, "").split(os.pathsep):
        if place and place not in _loaded:
            try:
                _loaded[place] = _load(place)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                raise UserError(f"cannot load {place}, which {VARIABLE} names: {why}") from error


def fault_of_extension(error: BaseException) -> str | None:
    """Where an extension's own code failed, and with what; None if it did not.

    Parameters
    ----------
    error : BaseException
        What was raised while a command ran.

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
    # Under its path, so that it stands in the way of no module of the same name.
    path = str(Path(place).resolve())
    spec = importlib.util.spec_from_file_location(path, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
