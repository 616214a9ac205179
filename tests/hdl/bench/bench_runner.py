"""cocotb tests about the run itself, and one that leaves waves; run by test_runner.py."""

import os

import cocotb
import numpy as np
from cocotb.triggers import Timer

from allspin.hdl.bench.clock import clocks, start_clock
from allspin.hdl.bench.job import SimulationJob


@cocotb.test()
async def job_arrives(dut):
    job = SimulationJob.of_this_simulation()
    assert job.options == {"answer": 42}
    assert np.array_equal(job.images, np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    assert job.profile.lanes == 3
    (job.folder / "seed.txt").write_text(str(cocotb.RANDOM_SEED))


@cocotb.test()
async def inside_is_visible(dut):
    dut.clk.value = 1
    await Timer(5, "ns")
    assert int(dut.inner.hidden.value) == 1


@cocotb.test()
async def dies(dut):
    os._exit(3)


@cocotb.test()
async def count(dut):
    await start_clock(dut)
    await clocks(300)
