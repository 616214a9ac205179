"""The USB port at its wires, with a host that was checked against LUNA's own packets."""

import random
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module, Mux, Signal
from amaranth.sim import Simulator
from hypothesis import given, strategies as st
from luna.gateware.test.contrib import usb_packet
from usb_protocol.types.descriptors import standard as descriptors

from allspin.hdl.link.protocol import PRODUCT, VENDOR, Request
from allspin.hdl.link.usb import CLOCK, UsbPort
from allspin.host.data.datasets import load_test_set
from allspin.host.link.frames import encode_frame
from allspin.host.link.image_requests import encode_pixels
from allspin.sim.errors import UserError
from tests.hdl.link import usb_host
from tests.hdl.link.usb_host import LEVELS, UsbHost, enumerate_device, request

DATA = 4
"""The endpoint of a port's bytes."""
MACHINE_CLOCK = 80e6
ANSWER = 42
"""Bytes of an answer's frame: ten logits of three bytes, a class, and the bytes around them."""


def run(
    script: Callable[[Any, UsbHost], Any],
    *,
    error: float = 0.0,
    spoils: Callable[[str], bool] = lambda _: False,
    stalls: random.Random | None = None,
    answer: int = 0,
) -> UsbHost:
    """Run a script of a host with a port whose machine sends back all that it gets.

    With `answer`, the machine sends that many bytes for each frame instead.
    """
    m = Module()
    m.domains.usb_io = ClockDomain()
    m.domains.sync = ClockDomain()
    m.submodules.port = port = UsbPort("a test")
    said, speaks, moves = Signal(2), Signal(), Signal(init=1)
    idle = Mux(port.attached, LEVELS["J"], LEVELS["_"])
    level = Mux(port.driven, port.wires_out, Mux(speaks, said, idle))
    m.d.comb += port.wires_in.eq(level)
    if not answer:
        m.d.comb += [
            port.sent.payload.eq(port.received.payload),
            port.sent.valid.eq(port.received.valid & moves),
            port.received.ready.eq(port.sent.ready & moves),
        ]
    else:
        left, owed = Signal(8), Signal(8)
        came = port.received.valid & (port.received.payload == 0)
        begins = (left == 0) & (owed != 0)
        m.d.sync += owed.eq(owed + came - begins)
        m.d.sync += left.eq(Mux(begins, answer, left - (port.sent.valid & port.sent.ready)))
        m.d.comb += [
            port.sent.payload.eq(left - 1),
            port.sent.valid.eq(left != 0),
            port.received.ready.eq(1),
        ]

    def drive(ctx: Any, level: int | None) -> None:
        ctx.set(speaks, level is not None)
        ctx.set(said, level or 0)

    hosts: list[UsbHost] = []

    async def host_side(ctx: Any) -> None:
        hosts.append(UsbHost(ctx, drive, lambda ctx: ctx.get(port.wires_in), error, spoils))
        await ctx.delay(2e-6)
        await script(ctx, hosts[0])

    async def stalling(ctx: Any) -> None:
        while stalls is not None:
            ctx.set(moves, stalls.random() < 0.006)
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1 / CLOCK, domain="usb_io")
    simulator.add_clock(1 / MACHINE_CLOCK, domain="sync")
    simulator.add_testbench(host_side)
    if stalls is not None:
        simulator.add_testbench(stalling, background=True)
    simulator.run()
    return hosts[0]


@given(st.integers(0, 127), st.integers(0, 15), st.binary(max_size=64), st.integers(0, 1))
def test_packets_are_luna_s(address: int, endpoint: int, data: bytes, toggle: int) -> None:
    for pid in (usb_host.OUT, usb_host.IN, usb_host.SETUP):
        theirs = usb_packet.token_packet(usb_packet.PID(pid), address, endpoint)
        ours = usb_host.token(pid, address, endpoint)
        assert usb_host.levels(ours) == usb_packet.wrap_packet(theirs, 1)
    pid = (usb_host.DATA0, usb_host.DATA1)[toggle]
    theirs = usb_packet.data_packet(usb_packet.PID(pid), data)
    said = usb_host.levels(usb_host.data_packet(pid, data))
    assert said == usb_packet.wrap_packet(theirs, 1)
    assert usb_host.bits_of(said[:-3]) == [int(bit) for bit in theirs]


