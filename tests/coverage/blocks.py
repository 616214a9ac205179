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

from allspin.hdl.convolution.flatten import Flatten
from allspin.hdl.convolution.pool import Pool
from allspin.hdl.link.cobs import CobsEncoder
from allspin.hdl.link.uart import UartParameters, UartReceiver, UartTransmitter
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_RUN, WEIGHTS
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.hdl.parameters.window_parameters import MapParameters, WindowParameters
from allspin.hdl.resident.player import BeatUnpacker
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.random_network import random_network
from tests.coverage.bins import Bin, hand_overs
from tests.coverage.column_bins import level_bins, tile_bins
from tests.coverage.coverage import Coverage, Recording
from tests.hdl.convolution.test_window import beats_of, see, windows
from tests.hdl.crossbar.test_crossbar import compute, sums_of
from tests.hdl.resident.test_resident import Machine
from tests.hdl.streams import StreamBench


@contextlib.contextmanager
def watched(
    coverage: Coverage, bins_of: Callable[[Recording], Iterable[Bin]] = lambda recording: ()
) -> Iterator[Callable[[Recording], None]]:
    """Something that is told of a recording before it begins; it is counted when it is over."""
    kept: list[tuple[Recording, list[Bin]]] = []
    yield lambda recording: kept.append((recording, [*bins_of(recording)]))
    for recording, bins in kept:
        coverage.add(recording, but=("ResidentEngine", "Wire"))
        for name, hits in bins:
            coverage.count(name, hits())


@contextlib.contextmanager
def alone(coverage: Coverage, dut: Any, **how: Any) -> Iterator[StreamBench]:
    """A bench of one block, which is run and counted at the end of the ``with`` statement."""
    with watched(coverage) as watch:
        recording = Recording(dut)
        watch(recording)
        bench = recording.bench(**how)
        yield bench
        bench.run()


def crossbars(coverage: Coverage) -> None:
    """Crossbars alone, with more columns than a machine here has, and stalls at both ends."""
    p = CrossbarParameters(rows=3, columns=24, lanes=24, memory="ecp5")
    rng = np.random.default_rng(5)
    words = rng.integers(-128, 128, (p.rows, p.columns))
    images = rng.integers(1, 16, (12, p.rows))
    for stall in (0.0, 0.5):
        with watched(coverage, hand_overs) as watch:
            found = compute(p, words, images, stall=stall, seed=1, watch=watch)
        assert found == (images @ words).tolist()


def tiles(coverage: Coverage) -> None:
    """Columns that are read tile by tile, and rows that are read as they are."""
    rng = np.random.default_rng(3)
    for memory in ("block", "ecp5"):
        tiling = Tiling(8, 3, 2, offsets=True)
        p = CrossbarParameters(20, 5, 3, 2, rah_bits=4, memory=memory, tiling=tiling)
        words = rng.integers(-8, 8, (p.rows, p.columns))
        offsets = rng.integers(-9, 9, (p.tiles, p.columns))
        # The second is blank, and so is a tile of most.
        images = rng.integers(0, 4, (10, p.rows)) * (rng.random((10, p.rows)) < 0.3)
        images[1] = 0
        rows = np.eye(p.rows, dtype=int)[::7]
        read = (words[::7] << tiling.shift).tolist()
        for bare, shown, expected in (
            (False, images, sums_of(p, words, images, offsets)),
            (True, rows, read),
        ):
            with watched(coverage, tile_bins) as watch:
                found = compute(p, words, shown, stall=0.4, offsets=offsets, bare=bare, watch=watch)
            assert found == expected


