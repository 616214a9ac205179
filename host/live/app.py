"""The application: the page's files, and a WebSocket for each page that is open."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from allspin.host.live.choices import Choices
from allspin.host.live.guard import REFUSED, Access, Guard
from allspin.host.live.messages import encode, parse
from allspin.host.live.seat import Held
from allspin.host.live.session import Session

PAGE = Path(__file__).resolve().with_name("page")
"""Where the page's files lie."""

# How much a page may say: so many messages and bytes a second, with a reserve for bursts.

RATES = np.array([60.0, 1 << 19])
"""Messages and bytes a second. A page that draws sends some 30 messages."""
BURSTS = np.array([180.0, 1 << 21])
"""Messages and bytes at once."""


class Rates:
    """What one page may say.

    Parameters
    ----------
    clock : callable
        Seconds now.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._then = clock()
        self._left = BURSTS

    def allow(self, size: int) -> bool:
        """Whether a message of so many bytes may be taken now."""
        now = self._clock()
        had, self._then = self._left + (now - self._then) * RATES, now
        self._left = np.minimum(had, BURSTS)
        if np.any(self._left < (1, size)):
            return False
        self._left = self._left - (1, size)
        return True


MOST_PAGES = 8
"""Pages that may be open at a time: each may have a virtual board of its own."""
FULL = 1013
"""Close code of a WebSocket: come again later."""


def application(choices: Choices, access: Access) -> ASGIApp:
    """The server of a live page.

    Parameters
    ----------
    choices : Choices
        What pages may choose.
    access : Access
        Who may speak to it.
    """
    held: Held = {}
    open_pages: set[WebSocket] = set()

    async def page(socket: WebSocket) -> None:
        await socket.accept()
        if len(open_pages) >= MOST_PAGES:
            await socket.close(FULL, f"{MOST_PAGES} pages are open; close one")
            return
        open_pages.add(socket)
        try:
            await _serve(socket, choices, held)
        finally:
            open_pages.discard(socket)

    files = Mount("/", StaticFiles(directory=PAGE, html=True))
    return Guard(Starlette(routes=[WebSocketRoute("/socket", page), files]), access)


async def _serve(socket: WebSocket, choices: Choices, held: Held) -> None:
    """Serve a page until it is closed, or says more than it may."""

    async def send(said: dict[str, Any], content: bytes) -> None:
        message = encode(said, content)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)

    session, rates = Session(choices, held, send), Rates()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        # The server itself closes the socket of who sends a message of more than `MAX_BYTES`.
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text") or ""
            if not rates.allow(len(text.encode())):
                await socket.close(REFUSED, "too many messages")
                break
            try:
                session.receive(parse(text, choices))
            except (TypeError, ValueError) as error:
                await send({"kind": "problem", "text": str(error)}, b"")
        tasks.cancel_scope.cancel()
