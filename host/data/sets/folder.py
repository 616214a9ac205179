"""A data set in a folder: four IDX files, under the names that sets after MNIST's pattern have.

The files are gzip or plain: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and the
same with ``t10k`` or ``test``; a ``.`` may stand before ``idx``, and a name such as
``emnist-letters-`` before everything. See ``docs/formats.md``.
"""

import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from allspin.host.data.sets.idx import IdxFile
from allspin.host.data.sets.stored import PARTS, Part
from allspin.sim.errors import UserError

_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<half>train|t10k|test)-(?P<kind>images|labels)"
    r"[-.]idx[0-9]-ubyte(?P<gzip>\.gz)?"
)
_USUAL = {"train": "train", "test": "t10k", "images": "idx3", "labels": "idx1"}


def _usual_name(part: Part) -> str:
    return f"{_USUAL[part[0]]}-{part[1]}-{_USUAL[part[1]]}-ubyte"


def _find(directory: Path) -> tuple[str | None, dict[Part, Path]]:
    """The set's name in the files' names, if any, and those of the four files that exist."""
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise UserError(
            f"cannot read the data folder {directory}: {error.strerror or error}; "
            "give a folder of IDX files"
        ) from error
    sets: dict[str | None, dict[Part, list[Path]]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match:
            part = ("train" if match["half"] == "train" else "test", match["kind"])
            files = sets.setdefault(match["set"], {}).setdefault(part, [])
            plain = directory / name.removesuffix(".gz")
            if not match["gzip"] or plain not in files:  # a plain file goes before its gzip
                files.append(directory / name)
    if len(sets) > 1:
        found = ", ".join(sorted(name or "one without a name" for name in sets))
        raise UserError(
            f"the data folder {directory} holds {len(sets)} data sets ({found}); "
            "put one of them in a folder of its own"
        )
    for name, parts in sets.items():
        for files in parts.values():
            if len(files) > 1:
                raise UserError(
                    f"the data folder {directory} holds both {files[0].name} and "
                    f"{files[1].name}; keep one of them"
                )
        return name, {part: files[0] for part, files in parts.items()}
    raise UserError(
        f"the data folder {directory} holds no IDX files; "
        f"it needs {', '.join(_usual_name(part) for part in PARTS)} (each may be .gz)"
    )


def open_folder(
    directory: Path, halves: Iterable[str], stack: ExitStack
) -> tuple[str, dict[Part, IdxFile]]:
    """Open the files of a data set that lies in a folder.

    Parameters
    ----------
    directory : Path
        The folder.
    halves : iterable of str
        Which of ``train`` and ``test``; the others' files may be missing.
    stack : ExitStack
        Closes them.

    Returns
    -------
    name : str
        What the files' names call the set, else the folder's own.
    files : dict
        A file for each part.

    Raises
    ------
    UserError
        If the folder cannot be read, a file is missing, or it is none of this kind.
    """
    name, paths = _find(directory)
    files: dict[Part, IdxFile] = {}
    for part in PARTS:
        if part[0] not in halves:
            continue
        if part not in paths:
            raise UserError(
                f"the data folder {directory} lacks the {part[0]} {part[1]}; "
                f"add {f'{name}-' if name else ''}{_usual_name(part)} (or .gz)"
            )
        files[part] = stack.enter_context(IdxFile(paths[part]))
    return name or directory.resolve().name, files
