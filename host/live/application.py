"""The web application: the page's files, its WebSockets, and limits of their messages."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from allspin.host.live.access import REFUSED, Access, Guard
from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning, Watcher
from allspin.host.live.messages import encode
from allspin.host.live.visit import Visit

PAGE = Path(__file__).resolve().with_name("page")
"""Folder of the page's files."""


RATES = np.array([60.0, 1 << 19])
"""Messages and bytes a second; a page that draws sends some 30 messages."""
BURSTS = np.array([180.0, 1 << 21])
"""Most messages and bytes at once."""


class Rates:
    """Limit of one page's messages and bytes.

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
        """Return True if a message of this size may be taken now."""
        now = self._clock()
        had, self._then = self._left + (now - self._then) * RATES, now
        self._left = np.minimum(had, BURSTS)
        if np.any(self._left < (1, size)):
            return False
        self._left = self._left - (1, size)
        return True


MOST_PAGES = 8
"""Most open pages: each may have a virtual board of its own."""
FULL = 1013
"""Close code of a WebSocket: try again later."""


def application(choices: Choices, access: Access, learning: Learning | None = None) -> ASGIApp:
    """Return the web application of a live page.

    Parameters
    ----------
    choices : Choices
        Networks, machines and images that pages may choose.
    access : Access
        Hosts and token.
    learning : Learning, optional
        Training that other pages watch.
    """
    open_pages: set[WebSocket] = set()

    async def page(socket: WebSocket) -> None:
        await socket.accept()
        if len(open_pages) >= MOST_PAGES:
            await socket.close(FULL, f"{MOST_PAGES} pages are open; close one")
            return
        open_pages.add(socket)
        try:
            await _serve(socket, sessions[socket.scope["path"]])
        finally:
            open_pages.discard(socket)

    sessions: dict[str, Callable[..., Visit | Watcher]] = {
        "/socket": partial(Visit, choices),
        **({} if learning is None else {"/learning": partial(Watcher, learning)}),
    }
    files = Mount("/", StaticFiles(directory=PAGE, html=True))
    routes = [*(WebSocketRoute(path, page) for path in sessions), files]
    return Guard(Starlette(routes=routes), access)


async def _serve(socket: WebSocket, begin: Callable[..., Visit | Watcher]) -> None:
    """Serve a page until it is closed, or exceeds its limits."""

    async def send(said: dict[str, Any], content: bytes) -> None:
        message = encode(said, content)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)

    session, rates = begin(send), Rates()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        # The server itself closes the socket of who sends a message of more than `MAX_BYTES`.
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text") or ""
            if not rates.allow(len(text.encode())):
                await socket.close(REFUSED, "too many messages")
                break
            try:
                session.receive(text)
            except (TypeError, ValueError) as error:
                await send({"kind": "problem", "text": str(error)}, b"")
        tasks.cancel_scope.cancel()
