"""What blocks and machines can go through, they go through in some bench: no bin is empty.

``make coverage`` prints the table.
"""

from hdl.bench.coverage import Coverage
from tests.coverage import blocks
from tests.coverage.machines import MACHINES, drive
from tests.coverage.never import NEVER


def test_every_bin_is_hit() -> None:
    found = Coverage(NEVER)
    for one in (blocks.crossbars, blocks.engines, blocks.wires):
        found.merge(one())
    for name in MACHINES:
        found.merge(drive(name))
    print(found.table())
    found.check()
