"""Who may speak to the server, and what a page of it may do.

A link holds a random token as its first folder, so that whatever a page asks for has it, and no
cookie is needed. `Host` must be an address of this server: a name of another site that leads here
(DNS rebinding) is refused. A WebSocket's `Origin` must be the page's own. The content security
policy lets a page load this server's files and nothing else.
"""

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

    def inner_path(self, path: str) -> str | None:
        """What follows the token in a path; None without the right one."""
        token, _, rest = path.removeprefix("/").partition("/")
        return f"/{rest}" if hmac.compare_digest(token.encode(), self.token.encode()) else None


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
        path, is_socket = self._access.inner_path(scope["path"]), scope["type"] == "websocket"
        own = hmac.compare_digest(origin.encode(), ("http:" + f"//{host}").encode())
        status, words = 403, ""
        if not self._access.knows_host(host):
            status, words = 421, "this server has another name"
        elif path is None:
            words = (
                "this link is not of the server that runs now: take the one that allspin live "
                "printed, and put what this one has from # on behind it"
            )
        elif is_socket and not own:
            words = "a page of another origin may not speak to this server"
        if words and is_socket:
            await WebSocketClose(REFUSED, words[:100])(scope, receive, send)
            return
        if words:
            await PlainTextResponse(f"{words}\n", status)(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers(host))
            await send(message)

        await self._app({**scope, "path": path, "raw_path": None}, receive, answer)
