"""The lights show the kinds of the answers, for any bytes behind the kind."""

import pytest
from amaranth.sim import Simulator

from allspin.boards.board import Lights
from allspin.boards.lights import ERROR_TICKS, LightsDriver
from allspin.hdl.link.protocol import Answer
from allspin.host.link.frames import encode_frame

LOGIT_BYTES = 6
FREQUENCY = 10_240  # a tick is 256 clocks


def logits(digit: int, filling: int = 0) -> bytes:
    return encode_frame(
        bytes([Answer.LOGITS, 7, 0, 9]) + bytes([filling] * LOGIT_BYTES) + bytes([digit, 0])
    )


def show(sent: bytes, *, damaged: int = 0, wait: int = 0, digit_leds: int = 4) -> dict[str, int]:
    """The lights after some bytes were sent and some clocks went by."""
    driver = LightsDriver(FREQUENCY, LOGIT_BYTES, digit_leds)
    shown = {}

    async def bench(ctx):
        for byte in sent:
            ctx.set(driver.byte, byte)
            ctx.set(driver.taken, 1)
            await ctx.tick()
            ctx.set(driver.taken, 0)
            ctx.set(driver.byte, Answer.ERROR)  # not taken, so of no account
            await ctx.tick()
        ctx.set(driver.damaged, damaged)
        await ctx.tick()
        ctx.set(driver.damaged, 0)
        await ctx.tick().repeat(3 + wait)
        for name in ("programmed", "streaming", "error"):
            shown[name] = ctx.get(getattr(driver, name))
        if digit_leds:
            shown["digit"] = ctx.get(driver.digit)

    simulator = Simulator(driver)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return shown


WRITTEN = encode_frame(bytes([Answer.WRITTEN, 1, 0, 9]))
ERROR = encode_frame(bytes([Answer.ERROR, 1, 0, 9, 4]))
IDENTITY = encode_frame(bytes([Answer.IDENTITY, 0xFF, 0x84, 0x82, 0xFF]))
DARK = {"programmed": 0, "streaming": 0, "error": 0, "digit": 0}


@pytest.mark.parametrize(
    ("sent", "lit"),
    [
        (b"", {}),
        (IDENTITY, {}),  # the bytes behind the kind are not kinds
        (WRITTEN, {"programmed": 1}),
        (IDENTITY + WRITTEN, {"programmed": 1}),
        (logits(9), {"streaming": 1, "digit": 9}),
        (logits(9, 0xFF) + logits(3, 1), {"streaming": 1, "digit": 3}),
        (ERROR, {"error": 1}),
        (WRITTEN + logits(0, 0x84) + ERROR, {"programmed": 1, "streaming": 1, "error": 1}),
        (logits(5) + IDENTITY + WRITTEN, {"programmed": 1, "streaming": 1, "digit": 5}),
    ],
)
def test_answers_light_their_own_lights(sent, lit):
    assert show(sent) == {**DARK, **lit}
    assert show(b"\0" + sent) == {**DARK, **lit}


def test_damaged_bytes_light_the_error_and_without_leds_for_it_there_is_no_digit():
    assert show(b"", damaged=1) == {**DARK, "error": 1}
    assert show(b"\0" + logits(9), digit_leds=0) == {"programmed": 0, "streaming": 1, "error": 0}


def test_passing_lights_go_out_and_lasting_ones_stay():
    later = show(b"\0" + WRITTEN + logits(9) + ERROR, wait=256 * (ERROR_TICKS + 2))
    assert later == {**DARK, "programmed": 1, "digit": 9}
    soon = show(b"\0" + logits(9) + ERROR, wait=256 * 5)
    assert soon == {**DARK, "error": 1, "digit": 9}


def test_leds_are_named_by_resource():
    with pytest.raises(ValueError, match="an LED must be like led/0 or rgb_led/0/r, not 'led'"):
        Lights(programmed="led")
    with pytest.raises(ValueError, match="number of LEDs for the digit must be from 0 to 8"):
        Lights(digit=("led/0",) * 9)
