"""Place of a page at a machine: it opens machines in the background, and replaces failed ones."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.live.choices import BOARD, Choices
from allspin.host.live.page_chip import PageChip
from allspin.host.live.seat import PROGRAMS, Seat, open_virtual_seat
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine, virtual_program
from allspin.host.machines.programmer import CHIPS, SUM_CHIPS
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

AGAIN = 2.0
"""Seconds until a board that is missing, in use by another page, or failed is tried again."""

Tell = Callable[[str, str, float], Coroutine[Any, Any, None]]
"""Callback with the machine's state, words, and the seconds in this state."""


Answer = TypeVar("Answer")


def in_background(work: Callable[[], Answer]) -> Future[Answer]:
    """Run a function in a thread that neither its page nor the server's end waits for."""
    future: Future[Answer] = Future()
    future.set_running_or_notify_cancel()  # it cannot be cancelled from here on

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Chair:
    """Place of a page at a machine; without a machine the golden model computes.

    Parameters
    ----------
    choices : Choices
        Port of the board, and device of the chips.
    tell : callable
        Tells the page the state of the machine.
    wake : callable
        Callback for a machine that has come or gone.

    Attributes
    ----------
    newcomer : bool
        True if a machine has come that is not programmed yet.
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
        """Machine that computes now: ``golden``, ``virtual`` or ``board``."""
        return GOLDEN if self._seat is None else self._on

    async def sit(self, on: str, network: Network) -> None:
        """Request a machine, unless it is open or being opened.

        Parameters
        ----------
        on : str
            ``golden``, ``virtual`` or ``board``.
        network : Network
            Network for it.
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
        """Open the machine; a missing board is tried again and again."""
        await asyncio.sleep(pause)
        while self._seat is None:
            try:
                seat = await self._opened()
                # Mark it as not programmed before it becomes visible to other threads.
                self.newcomer = True
                self._seat = seat
            except UserError as error:
                await self._tell("missing" if self._on == BOARD else "failed", str(error), 0.0)
                if self._on == VIRTUAL:
                    return
                await asyncio.sleep(AGAIN)
        self._wake()

    async def _opened(self) -> Seat:
        """Open the machine in a thread; close it if no page waits for it any more."""
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
        """Return the program of a virtual board that makes chips, compiled once for all pages.

        The gateware always makes chips, so one compilation serves all settings.
        """
        loop, left = asyncio.get_running_loop(), threading.Event()
        gateware = SUM_CHIPS if self._choices.device.imperfections.of_sums else CHIPS

        def progress(what: str, seconds: float) -> None:
            if not left.is_set():
                asyncio.run_coroutine_threadsafe(self._tell("compiling", what, seconds), loop)

        def work() -> Path:
            return virtual_program(network, HardwareProfile(variation=gateware), progress=progress)

        key = self._shape, gateware
        if key not in PROGRAMS or PROGRAMS[key].done():
            PROGRAMS[key] = in_background(work)
        else:
            await self._tell("compiling", "another page has it compiled", 0.0)
        try:
            return await asyncio.shield(asyncio.wrap_future(PROGRAMS[key]))
        finally:
            left.set()

    async def program(self, made: PageChip) -> None:
        """Program the machine, if one is open."""
        self.newcomer = False
        if self._seat is None:
            return
        await asyncio.to_thread(self.ask, Seat.program, made)
        await self.say()
        if (seat := self._seat) is not None:
            machine = seat.machine
            await self._tell("ready", f"{machine.name}: {machine.description}; {seat.where}", 0.0)

    def ask(self, use: Callable[..., Answer], *given: Any) -> Answer | None:
        """Call a function with the `Seat`, in a thread, and return its result.

        None without a programmed machine, or if the machine fails, which `say` reports.
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
        """Report a machine that has failed to the page, and request a board again."""
        if self._fault is None:
            return
        fault, self._fault = self._fault, None
        await self._tell("missing" if self._on == BOARD else "failed", fault, 0.0)
        if self._on == BOARD:
            # The machine may be fine, and refuse this chip each time.
            self._opening = asyncio.create_task(self._open(AGAIN))
        else:
            # It is opened again when the page chooses it again.
            self._shape = ()

    def leave(self) -> None:
        """Release the machine."""
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
