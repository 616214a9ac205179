"""Rate of images of the MNIST test set from an SDRAM, refreshes and rows included."""

from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.hdl import Module

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M, SdramParameters
from allspin.hdl.resident.packing import pack_words
from allspin.hdl.resident.sdram import SdramController
from allspin.hdl.resident.word_player import WordPlayer
from allspin.host.data.datasets import load_test_set
from allspin.sim.network.pixels import quantise_pixels
from tests.hdl.driving import simulate, step
from tests.hdl.resident.data_sheet import SHEETS, Memory

IMAGES = 60
FREQUENCY = 80_000_000


def test_a_million_images_a_second_at_80_mhz() -> None:
    images, labels = load_test_set(None)[:2]
    values = quantise_pixels(images.reshape(len(images), -1), 4)
    words, sizes = pack_words(values, np.asarray(labels), 4)
    assert 67 < sizes.mean() < 68  # 135 bytes
    sdram = replace(SdramParameters.of(SLOWEST_256M, FREQUENCY), power_up=80)
    memory = Memory(
        replace(SHEETS["MT48LC16M16A2-75"], power_up=1000), 1e9 / FREQUENCY, sdram.column_bits
    )
    for address, word in enumerate(words[: 2 * sizes[:IMAGES].sum()].tolist()):
        memory.words[address >> 9 & 3, address >> 11, address & 511] = word
    m = Module()
    m.submodules.controller = controller = SdramController(sdram)
    m.submodules.player = player = WordPlayer(CrossbarParameters(784, 1, 1, 4, 8, 4), len(words))
    m.d.comb += [
        controller.requests.payload.address.eq(player.reads.payload),
        controller.requests.valid.eq(player.reads.valid),
        player.reads.ready.eq(controller.requests.ready),
        player.comes.eq(controller.comes),
        player.found.eq(controller.found),
        player.events.ready.eq(1),
        player.labels.ready.eq(1),
    ]
    clocks = []

    async def bench(ctx: Any) -> None:
        await ctx.tick().until(controller.started)
        await step(ctx, player, start=1, first=0, skip=0, images=IMAGES)
        ctx.set(player.start, 0)
        spent = 0
        while ctx.get(player.playing):
            await ctx.tick()
            spent += 1
        clocks.append(spent)

    async def attend(ctx: Any) -> None:
        await memory.attend(ctx, controller, sdram.way)

    simulate(m, bench, attend)
    assert not memory.violations
    rate = FREQUENCY * IMAGES / clocks[0] * sizes[:IMAGES].mean() / sizes.mean()
    assert rate > 1.1e6
