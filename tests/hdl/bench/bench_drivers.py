"""cocotb tests of the drivers on a queue with faults; run by test_drivers.py."""

import cocotb
from amaranth.lib import data

from allspin.hdl.bench.clock import clocks, start_clock
from allspin.hdl.bench.scoreboard import Scoreboard
from allspin.hdl.bench.streams import Stalls, StreamDriver, StreamMonitor

LAYOUT = data.StructLayout({"number": 8})


async def through_the_queue(dut, fault, stalls=0.5):
    dut.fault.value = fault
    board = Scoreboard("numbers")
    driver = StreamDriver(dut, "i", LAYOUT, Stalls(stalls, "in"))
    StreamMonitor(dut, "o", LAYOUT, lambda number: board.receive(number), Stalls(stalls, "out"))
    await start_clock(dut)
    for number in range(200):
        driver.put(number=number)
        board.expect(number)
    await driver.drained()
    await clocks(50)
    board.check()
    driver.check()


@cocotb.test()
async def correct_with_stalls(dut):
    await through_the_queue(dut, 0)


@cocotb.test()
async def correct_at_full_speed(dut):
    await through_the_queue(dut, 0, stalls=0.0)


@cocotb.test()
async def payload_changes(dut):
    await through_the_queue(dut, 1)


@cocotb.test()
async def offer_is_withdrawn(dut):
    await through_the_queue(dut, 2)


@cocotb.test()
async def number_is_lost(dut):
    await through_the_queue(dut, 3)


@cocotb.test()
async def number_comes_twice(dut):
    await through_the_queue(dut, 4)


@cocotb.test()
async def last_number_never_comes(dut):
    await through_the_queue(dut, 5)


@cocotb.test()
async def nothing_is_ever_taken(dut):
    await through_the_queue(dut, 6)
