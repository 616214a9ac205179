"""The core's two sides in Amaranth's simulator: memories, images and faults."""

import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from allspin.boards.core import Core, program_image
from allspin.hdl.bus import bus
from allspin.hdl.bus.bus import Fault, Register
from allspin.hdl.contents import network_contents
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES, HardwareProfile, ResidentParameters
from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M, SdramParameters
from allspin.hdl.resident.packing import pack_words
from allspin.hdl.resident.sdram import pins_layout
from allspin.sim.network import reference
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.driving import put, simulate as run_simulation, step
from tests.hdl.resident.data_sheet import SHEETS, Memory


def expected(network: Network) -> tuple[Any, list[list[int]]]:
    """Values of some images, and for each its logits and class."""
    images = random_images(network, 4, 2)
    logits = reference.logits(network, images).tolist()
    values = quantise_pixels(images, network.pixel_bits).reshape(4, -1)
    return values, [[*each, int(np.argmax(each))] for each in logits]


NETWORK = random_network((9, 5, 3), 1)
KERNELS = (Convolution((5, 5, 1), (3, 3), (2, 2)),)
MAPS = random_network((25, 3, 3), 3, kinds=KERNELS, image_shape=(5, 5))
VALUES, GOLDEN = expected(NETWORK)
STREAMS, IDLE, WAITS, LAST = 1, 2, 4, 8
NOWHERE = 0x77
ORDER = np.random.default_rng(0)


class BusError(Exception):
    """An access ended with an error."""


class Master:
    """A Wishbone master, and the other ends of the streams."""

    def __init__(self, network: Network, profile: HardwareProfile) -> None:
        self.network = network
        parameters = EngineParameters.from_network(network, profile)
        self.dut = Core(parameters)
        self.slots = parameters.image.rows_per_clock
        self.ctx: Any = None

    def offer(self, register: Register, word: int | None = None, sel: int = 15) -> None:
        """Begin a read, or a write of a word."""
        writes = word is not None
        put(self.ctx, self.dut, wb_adr=register, wb_we=writes, wb_dat_w=word or 0, wb_sel=sel)
        put(self.ctx, self.dut, wb_cyc=1, wb_stb=1)

    async def access(self, register: Register, word: int | None = None, sel: int = 15) -> int:
        """Make one access and return the answer's word.

        Raises
        ------
        BusError
            If the access ends with an error.
        """
        dut = self.dut
        self.offer(register, word, sel)
        answer = self.ctx.tick().sample(dut.wb_ack, dut.wb_err, dut.wb_dat_r)
        *_, ack, err, shown = await answer.until(dut.wb_ack | dut.wb_err)
        await step(self.ctx, dut, wb_cyc=0, wb_stb=0)
        assert ack != err
        if err:
            raise BusError
        return shown

    async def refused(self, register: Register, word: int | None = None) -> None:
        with pytest.raises(BusError):
            await self.access(register, word)

    async def faults(self) -> set[Fault]:
        """Read the faults, and clear them; the pin is high if any is set."""
        shown = await self.access(Register.CONTROL)
        found = {fault for fault in Fault if shown >> 4 + fault & 1}
        assert self.ctx.get(self.dut.fault) == bool(found)
        await self.access(Register.CONTROL, shown & 0xF0 | shown & STREAMS)
        return found

    async def program(self, *memories: tuple[int, Any]) -> None:
        """Write memories; without arguments, those of the network."""
        memories = memories or tuple(
            (each.space, np.array([[*line] for line in each.lines], np.uint8))
            for each in network_contents(self.network)
        )
        for line in program_image(memories).splitlines():
            if not line.startswith("//"):
                sel, register = (int(digit, 16) for digit in line[:2])
                await self.access(Register(register), int(line[2:], 16), sel)

    async def show(self, values: Any, wrong: tuple[int, ...] = ()) -> list[int]:
        """Logits and class of an image; wrong events come before its own."""
        for word in wrong:
            await self.access(Register.EVENT, word)
        rows = np.flatnonzero(values).tolist() or [0]
        for row in rows:
            last = (row == rows[-1]) << 31
            await self.access(Register.EVENT, row | int(values[row]) << 16 | last)
        found, last, shown = [], 0, 0
        while not last:
            shown = await self.access(Register.CONTROL)
            if shown & WAITS:
                last = shown & LAST
                word = await self.access(Register.RESULT)
                found.append(word - (word >> 31 << 32))
        return [*found, shown >> 16]

    async def stream(self, images: Any) -> list[list[int]]:
        """Logits and classes of images that come without a pause, one event in a beat."""
        ctx, dut, got = self.ctx, self.dut, [[]]
        beats = []
        for values in images:
            rows = ORDER.permutation(np.flatnonzero(values)).tolist() or [0]
            for row in rows:
                word = row // self.slots | int(values[row]) << 16
                beats.append((word << 32 * (row % self.slots), row == rows[-1]))
        while len(got) <= len(images):
            beat, last = beats[0] if beats else (0, 0)
            put(ctx, dut, s_axis_tdata=beat, s_axis_tlast=last, s_axis_tvalid=bool(beats))
            put(ctx, dut, m_axis_tready=1)
            *_, taken, came, logit, ends, winner = await ctx.tick().sample(
                dut.s_axis_tready,
                dut.m_axis_tvalid,
                dut.m_axis_tdata,
                dut.m_axis_tlast,
                dut.m_axis_tuser,
            )
            if taken and beats:
                beats.pop(0)
            if came:
                got[-1].append(logit - (logit >> 31 << 32))
            if came and ends:
                got[-1].append(winner)
                got.append([])
        return got[:-1]


