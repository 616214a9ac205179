"""Blocks alone, where a machine of the size that is simulated cannot bring something about."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from cobs import cobs

from allspin.hdl.engine.layer import make_crossbar
from allspin.hdl.link.cobs import CobsEncoder
from allspin.hdl.link.uart import UartParameters, UartReceiver, UartTransmitter
from allspin.hdl.parameters.crossbar import CrossbarParameters, Tiling, UniformLevels
from allspin.hdl.parameters.engine import ENGINE, RESIDENT_RUN, WEIGHTS
from allspin.hdl.resident.player import BeatUnpacker
from allspin.sim.network.random_networks import random_network
from tests.coverage.bins import Bin, hand_overs
from tests.coverage.column_bins import level_bins, tile_bins
from tests.coverage.coverage import Coverage, Recording
from tests.hdl.crossbar.test_crossbar import compute, sums_of
from tests.hdl.resident.test_resident import Machine


def crossbars() -> Coverage:
    """Crossbars alone, with more columns than a machine here has, and stalls at both ends."""
    coverage = Coverage()
    for stall in (0.0, 0.5):
        p = CrossbarParameters(rows=3, columns=24, lanes=24, memory="ecp5")
        rng = np.random.default_rng(5)
        words = rng.integers(-128, 128, (p.rows, p.columns))
        images = rng.integers(1, 16, (12, p.rows))
        dut = make_crossbar(p)
        recording = Recording(dut)
        bins = [*hand_overs(recording)]
        bench = recording.bench(stall=stall, seed=1)
        cells = [(n == 0, 0, word) for n, word in enumerate(words.ravel().tolist())]
        beats = [
            {"slots": [{"row": row, "value": value}], "last": row == p.rows - 1}
            for image in images.tolist()
            for row, value in enumerate(image)
        ]

        async def stimulus(
            ctx: Any, dut: Any = dut, cells: Any = cells, beats: Any = beats, p: Any = p
        ) -> None:
            for first, row, word in cells:
                ctx.set(dut.cells.payload, {"first": first, "row": row, "word": word})
                ctx.set(dut.cells.valid, 1)
                await ctx.tick()
            ctx.set(dut.cells.valid, 0)
            await ctx.tick().repeat(p.write_clocks)
            for beat in beats:
                ctx.set(dut.events.payload, beat)
                ctx.set(dut.events.valid, 1)
                await ctx.tick().until(dut.events.ready)
                ctx.set(dut.events.valid, 0)

        taken = bench.take(dut.sums, images.shape[0] * p.columns)
        bench.run(stimulus)
        assert [sums[0] for sums, _ in taken] == (images @ words).ravel().tolist()
        coverage.merge(counted(recording, bins))
    return coverage


def tiles() -> Coverage:
    """Columns that are read tile by tile, and rows that are read as they are."""
    coverage = Coverage()
    rng = np.random.default_rng(3)
    for memory in ("block", "ecp5"):
        tiling = Tiling(8, 3, 2, offsets=True)
        p = CrossbarParameters(20, 5, 3, 2, rah_bits=4, memory=memory, tiling=tiling)
        words = rng.integers(-8, 8, (p.rows, p.columns))
        offsets = rng.integers(-9, 9, (p.tiles, p.columns))
        # The second is blank, and so is a tile of most.
        images = rng.integers(0, 4, (10, p.rows)) * (rng.random((10, p.rows)) < 0.3)
        images[1] = 0
        every = images, np.eye(p.rows, dtype=int)[::7]
        for bare, shown in enumerate(every):
            with watched(coverage, tile_bins) as watch:
                found = compute(
                    p, words, shown, stall=0.4, offsets=offsets, bare=bool(bare), watch=watch
                )
            read = (words[::7] << tiling.shift).tolist()
            assert found == (read if bare else sums_of(p, words, shown, offsets))
    return coverage


def states() -> Coverage:
    """Memories that keep states, and sums as far as they go."""
    coverage = Coverage()
    levels = UniformLevels(5, 3, -6)
    for memory in ("block", "ecp5"):
        p = CrossbarParameters(
            5, 7, 4, 2, rah_bits=4, rows_per_clock=2, memory=memory, levels=levels
        )
        words = np.random.default_rng(4).choice(levels.words, (p.rows, p.columns))
        words[:, 0], words[:, 1] = levels.lowest, levels.words[-1]
        images = np.random.default_rng(5).integers(0, 4, (6, p.rows))
        images[2] = 3
        with watched(coverage, level_bins) as watch:
            found = compute(p, words, images, stall=0.4, watch=watch)
        assert found == (images @ words).tolist()
    return coverage


@contextlib.contextmanager
def watched(
    coverage: Coverage, bins_of: Callable[[Recording], Iterable[Bin]]
) -> Iterator[Callable[[Recording], None]]:
    """Something that is told of a recording before it begins; it is counted when it is over."""
    kept: list[tuple[Recording, list[Bin]]] = []
    yield lambda recording: kept.append((recording, [*bins_of(recording)]))
    for recording, bins in kept:
        coverage.merge(counted(recording, bins))


def engines() -> Coverage:
    """An image that waits while bytes are on their way to their places, and while others run.

    The link's cannot: it is taken when what was before it is done.
    """
    coverage = Coverage()
    for memory in ("block", "ecp5"):
        coverage.merge(_impatient_images(memory))
    return coverage


def _impatient_images(memory: str) -> Coverage:
    network = random_network((3, 2, 2), 1)
    machine = Machine(network, np.full((2, 3), 255, np.uint8), [0, 1], memory=memory)
    dut: Any = machine.dut
    recording = Recording(dut)
    bins = [*hand_overs(recording)]
    (loads,), (resident,) = recording.of("Loads"), recording.of("Resident")
    machine.bench = bench = recording.bench()
    turns: list[Any] = []
    taken = bench.take(dut.results, 4)

    async def order(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.keep(ctx)
        turns.append(loads.component.loading)
        await machine.load(ctx, 1, WEIGHTS, network.layers[1].words.tobytes())
        while len(taken) < 2:
            await ctx.tick()
        turns.append(resident.signal("own"))
        await machine.load(ctx, ENGINE, RESIDENT_RUN, bytes([2, *bytes(15)]))

    async def show(ctx: Any) -> None:
        for number in range(2):
            while len(turns) == number or not ctx.get(turns[number]):
                await ctx.tick()
            for row in range(3):
                event = {"slots": [{"row": row, "value": 15}], "last": row == 2}
                ctx.set(dut.events.payload, event)
                ctx.set(dut.events.valid, 1)
                await ctx.tick().until(dut.events.ready)
                ctx.set(dut.events.valid, 0)

    bench.run(show, order)
    assert [logit for logit, *_ in taken] == machine.logits[[0, 0]].ravel().tolist()
    return counted(recording, bins)


def encoders() -> Coverage:
    """A packet with blocks as long as there are, which no machine here answers."""
    dut: Any = CobsEncoder()
    recording = Recording(dut)
    bench = recording.bench(stall=0.2, seed=3)
    packet = bytes(range(1, 256)) * 2
    bench.put(dut.i, [{"data": b, "last": k == len(packet) - 1} for k, b in enumerate(packet)])
    frame = cobs.encode(packet) + b"\0"
    taken = bench.take(dut.o, len(frame))
    bench.run()
    assert bytes(taken) == frame
    return counted(recording, [])


def unpackers() -> Coverage:
    """Beats that come while the crossbar takes none, which a small resident image never brings."""
    p = CrossbarParameters(rows=80, columns=2, lanes=2, rows_per_clock=2)
    dut: Any = BeatUnpacker(p)
    recording = Recording(dut)
    bench = recording.bench(stall=0.5, seed=1)
    rng = np.random.default_rng(2)
    distances, values = rng.integers(0, 4, (40, 2)), rng.integers(0, 16, (40, 2))
    last = np.arange(40) % 5 == 4
    bench.put(
        dut.packed,
        [
            {
                "slots": [{"distance": d, "value": v} for d, v in zip(*beat, strict=True)],
                "last": end,
            }
            for *beat, end in zip(distances.tolist(), values.tolist(), last.tolist(), strict=True)
        ],
    )
    taken = bench.take(dut.events, 40)
    bench.run()
    rows = distances.reshape(8, 5, 2).cumsum(axis=1).reshape(40, 2)
    expected = np.stack([rows, values], axis=2)
    assert np.array_equal([slots for slots, _ in taken], expected)
    assert np.array_equal([end for _, end in taken], last)
    return counted(recording, [])


def counted(recording: Recording, bins: list[Bin]) -> Coverage:
    """What was recorded, in bins."""
    coverage = Coverage()
    coverage.add(recording, but=("ResidentEngine", "Wire"))
    for name, hits in bins:
        coverage.count(name, hits())
    return coverage


class Wire(wiring.Component):
    """A UART's two ends, joined."""

    sent: stream.Interface
    received: stream.Interface

    def __init__(self) -> None:
        super().__init__({"sent": In(stream.Signature(8)), "received": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parameters = UartParameters(Fraction(17, 4))
        m.submodules.transmitter = transmitter = UartTransmitter(parameters)
        m.submodules.receiver = receiver = UartReceiver(parameters)
        wiring.connect(m, wiring.flipped(self.sent), transmitter.sent)
        wiring.connect(m, receiver.received, wiring.flipped(self.received))
        m.d.comb += receiver.rx.eq(transmitter.tx)
        return m


def wires() -> Coverage:
    """A UART whose bytes are given and taken with stalls; these are shorter than a byte."""
    dut: Any = Wire()
    recording = Recording(dut)
    bench = recording.bench(stall=0.5, seed=2)
    content = [*range(0, 256, 5)]
    bench.put(dut.sent, content)
    taken = bench.take(dut.received, len(content))
    bench.run()
    assert taken == content
    return counted(recording, [])
