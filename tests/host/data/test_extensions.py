"""Files and modules that the environment names, each loaded once."""

import os
import sys
from pathlib import Path

import pytest

from allspin.host.data import extensions
from allspin.host.data.extensions import load_extensions
from allspin.sim.errors import VARIABLE, UserError

SOURCE = """
import sys
from dataclasses import dataclass
sys.loaded = [*getattr(sys, "loaded", []), __file__]


@dataclass(frozen=True)
class Part:
    number: int = 3
"""


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extensions, "_loaded", {})
    monkeypatch.setattr(sys, "loaded", [], raising=False)


def test_files_and_modules_are_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A file may be called as a module of Python's own is.
    (tmp_path / "json.py").write_text(SOURCE)
    (tmp_path / "some_module.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, os.pathsep.join(["", "json.py", "some_module"]))
    before = sys.modules["json"]
    load_extensions()
    load_extensions()
    assert sys.loaded == [str(tmp_path / "json.py"), str(tmp_path / "some_module.py")]  # type: ignore[attr-defined]
    assert sys.modules["json"] is before
    monkeypatch.delitem(sys.modules, "some_module")
    monkeypatch.delitem(sys.modules, str(tmp_path / "json.py"))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (None, "FileNotFoundError"),
        ("1 +", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_extension_that_cannot_be_loaded_is_named_with_the_cause(
    source: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.py"
    if source is not None:
        path.write_text(source)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(UserError, match=f"cannot load .*mine.py, which {VARIABLE} names: {why}"):
        load_extensions()
    monkeypatch.delitem(sys.modules, str(path))
