"""The file that tells how a board did: what it is, who asked, what was right, and how fast it was.

It is made to be sent. It has nothing of the user's but versions of the system and of Python.
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
"""What is told of a bitstream."""
IMAGES = 300
"""Images by which the rates are measured."""


def measure_rates(machine: LinkedMachine, network: Network, seed: int) -> dict[str, Any]:
    """Images a second over the link, and the cycles of each by the machine's own counters.

    Parameters
    ----------
    machine : LinkedMachine
        Programmed with the network.
    network : Network
        What it runs.
    seed : int
        Of the images.
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
    """Write the file when the test is over, however it ends.

    Parameters
    ----------
    path : Path or None
        Where to; None writes none.
    machine : LinkedMachine
        The board.
    findings : sequence of Finding
        What is found of it, as it comes.
    seed : int
        Of what it was asked.

    Yields
    ------
    dict
        For what `measure_rates` gives.

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
            # A link to a port may lie in a folder that is called as its user is.
            name = Path(machine.name).name
            asked: dict[str, Any] = {
                "on": name,
                "baud": machine.baud,
                "seed": seed,
                "stopped": stopped and stopped.replace(machine.name, name),
            }
            report = asked | _report(machine, findings) | {"rates": rates}
            report["right"] = report["right"] and stopped is None
            write_atomically(path, (json.dumps(report, indent=1) + "\n").encode())


def _report(machine: LinkedMachine, findings: Sequence[Finding]) -> dict[str, Any]:
    """What is known of the machine, of this computer, and of what was found."""
    # Of several with one identity, what was flashed last is there, most likely, or was built last.
    found = [
        {name: record.get(name) for name in BUILD}
        for record in kept_manifests(FLASHED) + kept_manifests()
        if _identity(record.get("identity")) == machine.identity
    ]
    builds = [build for number, build in enumerate(found) if build not in found[:number]]
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
    """A build's identity; None where it says none of this protocol."""
    try:
        return Identity.parse(bytes.fromhex(text))
    except (TypeError, ValueError):
        return None


def count_reports(folder: Path) -> Counter[tuple[str, str]]:
    """How many reports there are of each board and profile in which all was right.

    Of one that says no machine of a board that there is a line on stderr tells.

    Parameters
    ----------
    folder : Path
        Has them; it need not be there.

    Raises
    ------
    UserError
        If a file of it is something else.
    """
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.glob("*.json")):
        why = f"{path} is not what allspin selftest --report writes: "
        with refused(why, kinds=(ValueError, TypeError, KeyError)):
            report = parse_json(read_file(path, "report", MAX_JSON))
            if report["kind"] != KIND:
                raise ValueError(f"its kind is {report['kind']!r}")
            board = find_boards().get(report["board"])
            if board is None or report["profile"] not in board.profiles:
                warn(f"{path} counts for no board: add its board and profile, if they are known")
            right = [report["right"], *(check["right"] for check in report["checks"])]
            found[report["board"], report["profile"]] += right[0] is True and False not in right
    return found
