"""``allspin demo`` says at its end how the network is seen at work."""

import shlex
from collections import defaultdict

from allspin.host.cli import demo
from tests.command_lines import read_options


def test_it_ends_with_the_command_that_opens_the_page(idx_folder, tmp_path, monkeypatch, cli):
    # Arbitrary numbers: the measurements have tests of their own.
    monkeypatch.setattr(demo, "run_demo", lambda *_: defaultdict(int))
    data, out = (
        idx_folder("the data", shape=(9, 7), classes=4, train=24, test=12),
        tmp_path / "out of it",
    )
    last = cli.run(f"demo --data '{data}' -o '{out}'")[1].splitlines()[-1]
    words = shlex.split(last[last.index("allspin live") :])
    options = read_options("live", words[2:])
    found = (str(options["NETWORK"]), str(options["--data"]))
    assert found == (str(out / "network.safetensors"), str(data))
