"""A machine that a page sits at: programmed with its chip, shown its images."""

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.closing import Closing
from allspin.host.link.machines.chip_programming import CHIPS, SUM_CHIPS
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.machine import Maker
from allspin.host.link.machines.opening import BuildProgress, open_machine, virtual_program
from allspin.host.link.virtual.activity import ActivityTap
from allspin.host.link.virtual.board import VirtualTransport
from allspin.host.live.shown.made import Made
from allspin.host.show.pictures.timeline import LAST_SUM
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network

SETTLE = 0.5
"""Seconds for the activity of an earlier image to end, and for this one's to come."""


class Seat(Closing):
    """A machine, and what is known of it.

    Parameters
    ----------
    machine : LinkedMachine
        An open machine; `close` closes it.
    tap : ActivityTap, optional
        Takes the activity of its engine.

    Attributes
    ----------
    where : str
        Where the chip's words were made, in words.
    """

    def __init__(self, machine: LinkedMachine, tap: ActivityTap | None = None) -> None:
        self._machine = machine
        self._tap = tap
        self._maker: tuple[object, Maker] | None = None
        self._alone = False
        self.where = ""

    @property
    def name(self) -> str:
        """What messages call the machine."""
        return self._machine.name

    @property
    def description(self) -> str:
        """What it is built as."""
        return self._machine.description

    def program(self, made: Made) -> None:
        """Turn the machine into a chip.

        Parameters
        ----------
        made : Made
            The chip; the network that it was opened for, or one of the same shape.

        Raises
        ------
        UserError
            If the network does not fit, the machine cannot be such a chip, or it fails.
        """
        if made.chip is None:
            self._maker = None
            self._machine.program(made.base)
            self.where = "words sent by the host"
            return
        setting = made.setting
        # The states of the cells are sent once for chips that differ in their seed alone.
        kind = (setting.network, setting.scheme, setting.knobs)
        if self._maker is None or self._maker[0] != kind:
            maker = self._machine.chip_maker(made.base, made.device, made.programming)
            self._maker = kind, maker
        maker = self._maker[1]
        maker.make(made.chip.chip, made.network)
        self.where = maker.where

    def show(self, image: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.int64]:
        """Logits of one image, shape (classes,), and the engine's activity from here on.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width)
            Grey levels.
        number : int
            Which use of the neurons it is.

        Raises
        ------
        UserError
            If the machine fails.
        """
        # What is left of an earlier image would be taken for this one's.
        self._alone = self._tap is not None and self._tap.clear(SETTLE)
        return self._machine.stream(image[np.newaxis], first=number).logits[0]

    def activity(self, layers: int) -> npt.NDArray[np.uint64] | None:
        """What the engine did for the image that was shown last, clock by clock.

        Parameters
        ----------
        layers : int
            Layers of the network.

        Returns
        -------
        ndarray of uint64, shape (clocks,), or None
            As of `allspin.host.link.virtual.activity.ActivityTap.take`; None of a board.
        """
        if self._tap is None or not self._alone:
            return None
        return self._tap.take(4 * (layers - 1) + LAST_SUM, SETTLE)

    def stream(self, images: npt.NDArray[np.uint8], first: int) -> npt.NDArray[np.int64]:
        """Logits of images, shape (images, classes), the first of number `first`.

        Raises
        ------
        UserError
            If the machine fails.
        """
        return self._machine.stream(images, first=first).logits

    def read_rows(self, layer: int, first: int, count: int) -> npt.NDArray[np.int8]:
        """R_AH words of some rows of a crossbar, read back, shape (count, columns).

        Raises
        ------
        UserError
            If the machine fails.
        """
        return self._machine.read_rows(layer, first, count)

    def look(self) -> None:
        """Ask the machine something that it always answers.

        Raises
        ------
        UserError
            If it does not.
        """
        self._machine.counters()

    def close(self) -> None:
        """Let go of the machine."""
        self._machine.close()
        if self._tap is not None:
            self._tap.close()


def open_virtual_seat(network: Network, device: Device, progress: BuildProgress) -> Seat:
    """A virtual board of a network's shape, which makes chips.

    Parameters
    ----------
    network : Network
        The network.
    device : Device
        What they are made of, with whatever is turned up or down.
    progress : callable
        Told what is being compiled, and for how many seconds now.

    Raises
    ------
    UserError
        If the gateware cannot run the network, or it cannot be compiled.
    """
    # Always the gateware that makes chips, so that it is compiled once for all settings.
    gateware = SUM_CHIPS if device.imperfections.of_sums else CHIPS
    program = virtual_program(network, HardwareProfile(variation=gateware), progress=progress)
    tap = ActivityTap()
    try:
        machine = LinkedMachine(VirtualTransport(program, trace=tap.trace))
    except BaseException:
        tap.close()
        raise
    return Seat(machine, tap)


def open_board_seat(port: str, network: Network) -> Seat:
    """The board on a port, or with ``auto`` one that fits.

    Raises
    ------
    UserError
        If none answers there, or the network does not fit.
    """
    machine = open_machine(port, network)
    # No port is called as the golden model is.
    assert isinstance(machine, LinkedMachine)
    return Seat(machine)
