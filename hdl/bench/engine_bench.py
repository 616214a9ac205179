"""Bench for the engine: load a network, stream images, and check every logit."""

from collections.abc import Sequence
from typing import Any, Self

import cocotb
import numpy as np
import numpy.typing as npt
from amaranth.lib import data
from cocotb.triggers import Event

from allspin.hdl.bench.clock import clocks, start_clock, wait_for
from allspin.hdl.bench.job import SimulationJob
from allspin.hdl.bench.scoreboard import Scoreboard
from allspin.hdl.bench.streams import Stalls, StreamDriver, StreamMonitor, level
from allspin.hdl.contents import Contents, load_beats, network_contents
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import COUNTERS, ENGINE
from allspin.hdl.resident.beats import beat_members, pack_beats
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    FETCH_LAYOUT,
    IMAGE_BITS,
    LOAD_LAYOUT,
    event_layout,
    result_layout,
)
from allspin.sim.network import reference
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels

SETTLE = 50
"""Clocks after the last result, in which no further result may come."""

Result = tuple[int, int, int | None]
"""A logit, 1 for its image's last one, and with that one the winning class."""


class EngineBench:
    """Drive an `allspin.hdl.engine.engine.Engine` and compare it with the golden model.

    Parameters
    ----------
    dut : cocotb handle
        The engine.
    network : Network
        Network of the engine.
    parameters : EngineParameters
        Parameters of the engine.
    stalls : float
        Share of the clocks in which events and results stall.
    seed : int, optional
        Seed of the stalls; by default the seed that cocotb prints and takes.
    words : sequence of ndarray of int8, optional
        Expected R_AH words, such as a chip's; the network's by default.
    noise : UseNoise, optional
        Noise that the engine adds at each use.
    memories : sequence of Contents, optional
        Contents to load; the network's by default.

    Attributes
    ----------
    events, load, fetch : StreamDriver
        The engine's inputs.
    logits : Scoreboard
        Comparison of the results.
    images : int
        Number of images sent.
    patience : int
        Clocks without a transfer after which the engine counts as hanging.
    """

    def __init__(
        self,
        dut: Any,
        network: Network,
        parameters: EngineParameters,
        *,
        stalls: float = 0.0,
        seed: int | None = None,
        words: Sequence[npt.NDArray[np.int8]] | None = None,
        noise: reference.UseNoise | None = None,
        memories: Sequence[Contents] | None = None,
    ) -> None:
        seed = cocotb.RANDOM_SEED if seed is None else seed
        self.dut = dut
        self.network = network
        self.parameters = parameters
        self._memories = memories or network_contents(network, parameters)
        self._words = words
        self._noise = noise
        self.logits = Scoreboard("logits")
        self.images = 0
        self._inputs: list[list[npt.NDArray[np.uint8]]] = []
        self._line: list[int] = []
        self._line_ends = Event()
        self._progress = Event()
        self.events = StreamDriver(
            dut, "events", event_layout(parameters.image), Stalls(stalls, f"{seed} events")
        )
        if parameters.numbered:
            layout = data.StructLayout({"number": IMAGE_BITS})
            self.numbers = StreamDriver(dut, "numbers", layout, Stalls(stalls, f"{seed} numbers"))
        self.load = StreamDriver(dut, "load", LOAD_LAYOUT)
        self.fetch = StreamDriver(dut, "fetch", FETCH_LAYOUT)
        self._results = StreamMonitor(
            dut,
            "results",
            result_layout(parameters),
            self._take_result,
            Stalls(stalls, f"{seed} results"),
        )
        self._fetched = StreamMonitor(dut, "fetched", BYTE_LAYOUT, self._take_byte)
        slowest = max(
            parameters.kind(number).positions * crossbar.passes * (crossbar.rows + 1)
            for number, crossbar in enumerate(parameters.crossbars)
        )
        if parameters.numbered:
            # A draw takes up to 30 clocks if draws are made one by one.
            slowest += 30 * sum(map(parameters.uses, range(len(parameters.crossbars))))
        self.patience = int((1000 + 2 * slowest) / (1 - stalls))

    @classmethod
    async def start(cls, dut: Any, **options: Any) -> Self:
        """Create a bench for the network that `simulate` was given, and load the network.

        Options are those of the class.
        """
        job = SimulationJob.of_this_simulation()
        bench = cls(dut, job.network, job.engine, **options)
        await start_clock(dut)
        await bench.program()
        return bench

    async def program(self) -> None:
        """Load the network into the engine's memories; the engine must be idle."""
        pack = self.load.code.pack
        for contents in self._memories:
            self.load.put_bits(
                pack(layer=layer, memory=memory, first=first, address=address, data=byte)
                for layer, memory, first, address, byte in load_beats(contents)
            )
            await self.load.drained()
            # The engine computes words from states one after another.
            for _ in range(self.patience):
                await clocks(4)  # the last byte is in the engine's register
                if level(self.dut.idle):
                    break

    async def read_line(self, space: int, address: int) -> bytes:
        """Read one line of a memory; the engine must be idle."""
        self._line_ends.clear()
        self.fetch.put(layer=space >> 4, memory=space & 15, address=address)
        assert await wait_for(self._line_ends, self.patience), (
            f"line {address} of space {space:#04x} did not come"
        )
        line = bytes(self._line)
        self._line = []
        return line

    async def read_counters(self, layer: int = ENGINE) -> tuple[int, int]:
        """Read both counters of a layer or of the engine.

        Returns
        -------
        tuple of int
            Rows driven and neuron uses of a layer; clocks with an image under way and images
            answered of the engine.
        """
        space = layer << 4 | COUNTERS
        low = int.from_bytes(await self.read_line(space, 0), "little")
        return low, int.from_bytes(await self.read_line(space, 1), "little")

    def send(self, images: npt.NDArray[np.uint8]) -> None:
        """Stream images after those under way, and expect their logits.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        """
        traces = reference.trace(self.network, images, self._words, self._noise, self.images)
        for sums in traces[-1].sums.tolist():
            winner = max(range(len(sums)), key=lambda class_: (sums[class_], -class_))
            self.logits.expect(*((logit, 0, None) for logit in sums[:-1]), (sums[-1], 1, winner))
        pack = self.events.code.pack
        if self.parameters.numbered:
            for number in range(self.images, self.images + len(images)):
                self.numbers.put(number=number)
        for values in quantise_pixels(images, self.parameters.pixel_bits):
            first = self.parameters.image
            beats = pack_beats(values, first.rows_per_clock, first.tile_rows)
            self.events.put_bits(
                pack(**beat_members(beat, number == len(beats) - 1))
                for number, beat in enumerate(beats)
            )
        self._inputs.append([trace.inputs for trace in traces])
        self.images += len(images)

    async def finish(self) -> None:
        """Wait for all results, and check them, the events and the counters.

        Raises
        ------
        AssertionError
            If a logit or class is wrong, missing or too many, an event was not taken, the engine is
            not idle, or its counters are wrong.
        """
        await self.answered()
        await clocks(SETTLE)
        self.logits.check()
        self.events.check()
        assert level(self.dut.idle), "all images are answered, but the engine is not idle"
        await self._check_counters()

    async def answered(self) -> None:
        """Wait for all results.

        Raises
        ------
        AssertionError
            If no transfer happens for too long.
        """
        while self.logits.waiting:
            before = (self.logits.received, self.events.taken)
            self._progress.clear()
            # Returns at once when the last result comes.
            await wait_for(self._progress, self.patience)
            assert before != (self.logits.received, self.events.taken), (
                f"nothing has moved for {self.patience} clocks: "
                f"{self.logits.waiting} logits did not come, {self.events.waiting} events wait"
            )

    async def _check_counters(self) -> None:
        answered = (await self.read_counters())[1]
        assert answered == self.images, f"{answered} images counted, {self.images} sent"
        for layer in range(len(self.network.layers)):
            kind = self.parameters.kind(layer)
            rows = 0
            for inputs in self._inputs:
                seen = reference.under_kernels(kind, inputs[layer].astype(np.int64))
                rows += int(np.count_nonzero(seen))
            expected = (rows, self.images * self.network.layers[layer].uses)
            counted = await self.read_counters(layer)
            assert counted == expected, (
                f"layer {layer} counted {counted} rows and uses, not {expected}"
            )

    def _take_result(self, logit: int, last: int, winner: int) -> None:
        self.logits.receive((logit, last, winner if last else None))
        if not self.logits.waiting:
            self._progress.set()

    def _take_byte(self, data: int, last: int) -> None:
        self._line.append(data)
        if last:
            self._line_ends.set()
