"""Branches of a neuron's loop."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from allspin.host.lab.curves import Measurement
from allspin.sim.errors import UserError

Read = Callable[..., Measurement]
LOOP = np.concatenate([np.linspace(-12, 12, 49), np.linspace(12, -12, 49)[1:]])


def loops(cycles: int = 1, shift: float = 4.0) -> str:
    """A neuron's loop as in the paper's Fig. 4c: each branch switches behind zero."""
    rng = np.random.default_rng(1)
    falls = np.clip(LOOP + shift, -6, 0) + 6
    up = (np.arange(LOOP.size) < 49) | (shift == 0)
    r = np.where(up, np.clip(LOOP - shift, 0, 6), falls) * 30
    noisy = r + rng.normal(0, 0.5, (cycles, r.size))
    lines = [f"{i:.2f},{v:.3f}\n" for one in noisy for i, v in zip(LOOP, one, strict=True)]
    return "I (mA),R_AH (mohm)\n" + "".join(lines)


def test_a_loop_needs_a_branch(read: Read) -> None:
    with pytest.raises(UserError) as caught:
        read(loops())
    assert re.search(
        r"device bar0 runs in a loop whose branches are 0\.18\d? apart; choose `branch` up .the "
        "current rises. or `branch` down .it falls.$",
        str(caught.value),
    )
    up = read(loops(3), branch="up")
    assert [(one.cycle, one.x.size) for one in up.curves] == [("", 49), ("2", 49), ("3", 49)]
    for one in up.curves:
        assert np.interp(7e-3, one.x, one.resistance) == pytest.approx(0.09, abs=3e-3)
    down = read(loops(), branch="down").curves[0]
    assert down.x[[0, -1]] == pytest.approx([12e-3, -12e-3])
    # A loop that begins within a branch is closed at that point; equal branches need no choice.
    head, *lines = loops().splitlines()
    (one,) = read("\n".join([head, *lines[20:], *lines[:20]]), branch="up").curves
    assert (one.x.size, one.x.min(), one.x.max()) == pytest.approx((49, -12e-3, 12e-3))
    assert [one.x.size for one in read(loops(2, shift=0.0)).curves] == [194]
