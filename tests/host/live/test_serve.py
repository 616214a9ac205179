"""The server: its link, its port, and its end."""

import contextlib
import socket
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from allspin.host.live import serve
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


def connected(server) -> socket.socket:
    place = urlsplit(server.link)
    return socket.create_connection((place.hostname, place.port), 30)


def send_slowly(connection: socket.socket) -> None:
    """Send a header that takes half a minute."""
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.05)


def test_a_connection_without_a_request_is_turned_away(server, monkeypatch):
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    with connected(server) as slow, connected(server) as idle:
        assert idle.recv(1) == b""
        with pytest.raises(OSError, match=r"reset|pipe"):
            send_slowly(slow)


def test_no_more_connections_are_kept_than_there_is_room_for(server, monkeypatch):
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(serve, "PATIENCE", 0.3)
    address = server.link.replace("http", "ws", 1) + "socket"
    with connect(address, origin=server.link.rsplit("/", 2)[0]) as page:
        many = [connected(server) for _ in range(30)]
        for each in many:
            with each, contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""
        # Neither a page nor a later request is turned away.
        assert '"kind":"hello"' in str(page.recv())
        page.send('{"kind": "choose", "setting": {"chip": 1}}')
        assert page.recv(30)
        with urllib.request.urlopen(server.link) as answer:
            assert b"<title>allspin live</title>" in answer.read()


@pytest.mark.parametrize("words", [b"", b"GET /x/ HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_stranger_s_renewed_connections_keep_no_page_out(server, monkeypatch, words):
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 8)
    kept = [connected(server) for _ in range(8)]
    try:
        for load in range(20):
            with urllib.request.urlopen(server.link, timeout=30) as answer:
                assert b"<title>allspin live</title>" in answer.read()
            # All that were ended are renewed, and the others stay.
            for place in range(load % 2, 8, 2):
                kept[place].close()
                kept[place] = connected(server)
                with contextlib.suppress(OSError):
                    kept[place].sendall(words)
    finally:
        for each in kept:
            each.close()


def test_a_port_in_use_is_a_line(choices, server):
    port = int(server.link.split(":")[2].split("/")[0])
    with pytest.raises(UserError, match=f"cannot listen on port {port} .*`port` 0 takes"):
        LiveServer(choices, Place(port=port))


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
