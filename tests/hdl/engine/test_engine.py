"""The engine against the golden model, with stalls, of any shape."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, strategies as st

from allspin.hdl.engine.engine import Engine
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import COUNTERS, ENGINE, WEIGHTS, memory_map
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.resident.beats import pack_beats
from allspin.sim.network import reference
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_images, random_network
from tests.examples import examples
from tests.hdl.driving import Driven, memories, read_line, send
from tests.sim.network.any_network import in_tiles


class Machine(Driven):
    """An engine in Amaranth's simulator, driven through its ports."""

    def __init__(
        self, network: Network, profile: HardwareProfile, *, stall: float = 0.0, seed: int = 0
    ) -> None:
        self.network = network
        self.parameters = EngineParameters.from_network(network, profile)
        self.beats = 0
        super().__init__(Engine(self.parameters), stall=stall, seed=seed)

    async def drive(self, ctx: Any, values: npt.NDArray[np.uint8]) -> None:
        for image in values:
            at_once = self.parameters.crossbars[0].rows_per_clock
            beats = pack_beats(image, at_once, self.parameters.crossbars[0].tile_rows)
            # A silent beat may close an image.
            beats += [((0, 0),) * at_once] * self.random.randrange(2)
            self.beats += len(beats)
            slots = [[{"row": row, "value": value} for row, value in beat] for beat in beats]
            last = len(beats) - 1
            events = ({"slots": beat, "last": number == last} for number, beat in enumerate(slots))
            await send(ctx, self.dut.events, events, self.stalls)


class Watch:
    """Counter of events and results, clock by clock.

    Attributes
    ----------
    busy : int
        Clocks from an image's first event to the one after the last logit.
    activity : list of int
        Number of clocks in which each bit of `activity` was set.
    """

    def __init__(self, machine: Machine) -> None:
        self.busy = 0
        self.activity = [0] * len(machine.dut.activity)
        self._dut = machine.dut
        machine.bench.play(self._watch)

    async def _watch(self, ctx: Any) -> None:
        dut = self._dut
        begun = ended = 0
        within = leaves = False
        streams = [
            port
            for stream in (dut.events, dut.results)
            for port in (stream.valid, stream.ready, stream.payload.last)
        ]
        async for _, _, *values, idle, activity in ctx.tick().sample(
            *streams, dut.idle, dut.activity
        ):
            event, event_last, result_last = (
                values[0] and values[1],
                values[2],
                values[3] and values[4] and values[5],
            )
            begun += bool(event and not within)
            if event:
                within = not event_last
            # A result is counted in the clock that follows it.
            under_way = begun > ended or leaves
            self.busy += under_way
            assert not idle or begun == ended or (event and begun == ended + 1)
            ended += bool(result_last)
            leaves = bool(result_last)
            for bit in range(len(self.activity)):
                self.activity[bit] += activity >> bit & 1


def beats_of(inputs: npt.NDArray[np.uint8], at_once: int) -> int:
    """Return the beats that neurons make of their activations: silence makes no beat, except an
    image's last."""
    padding = np.zeros((len(inputs), -inputs.shape[1] % at_once), inputs.dtype)
    groups = np.hstack([inputs, padding]).reshape(len(inputs), -1, at_once).max(axis=2)
    groups[:, -1] = 1
    return int(np.count_nonzero(groups))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    states = draw(st.sampled_from([2, 3, 10, 16, 128]))
    rah_bits = draw(st.integers((states - 1).bit_length() + 1, 8))
    hidden_bits = draw(st.integers(1, 8))
    adc_bits = draw(st.sampled_from([None, 2, 5, 9]))
    widest = 9 if adc_bits is None else 20
    network = random_network(
        tuple(draw(st.lists(st.integers(1, widest), min_size=2, max_size=4))),
        seed=draw(st.integers(0, 2**32 - 1)),
        states=states,
        neuron=draw(st.sampled_from([SotNeuron(), ReluNeuron()])),
        pixel_bits=draw(st.integers(1, 8)),
        hidden_bits=hidden_bits,
        rah_bits=rah_bits,
        current_bits=draw(st.integers(max(4, hidden_bits), 9)),
    )
    if adc_bits is None:
        return network
    return in_tiles(network, 8, adc_bits, offsets=draw(st.none() | st.integers(0, 9)))


