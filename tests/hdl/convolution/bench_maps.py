"""cocotb tests of an engine with feature maps; run by test_maps_bench.py, within the simulator."""

import cocotb

from allspin.hdl.bench.clock import clocks
from allspin.hdl.bench.engine_bench import EngineBench
from allspin.hdl.bench.job import SimulationJob


async def _run(dut, stalls):
    bench = await EngineBench.start(dut, stalls=stalls)
    bench.send(SimulationJob.of_this_simulation().images)
    await bench.finish()
    return await bench.read_counters()


@cocotb.test()
async def stalls_everywhere(dut):
    await _run(dut, 0.4)


@cocotb.test()
async def cut_short(dut):
    bench = await EngineBench.start(dut, stalls=0.2)
    bench.send(SimulationJob.of_this_simulation().images)
    await clocks(250)
    assert bench.events.waiting


@cocotb.test()
async def reset_ends_images(dut):
    # After `cut_short`, in the same simulator: its images are still under way.
    clocks_, images = await _run(dut, 0.0)
    dut._log.info("clocks per image: %d", clocks_ // images)
