"""Machine that a process keeps open from chip to chip."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine
from allspin.host.machines.programmer import chip_profile
from allspin.sim.errors import UserError
from allspin.sim.programming.program import ProgrammedChip

_kept: dict[Any, Machine] = {}
"""The open machine, if any, by the arguments that it was opened with."""
_lock = threading.Lock()


def close_machine() -> None:
    """Close the machine that this process has open, if any."""
    while _kept:
        _kept.popitem()[1].close()


def board_for(on: str, chip: ProgrammedChip) -> Machine:
    """Return a real or virtual board for a chip: the open one if it fits, or a new one.

    Raises
    ------
    UserError
        If gateware cannot run the chip's network, or the board cannot be opened.
    """
    if chip.network.beyond_words is not None:
        raise UserError(f"no gateware can run {chip.network.beyond_words}; run it on golden")
    # A virtual board is built for its engine; a board on a port is the same for all chips.
    key: tuple[Any, ...] = (on,)
    if on == VIRTUAL:
        profile = chip_profile(chip, None)
        key = (on, EngineParameters.from_network(chip.base, profile), profile)
    if key not in _kept:
        close_machine()
        _kept[key] = open_machine(on, chip)
    return _kept[key]


@contextmanager
def kept_machine(on: str, chip: ProgrammedChip) -> Iterator[Machine]:
    """Yield the machine for a chip, to one thread at a time.

    A worker of Dask may have several threads, and a machine takes one network at a time. If the
    work with a machine fails, the machine is closed, so that the next job opens it anew.
    """
    if on == GOLDEN:
        yield GoldenMachine()
        return
    with _lock:
        try:
            yield board_for(on, chip)
        except BaseException:
            close_machine()
            raise
