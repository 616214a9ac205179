"""A bench for a complete top: a host at the other end of its UART pins."""

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt
from cobs import cobs
from cocotb.triggers import Event, FallingEdge, Timer

from allspin.hdl.bench.clock import PERIOD, clocks, wait_for
from allspin.hdl.bench.scoreboard import Scoreboard
from allspin.hdl.bench.streams import level
from allspin.hdl.contents import network_contents
from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    CRC_BYTES,
    HEADER_BYTES,
    MAX_RUN,
    MAX_SKIP,
    NO_TAG,
    PACKED_BITS,
    RUN_BITS,
    Answer,
    LinkParameters,
    Request,
)
from allspin.sim.network import reference
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels

BITS = 10
"""Bits of a byte on the wire: start, eight of data, stop."""
WRITE_BYTES = 200
"""Data that one WRITE of the bench carries at most, rounded down to whole lines."""


def encode_frame(payload: bytes) -> bytes:
    """A payload as it travels: CRC, byte stuffing, closing zero."""
    return cobs.encode(payload + zlib.crc32(payload).to_bytes(CRC_BYTES, "little")) + b"\0"


def decode_frame(frame: bytes) -> bytes:
    """The payload of a frame without its closing zero.

    Raises
    ------
    AssertionError
        If its CRC does not fit.
    """
    decoded = cobs.decode(frame)
    payload, crc = decoded[:-CRC_BYTES], int.from_bytes(decoded[-CRC_BYTES:], "little")
    assert zlib.crc32(payload) == crc, f"an answer's CRC is wrong: {decoded.hex()}"
    return payload


def sparse_image(values: npt.NDArray[np.uint8], pixel_bits: int) -> bytes:
    """An image's row values as the body of an IMAGE request."""
    coded = bytearray()
    position = 0
    rows = np.flatnonzero(values)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    pieces = [run[at : at + MAX_RUN] for run in runs for at in range(0, len(run), MAX_RUN)]
    for piece in pieces:
        skip = int(piece[0]) - position
        position = int(piece[-1]) + 1
        while skip > MAX_SKIP:
            coded.append(MAX_SKIP << RUN_BITS)
            skip -= MAX_SKIP
        coded.append(skip << RUN_BITS | len(piece))
        levels = values[piece]
        if pixel_bits <= PACKED_BITS:
            low, high = np.pad(levels, (0, len(piece) % 2)).reshape(-1, 2).T
            levels = low | high << PACKED_BITS
        coded += levels.tobytes()
    return bytes(coded)


class UartDriver:
    """The sender at the other end of a component's ``rx`` pin.

    Parameters
    ----------
    pin : cocotb handle
        The pin.
    divisor : Fraction or float
        Clocks a bit.
    clock_error : float
        Share by which this end is too slow (negative: too fast).
    """

    def __init__(self, pin: Any, divisor: Fraction | float, *, clock_error: float = 0.0) -> None:
        self._pin = pin
        self._bit = float(divisor) * PERIOD * (1 + clock_error)
        self._due = 0.0
        self._pin.value = 1

    async def send(self, data: bytes) -> None:
        """Send bytes, one straight after another."""
        for byte in data:
            wire = byte << 1 | 1 << (BITS - 1)
            for number in range(BITS):
                self._pin.value = wire >> number & 1
                # Whole nanoseconds; the remainder is carried over to the next bit.
                self._due += self._bit
                whole = int(self._due)
                self._due -= whole
                await Timer(whole, "ns")


class UartMonitor:
    """The receiver at the other end of a component's ``tx`` pin.

    Parameters
    ----------
    pin : cocotb handle
        The pin.
    divisor : Fraction or float
        Clocks a bit.
    take : callable
        Gets each byte.
    """

    def __init__(self, pin: Any, divisor: Fraction | float, take: Callable[[int], object]) -> None:
        self._pin = pin
        self._bit = float(divisor) * PERIOD
        self._take = take
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        start = FallingEdge(self._pin)
        while True:
            await start
            byte, passed = 0, 0
            for number in range(BITS):
                middle = int((number + 0.5) * self._bit)
                await Timer(middle - passed, "ns")
                passed = middle
                bit = level(self._pin)
                assert number != 0 or not bit, "a start bit was too short"
                assert number != BITS - 1 or bit, "a stop bit is missing"
                byte |= bit << number
            self._take(byte >> 1 & 0xFF)


