"""The application: the page's files, and a WebSocket for each page that is open."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from allspin.host.live.choices import Choices
from allspin.host.live.guard import REFUSED, Access, Guard
from allspin.host.live.messages import MAX_BYTES, encode, parse
from allspin.host.live.seat import Holder
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
INDEX = "index.html"


File = tuple[bytes, str]
"""What a file holds, and its media type."""


def page_files() -> dict[str, File]:
    """Every file of the page, by its path under `PAGE`; the page itself also by ``""``."""
    found = {
        path.relative_to(PAGE).as_posix(): (path.read_bytes(), TYPES[path.suffix])
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in TYPES
    }
    return {"": found[INDEX], **found}


# How much a page may say: so many messages and bytes a second, with a reserve for bursts.

MESSAGES, MESSAGE_BURST = 60.0, 180.0
"""Messages a second, and at once. A page that draws sends some 30."""
BYTES, BYTE_BURST = float(1 << 19), float(1 << 21)
"""Bytes a second, and at once."""


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
        self._messages, self._bytes = MESSAGE_BURST, BYTE_BURST

    def allow(self, size: int) -> bool:
        """Whether a message of so many bytes may be taken now."""
        now = self._clock()
        seconds, self._then = now - self._then, now
        self._messages = min(MESSAGE_BURST, self._messages + seconds * MESSAGES)
        self._bytes = min(BYTE_BURST, self._bytes + seconds * BYTES)
        if self._messages < 1 or self._bytes < size:
            return False
        self._messages -= 1
        self._bytes -= size
        return True


MOST_PAGES = 8
"""Pages that may be open at a time: each may have a virtual board of its own."""
TOO_LARGE, FULL = 1009, 1013
"""Close codes of a WebSocket: a message is too large; come again later."""


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
    holder = Holder()
    open_pages: set[WebSocket] = set()

    async def file(request: Request) -> Response:
        if (found := files.get(request.path_params["name"])) is None:
            return PlainTextResponse("there is no such file\n", 404)
        content, kind = found
        return Response(content, media_type=kind, headers={"Cache-Control": "no-store"})

    async def page(socket: WebSocket) -> None:
        await socket.accept()
        if len(open_pages) >= MOST_PAGES:
            await socket.close(FULL, f"{MOST_PAGES} pages are open; close one")
            return
        open_pages.add(socket)
        try:
            await _Page(socket, choices, holder).serve()
        finally:
            open_pages.discard(socket)

    routes = [WebSocketRoute("/socket", page), Route("/{name:path}", file, methods=["GET"])]
    return Guard(Starlette(routes=routes), access)


class _Page:
    """A page that is open: what it says is checked and passed on, what it is told is sent."""

    def __init__(self, socket: WebSocket, choices: Choices, holder: Holder) -> None:
        self._socket = socket
        self._choices = choices
        self._rates = Rates()
        self._sending = asyncio.Lock()
        self._session = Session(choices, holder, self._send)

    async def _send(self, said: dict[str, Any], content: bytes) -> None:
        message = encode(said, content)
        async with self._sending:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                if isinstance(message, str):
                    await self._socket.send_text(message)
                else:
                    await self._socket.send_bytes(message)

    async def serve(self) -> None:
        """Serve until the page is closed, or says more than it may."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._session.run)
            await self._listen()
            tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                size = len(text.encode()) if text is not None else len(message.get("bytes") or b"")
                if size > MAX_BYTES:
                    await self._socket.close(TOO_LARGE, f"a message has at most {MAX_BYTES} bytes")
                    return
                if not self._rates.allow(size):
                    await self._socket.close(REFUSED, "too many messages")
                    return
                await self._take(text)

    async def _take(self, text: str | None) -> None:
        try:
            if text is None:
                raise ValueError("a message must be text")
            self._session.receive(parse(text, self._choices))
        except ValueError as error:
            await self._send({"kind": "problem", "text": str(error)}, b"")