def simulate(
    bench: Callable[[Master], Awaitable[None]],
    memory: Memory | None = None,
    network: Network = NETWORK,
    **profile: Any,
) -> None:
    """Run a bench with a core that has just been reset, and with the memory at its pins."""
    master = Master(network, HardwareProfile(**profile))

    async def run(ctx):
        master.ctx = ctx
        await bench(master)

    async def attend(ctx):
        if memory is not None:
            names = [name for name, _ in pins_layout(SDRAM)]
            pins = {name: getattr(master.dut, f"sdram_{name}") for name in names}
            ports = SimpleNamespace(pins=SimpleNamespace(**pins), read=master.dut.sdram_read)
            await memory.attend(ctx, ports, SDRAM.way)

    run_simulation(master.dut, run, attend)


ONE_ROW = {}
FOUR_ROWS = {"rows_per_clock": 4, "resident": ResidentParameters(16, 2)}


@pytest.mark.parametrize("profile", [ONE_ROW, FOUR_ROWS])
def test_a_master_programs_reads_back_and_shows_images(profile):
    async def bench(master):
        assert (await master.access(Register.NAME)).to_bytes(4, "little") == b"ASPN"
        await master.program()
        for contents in network_contents(NETWORK):
            await master.access(Register.ADDRESS, contents.space << 16)
            for line in contents.lines[:3]:
                got = [await master.access(Register.DATA) for _ in line]
                assert bytes(byte & 0xFF for byte in got) == line
                assert [byte >> 8 for byte in got] == [0] * (len(line) - 1) + [1]
        for number, wanted in enumerate(GOLDEN):
            assert await master.access(Register.NUMBER) == number
            assert await master.show(VALUES[number]) == wanted
        await master.access(Register.ADDRESS, 0xF4 << 16 | 1)
        assert await master.access(Register.DATA) == len(VALUES)
        assert await master.faults() == set()

    simulate(bench, **profile)


@pytest.mark.parametrize(
    ("network", "profile"),
    [(NETWORK, ONE_ROW), (NETWORK, FOUR_ROWS), (MAPS, {"rows_per_clock": 2})],
)
def test_streams_have_images_while_they_are_wanted_and_whole(network, profile):
    values, golden = expected(network)

    async def bench(master):
        await master.program()
        await master.access(Register.CONTROL, STREAMS)
        assert await master.stream(values) == golden
        await master.refused(Register.EVENT, 0)
        await master.refused(Register.RESULT)
        await master.refused(Register.DATA, 0)
        await master.refused(Register.ADDRESS, 0)
        assert await master.faults() == {Fault.REFUSED}
        # An image is under way when they are to have no more: it ends, and no other begins.
        put(master.ctx, master.dut, s_axis_tdata=1 << 16, s_axis_tlast=0, s_axis_tvalid=1)
        await master.ctx.tick()
        await master.access(Register.CONTROL, 0)
        assert await master.access(Register.CONTROL) & (STREAMS | IDLE) == STREAMS
        put(master.ctx, master.dut, s_axis_tlast=1)
        await master.ctx.tick()
        for _ in range(300):
            assert not master.ctx.get(master.dut.s_axis_tready)
            await master.ctx.tick()
        assert await master.access(Register.CONTROL) & (STREAMS | IDLE) == IDLE
        put(master.ctx, master.dut, s_axis_tvalid=0)
        assert await master.show(values[0]) == golden[0]

    simulate(bench, network=network, **profile)


