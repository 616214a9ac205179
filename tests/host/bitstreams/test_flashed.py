"""A board that was programmed is asked over its port, as often as it takes."""

import dataclasses
from types import SimpleNamespace

import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.bench.networks import random_network
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.bitstreams import flash as flashed
from allspin.host.bitstreams.flash import ask, differences, ports_of
from allspin.host.link import transport as serial_port
from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError

PARAMETERS = TopParameters.from_network(random_network((24, 12, 6), 1))
EXPECTED = Identity.parse(identity_bytes(PARAMETERS.link))


def test_it_is_what_was_built(bridged, dead_port, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.5)
    port = bridged(build(PARAMETERS))
    # First it is not there, then another port is asked too.
    rounds = iter([[], [dead_port, port]])
    on, identity = ask(lambda: next(rounds), 3_000_000, patience=60)
    assert (on, differences(identity, EXPECTED)) == (port, None)


def test_nobody_answers(dead_port, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.05)
    with pytest.raises(UserError, match=f"answers on {dead_port}"):
        ask(lambda: [dead_port], 3_000_000, patience=0)
    with pytest.raises(UserError, match="its serial port is gone"):
        ask(list, 3_000_000, patience=0)


def test_each_difference_is_named():
    for field in dataclasses.fields(Identity):
        other = dataclasses.replace(EXPECTED, **{field.name: "another"})
        assert differences(other, EXPECTED) == (
            f"{field.name.replace('_', ' ')} another, not {getattr(EXPECTED, field.name)}"
        )


def test_the_ports_of_a_usb_device(monkeypatch):
    ports = [("b", 0x0403, 0x6010), ("a", 0x0403, 0x6010), ("c", 0x0403, 0x6014), ("d", None, None)]
    listed = [SimpleNamespace(device=name, vid=vid, pid=pid) for name, vid, pid in ports]
    monkeypatch.setattr(flashed.list_ports, "comports", lambda: listed)
    assert ports_of("0403:6010") == ["a", "b"]
    assert ports_of("1d50:602b") == []
