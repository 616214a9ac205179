"""cocotb test of a board's netlist through its pins; run by test_gates.py."""

from fractions import Fraction

import cocotb

from allspin.hdl.bench.clock import clocks, start_clock
from allspin.hdl.bench.job import SimulationJob
from allspin.hdl.link.protocol import LinkParameters, identity_bytes
from tests.hdl.bench.link_bench import LinkBench


@cocotb.test()
async def gates_are_the_golden_model(dut):
    job = SimulationJob.of_this_simulation()
    parameters = LinkParameters(
        job.engine, window=job.options["window"], frequency=job.options["frequency"]
    )
    bench = LinkBench(dut, parameters, Fraction(job.options["divisor"]))
    await start_clock(dut)
    await clocks(job.options["settling"])
    assert await bench.identify() == identity_bytes(parameters)
    await bench.program(job.network)
    await bench.send(job.network, job.images)
    await bench.finish()