def maps(coverage: Coverage) -> None:
    """Windows of images and of pixels, with tiles and stalls."""
    kind = Convolution((5, 4, 3), (2, 3), (2, 1), (1, 0, 0, 1))
    rng = np.random.default_rng(6)
    images = list(rng.integers(0, 16, (4, *kind.map)) * (rng.random((4, *kind.map)) < 0.6))
    for flat, tile_rows, stall in (
        (True, 0, 0.4),
        (False, 8, 0.4),
        (False, 8, 0.9),
        (True, 8, 0.0),
    ):
        p = WindowParameters(kind, 4, 2, flat, tile_rows)
        with watched(coverage) as watch:
            found, _, _ = see(p, images, stall=stall, seed=1, watch=watch)
        assert np.array_equal(found, [seen for image in images for seen in windows(p, image)])
    own = MapParameters(2, 4, 2)
    values = rng.integers(1, 16, (own.pixels, 1, own.channels))
    flat, pool = Flatten(own), Pool(own)
    with alone(coverage, flat, stall=0.5, seed=1) as bench:
        bench.put(flat.pixels, [beat for pixel in values for beat in beats_of(pixel[0], 1)])
        taken = bench.take(flat.events, values.size)
    assert [value for ((_, value),), _ in taken] == values.ravel().tolist()
    with alone(coverage, pool, stall=0.5, seed=1) as bench:
        channels = np.arange(values.size) % own.channels
        beats = zip(values.reshape(-1, 1).tolist(), channels == own.channels - 1, strict=True)
        bench.put(
            pool.activations, [{"activations": own, "last": int(last)} for own, last in beats]
        )
        taken = bench.take(pool.largest, values.size // 4)
    largest = values.reshape(2, 2, 2, own.channels).max(axis=(0, 2)).ravel()
    assert [value for (value,), _ in taken] == largest.tolist()


def states(coverage: Coverage) -> None:
    """Memories that keep states, and sums as far as they go."""
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


def engines(coverage: Coverage) -> None:
    """An image that waits while bytes are on their way to their places, and while others run.

    An image of the link cannot: it is taken when the requests before it are done.
    """
    for memory in ("block", "ecp5"):
        with watched(coverage, hand_overs) as watch:
            _impatient_images(memory, watch)


def _impatient_images(memory: str, watch: Callable[[Recording], None]) -> None:
    network = random_network((3, 2, 2), 1)
    machine = Machine(network, np.full((2, 3), 255, np.uint8), [0, 1], memory=memory)
    dut: Any = machine.dut
    recording = Recording(dut)
    watch(recording)
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


def encoders(coverage: Coverage) -> None:
    """A packet with blocks of the greatest length, which no answer of a machine here has."""
    dut: Any = CobsEncoder()
    packet = bytes(range(1, 256)) * 2
    frame = cobs.encode(packet) + b"\0"
    with alone(coverage, dut, stall=0.2, seed=3) as bench:
        bench.put(dut.i, [{"data": b, "last": k == len(packet) - 1} for k, b in enumerate(packet)])
        taken = bench.take(dut.o, len(frame))
    assert bytes(taken) == frame


def unpackers(coverage: Coverage) -> None:
    """Beats that come while the crossbar is not ready; a small resident image never brings them."""
    dut: Any = BeatUnpacker(CrossbarParameters(rows=80, columns=2, lanes=2, rows_per_clock=2))
    rng = np.random.default_rng(2)
    distances, values = rng.integers(0, 4, (40, 2)), rng.integers(0, 16, (40, 2))
    last = np.arange(40) % 5 == 4
    slots = [
        [{"distance": d, "value": v} for d, v in zip(*beat, strict=True)]
        for beat in zip(distances.tolist(), values.tolist(), strict=True)
    ]
    with alone(coverage, dut, stall=0.5, seed=1) as bench:
        ends = zip(slots, last.tolist(), strict=True)
        bench.put(dut.packed, [{"slots": beat, "last": end} for beat, end in ends])
        taken = bench.take(dut.events, 40)
    rows = distances.reshape(8, 5, 2).cumsum(axis=1).reshape(40, 2)
    assert np.array_equal([slots for slots, _ in taken], np.stack([rows, values], axis=2))
    assert np.array_equal([end for _, end in taken], last)


class Wire(wiring.Component):
    """A UART's two ends, joined."""

    sent: Any
    received: Any

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


def wires(coverage: Coverage) -> None:
    """A UART whose bytes are given and taken with stalls; these are shorter than a byte."""
    dut, content = Wire(), [*range(0, 256, 5)]
    with alone(coverage, dut, stall=0.5, seed=2) as bench:
        bench.put(dut.sent, content)
        taken = bench.take(dut.received, len(content))
    assert taken == content


BLOCKS = (crossbars, encoders, engines, maps, states, tiles, unpackers, wires)
"""Functions that drive them."""
