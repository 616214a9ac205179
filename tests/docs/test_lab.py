"""The walk of ``docs/lab.md``: its files, its messages, and figures of the truth that it draws."""

import json
import re
import shlex
from pathlib import Path

import pytest

from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_network
from allspin.sim.device.device_file import load_device
from allspin.sim.network.netfile import save_network
from allspin.sim.synapse.sot_synapse import SotSynapse
from tests.docs.documents import blocks, read

pytestmark = pytest.mark.long

TEXT = read("lab.md")
FILES, STATION = blocks(TEXT, "python")
COMMANDS = [
    command
    for command in re.findall(r"^allspin (fit .*)$", TEXT, re.MULTILINE)
    if "--point" not in command
]
(LEARN,) = re.findall(r"^allspin (learn .*)$", TEXT, re.MULTILINE)
(EXPORT,) = re.findall(r"^allspin (export .*)$", TEXT, re.MULTILINE)
MEASURED = re.findall(r"^allspin (run .* --measured .*)$", TEXT, re.MULTILINE)
*MESSAGES, MISSING = re.findall(r"^allspin: .*$", TEXT, re.MULTILINE)


def test_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(FILES, "lab.md", "exec"), {})
    assert [main(shlex.split(command)) for command in COMMANDS] == [2, 2, 0, 0]
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("allspin: ")] == MESSAGES
    device = load_device(tmp_path / "bar.toml")
    assert isinstance(device.synapse, SotSynapse)
    c2c = device.synapse.c2c
    assert [c2c.potentiation, c2c.depression] == pytest.approx([0.015] * 2, rel=0.05)
    assert device.imperfections.read_noise == pytest.approx(0.01, rel=0.05)
    a = device.source["fit"]["potentiation"]["A"]
    assert a["low"] < 20 < a["high"]
    assert f"A = {a['value']:.1f} ({a['low']:.1f} to {a['high']:.1f})" in TEXT
    found = load_device(tmp_path / "aged.toml").source["retention"]
    for name, truth in (("within", 0.05), ("between", 0.036), ("attempt_time", 1e-9)):
        assert found[name]["low"] < truth < found[name]["high"]
    barrier = found["barriers"][0]
    assert barrier["value"] == pytest.approx(1.01, abs=0.02)
    edges = (f"{barrier[name]:.3f}" for name in ("value", "low", "high"))
    assert "{} eV ({} to {}; drawn: 1.01)".format(*edges) in " ".join(TEXT.split())
    assert device.neuron.threshold == pytest.approx(4 / 12, rel=0.02)  # type: ignore[union-attr]
    capsys.readouterr()
    assert main([*shlex.split(LEARN), "--json"]) == 0
    share = json.loads(capsys.readouterr().out)["array_accuracy"]
    (told,) = re.findall(r"learnt classifies (\d+) %", TEXT)
    assert 100 * share == pytest.approx(int(told), abs=2)
    # To the probe station and back, with a network that ships for one that takes minutes to train.
    save_network(open_network("paper-10"), "ten.safetensors")
    assert main(shlex.split(EXPORT)) == 0
    exec(compile(STATION, "lab.md", "exec"), {})
    refused, allowed, _ = MEASURED
    assert main(shlex.split(refused)) == 2
    assert capsys.readouterr().err.splitlines()[-1] == MISSING
    assert main([*shlex.split(allowed), "--images", "50"]) == 0
    assert re.search(r"missing\t40\t", capsys.readouterr().out)
