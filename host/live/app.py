"""The application: the page's files, and a WebSocket for each page that is open."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from allspin.host.live.choices import Choices
from allspin.host.live.guard import REFUSED, Access, Guard
from allspin.host.live.messages import encode, parse
from allspin.host.live.seat import Held
from allspin.host.live.session import Session

# The files of the page, read once: what a page asks for is a name among them, never a path.

PAGE = Path(__file__).resolve().with_name("page")
"""Where they lie."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
"""Kinds of files that are served, by the ends of their names."""


def page_files() -> dict[str, tuple[bytes, str]]:
    """Content and type of every file, by its path under `PAGE`; the page itself also by ``""``."""
    found = {
        path.relative_to(PAGE).as_posix(): (path.read_bytes(), TYPES[path.suffix])
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in TYPES
    }
    return {"": found["index.html"], **found}


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
    files = page_files()
    held: Held = {}
    open_pages: set[WebSocket] = set()

    async def file(request: Request) -> Response:
        content, kind = files.get(request.path_params["name"], (None, ""))
        if content is None:
            return PlainTextResponse("there is no such file\n", 404)
        return Response(content, media_type=kind, headers={"Cache-Control": "no-store"})

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

    routes = [WebSocketRoute("/socket", page), Route("/{name:path}", file, methods=["GET"])]
    return Guard(Starlette(routes=routes), access)


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
