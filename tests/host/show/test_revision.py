"""Which allspin this is, in clones made for it."""

import subprocess

import pytest

from allspin.host.show import say as revision
from allspin.host.show.say import commit, short


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with a source and a document, and its commit."""
    root = tmp_path.resolve()
    monkeypatch.setattr(revision, "ROOT", root)
    for name in ("sim", "docs"):
        (root / name).mkdir()
        (root / name / "a").write_text("before")

    def git(*words):
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "first")
    return root, git("rev-parse", "HEAD")


def test_the_commit_of_a_clone_and_whether_its_sources_are_changed(clone):
    root, head = clone
    assert commit() == head
    (root / "docs" / "a").write_text("after")
    (root / "out").write_text("new")
    assert commit() == head
    (root / "sim" / "a").write_text("after")
    changed = f"{head} and changes"
    assert commit() == changed
    assert short(changed) == f"{head[:12]} and changes"
    (root / "sim" / "a").write_text("before")
    assert commit() == head
    (root / "sim" / "a").unlink()
    assert commit() == f"{head} and changes"


def test_no_commit_is_known_of_a_copy(clone, monkeypatch):
    root, _ = clone
    monkeypatch.setattr(revision, "ROOT", root / "sim")  # of another project's clone
    assert commit() is None
    monkeypatch.setattr(revision, "ROOT", root.parent)
    assert commit() is None
    monkeypatch.setattr(revision, "ROOT", root)
    monkeypatch.setenv("PATH", "")
    assert commit() is None


def test_a_commit_in_few_characters():
    assert short("0123456789abcdef") == "0123456789ab"
