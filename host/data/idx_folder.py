"""Folder of four IDX files, under the names of sets of MNIST's pattern.

The files are gzip or plain: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and the same
with ``t10k`` or ``test``. A ``.`` may stand before ``idx``, and a name such as ``emnist-letters-``
before everything.
"""

import os
import re
from pathlib import Path

from allspin.host.data.arrays import read_idx
from allspin.host.data.labelled_arrays import LabelledArray, Part
from allspin.sim.errors import UserError, refused

_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<half>train|t10k|test)-(?P<kind>images|labels)"
    r"[-.]idx[0-9]-ubyte(?P<gzip>\.gz)?"
)
_USUAL = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
    "t10k-labels-idx1-ubyte (each may be .gz)"
)


def read_folder(directory: Path, parts: list[Part]) -> tuple[str, dict[Part, LabelledArray]]:
    """Read a folder; return the set's name in its files' names, or its own, and the arrays."""
    unreadable = f"cannot read the data folder {directory}: "
    with refused(unreadable, "; give a folder of IDX files", (OSError, ValueError)):
        names = sorted(os.listdir(directory))
    sets: dict[str | None, dict[Part, Path]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        # A plain file goes before its gzip.
        if match and not (match["gzip"] and name.removesuffix(".gz") in names):
            part = ("train" if match["half"] == "train" else "test", match["kind"])
            other = sets.setdefault(match["set"], {}).setdefault(part, directory / name)
            if other.name != name:
                raise UserError(
                    f"the data folder {directory} holds both {other.name} and {name}; "
                    "keep one of them"
                )
    if len(sets) != 1:
        found = ", ".join(sorted(name or "one without a name" for name in sets)) or "no IDX files"
        raise UserError(
            f"the data folder {directory} holds {len(sets)} data sets ({found}); give one with "
            f"{_USUAL}"
        )
    ((name, paths),) = sets.items()
    for part in parts:
        if part not in paths:
            raise UserError(
                f"the data folder {directory} lacks the {part[0]} {part[1]}: a set has {_USUAL}"
            )
    arrays = {part: LabelledArray(str(paths[part]), read_idx(paths[part])) for part in parts}
    return name or directory.resolve().name, arrays
