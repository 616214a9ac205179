"""``allspin demo`` says at its end how the network is seen at work."""

import shlex
from collections import defaultdict

from allspin.host.cli import demo
from allspin.host.cli.main import main
from allspin.host.cli.parser import build_parser


def test_it_ends_with_what_opens_the_page(idx_folder, tmp_path, monkeypatch, capsys):
    # Numbers of some kind: what is measured has tests of its own.
    results: defaultdict[str, int] = defaultdict(int)
    monkeypatch.setattr(demo, "run_demo", lambda *_: results)
    data = idx_folder("the data", (9, 7), 4, 24, 12)
    out = tmp_path / "out of it"
    assert main(["demo", "--data", str(data), "-o", str(out)]) == 0
    last = capsys.readouterr().err.splitlines()[-1]
    words = shlex.split(last[last.index("allspin live") :])
    arguments = build_parser(["live"]).parse_args(words[1:])
    assert arguments.network == str(out / "network.safetensors")
    assert arguments.data == data
