"""cocotb tests of the complete top through its UART pins; run by test_link.py."""

from fractions import Fraction

import cocotb
from cocotbext.uart import UartSink, UartSource

from allspin.hdl.bench.clock import PERIOD, start_clock
from allspin.hdl.bench.job import SimulationJob
from allspin.hdl.contents import network_contents
from allspin.hdl.link.protocol import (
    NO_SESSION,
    Answer,
    ErrorCode,
    LinkParameters,
    Request,
    identity_bytes,
)
from allspin.sim.network import reference
from allspin.sim.network.pixels import quantise_pixels
from tests.hdl.bench.link_bench import (
    WRITE_BYTES,
    LinkBench,
    decode_frame,
    encode_frame,
    sparse_image,
)


async def started(dut, clock_error=0.0):
    job = SimulationJob.of_this_simulation()
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


class Asker:
    """One request after another, through somebody else's 8N1."""

    def __init__(self, dut, divisor):
        baud = round(1e9 / (PERIOD * float(divisor)))
        self.source = UartSource(dut.rx, baud=baud)
        self.sink = UartSink(dut.tx, baud=baud)
        self.tag = 0

    async def ask(self, kind, body=b""):
        self.tag += 1
        tag = self.tag.to_bytes(2, "little")
        await self.source.write(encode_frame(bytes([kind]) + tag + body))
        frame = bytearray()
        while not frame.endswith(b"\0"):
            frame += bytes(await self.sink.read(1))
        payload = decode_frame(bytes(frame[:-1]))
        assert payload[1:3] == tag
        return payload[0], payload[4:]


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def another_uart_programs_and_asks(dut):
    job = SimulationJob.of_this_simulation()
    parameters = LinkParameters(job.engine, window=job.options["window"])
    asker = Asker(dut, Fraction(job.options["divisor"]))
    await start_clock(dut)

    kind, body = await asker.ask(Request.IDENTIFY)
    assert (kind, body) == (Answer.IDENTITY, identity_bytes(parameters))

    for contents in network_contents(job.network):
        count = max(1, WRITE_BYTES // len(contents.lines[0]))
        for first in range(0, len(contents.lines), count):
            head = bytes([contents.space]) + first.to_bytes(2, "little")
            lines = b"".join(contents.lines[first : first + count])
            kind, body = await asker.ask(Request.WRITE, head + lines)
            assert (kind, body) == (Answer.WRITTEN, b"")

    size = job.engine.logit_bytes
    bits = job.engine.pixel_bits
    expected = reference.logits(job.network, job.images)
    for logits, values in zip(expected, quantise_pixels(job.images, bits), strict=True):
        kind, body = await asker.ask(Request.IMAGE, sparse_image(values, bits))
        assert kind == Answer.LOGITS
        got = [
            int.from_bytes(body[start : start + size], "little", signed=True)
            for start in range(0, len(body) - 2, size)
        ]
        assert got == logits.tolist()
        assert int.from_bytes(body[-2:], "little") == logits.argmax()
