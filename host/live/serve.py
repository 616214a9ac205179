"""The server: where it listens, the link to it, and how it ends."""

import asyncio
import contextlib
import hmac
import ipaddress
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketClose, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning, Watcher
from allspin.host.live.messages import MAX_BYTES, encode
from allspin.host.live.visit import Visit
from allspin.sim.errors import refused
from allspin.sim.parameters import Parameters, number

LOOP_BACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""
USUAL_PORT = 80
"""The one that a browser leaves out."""
REFUSED = 1008
"""Close code of a WebSocket: a policy is violated."""


@dataclass(frozen=True)
class Access:
    """Who may speak to a server.

    Parameters
    ----------
    token : str
        What a link must hold.
    port : int
        The server's.
    hosts : tuple of str
        Names and addresses that it has; those of the loop-back are always among them.
    anywhere : bool
        Whether it listens on all addresses of the machine: any address, but no other name, is
        then its own.
    """

    token: str
    port: int
    hosts: tuple[str, ...] = ()
    anywhere: bool = False

    def knows_host(self, host: str) -> bool:
        """Whether a `Host` header names this server."""
        with contextlib.suppress(ValueError):
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or USUAL_PORT
            if port != self.port or "@" in host or parts.path or parts.query:
                return False
            if name in (*LOOP_BACK, *self.hosts):
                return True
            return self.anywhere and bool(ipaddress.ip_address(name))
        return False


def headers(host: str) -> dict[str, str]:
    """Headers of every answer to a page that is reached by a host."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' ws://{host}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(f"{name} {rule}" for name, rule in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


class Guard:
    """Lets those through who may speak to an application.

    Parameters
    ----------
    app : ASGIApp
        The application; it sees paths without the token.
    access : Access
        Who may.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        given = Headers(scope=scope)
        host, origin = given.get("host", ""), given.get("origin", "")
        token, _, inner = scope["path"].removeprefix("/").partition("/")
        is_socket = scope["type"] == "websocket"
        own = hmac.compare_digest(origin.encode(), ("http:" + f"//{host}").encode())
        status, words = 403, ""
        if not self._access.knows_host(host):
            status, words = 421, "this server has another name"
        elif not hmac.compare_digest(token.encode(), self._access.token.encode()):
            words = (
                "this link is not of the server that runs now: take the one that allspin live "
                "printed, and put what this one has from # on behind it"
            )
        elif is_socket and not own:
            words = "a page of another origin may not speak to this server"
        if words:
            http = PlainTextResponse(f"{words}\n", status)
            refusal = WebSocketClose(REFUSED, words[:100]) if is_socket else http
            await refusal(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers(host))
            await send(message)

        await self._app({**scope, "path": f"/{inner}", "raw_path": None}, receive, answer)


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


def application(choices: Choices, access: Access, learning: Learning | None = None) -> ASGIApp:
    """The server of a live page.

    Parameters
    ----------
    choices : Choices
        What pages may choose.
    access : Access
        Who may speak to it.
    learning : Learning, optional
        What other pages watch.
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
    """Serve a page until it is closed, or says more than it may."""

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


TOKEN_BYTES = 18
"""Random bytes of a token: nobody guesses 144 bits."""
ANYWHERE = ("0.0.0.0", "::")
QUEUE = 16
"""Messages of a page that wait at most."""


@dataclass(frozen=True)
class Place(Parameters):
    """Where a server listens.

    Parameters
    ----------
    host : str
        Name or address; by default only this machine reaches it.
    port : int
        0 to 65535; 0 takes a free one.

    Raises
    ------
    ValueError
        If the port is outside its range.
    """

    host: str = LOOP_BACK[0]
    port: int = number(8000, 0, 65535)

    def bind(self) -> socket.socket:
        """A socket that listens there.

        Raises
        ------
        UserError
            If there is no such host, or the port is in use.
        """
        with refused(f"cannot listen on `host` {self.host}: ", kinds=OSError):
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        unbound = f"cannot listen on port {self.port} of {self.host}: "
        with refused(unbound, "; `port` 0 takes a free one", OSError):
            return socket.create_server(address[:2], family=family, dualstack_ipv6=both)


# Connections, of which nobody may take all, with or without a token: each is an open file.

MOST_CONNECTIONS = 64
"""At a time: a page has one, and a few more while it is read."""
TAKEN = 16
"""Taken by the system before the first of them can be turned away."""
PATIENCE = 10.0
"""Seconds that a connection has to ask for something, and to be answered."""


class Connection(H11Protocol):
    """A connection, which is ended where it is one too many, or asks for nothing in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin, if there is room."""
        super().connection_made(transport)
        self._before = self.cycle
        self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def _look(self) -> None:
        """See that it has begun another request since the last look, and look again."""
        if self not in self.connections:  # it has ended, or become a page's socket
            return
        if self.cycle is self._before:
            self.transport.abort()
        self._before = self.cycle
        self.loop.call_later(PATIENCE, self._look)


class LiveServer:
    """The server of a live page, which listens from the beginning.

    Parameters
    ----------
    choices : Choices
        What pages may choose.
    place : Place
        Where it listens.
    learning : Learning, optional
        What the page that the link opens watches.

    Attributes
    ----------
    link : str
        What opens the page.

    Raises
    ------
    UserError
        If it cannot listen there.
    """

    def __init__(self, choices: Choices, place: Place, learning: Learning | None = None) -> None:
        self._socket = place.bind()
        port = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        anywhere = place.host in ANYWHERE
        own = () if anywhere else (place.host.lower(),)
        access = Access(token, port, (*own, socket.gethostname().lower()), anywhere)
        host = LOOP_BACK[0] if anywhere else place.host
        self.link = (
            "http:" + f"//{f'[{host}]' if ':' in host else host}:{port}/{token}/"
            f"{'' if learning is None else 'learning.html'}"
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(choices, access, learning),
                log_level="warning",
                access_log=False,
                lifespan="off",
                http=Connection,
                backlog=TAKEN,
                loop="asyncio",
                server_header=False,
                timeout_graceful_shutdown=1,
                ws="websockets-sansio",
                ws_max_queue=QUEUE,
                ws_max_size=MAX_BYTES,
                # Nothing is saved on this machine's own wire, and it takes time.
                ws_per_message_deflate=False,
            )
        )

    def run(self) -> None:
        """Serve until Ctrl-C, or `stop`."""
        with self._socket, contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End, from another thread."""
        self._server.should_exit = True


def open_in_browser(link: str, opener: Callable[[str], object] = webbrowser.open) -> bool:
    """Open a link in the user's browser, where there is a screen; whether that was tried.

    Parameters
    ----------
    link : str
        The link.
    opener : callable
        What opens it; it is called in a thread.
    """
    if not (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)):
        return False
    threading.Thread(target=opener, args=(link,), daemon=True).start()
    return True
