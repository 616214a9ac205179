"""Report of a self-test, as a file: the board, the host, the outcome of each check, and speed.

Owners of boards send this file. Versions of the system and of Python are all that it tells of the
user.
"""

import json
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allspin.boards.catalogue import find_boards
from allspin.host.bitstreams.kept import FLASHED, kept_manifests
from allspin.host.link.identity import Identity
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.selftest.checks import Finding
from allspin.host.show.say import warn
from allspin.host.show.version import version
from allspin.sim.errors import refused
from allspin.sim.files import read_file, write_atomically
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images
from allspin.sim.plain_values import MAX_JSON, parse_json

KIND = "allspin selftest"
BUILD = ("board", "profile", "bitstream_sha256", "netlist_sha256", "gateware", "commit")
"""Keys of a bitstream's record that a report repeats."""
IMAGES = 300
"""Images of a measurement of speed."""


def measure_rates(machine: LinkedMachine, network: Network, seed: int) -> dict[str, Any]:
    """Measure images a second over the link, and cycles per image by the machine's counters.

    Parameters
    ----------
    machine : LinkedMachine
        Machine that the network is loaded into.
    network : Network
        Network that the machine runs.
    seed : int
        Seed of the images.
    """
    images = random_images(network, IMAGES, seed)
    machine.clear_counters()
    begun = time.monotonic()
    machine.stream(images)
    seconds = time.monotonic() - begun
    counted = machine.counters()
    return {
        "images": IMAGES,
        "seconds": round(seconds, 3),
        "link_images_per_second": round(IMAGES / seconds, 1),
        "cycles_per_image": counted.cycles / counted.images,
    }


@contextmanager
def reporting(
    path: Path | None, machine: LinkedMachine, findings: Sequence[Finding], seed: int
) -> Iterator[dict[str, Any]]:
    """Write the report when the self-test ends, with or without an error.

    Parameters
    ----------
    path : Path or None
        File to write; None for no report.
    machine : LinkedMachine
        Board under test.
    findings : sequence of Finding
        Findings, which grow during the test.
    seed : int
        Seed of the self-test.

    Yields
    ------
    dict
        Rates, which the caller fills in from `measure_rates`.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    rates: dict[str, Any] = {}
    stopped = None
    try:
        yield rates
    except BaseException as error:
        stopped = f"{type(error).__name__}: {error}"
        raise
    finally:
        if path is not None:
            # A port's name may be a link in a folder that is named after the user.
            name = Path(machine.name).name
            report: dict[str, Any] = {
                "on": name,
                "baud": machine.baud,
                "seed": seed,
                "stopped": stopped and stopped.replace(machine.name, name),
            }
            report |= _report(machine, findings)
            report["rates"] = rates
            report["right"] = report["right"] and stopped is None
            write_atomically(path, (json.dumps(report, indent=1) + "\n").encode())


def _known_builds(identity: Identity) -> list[dict[str, Any]]:
    """Return the different builds of an identity, the most likely first.

    The build that was flashed last comes first, then the one that was built last.
    """
    builds: list[dict[str, Any]] = []
    for record in kept_manifests(FLASHED) + kept_manifests():
        build = {name: record.get(name) for name in BUILD}
        if _identity(record.get("identity")) == identity and build not in builds:
            builds.append(build)
    return builds


def _report(machine: LinkedMachine, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the part of the report about the machine, this computer, and the findings."""
    builds = _known_builds(machine.identity)
    return {
        "kind": KIND,
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "right": all(finding.right is not False for finding in findings),
        **(builds[0] if builds else dict.fromkeys(BUILD)),
        "builds_of_this_identity": builds,
        "machine": machine.description,
        "clock_hz": machine.frequency,
        "host": {
            "allspin": version(),
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "checks": [finding.to_dict() for finding in findings],
        "resent": machine.resent,
        "damaged": machine.damaged,
    }


def _identity(text: Any) -> Identity | None:
    """Return a build's identity; None if it is missing or of another protocol."""
    try:
        return Identity.parse(bytes.fromhex(text))
    except (TypeError, ValueError):
        return None


def count_reports(folder: Path) -> Counter[tuple[str, str]]:
    """Count the reports without an error for each board and profile.

    A report whose board or profile does not exist is named on stderr.

    Parameters
    ----------
    folder : Path
        Folder of the reports; it may be missing.

    Returns
    -------
    Counter
        Number of reports by name of board and profile; 0 if each has an error.

    Raises
    ------
    UserError
        If a JSON file in the folder is not a report.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.glob("*.json")):
        why = f"{path} is not what allspin selftest --report writes: "
        with refused(why, kinds=(ValueError, TypeError, KeyError)):
            report = parse_json(read_file(path, "report", MAX_JSON))
            if report["kind"] != KIND:
                raise ValueError(f"its kind is {report['kind']!r}")
            board = find_boards().get(report["board"])
            if board is None or report["profile"] not in board.profiles:
                warn(f"{path} counts for no board: add its board and profile, if they are known")
            failed = any(check["right"] is False for check in report["checks"])
            passed = report["right"] is True and not failed
            counts[report["board"], report["profile"]] += int(passed)
    return counts