class LinkBench:
    """Speak the link protocol with a top through its pins, and check every logit.

    Parameters
    ----------
    dut : cocotb handle
        The top, with the pins ``rx`` and ``tx``.
    parameters : LinkParameters
        Parameters of its link.
    divisor : Fraction or float
        Clocks a bit of its UART.
    clock_error : float
        Share by which the host sends too slowly.

    Attributes
    ----------
    logits : Scoreboard
        Answers to images as they came, compared.
    """

    def __init__(
        self,
        dut: Any,
        parameters: LinkParameters,
        divisor: Fraction | float,
        *,
        clock_error: float = 0.0,
    ) -> None:
        self.parameters = parameters
        self.logits = Scoreboard("logits")
        self.line = UartDriver(dut.rx, divisor, clock_error=clock_error)
        self.received = 0
        self.stray: list[bytes] = []
        self._sizes: dict[int, int] = {}
        self._answers: dict[int, tuple[int, bytes]] = {}
        self._tag = 0
        self._frame = bytearray()
        self._moved = Event()
        UartMonitor(dut.tx, divisor, self._take)
        slowest = max(c.passes * (c.rows + 1) for c in parameters.engine.crossbars)
        self._patience = 1000 + 2 * slowest + int(60 * BITS * divisor)

    async def ask(self, kind: int, body: bytes = b"") -> int:
        """Send a request as soon as the device's window has room for it, and return its tag."""
        self._tag = (self._tag + 1) % NO_TAG
        frame = encode_frame(struct.pack("<BH", kind, self._tag) + body)
        while sum(self._sizes.values()) + len(frame) > self.parameters.window:
            await self._move()
        self._sizes[self._tag] = len(frame)
        await self.line.send(frame)
        return self._tag

    async def answer(self, tag: int, kind: int) -> bytes:
        """Wait for the answer to a request, of that kind, and return its body.

        Raises
        ------
        AssertionError
            If another answer comes, or no answer.
        """
        while tag not in self._answers:
            await self._move()
        found, body = self._answers.pop(tag)
        assert found == kind, f"answer {found:#x} {body.hex()}, not {kind:#x}"
        return body

    async def identify(self) -> bytes:
        """The device's identity."""
        return await self.answer(await self.ask(Request.IDENTIFY), Answer.IDENTITY)

    async def write(self, space: int, address: int, data: bytes) -> None:
        """Write whole lines of a memory."""
        body = struct.pack("<BH", space, address) + data
        await self.answer(await self.ask(Request.WRITE, body), Answer.WRITTEN)

    async def read(self, space: int, address: int, count: int) -> bytes:
        """Read lines of a memory."""
        body = struct.pack("<BHH", space, address, count)
        return await self.answer(await self.ask(Request.READ, body), Answer.LINES)

    async def program(self, network: Network) -> None:
        """Load a network into the engine's memories and read everything back.

        Raises
        ------
        AssertionError
            If a memory does not hold what was written.
        """
        for contents in network_contents(network):
            count = max(1, WRITE_BYTES // len(contents.lines[0]))
            for first in range(0, len(contents.lines), count):
                lines = b"".join(contents.lines[first : first + count])
                await self.write(contents.space, first, lines)
        for contents in network_contents(network):
            stored = await self.read(contents.space, 0, len(contents.lines))
            assert stored == b"".join(contents.lines), f"space {contents.space:#04x} differs"

    async def send(self, network: Network, images: npt.NDArray[np.uint8]) -> None:
        """Stream images, several under way, and expect their logits.

        Parameters
        ----------
        network : Network
            The network that the engine was programmed with.
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        """
        logits = reference.logits(network, images)
        bits = self.parameters.engine.pixel_bits
        for sums, values in zip(logits, quantise_pixels(images, bits), strict=True):
            self.logits.expect((Answer.LOGITS, tuple(sums.tolist()), int(np.argmax(sums))))
            await self.ask(Request.IMAGE, sparse_image(values, bits))

    async def finish(self) -> None:
        """Wait for all answers and check that they are right and that no other answer came.

        Raises
        ------
        AssertionError
            If a logit or a class is wrong, an answer is missing, or one came without a
            request.
        """
        while self._sizes:
            await self._move()
        await clocks(self._patience)
        self.logits.check()
        assert not self._answers, f"answers of other kinds than were due: {self._answers}"
        assert not self._frame, f"half an answer came: {self._frame.hex()}"
        assert not self.stray, f"answers that nobody asked for: {[s.hex() for s in self.stray]}"

    async def _move(self) -> None:
        """Wait until a byte comes."""
        self._moved.clear()
        assert await wait_for(self._moved, self._patience), (
            f"nothing came for {self._patience} clocks, {len(self._sizes)} answers are due"
        )

    def _take(self, byte: int) -> None:
        self.received += 1
        self._moved.set()
        if byte:
            self._frame.append(byte)
            return
        payload = decode_frame(bytes(self._frame))
        self._frame.clear()
        tag = int.from_bytes(payload[1:HEADER_BYTES], "little")
        kind, body = payload[0], payload[ANSWER_HEADER_BYTES:]
        if self._sizes.pop(tag, None) is None:
            self.stray.append(payload)
        elif kind == Answer.LOGITS:
            size = self.parameters.engine.logit_bytes
            logits = tuple(
                int.from_bytes(body[start : start + size], "little", signed=True)
                for start in range(0, len(body) - 2, size)
            )
            self.logits.receive((kind, logits, int.from_bytes(body[-2:], "little")))
        else:
            self._answers[tag] = kind, body
