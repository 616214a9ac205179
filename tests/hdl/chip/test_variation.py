"""Chips made in gateware against the golden model: R_AH words, and noise at each use."""

import itertools
import random
import struct

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from allspin.hdl.chip.variation import Variation
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CHIP, ENGINE, REDRAW, STATES, USE_NOISE, WRITE_TABLE
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, use_normals
from allspin.sim.chip.words import USE_BITS
from allspin.sim.chip.write_table import MAX_SPREAD, WriteTable
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import full_scale
from allspin.sim.network.random_network import random_network
from tests.examples import examples
from tests.hdl.bench.chips import table_lines
from tests.hdl.driving import draw_noise, loads, send, simulate, take
from tests.sim.chip.exact import state_words

PATIENCE = 3000


def some_table(states, rah_bits, rng):
    """Levels and spreads that reach the ends of their ranges."""
    top = full_scale(rah_bits)
    levels = np.sort(rng.choice(np.arange(-top, top + 1), states, replace=False))
    spreads = rng.integers(-MAX_SPREAD, MAX_SPREAD + 1, (2, 2, states))
    spreads[rng.random(spreads.shape) < 0.3] //= 256
    spreads[:, 0, 0] = MAX_SPREAD
    spreads[:, 1, -1] = -MAX_SPREAD
    return WriteTable(levels.astype(np.int16), *spreads.astype(np.int32))


def chip_bytes(seed, write, imperfections, rah_bits):
    flags = {"low": 0, "high": 1, "either": 2}[imperfections.stuck_at]
    flags |= full_scale(rah_bits) << 8
    threshold = min(2**32 - 1, round(imperfections.stuck * 2**32))
    return struct.pack("<IHHI", seed, write, flags, threshold)


class Made:
    """A `Variation` that is driven, and the words that it made, by layer."""

    def __init__(self, parameters, gaps=0.0, seed=0):
        self.parameters = parameters
        self.dut = Variation(parameters)
        self.rng = np.random.default_rng(seed)
        self.gaps = gaps
        self.words = [
            np.full((crossbar.rows, crossbar.columns), -128) for crossbar in parameters.crossbars
        ]
        self.places = []  # of words, in their order
        self.clocks = 0
        self.beside = []  # testbenches that run beside the steps

    def run(self, *steps):
        async def stimulus(ctx):
            for step in steps:
                await step(ctx)
            await self.settle(ctx)

        async def watch(ctx):
            place = 0
            async for _, _, valid, layer, word in ctx.tick().sample(
                self.dut.valid, self.dut.layer, self.dut.word
            ):
                self.clocks += 1
                if not valid:
                    continue
                columns = self.parameters.crossbars[layer].columns
                place = int(word.row) * columns if word.first else place + 1
                self.words[layer].flat[place] = int(word.word)
                self.places.append((layer, place))

        simulate(self.dut, stimulus, watch, *self.beside)

    async def settle(self, ctx):
        await ctx.tick().repeat(8)  # longer than it takes to be busy
        left = PATIENCE + 200 * sum(c.rows * c.columns for c in self.parameters.crossbars)
        while ctx.get(self.dut.busy):
            await ctx.tick()
            left -= 1
            assert left, "it stays busy"
        await ctx.tick()  # the last word is seen a clock later

    def load(self, layer, memory, content, address=0):
        """Bytes for a memory; those of states go in as they are taken."""

        async def step(ctx):
            port = self.dut.states if (memory, layer != ENGINE) == (STATES, True) else self.dut.load
            payloads = loads(layer, memory, content, address)
            await send(ctx, port, payloads, lambda: self.rng.random() < self.gaps)
            await ctx.tick().repeat(2)

        return step


TOPOLOGIES = [(5, 4, 3), (3, 7), (4, 3, 2, 3)]
FORMS = [1, 22]


