"""Drive all that bins are counted of."""

from tests.coverage import blocks
from tests.coverage.coverage import Coverage
from tests.coverage.machines import MACHINES, drive
from tests.coverage.never import NEVER


def measure() -> Coverage:
    """Drive blocks and machines, every answer compared, and count what they went through."""
    found = Coverage(NEVER)
    for one in (
        blocks.crossbars,
        blocks.encoders,
        blocks.engines,
        blocks.states,
        blocks.tiles,
        blocks.unpackers,
        blocks.wires,
    ):
        found.merge(one())
    for name in MACHINES:
        found.merge(drive(name))
    return found