def test_a_fault_is_reported_and_has_no_other_effect(monkeypatch):
    monkeypatch.setattr(bus, "PATIENCE", 256)

    async def bench(master):
        await master.program()
        # No such space; no such line; no memory to read or to write.
        for address in (NOWHERE << 16, 9, 0xFFFF):
            await master.access(Register.ADDRESS, address)
            await master.refused(Register.DATA, 0)
            await master.refused(Register.DATA)
        # A word whose second byte is beyond the last line.
        await master.access(Register.ADDRESS, 3 << 16)
        converter = NETWORK.layers[0].converter
        assert converter is not None
        await master.refused(Register.DATA, 0xFF00 | converter.shift)
        for register in (Register.NAME + 7, Register.EVENT):
            await master.refused(register)
        await master.refused(Register.RESULT, 0)
        assert await master.faults() == {Fault.REFUSED}
        # The row behind the last, one far behind, a value of too many bits.
        wrong = (9 | 1 << 16, 0xFFFF | 1 << 16, 1 << NETWORK.pixel_bits + 16)
        for word in wrong:
            assert await master.show(VALUES[0], (word,)) == GOLDEN[0]
            assert await master.faults() == {Fault.EVENT}
        # A line in part.
        await master.access(Register.ADDRESS, 0)
        await master.access(Register.DATA, int(NETWORK.layers[0].words[0, 0]) & 0xFF, 1)
        await master.access(Register.ADDRESS, 0)
        assert await master.faults() == {Fault.UNFINISHED}
        # No logit comes; a memory is to be written within an image; the master goes.
        await master.refused(Register.RESULT)
        assert await master.faults() == {Fault.LATE}
        await master.access(Register.EVENT, 0)
        await master.refused(Register.DATA, 0)
        assert await master.faults() == {Fault.LATE}
        assert await master.show(VALUES[1]) == GOLDEN[1]
        master.offer(Register.RESULT)
        await master.ctx.tick().repeat(5)
        await step(master.ctx, master.dut, wb_stb=0)
        assert await master.faults() == {Fault.LATE}
        # A line is being read.
        await master.access(Register.DATA)
        await master.refused(Register.ADDRESS, 0)
        await master.refused(Register.DATA, 0)
        assert await master.faults() == {Fault.REFUSED}
        for _ in range(1, 5):
            await master.access(Register.DATA)
        assert await master.show(VALUES[2]) == GOLDEN[2]

    simulate(bench, **FOUR_ROWS)


SDRAM = SdramParameters.of(replace(SLOWEST_256M, row_bits=3, column_bits=4, power_up=1), 10**8)


def test_images_in_an_sdram_at_the_pins_are_counted():
    memory = Memory(replace(SHEETS["W9825G6KH-6"], power_up=1000.0), 10.0, SDRAM.column_bits)
    labels = np.array([GOLDEN[0][-1], *(1 - each[-1] % 2 for each in GOLDEN[1:])])
    words, _ = pack_words(VALUES, labels, NETWORK.pixel_bits)
    content = words.astype("<u2").tobytes()
    lines = np.frombuffer(content + bytes(-len(content) % SDRAM_LINE_BYTES), np.uint8)
    run = np.frombuffer(len(VALUES).to_bytes(16, "little"), np.uint8)

    async def bench(master):
        await master.program()
        await master.program((ENGINE << 4 | RESIDENT_BEATS, lines))
        await master.program((ENGINE << 4 | RESIDENT_RUN, run))
        while not await master.access(Register.CONTROL) & IDLE:
            pass
        await master.access(Register.ADDRESS, (ENGINE << 4 | RESIDENT_RUN) << 16)
        counts = [await master.access(Register.DATA) & 0xFF for _ in range(8)]
        hits = sum(label == each[-1] for label, each in zip(labels, GOLDEN, strict=True))
        assert (counts[0], counts[4]) == (len(VALUES), hits)
        assert int.from_bytes([*counts[2:4], *counts[6:]], "little") == zlib.crc32(content)
        assert await master.faults() == set()

    simulate(bench, memory, rows_per_clock=4, resident=ResidentParameters.of(SDRAM))
    assert not memory.violations
    assert memory.commands["read"] >= len(words)
