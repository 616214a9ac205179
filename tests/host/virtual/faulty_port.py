"""``python -m tests.host.virtual.faulty_port``: ``allspin virtual`` with faults on its line.

Options are those of ``allspin virtual``, and ``--flip P``, ``--drop-frame K``, ``--drop-answer K``,
``--reset-after K`` and ``--fault-seed S``: see `tests.host.virtual.faults`.
"""

import argparse
import sys
from collections.abc import Callable

from allspin.host.cli import main as commands, virtual
from allspin.host.show.say import tell
from allspin.host.virtual.board import VirtualTransport
from tests.host.virtual.faults import Faults, FaultyTransport, WireFaults


def main() -> int:
    """Open the port, and print the number of faults at its end."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--flip", type=float, default=0.0)
    parser.add_argument("--fault-seed", type=int, default=0)
    for option in ("--drop-frame", "--drop-answer", "--reset-after"):
        parser.add_argument(option, type=int, action="append", default=[])
    given, words = parser.parse_known_args()
    faults = Faults(
        WireFaults(given.flip, tuple(given.drop_frame)),
        WireFaults(given.flip, tuple(given.drop_answer)),
        tuple(given.reset_after),
        given.fault_seed,
    )
    lines = []

    def open_line(power_on: Callable[[], VirtualTransport]) -> FaultyTransport[VirtualTransport]:
        lines.append(FaultyTransport(power_on, faults))
        return lines[0]

    setattr(virtual, "BoardLine", open_line)  # noqa: B010  # the command's line, for this process
    status = commands.main(["virtual", *words])
    if lines:
        wires = lines[0].to_device, lines[0].to_host
        tell(
            f"  {sum(wire.flipped for wire in wires):,} bits flipped, "
            f"{sum(wire.dropped for wire in wires):,} frames dropped, {lines[0].resets:,} resets"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
