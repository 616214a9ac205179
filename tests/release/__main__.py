"""``python -m tests.release``: see ``--help``."""

import argparse
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.release.making import (
    ReleaseError,
    check_output,
    checksums,
    export,
    pack,
    packages,
    run,
    section,
    set_version,
    version_of,
)

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = """\
Make a release of the commit that is checked out: wheel, sdist, bitstreams, site, the changelog's
section and checksums, in build/release."""
NEEDS = {"packages": "twine", "bitstreams": "amaranth", "site": "sphinx"}
"""Parts of a release, and the Python package that each needs."""


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.release", description=DESCRIPTION)
    add = parser.add_argument
    add("--version", metavar="V", help="put this version into what is made; sources stay")
    add("--write", metavar="V", help="only write this version into the sources, to be committed")
    add("--only", choices=NEEDS, action="append", help="only this part (all)")
    add("-o", "--output", metavar="DIR", type=Path, default=ROOT / "build" / "release")
    return parser.parse_args(argv)


def make(parts: tuple[str, ...], version: str | None, output: Path) -> Path:
    """Make the parts beside a folder, replace that folder, and return the folder of the files."""
    check_output(output)
    for part in parts:
        if find_spec(NEEDS[part]) is None:
            raise ReleaseError(f"{part} need {NEEDS[part]}, which make release installs: run that")
    there = next(each for each in output.parents if each.is_dir())
    with tempfile.TemporaryDirectory(dir=there, prefix=".release-") as folder:
        made = Path(folder) / "made"
        _make(parts, version, made)
        if output.exists():
            output.rename(Path(folder) / "before")
        output.parent.mkdir(parents=True, exist_ok=True)
        made.rename(output)
    return output / "files"


def _make(parts: tuple[str, ...], version: str | None, output: Path) -> None:
    """Make the parts in a folder that does not exist yet."""
    python = sys.executable
    tree, out = output / "source", output / "files"
    epoch = export(ROOT, tree)
    if version is not None:
        set_version(tree, version, epoch)
    version = version_of(tree)
    out.mkdir()
    name, path = f"allspin-{version}", {"PYTHONPATH": str(tree)}
    (out / f"{name}-changes.md").write_text(section(tree, version) + "\n", "utf-8")
    if "packages" in parts:
        run([python, "-m", "twine", "check", "--strict", *packages(tree, out, epoch)], tree)
    if "bitstreams" in parts:
        # Bitstreams of other boards come from the cache, if they were built from this gateware.
        run([python, "-m", "allspin", "build", "icebreaker", "--seeds", "3"], tree, **path)
        folder = output / "bitstreams"
        run([python, "-m", "allspin", "boards", "--collect", folder], tree, **path)
        pack(folder, out / f"{name}-bitstreams.zip", epoch)
    if "site" in parts:
        site, trees = (output / "sphinx" / name for name in ("site", "trees"))
        # Compiles the gateware for the site's page, which takes minutes once.
        run([python, "-m", "allspin.host.live.alone", output / "try"], tree, **path)
        command = [python, "-m", "sphinx", "-W", "--keep-going", "--quiet", "-d", trees]
        run([*command, "docs", site], tree, SOURCE_DATE_EPOCH=str(epoch), **path)
        pack(site, out / f"{name}-site.zip", epoch)
    (out / "SHA256SUMS").write_text(checksums(out), "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Make a release, or write a version."""
    given = _parse(argv)
    try:
        if given.write is not None:
            set_version(ROOT, given.write, int(time.time()))
            sys.stdout.write("git diff shows it; commit it, tag it, and make release\n")
            return 0
        out = make(tuple(given.only or NEEDS), given.version, given.output.resolve())
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write((out / "SHA256SUMS").read_text("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
