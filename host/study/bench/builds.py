"""Builds of boards, from the files that commands have written."""

from pathlib import Path
from typing import Any

from allspin.host.bitstreams.record import check_record
from allspin.sim.errors import refused
from allspin.sim.files.plain import MAX_JSON, parse_json
from allspin.sim.files.user_file import read_file


def read_builds(paths: list[Path]) -> list[dict[str, Any]]:
    """Builds of files of ``allspin build --json``, one each or several under ``boards``, or of
    ``allspin boards --json``, whose boards that were not built are left out.

    Raises
    ------
    UserError
        If a file cannot be read or is something else.
    """
    builds = []
    for path in paths:
        content = read_file(path, "file of builds", MAX_JSON)
        with refused(f"{path} is not JSON: "):
            record = parse_json(content)
        listed = record.get("boards", [record]) if isinstance(record, dict) else record
        with refused(f"{path} is not what `allspin build --json` prints: "):
            if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
                raise ValueError("it is no list of boards")
            builds += [
                check_record(each.get("built", each)) for each in listed if each.get("built", each)
            ]
    return builds