def test_without_luna_a_line_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "luna.gateware.usb.devices.acm", None)
    with pytest.raises(UserError, match=r"luna, .*extra \[usb\]"):
        UsbPort("a test").elaborate(None)


def test_no_name_is_an_address_in_memory_so_that_builds_are_the_same_each_time() -> None:
    assert not re.findall(r"_\d{9,}", rtlil.convert(UsbPort("a test"), emit_src=False))


def test_a_host_finds_a_serial_port() -> None:
    """Descriptors as the standard's parsers read them; and each answer comes in time."""
    found: list[Any] = []

    async def script(ctx: Any, host: UsbHost) -> None:
        found.extend(await enumerate_device(host))
        for index in found[0][14:16]:
            text = await host.read(request(0x80, 6, 0x300 | index, 0x409, 255))
            found.append(text[2:].decode("utf-16-le"))

    host = run(script)
    device = descriptors.DeviceDescriptor.parse(found[0])
    assert device is not None
    assert (device.idVendor, device.idProduct) == (VENDOR, PRODUCT)
    assert (device.iSerialNumber, found[2:]) == (0, ["allspin", "a test"])
    # Each part of the configuration by its type: interfaces by their class, endpoints.
    parts, rest = [], found[1]
    while rest:
        parts.append(rest[: rest[0]])
        rest = rest[rest[0] :]
    assert [part[5] for part in parts if part[1] == 4] == [2, 0x0A]
    assert sorted(part[2] for part in parts if part[1] == 5) == [DATA, 0x83, 0x80 | DATA]
    assert min(host.waits) >= 2


@pytest.mark.parametrize("error", [-0.0025, pytest.param(0.0025, marks=pytest.mark.long)])
def test_each_byte_goes_through_once_whatever_is_spoilt(error: float) -> None:
    """Packets and handshakes are lost, the machine takes its time, and bits have another length."""
    chance, spoilt = random.Random(3), set()
    data = b"".join(chance.randbytes(length) + b"\0" for length in (0, 63, 64, 1, 70))

    def spoils(what: str) -> bool:
        if not started or chance.random() < 0.8:
            return False
        spoilt.add(what)
        return True

    started: list[bool] = []

    async def script(ctx: Any, host: UsbHost) -> None:
        await host.reset()
        await host.write(request(0, 5, 42))
        host.address = 42
        started.append(True)
        got = await host.exchange(DATA, data, lambda got: len(got) >= len(data))
        assert got == data
        assert await host.take(DATA) is None

    host = run(script, error=error, spoils=spoils, stalls=random.Random(4))
    assert spoilt == {"out", "in", "ack"}
    assert host.naks > 1
    # A packet is over with each byte of 0, though it is not full.
    assert len(host.packets) > len(data) // 64 + 1


def test_the_first_packet_of_a_host_that_comes_back_is_not_lost() -> None:
    """After an odd number of packets either way a toggle that is kept is the wrong one."""

    async def script(ctx: Any, host: UsbHost) -> None:
        for address in (42, 7):
            await host.reset()
            await host.write(request(0, 5, address))
            host.address = address
            for data in (b"first\0", b"2\0", b"x\0"):
                assert await host.exchange(DATA, data, lambda got: len(got) > 1) == data

    run(script)


@pytest.mark.long
def test_images_of_mnist_come_and_go_at_the_rate_that_documents_tell() -> None:
    """The machine is never late here; a frame has 125 bytes in the mean of all 10,000."""
    bodies = encode_pixels(load_test_set()[0][95:99], 4)
    frames = [encode_frame(bytes([Request.IMAGE, 1, 1]) + body) for body in bodies]
    assert sum(map(len, frames)) == 4 * 125
    taken: list[float] = []

    async def script(ctx: Any, host: UsbHost) -> None:
        await host.reset()
        begun = host.bits
        await host.exchange(DATA, b"".join(frames), lambda got: len(got) == 4 * ANSWER)
        taken.append(host.bits - begun)

    run(script, answer=ANSWER)
    assert 6_500 < 12e6 / (taken[0] / 4) < 7_500
