"""Machine of a page: programming, images, and the engine's activity."""

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import LAST_SUM
from allspin.host.data.closing import Closing
from allspin.host.live.page_chip import PageChip
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.virtual.activity_tap import ActivityTap
from allspin.host.virtual.board import VirtualTransport

SETTLE = 0.5
"""Seconds for the activity of an earlier image to end, and for this one's to come."""


class Seat(Closing):
    """Machine with the network and the chip that it runs.

    Parameters
    ----------
    machine : LinkedMachine
        An open machine; `close` closes it.
    tap : ActivityTap, optional
        Takes the activity of its engine.

    Attributes
    ----------
    machine : LinkedMachine
        The machine.
    where : str
        Where the chip's words were made, in words.
    """

    def __init__(self, machine: LinkedMachine, tap: ActivityTap | None = None) -> None:
        self.machine = machine
        self.where = ""
        self._tap = tap
        self._alone = False

    def program(self, made: PageChip) -> None:
        """Program the machine as a chip.

        Parameters
        ----------
        made : PageChip
            The chip; the network that it was opened for, or one of the same shape.

        Raises
        ------
        UserError
            If the network does not fit, the machine cannot be such a chip, or it fails.
        """
        self.machine.load(made.chip or made.base)
        self.where = self.machine.words_from

    def show(self, image: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.int64]:
        """Return the logits of one image, shape (classes,), and record the engine's activity.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width)
            Grey levels.
        number : int
            Number of the use of the neurons.

        Raises
        ------
        UserError
            If the machine fails.
        """
        # Activity of an earlier image must not count for this one.
        self._alone = self._tap is not None and self._tap.clear(SETTLE)
        return self.machine.stream(image[np.newaxis], first=number).logits[0]

    def activity(self, layers: int) -> npt.NDArray[np.uint64] | None:
        """Return the engine's activity for the last image, clock by clock.

        Parameters
        ----------
        layers : int
            Layers of the network.

        Returns
        -------
        ndarray of uint64, shape (clocks,), or None
            Words as of `allspin.host.virtual.activity_tap.ActivityTap.take`; None for a board.
        """
        if self._tap is None or not self._alone:
            return None
        return self._tap.take(4 * (layers - 1) + LAST_SUM, SETTLE)

    def close(self) -> None:
        """Release the machine."""
        self.machine.close()
        if self._tap is not None:
            self._tap.close()


def open_virtual_seat(program: Path) -> Seat:
    """Open a virtual board that makes chips.

    Parameters
    ----------
    program : Path
        Compiled program.

    Raises
    ------
    UserError
        If it cannot be started.
    """
    tap = ActivityTap()
    try:
        machine = LinkedMachine(VirtualTransport(program, trace=tap.trace))
    except BaseException:
        tap.close()
        raise
    return Seat(machine, tap)


PROGRAMS: dict[object, Future[Path]] = {}
"""Compilations of virtual boards, running or done, by the network's shape and gateware."""
