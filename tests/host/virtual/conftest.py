"""Programs in place of a virtual board."""

from collections.abc import Callable
from pathlib import Path

import pytest

Script = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Make a program from lines of a language, the shell's by default."""

    def write(text: str, interpreter: str = "/bin/sh") -> Path:
        path = tmp_path / "board"
        path.write_text(f"#!{interpreter}\n{text}\n")
        path.chmod(0o755)
        return path

    return write
