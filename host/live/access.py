"""Access to the server: its hosts, its token, and the headers of its answers."""

import contextlib
import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LOOP_BACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""
USUAL_PORT = 80
"""Port that a browser leaves out of an address."""
REFUSED = 1008
"""Close code of a WebSocket: policy violation."""


@dataclass(frozen=True)
class Access:
    """Hosts and token of a server.

    Parameters
    ----------
    token : str
        Token that a link must contain.
    port : int
        Port of the server.
    hosts : tuple of str
        Names and addresses of the server; those of the loop-back are always among them.
    anywhere : bool
        True if it listens on all addresses of the computer: any address, but no other name, is
        then its own.
    """

    token: str
    port: int
    hosts: tuple[str, ...] = ()
    anywhere: bool = False

    def knows_host(self, host: str) -> bool:
        """Return True if a `Host` header names this server."""
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
    """Return the headers of every answer to a page of this host."""
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
    """ASGI middleware that passes on requests with the right token, host and origin.

    Parameters
    ----------
    app : ASGIApp
        The application; it sees paths without the token.
    access : Access
        Hosts and token.
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
