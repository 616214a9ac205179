"""The server: where it listens, the link to it, and how it ends."""

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

from allspin.host.live.app import LOOP_BACK, Access, application
from allspin.host.live.choices import Choices
from allspin.host.live.messages import MAX_BYTES
from allspin.sim.errors import check_range, refused

TOKEN_BYTES = 18
"""Random bytes of a token: nobody guesses 144 bits."""
ANYWHERE = ("0.0.0.0", "::")
QUEUE = 16
"""Messages of a page that wait at most."""


@dataclass(frozen=True)
class Place:
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
    port: int = 8000

    def __post_init__(self) -> None:
        check_range("port", self.port, 0, 65535)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOP_BACK

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


class LiveServer:
    """The server of a live page, which listens from the beginning.

    Parameters
    ----------
    choices : Choices
        What pages may choose.
    place : Place
        Where it listens.

    Attributes
    ----------
    link : str
        What opens the page.

    Raises
    ------
    UserError
        If it cannot listen there.
    """

    def __init__(self, choices: Choices, place: Place) -> None:
        self._socket = place.bind()
        port = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        anywhere = place.host in ANYWHERE
        own = () if anywhere else (place.host.lower(),)
        access = Access(token, port, (*own, socket.gethostname().lower()), anywhere)
        host = LOOP_BACK[0] if anywhere else place.host
        self.link = "http:" + f"//{f'[{host}]' if ':' in host else host}:{port}/{token}/"
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(choices, access),
                log_level="warning",
                access_log=False,
                lifespan="off",
                http="h11",
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
    screen = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if not screen:
        return False
    threading.Thread(target=opener, args=(link,), daemon=True).start()
    return True
