"""The commit of a clone, and the mark of changed sources."""

import subprocess

import pytest

from allspin.host.show import version as versions
from allspin.host.show.version import commit, short_commit


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with a source and a document, and its commit."""
    root = tmp_path.resolve()
    monkeypatch.setattr(versions, "ROOT", root)
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


def test_the_commit_of_a_clone_and_whether_its_sources_are_changed(clone, monkeypatch):
    root, head = clone
    (root / "docs" / "a").write_text("after")
    (root / "out").write_text("new")
    assert (commit(), short_commit(head)) == (head, head[:12])
    (root / "sim" / "a").unlink()
    changed = f"{head} and changes"
    assert (commit(), short_commit(changed)) == (changed, f"{head[:12]} and changes")
    for copy in (root / "sim", root.parent):  # in another project's clone, and outside any
        monkeypatch.setattr(versions, "ROOT", copy)
        assert commit() is None
    monkeypatch.setattr(versions, "ROOT", root)
    monkeypatch.setenv("PATH", "")
    assert commit() is None
