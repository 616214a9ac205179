"""cocotb tests of an engine that makes its chip; run by test_variation.py, in the simulator."""

import cocotb

from allspin.hdl.bench.engine import EngineBench
from allspin.hdl.bench.simulator import Job
from allspin.hdl.parameters.memory_map import WEIGHTS


@cocotb.test()
async def stalls_everywhere(dut):
    bench = await EngineBench.start(dut, stalls=0.4)
    bench.send(Job.of_this_simulation().images)
    await bench.finish()


@cocotb.test()
async def full_speed(dut):
    bench = await EngineBench.start(dut)
    # In two lots, so that there are numbers to begin with that are not 0.
    images = Job.of_this_simulation().images
    bench.send(images[:7])
    bench.send(images[7:])
    await bench.finish()


@cocotb.test()
async def words_read_back(dut):
    bench = await EngineBench.start(dut)
    assert bench.chip is not None
    for layer, words in enumerate(bench.chip.words()):
        for row, line in enumerate(words):
            found = await bench.read_line(layer << 4 | WEIGHTS, row)
            assert found == line.tobytes(), (layer, row)
