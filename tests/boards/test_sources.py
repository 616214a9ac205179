"""The digest under which is remembered what is found of a design."""

import shutil
from pathlib import Path

import pytest

from allspin.boards import sources
from allspin.boards.sources import PACKAGES, ROOT, sources_digest


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


def test_a_copy_has_the_digest_of_what_it_is_a_copy_of(copy):
    found = sources_digest()
    sources.ROOT = ROOT
    assert sources_digest() == found


def test_it_changes_with_each_file(copy):
    found = {sources_digest()}
    files = sorted(copy.rglob("*.py"))
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2] = b" "
        path.write_bytes(content)
        found.add(sources_digest())
    assert len(found) == 1 + len(files)
    assert len(files) > 100


def test_it_changes_with_a_file_that_comes_or_goes(copy):
    before = sources_digest()
    (copy / "hdl" / "more.py").write_text("")
    with_more = sources_digest()
    (copy / "hdl" / "more.py").unlink()
    assert before == sources_digest() != with_more
