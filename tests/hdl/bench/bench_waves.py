"""A cocotb test that leaves something to see; run by test_waves.py."""

import cocotb

from allspin.hdl.bench.drivers import clocks, start_clock


@cocotb.test()
async def count(dut):
    await start_clock(dut)
    await clocks(300)
