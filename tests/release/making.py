"""Parts of a release: a second release of the same commit has the same bytes."""

import contextlib
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

VERSION = re.compile(r"\d+\.\d+\.\d+")
UNRELEASED = "## [Unreleased]"
MADE = {"source", "files", "bitstreams", "sphinx", "try"}
"""Names in a release's folder."""


class ReleaseError(Exception):
    """Reason why no release can be made: a line that names the fix."""


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> str:
    """Run a command of the release to its end, and return its output.

    Raises
    ------
    ReleaseError
        If it fails.
    """
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))} failed: status {done.returncode}")
    return done.stdout


def export(root: Path, tree: Path) -> int:
    """Lay the commit that is checked out into a new folder.

    Returns
    -------
    int
        Seconds of the commit since 1970, which all files of the release bear.

    Raises
    ------
    ReleaseError
        If the sources are not the commit's.
    """
    if changed := run(["git", "status", "--porcelain"], root):
        raise ReleaseError(f"commit first what differs from the commit: {changed.split()[1]}, ...")
    tree.mkdir(parents=True)
    content = subprocess.run(["git", "archive", "HEAD"], cwd=root, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(content.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return int(run(["git", "log", "-1", "--format=%ct"], root))


def check_output(output: Path) -> None:
    """Refuse to replace anything but an empty folder or a release, which its checksums tell.

    Raises
    ------
    ReleaseError
        If it is something else.
    """
    there = set()
    with contextlib.suppress(FileNotFoundError):
        there = set(os.listdir(output) if output.is_dir() else [output.lstat()])
    if there - MADE or (there and not _is_whole(output / "files")):
        raise ReleaseError(f"{output} is no release that was made before: name another, or move it")


def _is_whole(files: Path) -> bool:
    """True if a folder has exactly the files of its checksums."""
    sums = files / "SHA256SUMS"
    return sums.is_file() and sums.read_bytes() == checksums(files).encode()


def _replaced(path: Path, pattern: str, text: str) -> str:
    """A file with a text in the place of the one line that a pattern matches."""
    found, count = re.subn(pattern, lambda _: text, path.read_text("utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise ReleaseError(f"{path.name} must have one line like {pattern}, not {count}")
    return found


def set_version(tree: Path, version: str, epoch: int) -> None:
    """Write a version and its date into all three files that state it, or leave all unchanged."""
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"a version is like 1.0.0, not {version!r}")
    if version in _sections(tree):
        raise ReleaseError(f"CHANGELOG.md has a section of {version} already: take another version")
    date = time.strftime("%Y-%m-%d", time.gmtime(epoch))
    changes = {
        "pyproject.toml": (r'^version = ".*"$', f'version = "{version}"'),
        "CITATION.cff": (
            r"^version: .*\n(date-released: .*\n)?",
            f"version: {version}\ndate-released: {date}\n",
        ),
        "CHANGELOG.md": (
            f"^{re.escape(UNRELEASED)}$",
            f"{UNRELEASED}\n\n## [{version}] - {date}",
        ),
    }
    written = {tree / name: _replaced(tree / name, *change) for name, change in changes.items()}
    for path, text in written.items():
        path.write_text(text, "utf-8")


def version_of(tree: Path) -> str:
    """Version of a tree, which all three files must state.

    Raises
    ------
    ReleaseError
        If a file does not state the version.
    """
    text = (tree / "pyproject.toml").read_text("utf-8")
    version = tomllib.loads(text)["project"]["version"]
    told = {
        "CITATION.cff": f"version: {version}\n" in (tree / "CITATION.cff").read_text("utf-8"),
        "CHANGELOG.md": section(tree, version),
    }
    if silent := [name for name, tells in told.items() if not tells]:
        raise ReleaseError(
            f"pyproject.toml says version {version}, and {' and '.join(silent)} nothing of it: "
            "--version 1.1.0 (make release VERSION=1.1.0) tries one, --write 1.1.0 writes it"
        )
    return version


def _sections(tree: Path) -> dict[str, str]:
    """Sections of the changelog, by version."""
    text = (tree / "CHANGELOG.md").read_text("utf-8")
    parts = re.split(r"^## \[(.*?)\].*\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def section(tree: Path, version: str) -> str:
    """Changelog's section of a version; empty if it has no entry."""
    return _sections(tree).get(version, "").strip()


def packages(tree: Path, out: Path, epoch: int) -> list[Path]:
    """The wheel and the sdist, each built in an environment of its own.

    The builder, setuptools, is pinned as in ``requirements.txt``: the wheel states its version.
    """
    pinned = re.findall(r"^setuptools==\S+", (tree / "requirements.txt").read_text(), re.MULTILINE)
    constraint = out / "constraint.txt"
    constraint.write_text("\n".join(pinned), "utf-8")
    variables = {"SOURCE_DATE_EPOCH": str(epoch), "PIP_CONSTRAINT": str(constraint)}
    os.umask(0o022)  # gives files in a wheel their modes
    try:
        run([sys.executable, "-m", "build", "--outdir", out, tree], out, **variables)
    finally:
        constraint.unlink()
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    sdist.write_bytes(repack(sdist.read_bytes(), epoch))
    return [sdist, wheel]


def repack(sdist: bytes, epoch: int) -> bytes:
    """Repack a source archive so that its bytes do not depend on when and by whom it was packed."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist)) as old,
        gzip.GzipFile("", "wb", 9, packed, mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            about = tarfile.TarInfo(member.name)
            about.type, about.size, about.mtime = member.type, member.size, epoch
            about.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(about, old.extractfile(member))
    return packed.getvalue()


def pack(folder: Path, archive: Path, epoch: int) -> Path:
    """A zip archive of a folder, the same for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                about = zipfile.ZipInfo(name, time.gmtime(epoch)[:6])
                about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                made.writestr(about, path.read_bytes())
    return archive


def checksums(out: Path) -> str:
    """A line for each file, as ``sha256sum --check`` reads it."""
    files = sorted(path for path in out.iterdir() if path.name != "SHA256SUMS")
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files
    )
