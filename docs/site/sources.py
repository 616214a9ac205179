"""Digest of the sources that notebooks were run with."""

import hashlib
from pathlib import Path

PARTS = ("allspin", "sim", "hdl", "boards", "host")
"""Folders of the package."""


def sources_digest(root: Path) -> str:
    """Digest of all files of the package; it changes with any file.

    Parameters
    ----------
    root : Path
        Folder of the repository.
    """
    whole = hashlib.sha256()
    for path in sorted(path for part in PARTS for path in (root / part).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(path.relative_to(root).as_posix().encode() + b"\0")
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]
