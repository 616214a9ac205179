"""``allspin live``: its link, its refusals, and its end."""

import contextlib
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from tests.processes import PATIENCE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--port 65536", "--port must be from 0 to 65535"),
        ("nonesuch", "there is no network 'nonesuch'"),
        ("--on virtul", "did you mean virtual?"),
        ("--device nonesuch", "there is no device 'nonesuch'"),
        ("--host 'no such host' --port 0", "cannot listen on --host no such host"),
    ],
)
def test_a_wrong_option_is_a_line(cli, words, said):
    assert said in cli.refused(f"live --no-browser {words}")


def test_a_missing_package_is_a_line():
    code = (
        "import sys; sys.modules['uvicorn'] = None; from allspin.host.cli.main import main;"
        "sys.exit(main(['live', '--no-browser']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.endswith("pip install -e '.[live]' in a clone\n")


@pytest.mark.parametrize("learning", [False, True])
def test_it_prints_its_link_serves_and_ends_with_an_interrupt(start, learning):
    words = "learn --watch" if learning else "live --port 0 --no-browser"
    process = start(words, BROWSER="true")
    link = process.stdout.readline().strip()
    with urllib.request.urlopen(link) as answer:
        assert (b"learning.js" in answer.read()) == learning
    place, _, _ = link.removeprefix("http:").rpartition("/")
    socket_address = f"ws:{place}/{'learning' if learning else 'socket'}"
    with connect(socket_address, origin="http:" + place.rpartition("/")[0]) as page:
        assert page.recv()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "")
    assert err.endswith("in a browser; Ctrl-C ends it\n") or learning


@pytest.mark.long
def test_it_answers_beside_more_idle_connections_than_it_has_files(start):
    process = start("live --port 0 --no-browser")
    link = process.stdout.readline().strip()
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (256, 256))
    place = urlsplit(link)
    idle = [socket.create_connection((place.hostname, place.port), 60) for _ in range(400)]
    deadline, answer = time.monotonic() + PATIENCE, b""
    while b"allspin" not in answer and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(link, timeout=5) as opened:
            answer = opened.read()
    assert b"allspin" in answer
    for each in idle:
        each.close()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE) == ("", "open it in a browser; Ctrl-C ends it\n")


def test_whoever_lets_others_in_is_warned(start):
    process = start("live --port 0 --no-browser --host 0.0.0.0")
    assert process.stdout.readline().startswith("http:" + "//127.0.0.1:")
    process.terminate()
    assert "allspin: others reach this page at 0.0.0.0" in process.communicate(timeout=PATIENCE)[1]
