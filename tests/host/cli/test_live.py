"""``allspin live``: its link, what it refuses, and how it ends."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from allspin.host.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "65536"], "--port must be from 0 to 65535"),
        (["nonesuch"], "there is no network 'nonesuch'"),
        (["--on", "virtul"], "did you mean virtual?"),
        (["--device", "nonesuch"], "there is no device 'nonesuch'"),
        (["--host", "no such host", "--port", "0"], "cannot listen on --host no such host"),
    ],
)
def test_what_is_wrong_is_a_line(capsys, words, said):
    assert main(["live", "--no-browser", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


WITHOUT = """\
import sys
sys.modules["uvicorn"] = None
from allspin.host.cli.main import main
sys.exit(main(["live", "--no-browser"]))
"""


def test_a_missing_package_is_a_line():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("uvicorn: pip install 'allspin[live]'\n")
    assert done.stderr.count("\n") == 1


def test_it_prints_its_link_serves_and_ends_with_an_interrupt():
    process = subprocess.Popen(
        [sys.executable, "-m", "allspin", "live", "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        with urllib.request.urlopen(link) as answer:
            assert b"allspin" in answer.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert err == "open it in a browser; Ctrl-C ends it\n"


def test_whoever_lets_others_in_is_warned():
    process = subprocess.Popen(
        [sys.executable, "-m", "allspin", "live", "--port", "0", "--host", "0.0.0.0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if "DISPLAY" not in name},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http:" + "//127.0.0.1:")
    finally:
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert "allspin: others reach this page at 0.0.0.0" in err
