"""A machine that a page sits at: programmed with its chip, shown its images."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import LAST_SUM
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.closing import Closing
from allspin.host.live.choices import BOARD, Choices
from allspin.host.live.shown import Made
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine, virtual_program
from allspin.host.machines.programmer import CHIPS, SUM_CHIPS
from allspin.host.virtual.activity_tap import ActivityTap
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
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
        self.machine.load(made.chip or made.base)
        self.where = self.machine.words_from

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
        return self.machine.stream(image[np.newaxis], first=number).logits[0]

    def activity(self, layers: int) -> npt.NDArray[np.uint64] | None:
        """What the engine did for the image that was shown last, clock by clock.

        Parameters
        ----------
        layers : int
            Layers of the network.

        Returns
        -------
        ndarray of uint64, shape (clocks,), or None
            As of `allspin.host.virtual.activity_tap.ActivityTap.take`; None of a board.
        """
        if self._tap is None or not self._alone:
            return None
        return self._tap.take(4 * (layers - 1) + LAST_SUM, SETTLE)

    def close(self) -> None:
        """Let go of the machine."""
        self.machine.close()
        if self._tap is not None:
            self._tap.close()


def open_virtual_seat(program: Path) -> Seat:
    """A virtual board, which makes chips.

    Parameters
    ----------
    program : Path
        What was compiled.

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


# Where a page sits: at the golden model, or at a machine as soon as there is one.

AGAIN = 2.0
"""Seconds until a board that is not there, in use by another page, or failed is asked for again."""

Tell = Callable[[str, str, float], Coroutine[Any, Any, None]]
"""Takes the state of the machine, words, and seconds that it has been so."""


Answer = TypeVar("Answer")

_programs: dict[object, Future[Path]] = {}
"""Virtual boards that are being compiled, or were, by network's shape and gateware."""


