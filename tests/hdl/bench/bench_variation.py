"""cocotb tests of an engine that makes its chip; run by test_variation.py, in the simulator."""

import cocotb

from allspin.hdl.bench.engine_bench import EngineBench
from allspin.hdl.bench.job import SimulationJob
from allspin.hdl.parameters.memory_map import WEIGHTS
from tests.hdl.bench.chips import RandomChip


async def started(dut, stalls=0.0):
    """The bench of the chip that the job names, and that chip."""
    job = SimulationJob.of_this_simulation()
    chip = RandomChip(job.network, job.options["chip"], noisy_sums=job.engine.noisy_sums)
    noise = chip if job.engine.numbered else None
    memories = chip.contents(job.engine)
    options = {"words": chip.words(), "noise": noise, "memories": memories}
    return await EngineBench.start(dut, stalls=stalls, **options), chip


@cocotb.test()
async def stalls_everywhere(dut):
    bench, _ = await started(dut, 0.4)
    bench.send(SimulationJob.of_this_simulation().images)
    await bench.finish()


@cocotb.test()
async def full_speed(dut):
    bench, _ = await started(dut)
    # In two lots: the second one's images begin at a number other than 0.
    images = SimulationJob.of_this_simulation().images
    bench.send(images[:7])
    bench.send(images[7:])
    await bench.finish()


@cocotb.test()
async def words_read_back(dut):
    bench, chip = await started(dut)
    for layer, words in enumerate(chip.words()):
        for row, line in enumerate(words):
            found = await bench.read_line(layer << 4 | WEIGHTS, row)
            assert found == line.tobytes(), (layer, row)
