"""Access to the server by token, host and origin; and the headers of its pages."""

import re

import pytest
from starlette.websockets import WebSocketDisconnect

from allspin.host.live.access import Access, headers
from tests.host.live.conftest import HOST, ORIGIN, PORT, TOKEN

ADDRESS = f"/{TOKEN}/socket"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/{TOKEN}/", 200),
        (f"/{TOKEN}/app/main.js", 200),
        (f"/{TOKEN}", 200),
        ("/", 403),
        ("/another/", 403),
        (f"/{TOKEN}x/", 403),
        (f"/{TOKEN.upper()}/", 403),
        ("/app/main.js", 403),
        (f"//{TOKEN}/", 403),
    ],
)
def test_a_link_holds_the_token(client, path, status):
    answer = client.get(ORIGIN + path)
    assert answer.status_code == status
    assert ("allspin live printed" in answer.text) == (status == 403)


@pytest.mark.parametrize(
    "path", ["../guard.py", "..%2fguard.py", "app/..%2f..%2fguard.py", "app", "no-such-file"]
)
def test_no_other_file_is_served(client, path):
    assert client.get(f"/{TOKEN}/{path}").status_code in (403, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_files_are_only_read(client, method):
    assert client.request(method, f"/{TOKEN}/").status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200),
        ("localhost:8000", 200),
        ("LOCALHOST:8000", 200),
        ("[::1]:8000", 200),
        ("127.0.0.1:8001", 421),
        ("127.0.0.1", 421),
        ("evil.example:8000", 421),
        ("127.0.0.1.evil.example:8000", 421),
        ("localhost:8000@evil.example:8000", 421),
        ("192.168.0.7:8000", 421),
        ("", 421),
        ("[::1:8000", 421),
        ("127.0.0.1:8000/x", 421),
    ],
)
def test_a_name_of_another_site_is_refused(client, host, status):
    assert client.get(f"/{TOKEN}/", headers={"host": host}).status_code == status


ANYWHERE = Access(TOKEN, PORT, ("bench",), anywhere=True)


@pytest.mark.parametrize(
    ("access", "host", "known"),
    [
        (ANYWHERE, "192.168.0.7:8000", True),
        (ANYWHERE, "[fe80::1]:8000", True),
        (ANYWHERE, "bench:8000", True),
        (ANYWHERE, "evil.example:8000", False),
        (Access(TOKEN, 80), "localhost", True),
        (Access(TOKEN, PORT), "192.168.0.7:8000", False),
    ],
)
def test_a_server_on_all_addresses_owns_any_address_but_no_other_name(access, host, known):
    assert access.knows_host(host) == known


OTHER, NAME, LINK = "a page of another origin", "this server has another name", "this link is not"


@pytest.mark.parametrize(
    ("given", "address", "words"),
    [
        ({}, ADDRESS, OTHER),
        ({"origin": "null"}, ADDRESS, OTHER),
        ({"origin": "http:" + "//evil.example"}, ADDRESS, OTHER),
        ({"origin": "http:" + "//127.0.0.1:8001"}, ADDRESS, OTHER),
        ({"origin": "https:" + f"//{HOST}"}, ADDRESS, OTHER),
        ({"origin": "http:" + "//localhost:8000"}, ADDRESS, OTHER),
        ({"origin": ORIGIN, "host": "evil.example:8000"}, ADDRESS, NAME),
        ({"origin": ORIGIN}, "/another/socket", LINK),
    ],
)
def test_a_page_of_another_origin_or_link_gets_no_socket(client, given, address, words):
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(address, headers={"host": HOST, **given}),
    ):
        pass
    assert refused.value.code == 1008
    assert refused.value.reason.startswith(words)


def test_every_answer_has_the_policy(client):
    for path in ("", "app/main.js", "no-such-file"):
        given = client.get(f"/{TOKEN}/{path}").headers
        rules = dict(rule.split(" ", 1) for rule in given["content-security-policy"].split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert rules["script-src"] == rules["style-src"] == rules["img-src"] == "'self'"
        assert rules["connect-src"] == f"'self' ws://{HOST}"
        assert given["x-content-type-options"] == "nosniff"
        assert given["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in given
    assert not re.search("unsafe|data:|\\*|https?:", headers(HOST)["Content-Security-Policy"])
