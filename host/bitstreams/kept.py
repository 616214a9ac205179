"""Manifests in the cache: one for each machine that was built or flashed on this computer."""

from pathlib import Path
from typing import Any

from allspin.hdl.cache import kept_folder, read_note, write_note
from allspin.host.bitstreams.manifest import Manifest, check_manifest, is_for
from allspin.host.show.say import warn

BUILT = "built"
"""Folder of the cache with the manifests of builds."""
FLASHED = "flashed"
"""Folder of the cache with the manifests of bitstreams that were put on boards."""


def keep_manifest(manifest: Manifest, folder: str = BUILT) -> None:
    """Keep a manifest in place of the earlier one of the same board, profile and network.

    Parameters
    ----------
    manifest : mapping
        The manifest.
    folder : str
        `BUILT` or `FLASHED`.

    Raises
    ------
    ValueError
        If it is not a manifest.
    UserError
        If the cache cannot be written.
    """
    name = f"{manifest['board']}.{manifest['profile']}.{Path(manifest['network']).stem}.json"
    write_note(kept_folder(folder) / name, check_manifest(manifest))


def kept_manifests(folder: str = BUILT) -> list[dict[str, Any]]:
    """Return all kept manifests, the latest first; a line on stderr names each damaged one."""
    dated = []
    for path in kept_folder(folder).glob("*.json"):
        try:
            written = path.stat().st_mtime
            dated.append((written, check_manifest(read_note(path))))
        except (OSError, ValueError) as error:
            warn(f"{path} is left out: {error}")
    dated.sort(key=lambda pair: -pair[0])
    return [manifest for _, manifest in dated]


def latest_manifest(
    board: str, profile: str | None = None, network: str | None = None
) -> dict[str, Any] | None:
    """Return the latest manifest of a board and, unless they are None, a profile and a network."""
    for manifest in kept_manifests():
        if is_for(manifest, board, profile, network):
            return manifest
    return None
