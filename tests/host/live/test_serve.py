"""The server itself: its link, its port, and how it ends."""

import socket
import threading
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from allspin.host.live.messages import MAX_BYTES
from allspin.host.live.serve import LiveServer, Place, open_in_browser
from allspin.sim.errors import UserError


@pytest.fixture
def server(choices):
    made = LiveServer(choices, Place(port=0))
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_the_link_opens_the_page_on_this_machine_only(server):
    assert server.link.startswith("http:" + "//127.0.0.1:")
    with urllib.request.urlopen(server.link) as answer:
        assert b"<title>allspin live</title>" in answer.read()
        assert "Server" not in answer.headers
    place, _, token = server.link.rstrip("/").rpartition("/")
    assert len(token) >= 22  # 128 bits or more in base64
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{place}/")


def test_a_message_that_is_too_large_ends_the_connection(server):
    address = server.link.replace("http", "ws", 1) + "socket"
    with connect(address, origin=server.link.rsplit("/", 2)[0]) as page:
        assert '"kind":"hello"' in str(page.recv())
        page.send("x" * (MAX_BYTES + 1))
        with pytest.raises(ConnectionClosedError, match="1009"):
            page.recv()


def test_a_port_in_use_is_a_line(choices):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen on port {port} .*`port` 0 takes"):
            LiveServer(choices, Place(port=port))


def test_a_host_or_port_that_is_none_is_a_line(choices):
    with pytest.raises(UserError, match="cannot listen on `host` no such host"):
        LiveServer(choices, Place("no such host", 0))
    with pytest.raises(ValueError, match="port must be from 0 to 65535"):
        Place(port=65536)


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_where_it_listens(choices, host, local):
    place = Place(host, 0)
    assert place.is_local == local
    made = LiveServer(choices, place)
    assert made.link.startswith("http:" + f"//{host if local else '127.0.0.1'}:")
    made._socket.close()


def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch):
    opened = []
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not open_in_browser("a link", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    done = threading.Event()
    assert open_in_browser("a link", lambda link: (opened.append(link), done.set()))
    assert done.wait(30)
    assert opened == ["a link"]
