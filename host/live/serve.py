"""The server: its socket, its link, its connections, and its end."""

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from allspin.host.live.access import LOOP_BACK, Access
from allspin.host.live.application import application
from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning
from allspin.host.live.messages import MAX_BYTES
from allspin.sim.errors import refused
from allspin.sim.parameters import Parameters, number

TOKEN_BYTES = 18
"""Random bytes of a token: 144 bits cannot be guessed."""
ANYWHERE = ("0.0.0.0", "::")
QUEUE = 16
"""Most messages of a page that wait."""


@dataclass(frozen=True)
class Place(Parameters):
    """Host and port of a server.

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
        """Return a socket that listens.

        Raises
        ------
        UserError
            If the host is unknown, or the port is in use.
        """
        with refused(f"cannot listen on `host` {self.host}: ", kinds=OSError):
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        unbound = f"cannot listen on port {self.port} of {self.host}: "
        with refused(unbound, "; `port` 0 takes a free one", OSError):
            return socket.create_server(address[:2], family=family, dualstack_ipv6=both)


MOST_CONNECTIONS = 64
"""Most connections at a time: a page has one, and a few more while it loads."""
TAKEN = 16
"""Connections that the system accepts before the server can turn any away."""
PATIENCE = 10.0
"""Seconds that a connection has for a request, and for its answer."""


class Connection(H11Protocol):
    """Connection that makes room for a new one, or ends if it makes no request in time.

    Where there are too many, the oldest without a request ends, else the oldest whose request
    lacked the token, else the new one: a stranger's connections keep no page out.
    """

    token = ""
    """Token of the server's link; a class of each server has its own."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin, and end another connection, or this one, if it is one too many."""
        super().connection_made(transport)
        self._began = self.loop.time()
        self._before = self.cycle
        self.loop.call_later(PATIENCE, self._look)
        there = [each for each in self.connections if not each.transport.is_closing()]
        if len(there) > MOST_CONNECTIONS:
            others = [each for each in there if isinstance(each, Connection) and each is not self]
            strange = [each for each in others if not each.has_token]
            min(strange, key=Connection.worth, default=self).transport.abort()

    @property
    def has_token(self) -> bool:
        """True if the last request had the token."""
        return self.scope is not None and self.scope["path"].startswith(f"/{self.token}/")

    def worth(self) -> tuple[bool, float]:
        """Return the order in which connections without the token end."""
        return self.scope is not None, self._began

    def _look(self) -> None:
        """Check that a new request has begun since the last check, and schedule the next one."""
        if self not in self.connections:  # ended, or turned into a page's socket
            return
        if self.cycle is self._before:
            self.transport.abort()
        self._before = self.cycle
        self.loop.call_later(PATIENCE, self._look)


class LiveServer:
    """Server of a live page, which listens from construction on.

    Parameters
    ----------
    choices : Choices
        Networks, machines and images that pages may choose.
    place : Place
        Host and port.
    learning : Learning, optional
        Training that the page behind the link watches.

    Attributes
    ----------
    link : str
        Address that opens the page.

    Raises
    ------
    UserError
        If it cannot listen at the host and port.
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
                http=type("OwnConnection", (Connection,), {"token": token}),
                backlog=TAKEN,
                loop="asyncio",
                server_header=False,
                timeout_graceful_shutdown=1,
                ws="websockets-sansio",
                ws_max_queue=QUEUE,
                ws_max_size=MAX_BYTES,
                # Compression saves nothing on the computer's own interface, and takes time.
                ws_per_message_deflate=False,
            )
        )

    def run(self) -> None:
        """Serve until Ctrl-C, or `stop`."""
        with self._socket, contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End the server, from another thread."""
        self._server.should_exit = True


def open_in_browser(link: str, opener: Callable[[str], object] = webbrowser.open) -> bool:
    """Open a link in the user's browser; return False on a computer without a screen.

    Parameters
    ----------
    link : str
        The link.
    opener : callable
        Function that opens it, called in a thread.
    """
    if not (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)):
        return False
    threading.Thread(target=opener, args=(link,), daemon=True).start()
    return True
