"""What makes each of many chips of any other."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from allspin.hdl.link.protocol import Request
from allspin.hdl.parameters.engine import ENGINE, REDRAW
from allspin.host.machines.chips import ResidentChips

ORDER = (Request.WRITE, bytes([ENGINE << 4 | REDRAW, 1]))


def groups(*chips: dict[int, bytes]) -> Any:
    """What is sent for chips that have these memories."""
    machine = SimpleNamespace(
        writes=lambda memories: [bytes([space]) + lines.tobytes() for space, lines in memories]
    )
    maker = SimpleNamespace(
        memories=lambda chip, network: [
            (space, np.frombuffer(content, np.uint8)[np.newaxis]) for space, content in chip.items()
        ]
    )
    many = ResidentChips(cast(Any, machine), cast(Any, maker))
    return many._redraws([(cast(Any, chip), cast(Any, None)) for chip in chips])


def test_what_all_have_alike_is_sent_once():
    found = groups({1: b"aa", 2: b"bb", 3: b"cc"}, {1: b"aa", 2: b"bd", 3: b"cc"})
    assert found == [
        [(Request.WRITE, b"\2bb"), ORDER],
        [(Request.WRITE, b"\2bd"), ORDER],
    ]


def test_a_memory_that_one_chip_does_not_use_is_sent_for_the_others():
    """As a layer's amplifiers are, where a chip has no offset there."""
    found = groups({1: b"aa", 2: b"bb"}, {1: b"aa"}, {1: b"aa", 2: b"bb"})
    assert found == [[(Request.WRITE, b"\2bb"), ORDER], [ORDER], [(Request.WRITE, b"\2bb"), ORDER]]
