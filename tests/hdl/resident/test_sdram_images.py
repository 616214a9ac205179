"""Images in an SDRAM, in front of an engine, against the golden model; a damaged word is told."""

import struct
import zlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_BEATS, RESIDENT_LOGITS, RESIDENT_RUN
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES, ResidentParameters
from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M, SdramParameters, SdramPart
from allspin.hdl.resident.packing import pack_words
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.driving import Driven
from tests.hdl.resident.data_sheet import SHEETS, Memory
from tests.hdl.resident.test_resident import Machine, ResidentEngine

# 2 M words of 32 bits: ESMT M12L64322A-6, Etron EM638325-6.
M12L64322A = SdramPart(32, 11, 8, 4096, rcd=18, rp=18, ras=42, rc=60, rfc=60, wr=15)
FREQUENCY = 90_000_000
IMAGES = 7


@pytest.mark.parametrize(("part", "slots"), [(SLOWEST_256M, 4), (M12L64322A, 2)])
def test_counts_logits_and_digest(part: Any, slots: int) -> None:
    small = replace(part, row_bits=3, column_bits=4, power_up=1.0)
    sdram = SdramParameters.of(small, FREQUENCY)
    sheet = replace(SHEETS["W9825G6KH-6"], power_up=1000.0)
    memory = Memory(sheet, 1e9 / FREQUENCY, 4, width=part.width)
    network = random_network((40, 4, 3), slots)
    images = random_images(network, IMAGES, slots).reshape(IMAGES, 40)
    images[1], images[2] = 0, 255
    machine = Machine(network, images, [n % 3 for n in range(IMAGES)], slots=slots)
    resident = ResidentParameters.of(sdram)
    machine.parameters = replace(machine.parameters, resident=resident)
    Driven.__init__(machine, ResidentEngine(machine.parameters))
    values = machine.trace[0].inputs.astype(np.uint8)
    words, sizes = pack_words(values, np.array(machine.labels), network.pixel_bits)
    content = words.astype("<u2").tobytes()
    content += bytes(-len(content) % SDRAM_LINE_BYTES)
    seen: list[Any] = []

    async def run(ctx: Any, count: int) -> tuple[int, ...]:
        order = struct.pack("<H14x", count)
        await machine.load(ctx, ENGINE, RESIDENT_RUN, order)
        answers, low, correct, high, _, logits = struct.unpack(
            "<HHHHII", await machine.fetch(ctx, ENGINE, RESIDENT_RUN, 0)
        )
        return answers, correct, low | high << 16, logits

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.load(ctx, ENGINE, RESIDENT_BEATS, content)
        seen.append(await run(ctx, IMAGES))
        order = (0, 1, 4, 3, 6)
        seen.append([await machine.fetch(ctx, ENGINE, RESIDENT_LOGITS, n) for n in order])
        assert seen[-1] == [machine.answer(number) for number in order]
        seen.append(await run(ctx, 5))
        place = next(iter(memory.words))
        memory.words[place] ^= 4
        seen.append(await run(ctx, IMAGES))
        seen.append(await run(ctx, 0))

    pins = SimpleNamespace(pins=machine.dut.resident.sdram, read=machine.dut.resident.sdram_read)

    async def attend(ctx: Any) -> None:
        await memory.attend(ctx, pins, sdram.way)

    machine.bench.play(attend)
    machine.bench.run(stimulus, patience=50_000)
    hits = [class_ == label for class_, label in zip(machine.classes, machine.labels, strict=True)]

    def digest(count: int) -> int:
        return zlib.crc32(content[: 2 * int(sizes[:count].sum())])

    def logits(count: int) -> int:
        return zlib.crc32(b"".join(machine.answer(number)[:-2] for number in range(count)))

    assert seen[0] == (IMAGES, sum(hits), digest(IMAGES), logits(IMAGES))
    assert seen[2] == (5, sum(hits[:5]), digest(5), logits(5))
    assert seen[3][0] == IMAGES
    assert seen[3][2] != digest(IMAGES)
    assert seen[4][:2] == (0, 0)
    assert not memory.violations
