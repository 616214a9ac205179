"""The CRC against zlib's."""

import zlib

import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.link.frames import FrameCrc


def crc_of(content: bytes, *, every_clock: bool, before: bytes = b"") -> tuple[int, int, int]:
    """Value, whether it matches, and the clocks of a content, after another and a start."""
    check = FrameCrc(every_clock=every_clock)
    found = []

    async def bench(ctx):
        for part in (before, content):
            clocks = 0
            for byte in part:
                ctx.set(check.i.valid, 1)
                ctx.set(check.i.payload, byte)
                taken = False
                while not taken:
                    _, _, taken = await ctx.tick().sample(check.i.ready)
                    clocks += 1
                ctx.set(check.i.valid, 0)
            found[:] = ctx.get(check.value), ctx.get(check.matches), clocks
            ctx.set(check.start, 1)
            await ctx.tick()
            ctx.set(check.start, 0)

    simulator = Simulator(check)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    value, matches, clocks = found
    return value, matches, clocks


@pytest.mark.parametrize("every_clock", [True, False])
def test_published_check_value(every_clock):
    value, matches, clocks = crc_of(b"123456789", every_clock=every_clock)
    assert (value, matches, clocks) == (0xCBF43926, 0, 9 if every_clock else 72)


@given(
    content=st.binary(max_size=20),
    before=st.binary(max_size=5),
    every_clock=st.booleans(),
    wrong=st.integers(0, 255),
)
@settings(max_examples=25, deadline=None)
def test_is_zlib_s_and_matches_its_own(content, before, every_clock, wrong):
    crc = zlib.crc32(content)
    assert crc_of(content, every_clock=every_clock, before=before)[0] == crc
    whole = bytearray(content + crc.to_bytes(4, "little"))
    assert crc_of(bytes(whole), every_clock=every_clock)[1] == 1
    whole[wrong % len(whole)] ^= wrong
    assert crc_of(bytes(whole), every_clock=every_clock)[1] == (wrong == 0)
