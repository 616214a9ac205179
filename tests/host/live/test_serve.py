"""The server itself: its link, its port, and how it ends."""

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
