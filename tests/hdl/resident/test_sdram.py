"""The controller against a memory that checks each time of the data sheets, and keeps words."""

import random
from dataclasses import replace
from typing import Any

import pytest

from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M, SdramParameters
from allspin.hdl.resident.sdram import SdramController
from tests.hdl.driving import put, simulate
from tests.hdl.resident import data_sheet
from tests.hdl.resident.data_sheet import Memory, Sheet

SMALL = replace(SLOWEST_256M, row_bits=3, column_bits=4, power_up=2.0)
SHEETS = {name: replace(sheet, power_up=2e3) for name, sheet in data_sheet.SHEETS.items()}


def run(
    parameters: SdramParameters, sheet: Sheet, frequency: float, accesses: list[tuple[int, int]]
) -> tuple[Memory, list[int], int]:
    """Run accesses, each an address and a word to write, or -1 to read.

    A negative address is a pause of that many clocks. Returns the memory, the words that were
    read, and the clocks that the accesses took.
    """
    dut = SdramController(parameters)
    memory = Memory(sheet, 1e9 / frequency, parameters.column_bits)
    found: list[int] = []
    clocks = [0]

    async def ask(ctx: Any) -> None:
        await ctx.tick().until(dut.started)
        for address, word in accesses:
            if address < 0:  # a pause
                await ctx.tick().repeat(-address)
                clocks[0] -= address
                continue
            put(ctx, dut.requests.payload, address=address, write=word >= 0, word=max(word, 0))
            ctx.set(dut.requests.valid, 1)
            waited = 1
            while not ctx.get(dut.requests.ready):
                await ctx.tick()
                waited += 1
            await ctx.tick()
            ctx.set(dut.requests.valid, 0)
            clocks[0] += waited
        await ctx.tick().repeat(parameters.latency + 2)

    async def listen(ctx: Any) -> None:
        async for _, _, comes, word in ctx.tick().sample(dut.comes, dut.found):
            if comes:
                found.append(word)

    async def attend(ctx: Any) -> None:
        await memory.attend(ctx, dut, parameters.way)

    simulate(dut, ask, listen, attend)
    return memory, found, clocks[0]


def traffic(parameters: SdramParameters, count: int, seed: int) -> list[tuple[int, int]]:
    """Writes and reads that stay in a row for a while, and pauses."""
    rng = random.Random(seed)
    address = 0
    accesses = []
    for _ in range(count):
        address = rng.randrange(1 << parameters.address_bits) if rng.random() < 0.1 else address + 1
        address %= 1 << parameters.address_bits
        accesses.append((address, rng.choice((-1, rng.getrandbits(16)))))
        if rng.random() < 0.05:
            accesses.append((-rng.randrange(1, 40), 0))
    return accesses


@pytest.mark.parametrize(
    ("name", "mhz", "cas", "way"),
    [
        ("W9825G6KH-6", 115, 3, 3),
        ("MT48LC16M16A2-75", 90, 3, 2),
        ("IS42S16160G-7", 80, 2, 2),
        ("AS4C16M16SA-7", 33.3, 3, 4),
    ],
)
def test_words_come_back_within_the_data_sheets_times(
    name: str, mhz: float, cas: int, way: int
) -> None:
    parameters = SdramParameters.of(SMALL, round(1e6 * mhz), cas=cas, way=way)
    accesses = traffic(parameters, 400, way)
    memory, found, _ = run(parameters, SHEETS[name], 1e6 * mhz, accesses)
    held: dict[int, int] = {}
    expected = []
    for address, word in accesses:
        if word >= 0 and address >= 0:
            held[address] = word
        elif address >= 0:
            expected.append(held.get(address, 0))
    assert found == expected
    assert not memory.violations
    assert 0 < memory.widest <= SHEETS[name].refresh
    assert memory.cas == cas


@pytest.mark.parametrize(
    ("time", "fault"),
    [
        ("rcd", "tRCD"),
        ("rp", "tRP"),
        ("ras", "tRAS"),
        ("rfc", "tRFC"),
        ("wr", "tWR"),
        ("refresh", ""),
        ("power_up", "power up"),
    ],
)
def test_a_memory_that_is_slower_than_the_parameters_say_is_noticed(time: str, fault: str) -> None:
    parameters = SdramParameters.of(SMALL, 130_000_000, cas=2)
    few = {"refresh": parameters.refresh + 40, "power_up": 0, "ras": 1}
    fewer = few[time] if time in few else getattr(parameters, time) - 2
    # A row is open for at least the time to its first word.
    with_it = {"rp": {"ras": parameters.ras + parameters.rp - fewer}, "ras": {"rcd": 1}}
    parameters = replace(parameters, **{time: max(1, fewer)}, **with_it.get(time, {}))
    accesses = [(-3000, 0)] if time == "refresh" else traffic(parameters, 150, 1)
    sheets = data_sheet.SHEETS if time == "power_up" else SHEETS
    memory, _, _ = run(parameters, sheets["AS4C16M16SA-7"], 130e6, accesses)
    assert (memory.widest > 7812.5) == (time == "refresh")
    assert fault in memory.violations or time == "refresh"


def test_the_supply_is_waited_for() -> None:
    parameters = SdramParameters.of(SLOWEST_256M, 10_000_000)
    memory, _, _ = run(parameters, data_sheet.SHEETS["W9825G6KH-6"], 10e6, [(5, 7), (5, -1)])
    assert not memory.violations


def test_words_in_a_row_come_one_a_clock() -> None:
    parameters = SdramParameters.of(replace(SMALL, column_bits=9), 90_000_000)
    count = 2048
    memory, found, clocks = run(
        parameters, SHEETS["MT48LC16M16A2-75"], 90e6, [(address, -1) for address in range(count)]
    )
    assert len(found) == memory.commands["read"] == count
    assert clocks < 1.045 * count  # two of each hundred are refreshes, two other rows