@pytest.mark.parametrize("form", FORMS)
@examples(4)
@given(
    topology=st.sampled_from(TOPOLOGIES),
    states=st.sampled_from([2, 10, 15, 16]),
    rah_bits=st.sampled_from([5, 8]),
    seed=st.integers(0, 2**32 - 1),
    write=st.integers(0, 2**16 - 1),
    stuck=st.sampled_from([0.0, 0.0, 0.3]),
    stuck_at=st.sampled_from(["low", "high", "either"]),
    redraw=st.booleans(),
    memory=st.sampled_from(["block", "ecp5"]),
    gaps=st.sampled_from([0.0, 0.5]),
)
@example(
    topology=(5, 4, 3),
    states=10,
    rah_bits=8,
    seed=1,
    write=2,
    stuck=0.5,
    stuck_at="either",
    redraw=True,
    memory="block",
    gaps=0.0,
)
def test_words_are_the_golden_chips(
    topology, form, states, rah_bits, seed, write, stuck, stuck_at, redraw, memory, gaps
):
    rng = np.random.default_rng([seed, write])
    network = random_network(topology, seed % 1000, states=states, rah_bits=rah_bits)
    variation = VariationParameters(states, form, redraw, use_noise=False)
    # Wider words in the hardware than in the network change no result.
    parameters = EngineParameters.from_network(
        network, HardwareProfile(rah_bits=8, memory=memory, variation=variation)
    )
    imperfections = Imperfections(stuck=stuck, stuck_at=stuck_at)
    tables = [some_table(states, rah_bits, rng) for _ in network.layers]
    polarities = [rng.integers(0, 2, layer.states.shape) for layer in network.layers]

    def golden(chip, number):
        return [
            state_words(layer.states, polarity, table, chip, place, number, imperfections, rah_bits)
            for place, (layer, polarity, table) in enumerate(
                zip(network.layers, polarities, tables, strict=True)
            )
        ]

    made = Made(parameters, gaps, seed % 7)
    steps = [made.load(ENGINE, CHIP, chip_bytes(seed, write, imperfections, rah_bits))]
    for layer, table in enumerate(tables):
        steps.append(
            made.load(layer, WRITE_TABLE, b"".join(table_lines(table, variation.state_bits)))
        )
    for layer, (crossbar, polarity) in enumerate(zip(network.layers, polarities, strict=True)):
        content = (polarity << 7 | crossbar.states).astype(np.uint8)
        half = content.shape[0] // 2
        # In two parts, the second first: each says where it goes.
        steps.append(made.load(layer, STATES, content[half:].tobytes(), half))
        steps.append(made.load(layer, STATES, content[:half].tobytes()))
    seen = []

    async def look(ctx):
        await made.settle(ctx)
        seen.append([words.copy() for words in made.words])

    steps.append(look)
    if redraw:
        other = (seed + 1) % 2**32
        steps += [
            made.load(ENGINE, CHIP, chip_bytes(other, 0, imperfections, rah_bits)),
            made.load(ENGINE, REDRAW, b"\1"),
            look,
        ]
    made.run(*steps)
    wanted = [golden(seed, write)] + ([golden((seed + 1) % 2**32, 0)] if redraw else [])
    for words, golden_words in zip(seen, wanted, strict=True):
        for one, two in zip(words, golden_words, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("stuck", [0.0, 0.4])
def test_words_come_of_the_unit_that_draws_noise_meanwhile(stuck):
    network = random_network((5, 4, 3), 8)
    variation = VariationParameters(network.layers[0].levels.size, 1)
    profile = HardwareProfile(variation=variation)
    made = Made(EngineParameters.from_network(network, profile))
    rng = np.random.default_rng(8)
    tables = [some_table(len(layer.levels), 8, rng) for layer in network.layers]
    noise = []

    async def number_images(ctx):
        await send(ctx, made.dut.numbers, itertools.count(), lambda: rng.random() < 0.995)

    made.beside = [number_images, take(made.dut.noises[0], noise.append, rng, 0.5)]
    imperfections = Imperfections(stuck=stuck)
    steps = [made.load(ENGINE, CHIP, chip_bytes(5, 0, imperfections, 8))]
    for layer, table in enumerate(tables):
        steps.append(
            made.load(layer, WRITE_TABLE, b"".join(table_lines(table, variation.state_bits)))
        )
    for layer, crossbar in enumerate(network.layers):
        steps.append(made.load(layer, STATES, crossbar.states.astype(np.uint8).tobytes()))
    made.run(*steps)
    assert len(noise) > 4 * 4
    for place, (layer, table) in enumerate(zip(network.layers, tables, strict=True)):
        wanted = state_words(
            layer.states, np.zeros_like(layer.states), table, 5, place, 0, imperfections, 8
        )
        np.testing.assert_array_equal(made.words[place], wanted)


@pytest.mark.parametrize(("stuck", "clocks"), [(0.0, 1), (0.25, 2)])
def test_a_redraw_takes_a_clock_for_each_cell_or_two_where_cells_stick(stuck, clocks):
    network = random_network((40, 25, 4), 0)
    parameters = EngineParameters.from_network(
        network, HardwareProfile(variation=VariationParameters(10, redraw=True, use_noise=False))
    )
    made = Made(parameters)
    begun = []

    async def note(ctx):
        begun.append(made.clocks)

    made.run(
        made.load(ENGINE, CHIP, chip_bytes(3, 0, Imperfections(stuck=stuck), 8)),
        note,
        made.load(ENGINE, REDRAW, b"\1"),
        made.settle,
        note,
    )
    cells = 40 * 25 + 25 * 4
    assert len(made.places) == cells
    assert made.places == [
        *((0, place) for place in range(1000)),
        *((1, place) for place in range(100)),
    ]
    # For each layer, its keys and the pipeline's length.
    assert cells * clocks < begun[1] - begun[0] < cells * clocks + 2 * 220


def noise_of(parameters, form_seed, seed, spreads, numbers, stall):
    """Noise of each layer for some images: (images, uses)."""
    hidden = parameters.crossbars[:-1]
    positions = [parameters.kind(layer).positions for layer in range(len(hidden))]
    told = [(ENGINE, CHIP, chip_bytes(seed, 0, Imperfections(), 8))]
    told += [(layer, USE_NOISE, struct.pack("<I", spread)) for layer, spread in enumerate(spreads)]
    expected = [
        len(numbers) * own * -(-crossbar.columns // crossbar.neurons_per_clock)
        for own, crossbar in zip(positions, hidden, strict=True)
    ]
    taken = draw_noise(parameters, told, numbers, expected, stall=stall, seed=form_seed)
    return [
        np.array([[int(use) for use in beat.uses] for beat in one])
        .reshape(len(numbers), own, -1)[..., : crossbar.columns]
        .reshape(len(numbers), -1)
        for own, crossbar, one in zip(positions, hidden, taken, strict=True)
    ]


@pytest.mark.parametrize("form", [(1, None, 1), (22, None, 1), (22, None, 4), (1, 22, 2)])
@examples(3)
@given(
    topology=st.sampled_from([(5, 9, 3), (4, 3, 6, 2)]),
    current_bits=st.sampled_from([4, 8, 12]),
    seed=st.integers(0, 2**32 - 1),
    numbers=st.lists(
        st.one_of(st.integers(0, 3), st.integers(65534, 65537), st.integers(0, 2**32 - 1)),
        min_size=1,
        max_size=5,
    ),
    draw=st.randoms(use_true_random=False),
    memory=st.sampled_from(["block", "ecp5"]),
    stall=st.sampled_from([0.0, 0.5]),
)
def test_noise_at_each_use_is_the_golden_models(
    topology, form, current_bits, seed, numbers, draw, memory, stall
):
    network = random_network(topology, 1, current_bits=current_bits)
    check_noise(network, form, seed, numbers, draw, memory, stall)


@pytest.mark.parametrize("form", [(1, None, 1), (22, None, 2), (1, 22, 4)])
def test_noise_at_each_use_of_positions_is_the_golden_models(form):
    kinds = (Convolution((3, 3, 1), (2, 2)),)
    network = random_network((9, 3, 2), 1, kinds=kinds, image_shape=(3, 3))
    check_noise(network, form, 5, [0, 65537], random.Random(1), "block", 0.5)


def check_noise(network, form, seed, numbers, draw, memory, stall):
    rounds, noise_rounds, rows_per_clock = form
    parameters = EngineParameters.from_network(
        network,
        HardwareProfile(
            rows_per_clock=rows_per_clock,
            memory=memory,
            variation=VariationParameters(10, rounds, noise_rounds_per_clock=noise_rounds),
        ),
    )
    top = 2**parameters.use_spread_bits - 1
    spreads = [draw.choice([0, 1, top, draw.randrange(top)]) for _ in network.layers[1:]]
    found = noise_of(parameters, seed % 11, seed, spreads, numbers, stall)
    for layer, spread in enumerate(spreads):
        uses = parameters.uses(layer)
        wanted = np.concatenate(
            [use_normals(seed, layer, Purpose.NEURON_USE, n, 1, uses) for n in numbers]
        ).astype(np.int64)
        # Dropping fraction bits to the nearest, halves up.
        bits = FRACTION_BITS + USE_BITS
        np.testing.assert_array_equal(
            found[layer], (wanted * spread * 2 + 2**bits) // 2 ** (bits + 1)
        )


def test_noise_of_one_image_follows_the_others_without_a_gap():
    network = random_network((3, 100, 2), 0)
    parameters = EngineParameters.from_network(
        network, HardwareProfile(variation=VariationParameters(10))
    )
    dut = Variation(parameters)
    taken = []

    async def process(ctx):
        ctx.set(dut.numbers.valid, 1)
        ctx.set(dut.noises[0].ready, 1)
        async for _, _, valid in ctx.tick().sample(dut.noises[0].valid):
            taken.append(valid)
            if len(taken) == 700:
                return

    simulate(dut, process)
    # An image's address is checked in two clocks.
    assert sum(taken[-515:]) >= 500