def in_background(work: Callable[[], Answer]) -> Future[Answer]:
    """Work in a thread that goes on without its page, and for whose end no server waits."""
    future: Future[Answer] = Future()
    future.set_running_or_notify_cancel()  # from here on nobody can cancel it

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Chair:
    """A page's machine.

    Parameters
    ----------
    choices : Choices
        The board's port, and what chips are made of.
    tell : callable
        Tells the page how it is with the machine.
    wake : callable
        Called when there is a machine, or none any more.

    Attributes
    ----------
    newcomer : bool
        Whether a machine has come that is not programmed yet.
    """

    def __init__(self, choices: Choices, tell: Tell, wake: Callable[[], None]) -> None:
        self._choices = choices
        self._tell = tell
        self._wake = wake
        self._on = GOLDEN
        self._shape: tuple[object, ...] = ()
        self._network: Network | None = None
        self._seat: Seat | None = None
        self._opening: asyncio.Task[None] | None = None
        self._fault: str | None = None
        # A machine is used in a thread, and may be let go of meanwhile.
        self._lock = threading.Lock()
        self.newcomer = False

    @property
    def title(self) -> str:
        """Who computes at present: ``golden``, ``virtual`` or ``board``."""
        return GOLDEN if self._seat is None else self._on

    async def sit(self, on: str, network: Network) -> None:
        """Ask for a machine, unless it is there or on its way.

        Parameters
        ----------
        on : str
            ``golden``, ``virtual`` or ``board``.
        network : Network
            What it shall run.
        """
        formats = network.pixel_bits, network.hidden_bits, network.rah_bits, network.current_bits
        shape = on, network.topology, formats, network.neuron.name
        self._network = network
        if shape == self._shape:
            return
        self.leave()
        self._on, self._shape = on, shape
        if on == GOLDEN:
            await self._tell("golden", "the golden model computes", 0.0)
        else:
            self._opening = asyncio.create_task(self._open())

    async def _open(self, pause: float = 0.0) -> None:
        """Open the machine; a board that is not there is asked for again and again."""
        await asyncio.sleep(pause)
        while self._seat is None:
            try:
                seat = await self._opened()
                # First that it is not programmed, then that it is there: threads may ask for it.
                self.newcomer = True
                self._seat = seat
            except UserError as error:
                await self._tell("missing" if self._on == BOARD else "failed", str(error), 0.0)
                if self._on == VIRTUAL:
                    return
                await asyncio.sleep(AGAIN)
        self._wake()

    async def _opened(self) -> Seat:
        """Open it in a thread; what is opened for nobody is closed."""
        network, port = self._network, self._choices.port
        assert network is not None
        await self._tell("opening", f"opening {self._on}", 0.0)
        program = await self._compiled(network) if self._on == VIRTUAL else None

        def work() -> Seat:
            if program is not None:
                return open_virtual_seat(program)
            assert port is not None
            machine = open_machine(port, network)
            assert isinstance(machine, LinkedMachine)  # no port is called as the golden model is
            return Seat(machine)

        future = asyncio.wrap_future(in_background(work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close_result)
            raise

    async def _compiled(self, network: Network) -> Path:
        """The program of a virtual board that makes chips, compiled once for all pages.

        It is always the gateware that makes chips, so that it is compiled once for all settings.
        """
        loop, left = asyncio.get_running_loop(), threading.Event()
        gateware = SUM_CHIPS if self._choices.device.imperfections.of_sums else CHIPS

        def progress(what: str, seconds: float) -> None:
            if not left.is_set():
                asyncio.run_coroutine_threadsafe(self._tell("compiling", what, seconds), loop)

        def work() -> Path:
            return virtual_program(network, HardwareProfile(variation=gateware), progress=progress)

        key = self._shape, gateware
        if key not in _programs or _programs[key].done():
            _programs[key] = in_background(work)
        else:
            await self._tell("compiling", "another page has it compiled", 0.0)
        try:
            return await asyncio.shield(asyncio.wrap_future(_programs[key]))
        finally:
            left.set()

    async def program(self, made: Made) -> None:
        """Turn the machine into a chip, if there is one."""
        self.newcomer = False
        if self._seat is None:
            return
        await asyncio.to_thread(self.ask, Seat.program, made)
        await self.say()
        if (seat := self._seat) is not None:
            machine = seat.machine
            await self._tell("ready", f"{machine.name}: {machine.description}; {seat.where}", 0.0)

    def ask(self, use: Callable[..., Answer], *given: Any) -> Answer | None:
        """What comes of a use of the `Seat`, with what is given to it besides; in a thread.

        None where there is no machine, or none that is programmed, or where it fails, of which
        `say` tells.
        """
        with self._lock:
            if self._seat is None or self.newcomer:
                return None
            try:
                return use(self._seat, *given)
            except UserError as error:
                self._fault = str(error)
                seat, self._seat = self._seat, None
                with contextlib.suppress(UserError, OSError):
                    seat.close()
                return None

    async def say(self) -> None:
        """Tell the page of a machine that has failed, and ask for a board again."""
        if self._fault is None:
            return
        fault, self._fault = self._fault, None
        await self._tell("missing" if self._on == BOARD else "failed", fault, 0.0)
        if self._on == BOARD:
            # It may be there, and refuse this chip each time.
            self._opening = asyncio.create_task(self._open(AGAIN))
        else:
            # Chosen again, it is opened again.
            self._shape = ()

    def leave(self) -> None:
        """Let go of the machine."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        seat, self._seat = self._seat, None
        self.newcomer = False
        self._shape = ()
        if seat is not None:
            # It may still be in use, and takes a moment to end.
            threading.Thread(target=self._close, args=(seat,)).start()

    def _close(self, seat: Seat) -> None:
        with self._lock, contextlib.suppress(UserError, OSError):
            seat.close()


def _close_result(future: "asyncio.Future[Seat]") -> None:
    if not future.cancelled() and future.exception() is None:
        threading.Thread(target=future.result().close).start()
