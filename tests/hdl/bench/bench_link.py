"""cocotb tests of the complete top through its UART pins; run by test_link.py."""

from fractions import Fraction

import cocotb

from allspin.hdl.bench.drivers import start_clock
from allspin.hdl.bench.link import LinkBench
from allspin.hdl.bench.simulator import Job
from allspin.hdl.link.protocol import NO_SESSION, Answer, ErrorCode, LinkParameters, identity_bytes


async def started(dut, clock_error=0.0):
    job = Job.of_this_simulation()
    parameters = LinkParameters(job.engine, window=job.options["window"])
    divisor = Fraction(job.options["divisor"])
    bench = LinkBench(dut, parameters, divisor, clock_error=clock_error)
    await start_clock(dut)
    return job, bench


@cocotb.test()
async def identity(dut):
    _, bench = await started(dut)
    assert await bench.identify() == identity_bytes(bench.parameters)


@cocotb.test()
async def program_and_stream_from_a_slow_host(dut):
    job, bench = await started(dut, clock_error=0.02)
    await bench.program(job.network)
    await bench.send(job.network, job.images)
    await bench.finish()
    counters = await bench.read(0xF4, 0, 2)
    assert int.from_bytes(counters[8:], "little") == len(job.images)


@cocotb.test()
async def stream_from_a_fast_host(dut):
    job, bench = await started(dut, clock_error=-0.02)
    await bench.program(job.network)
    await bench.send(job.network, job.images[:5])
    await bench.finish()


@cocotb.test()
async def garbage_is_answered_and_forgotten(dut):
    _, bench = await started(dut)
    await bench.line.send(b"\x05noise\x00")
    assert await bench.identify() == identity_bytes(bench.parameters)
    error = bytes([Answer.ERROR, 0xFF, 0xFF, NO_SESSION, ErrorCode.FRAME])
    assert bench.stray == [error]
