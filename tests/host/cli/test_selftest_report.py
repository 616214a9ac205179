"""Report of a board that a user sends: whole even if the test broke off; and its count."""

import hashlib
import json
import socket
from typing import Any

import pytest

from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.bitstreams.release import INDEX
from allspin.host.cli import flash
from allspin.host.data.catalogue import open_network
from allspin.host.link.answers import Counters
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.selftest.board_report import count_reports, measure_rates
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network
from allspin.sim.plain_values import parse_json
from tests.sim.test_systems import BARE, run_python


def test_all_findings_are_in_one_file_without_data_of_the_user(cli, net, tmp_path):
    path = tmp_path / "board.json"
    out, _ = cli.run(f"selftest {net} --on virtual --seed 3 --report {path} --json")
    report = parse_json(path.read_bytes())
    assert report["right"] is True
    assert report["checks"] == json.loads(out)["checks"]
    rates = report["rates"]
    assert rates["link_images_per_second"] * rates["seconds"] == pytest.approx(300, rel=0.2)
    assert 10 < rates["cycles_per_image"] < 10_000
    assert (report["seed"], report["stopped"], report["bitstream_sha256"]) == (3, None, None)
    assert socket.gethostname() not in path.read_text()
    # A report that names a board counts for it.
    assert sum(count_reports(tmp_path).values()) == 1
    # A report that contradicts itself does not count.
    report["checks"][0]["right"] = False
    path.write_text(json.dumps(report))
    assert not any(count_reports(tmp_path).values())


def test_an_image_that_was_sent_again_is_not_counted_as_slow(monkeypatch):
    machine: Any = GoldenMachine()
    network = random_network((6, 3, 2), 0)
    machine.load(network)
    counted = Counters(cycles=4400, images=440, rows=(), neurons=())
    monkeypatch.setattr(machine, "counters", lambda: counted)
    assert measure_rates(machine, network, 0)["cycles_per_image"] == 10


def test_a_board_that_falls_silent_is_told_too(start, cli, net, tmp_path):
    port = tmp_path / "alice" / "board"
    port.parent.mkdir()
    start(
        f"{net} --reset-after 90 --link {port}", "tests.host.virtual.faulty_port"
    ).stdout.readline()
    path = tmp_path / "board.json"
    cli.run(f"selftest --on {port} --report {path}", 2)
    assert "alice" not in path.read_text()
    report = parse_json(path.read_bytes())
    assert report["right"] is False
    assert report["on"] == "board"
    assert "board was reset" in report["stopped"]
    assert report["checks"][0]["check"] == "identity"
    assert report["rates"] == {}
    assert not any(count_reports(tmp_path).values())


def test_a_bitstream_flashed_from_a_release_is_told(
    cli, net, tmp_path, monkeypatch, board_record, capfd
):
    """The board that answers is the virtual one, with the identity of the flashed bitstream."""
    content = identity_bytes(TopParameters.from_network(open_network(net)).link)
    about = {"bitstream": "a.bin", "bitstream_sha256": hashlib.sha256(content).hexdigest()}
    about |= {"board": "icebreaker", "part": "iCE40UP5K", "identity": content.hex()}
    release = tmp_path / "release"
    release.mkdir()
    (release / "a.bin").write_bytes(content)
    (release / INDEX).write_text(json.dumps({"bitstreams": [board_record(**about)]}))
    kept = "allspin.host.bitstreams.kept.kept_folder"
    (tmp_path / "built").mkdir()
    (tmp_path / "flashed").mkdir()
    monkeypatch.setattr(kept, lambda name: tmp_path / name)
    monkeypatch.setattr(flash, "run_shown", lambda *_: (0, ""))
    monkeypatch.setattr(flash.shutil, "which", str)
    monkeypatch.setattr(flash, "ports_of", lambda usb: [])
    path = tmp_path / "board.json"
    for told in (None, "icebreaker"):
        cli.run(f"selftest {net} --on virtual --report {path}")
        report = parse_json(path.read_bytes())
        assert report["board"] == told
        capfd.readouterr()
        count_reports(tmp_path)
        assert ("counts for no board" in capfd.readouterr().err) == (told is None)
        path.write_text(json.dumps(report | {"board": "icebraker"}))  # by hand
        count_reports(tmp_path)
        assert "counts for no board" in capfd.readouterr().err
        cli.run(f"flash icebreaker --from {release}")
    assert report["bitstream_sha256"] == about["bitstream_sha256"]
    assert len(report["builds_of_this_identity"]) == 1


def test_a_board_is_tested_without_the_gateware(start, net, tmp_path):
    port = start(f"virtual {net}").stdout.readline().strip()
    made = run_python(BARE, f"hdl selftest --on {port} --report board.json", tmp_path)
    assert made.returncode == 0, made.stderr
    assert parse_json((tmp_path / "board.json").read_bytes())["right"] is True


def test_an_unwritable_report_is_refused_before_the_test_and_another_file_is_no_report(
    cli, net, tmp_path
):
    _, err = cli.run(f"selftest {net} --on virtual --report {tmp_path}/no/board.json", 2)
    assert "cannot write" in err.splitlines()[-1]
    assert count_reports(tmp_path / "no") == {}
    (tmp_path / "other.json").write_text('{"kind": "another"}')
    with pytest.raises(UserError, match=r"other.json is not what allspin selftest --report writes"):
        count_reports(tmp_path)
