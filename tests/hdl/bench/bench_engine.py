"""cocotb tests of the engine; run by test_engine.py, within the simulator."""

import cocotb

from allspin.hdl.bench.clock import clocks
from allspin.hdl.bench.engine_bench import EngineBench
from allspin.hdl.bench.job import SimulationJob
from allspin.hdl.contents import network_contents


@cocotb.test()
async def stalls_everywhere(dut):
    bench = await EngineBench.start(dut, stalls=0.4)
    bench.send(SimulationJob.of_this_simulation().images)
    await bench.finish()


@cocotb.test()
async def full_speed(dut):
    bench = await EngineBench.start(dut)
    bench.send(SimulationJob.of_this_simulation().images)
    await bench.finish()


@cocotb.test()
async def memories_read_back(dut):
    bench = await EngineBench.start(dut)
    for contents in network_contents(bench.network):
        for address in sorted({0, len(contents.lines) // 2, len(contents.lines) - 1}):
            line = await bench.read_line(contents.space, address)
            assert line == contents.lines[address], (contents.space, address)


@cocotb.test()
async def cut_short(dut):
    bench = await EngineBench.start(dut, stalls=0.2)
    bench.send(SimulationJob.of_this_simulation().images)
    await clocks(150)
    assert bench.events.waiting
    assert bench.events.taken


@cocotb.test()
async def reset_ends_images(dut):
    # After `cut_short`, in the same simulator: its images are still under way.
    bench = await EngineBench.start(dut)
    bench.send(SimulationJob.of_this_simulation().images[:8])
    await bench.finish()