@examples(15)
@given(
    network=networks(),
    lanes=st.sampled_from([None, 1, 3, 4]),
    rows_per_clock=st.sampled_from([1, 2, 4, 8, 16]),
    memory=st.sampled_from(["block", "ecp5"]),
    states=st.booleans(),
    stall=st.sampled_from([0.0, 0.3, 0.6]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_logit_and_every_count(
    network: Network,
    lanes: int | None,
    rows_per_clock: int,
    memory: str,
    states: bool,
    stall: float,
    seed: int,
) -> None:
    assume(rows_per_clock <= 8 or network.layers[0].adc is None)  # tiles have 8 rows
    if lanes is not None and lanes % rows_per_clock:
        lanes = None  # lanes are a multiple of the neurons per clock
    profile = HardwareProfile(
        lanes=lanes, rows_per_clock=rows_per_clock, memory=memory, states=states
    )
    machine = Machine(network, profile, stall=stall, seed=seed)
    images = random_images(network, 8, seed)
    trace = reference.trace(network, images)
    counts: dict[tuple[int, int], int] = {}

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, machine.network)
        await machine.drive(ctx, trace[0].inputs)
        await machine.until_idle(ctx)
        await ctx.tick()
        for layer in (*range(len(network.layers)), ENGINE):
            for line in range(2):
                value = await machine.fetch(ctx, layer, COUNTERS, line)
                counts[layer, line] = int.from_bytes(value, "little")

    watch = Watch(machine)
    taken = machine.bench.take(machine.dut.results, 8 * network.classes)
    machine.bench.run(stimulus, patience=20_000)
    logits = np.array([logit for logit, _, _ in taken]).reshape(8, -1)
    assert np.array_equal(logits, trace[-1].sums)
    winners = [winner for _, last, winner in taken if last]
    assert winners == np.argmax(trace[-1].sums, axis=1).tolist()
    for number, layer in enumerate(trace):
        assert counts[number, 0] == np.count_nonzero(layer.inputs)
        assert counts[number, 1] == layer.sums.size
    assert counts[ENGINE, 1] == 8
    assert counts[ENGINE, 0] == watch.busy
    for number, layer in enumerate(trace):
        events, last_events, sums, last_sums = watch.activity[4 * number : 4 * number + 4]
        assert last_events == last_sums == 8
        at_once = machine.parameters.crossbars[number].neurons_per_clock
        assert sums == 8 * -(-layer.sums.shape[1] // at_once)
        if number:
            assert events == beats_of(layer.inputs, rows_per_clock)
        else:
            assert events == machine.beats


@pytest.mark.parametrize(
    ("neuron", "memory", "keeps", "lanes", "rows_per_clock"),
    [
        (SotNeuron(), "block", "words", 2, 1),
        (SotNeuron(), "block", "words", None, 4),
        (SotNeuron(), "ecp5", "words", None, 2),
        # Wide memories take Amaranth's simulator half a minute each.
        pytest.param(SotNeuron(), "block", "words", None, 8, marks=pytest.mark.long),
        pytest.param(SotNeuron(), "ecp5", "words", None, 16, marks=pytest.mark.long),
        (ReluNeuron(), "block", "states", 2, 2),
        (SotNeuron(), "ecp5", "states", 2, 1),
        (ReluNeuron(), "block", "tiles", None, 1),
        (ReluNeuron(), "ecp5", "tiles", None, 8),
    ],
)
def test_every_memory_reads_back_between_images(
    neuron: Any, memory: str, keeps: str, lanes: int | None, rows_per_clock: int
) -> None:
    network = random_network((7, 5, 3, 3), seed=8, neuron=neuron, rah_bits=6)
    if keeps == "tiles":
        network = in_tiles(
            random_network((9, 9, 3), seed=8, neuron=neuron, rah_bits=6), max(8, rows_per_clock), 3
        )
    profile = HardwareProfile(
        lanes=lanes, rows_per_clock=rows_per_clock, memory=memory, states=keeps != "words"
    )
    machine = Machine(network, profile, stall=0.3, seed=9)
    images = random_images(network, 4, 10)
    trace = reference.trace(network, images)
    read: list[dict[tuple[int, int], bytes]] = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, machine.network)
        for part in (trace[0].inputs[:2], trace[0].inputs[2:]):
            content = {}
            for place in memory_map(machine.parameters):
                layer, memory = divmod(place.space, 16)
                if memory == COUNTERS:
                    continue
                lines = [
                    await machine.fetch(ctx, layer, memory, address)
                    for address in range(place.lines)
                ]
                assert {len(line) for line in lines} == {place.line_bytes}
                content[layer, memory] = b"".join(lines)
            read.append(content)
            await machine.drive(ctx, part)
            await machine.until_idle(ctx)

    taken = machine.bench.take(machine.dut.results, 4 * network.classes)
    machine.bench.run(stimulus, patience=20_000)
    assert read == [memories(machine.network)] * 2
    assert [logit for logit, _, _ in taken] == trace[-1].sums.ravel().tolist()


@pytest.mark.parametrize("memory", ["block", "ecp5"])
@pytest.mark.parametrize("rows_per_clock", [1, 4])
def test_reads_and_images_wait_for_bytes_that_were_sent_before_them(
    rows_per_clock: int, memory: str
) -> None:
    """Not a clock lies between a line that is written anew and the one that reads or uses it."""
    network = random_network((7, 33, 3), seed=8)
    changed = random_network((7, 33, 3), seed=9)
    profile = HardwareProfile(rows_per_clock=rows_per_clock, memory=memory)
    machine = Machine(network, profile)
    images = random_images(network, 2, 10)[1:]
    trace = reference.trace(changed, images)
    read = {}

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, machine.network)
        for (layer, memory), content in memories(changed).items():
            size = next(
                m.line_bytes
                for m in memory_map(machine.parameters)
                if m.space == 16 * layer + memory
            )
            for line in sorted({0, len(content) // size - 1}):
                part = content[line * size :][:size]
                await machine.load(ctx, layer, memory, part, line)
                read[layer, memory, line] = await machine.fetch(ctx, layer, memory, line) == part
        for (layer, memory), content in memories(changed).items():
            await machine.load(ctx, layer, memory, content)
        # The last words of a layer, wrong once more, and mended.
        for layer, columns in ((0, 33), (1, 3)):
            content = memories(changed)[layer, WEIGHTS][-columns:]
            row = changed.layers[layer].rows - 1
            await machine.load(ctx, layer, WEIGHTS, bytes(columns), row)
            await machine.load(ctx, layer, WEIGHTS, content, row)
            await machine.drive(ctx, trace[0].inputs)
            await machine.until_idle(ctx)

    taken = machine.bench.take(machine.dut.results, 2 * 3)
    machine.bench.run(stimulus, patience=20_000)
    assert all(read.values())
    assert [logit for logit, _, _ in taken] == trace[-1].sums.ravel().tolist() * 2


@pytest.mark.parametrize("memory", ["block", "ecp5"])
def test_an_image_that_follows_a_read_waits_for_its_line(memory: str) -> None:
    network = random_network((7, 5, 3), seed=8)
    machine = Machine(network, HardwareProfile(memory=memory))
    images = random_images(network, 2, 10)[1:]
    trace = reference.trace(network, images)
    lines = memories(machine.network)
    asked: list[tuple[int, int]] = []
    read = []

    async def images_follow(ctx: Any) -> None:
        for number in range(len(lines)):
            while len(asked) == number:
                await ctx.tick()
            await machine.drive(ctx, trace[0].inputs)

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, machine.network)
        for layer, space in lines:
            await machine.ask(ctx, layer, space, 0)
            asked.append((layer, space))
            read.append(await read_line(ctx, machine.dut))
            await ctx.tick().repeat(5)
            await machine.until_idle(ctx)

    machine.bench.play(images_follow)
    taken = machine.bench.take(machine.dut.results, len(lines) * 3)
    machine.bench.run(stimulus, patience=20_000)
    sizes = {m.space: m.line_bytes for m in memory_map(machine.parameters)}
    assert read == [content[: sizes[16 * k + m]] for (k, m), content in lines.items()]
    assert [logit for logit, _, _ in taken] == trace[-1].sums.ravel().tolist() * len(lines)


def test_layers_overlap_so_that_the_slowest_stage_sets_the_pace() -> None:
    network = random_network((40, 30, 30, 5), seed=3)
    machine = Machine(network, HardwareProfile())
    images = np.full((20, 40), 255, dtype=np.uint8)
    trace = reference.trace(network, images)
    cycles = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, machine.network)
        await machine.drive(ctx, trace[0].inputs)
        await machine.until_idle(ctx)
        cycles.append(int.from_bytes(await machine.fetch(ctx, ENGINE, COUNTERS, 0), "little"))

    machine.bench.take(machine.dut.results, 20 * 5)
    machine.bench.run(stimulus, patience=20_000)
    # 41 cycles per image (40 rows and the closing event), and once the depth of the pipeline.
    assert cycles[0] <= 20 * 41 + 2 * 30 + 90


def test_a_write_to_the_counters_clears_those_of_all_layers() -> None:
    network = random_network((7, 6, 3), seed=4)
    machine = Machine(network, HardwareProfile())
    trace = reference.trace(network, random_images(network, 3, 5))
    counts: list[int] = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.drive(ctx, trace[0].inputs[:2])
        await machine.until_idle(ctx)
        await machine.load(ctx, ENGINE, COUNTERS, bytes(4))
        await machine.drive(ctx, trace[0].inputs[2:])
        await machine.until_idle(ctx)
        await ctx.tick()
        for layer, line in ((0, 0), (0, 1), (1, 0), (1, 1), (ENGINE, 1)):
            value = await machine.fetch(ctx, layer, COUNTERS, line)
            counts.append(int.from_bytes(value, "little"))

    machine.bench.take(machine.dut.results, 3 * network.classes)
    machine.bench.run(stimulus, patience=20_000)
    rows = [np.count_nonzero(layer.inputs[2]) for layer in trace]
    assert counts == [rows[0], 6, rows[1], 3, 1]
