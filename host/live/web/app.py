"""The application: the page's files, and a WebSocket for each page that is open."""

import asyncio
import contextlib
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from allspin.host.live.seats.holder import Holder
from allspin.host.live.session import Session
from allspin.host.live.shown.choices import Choices
from allspin.host.live.talk.frames import encode
from allspin.host.live.talk.messages import MAX_BYTES, parse
from allspin.host.live.web.files import page_files
from allspin.host.live.web.guard import REFUSED, Access, Guard
from allspin.host.live.web.rates import Rates

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
        found = files.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("there is no such file\n", 404)
        return Response(found.content, media_type=found.kind, headers={"Cache-Control": "no-store"})

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
