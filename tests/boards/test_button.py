"""The button: bytes that reach the machine, and presses that count."""

from dataclasses import replace

import pytest
from amaranth.sim import Simulator

from allspin.boards.button import QUIET_TICKS, Button
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.random_network import random_network

FREQUENCY = 10_240
TICK = 256
FRAMES = (b"\x03abc\0", b"\x02xy\0")
QUIET = TICK * (QUIET_TICKS + 1)


class Bench:
    """A button, a UART that offers bytes, and a machine that takes some clocks for each."""

    def __init__(self, slow=0, programmed=True):
        self.button = Button(FREQUENCY, FRAMES)
        self.taken = bytearray()
        self.offered = []
        self.slow, self.programmed = slow, programmed

    def run(self, script):
        async def machine(ctx):
            wait = 0
            async for _, _, valid, byte, ready in ctx.tick().sample(
                self.button.o.valid, self.button.o.payload, self.button.o.ready
            ):
                if valid and ready:
                    self.taken.append(byte)
                    wait = self.slow
                ctx.set(self.button.o.ready, wait == 0)
                wait = max(0, wait - 1)

        async def uart(ctx):
            async for _, _, ready in ctx.tick().sample(self.button.received.ready):
                if ready and self.offered and ctx.get(self.button.received.valid):
                    self.offered.pop(0)
                ctx.set(self.button.received.valid, bool(self.offered))
                ctx.set(self.button.received.payload, (self.offered or [0])[0])

        async def bench(ctx):
            ctx.set(self.button.programmed, self.programmed)
            await ctx.tick().repeat(QUIET)
            await script(ctx, self)

        simulator = Simulator(self.button)
        simulator.add_clock(1e-6)
        simulator.add_testbench(machine, background=True)
        simulator.add_testbench(uart, background=True)
        simulator.add_testbench(bench)
        simulator.run()
        return bytes(self.taken)


async def press(ctx, bench, clocks=3 * TICK, apart=3 * TICK):
    ctx.set(bench.button.pressed, 1)
    await ctx.tick().repeat(clocks)
    ctx.set(bench.button.pressed, 0)
    await ctx.tick().repeat(apart)


@pytest.mark.parametrize("slow", [0, 3])
def test_each_press_shows_the_next_image(slow):
    async def script(ctx, bench):
        for _ in range(3):
            await press(ctx, bench)

    shown = b"".join(b"\0" + frame for frame in (*FRAMES, FRAMES[0]))
    assert Bench(slow).run(script) == shown


def test_bytes_of_the_uart_pass_as_they_are():
    async def script(ctx, bench):
        bench.offered += range(200)
        await ctx.tick().repeat(400)

    assert Bench().run(script) == bytes(range(200))


def test_bounces_are_one_press():
    async def script(ctx, bench):
        for _ in range(10):
            await press(ctx, bench, 7, 5)
        await press(ctx, bench, 5 * TICK)

    assert Bench().run(script) == b"\0" + FRAMES[0]


def test_a_press_while_held_down_or_not_programmed_shows_nothing():
    async def script(ctx, bench):
        await press(ctx, bench)
        ctx.set(bench.button.pressed, 1)
        await ctx.tick().repeat(2 * TICK)
        ctx.set(bench.button.programmed, 1)
        await ctx.tick().repeat(9 * TICK)

    assert Bench(programmed=False).run(script) == b""


def test_a_host_that_is_at_work_is_not_disturbed():
    async def script(ctx, bench):
        bench.offered += b"\x05host"
        await press(ctx, bench)
        await ctx.tick().repeat((QUIET_TICKS - 3) * TICK)
        await press(ctx, bench)
        bench.offered += b"\0"
        await ctx.tick().repeat(QUIET)

    taken = Bench().run(script)
    assert taken.startswith(b"\x05host")
    # The second press comes after enough silence; the frame that the host had begun is dropped.
    assert taken == b"\x05host\0" + FRAMES[0] + b"\0"


def test_bytes_that_come_while_an_image_is_shown_wait():
    async def script(ctx, bench):
        ctx.set(bench.button.pressed, 1)
        while not bench.taken:
            await ctx.tick()
        bench.offered += b"\x05host\0"
        await ctx.tick().repeat(TICK)

    assert Bench(slow=5).run(script) == b"\0" + FRAMES[0] + b"\x05host\0"


def test_a_board_without_a_button_shows_nothing():
    board = find_boards()["icebreaker"]
    network, profile = random_network((6, 3, 2), 0), HardwareProfile(lanes=1)
    with pytest.raises(ValueError, match="icebreaker has no button"):
        replace(ShellParameters.from_network(board, network, profile), shown=FRAMES)
    with pytest.raises(ValueError, match="needs LEDs for a digit"):
        replace(board, button="button/0")
