"""A host on D+ and D-: USB 2.0, chapters 7 and 8, at full speed, at a rate of its own."""

from collections.abc import Callable
from typing import Any

BIT = 1 / 12e6
"""Seconds."""
SAMPLES = 4
"""Times per bit that the host samples the wires."""
LEVELS = {"J": 0b01, "K": 0b10, "_": 0b00}
"""D+ in bit 0, D- in bit 1."""
OUT, IN, SOF, SETUP = 0b0001, 0b1001, 0b0101, 0b1101
DATA0, DATA1 = 0b0011, 0b1011
ACK, NAK, STALL = 0b0010, 0b1010, 0b1110
PACKET_BYTES = 64
TIMEOUT_BITS = 16
"""Shortest wait of a host for an answer, in bits from the end of its packet (7.1.19.1)."""


def crc(bits: list[int], width: int, polynomial: int) -> list[int]:
    """The check bits of others, as they go over the wire (8.3.5)."""
    register = (1 << width) - 1
    for bit in bits:
        top = register >> (width - 1)
        register = register << 1 & (1 << width) - 1
        if top ^ bit:
            register ^= polynomial
    return [1 - (register >> place & 1) for place in reversed(range(width))]


def to_bits(data: bytes) -> list[int]:
    """Bits of bytes, the lowest first."""
    return [byte >> place & 1 for byte in data for place in range(8)]


def to_bytes(bits: list[int]) -> bytes:
    """Bytes of bits, the inverse of `to_bits`; the bits must make whole bytes."""
    assert len(bits) % 8 == 0
    return bytes(
        sum(bit << place for place, bit in enumerate(bits[start : start + 8]))
        for start in range(0, len(bits), 8)
    )


def pid_bits(pid: int) -> list[int]:
    """Bits of a packet's first byte: its PID, then the PID inverted."""
    return to_bits(bytes([pid | (~pid & 0xF) << 4]))


def token(pid: int, address: int, endpoint: int) -> list[int]:
    """A packet that asks."""
    field = [address >> place & 1 for place in range(7)]
    field += [endpoint >> place & 1 for place in range(4)]
    return pid_bits(pid) + field + crc(field, 5, 0b00101)


def data_packet(pid: int, data: bytes) -> list[int]:
    """A packet with bytes."""
    return pid_bits(pid) + to_bits(data) + crc(to_bits(data), 16, 0x8005)


def levels(bits: list[int]) -> str:
    """Levels of a packet on the wires, from the first K to the J behind its end."""
    level, ones, said = "J", 0, ""
    for bit in [0] * 7 + [1] + bits:
        for each in [bit, 0] if bit and ones == 5 else [bit]:
            ones = ones + 1 if each else 0
            level = level if each else "JK"[level == "J"]
            said += level
    return said + "__J"


def bits_of(said: str) -> list[int]:
    """The bits of a packet, of its levels from the first K to before the end."""
    bits, ones, before = [], 0, "J"
    for level in said:
        bit = int(level == before)
        before = level
        if ones == 6:
            assert not bit, "a bit that must be there is not"
        else:
            bits.append(bit)
        ones = ones + 1 if bit else 0
    assert bits[:8] == [0] * 7 + [1], "no sync"
    return bits[8:]


class UsbHost:
    """A host with one device.

    Parameters
    ----------
    ctx : SimulatorContext
        Context of the testbench that speaks for the host.
    drive : callable
        Puts levels on the wires; None lets go of them.
    sample : callable
        Returns the levels on the wires.
    error : float
        Share by which its bits are too long; 0.0025 at most (7.1.11).
    spoils : callable
        True if the next packet of a kind is spoilt on its way: `"out"`, `"in"` or `"ack"`.

    Attributes
    ----------
    bits : float
        Bit times since it was made.
    waits : list of float
        Bit times from the end of each packet to the device's answer.
    packets : list of int
        Lengths of data packets from the device.
    naks : int
        Number of times that the device had no data to send, or no room for data.
    """

    def __init__(
        self,
        ctx: Any,
        drive: Callable[[Any, int | None], None],
        sample: Callable[[Any], int],
        error: float = 0.0,
        spoils: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._ctx, self._drive, self._sample = ctx, drive, sample
        self._bit, self._spoils = BIT * (1 + error), spoils
        self.address = 0
        self._toggles: dict[tuple[int, int], int] = {}
        self.bits = 0.0
        self.waits: list[float] = []
        self.packets: list[int] = []
        self.naks = 0

    async def idle(self, bits: float) -> None:
        """Let time pass."""
        self.bits += bits
        await self._ctx.delay(bits * self._bit)

    async def reset(self, bits: float = 320) -> None:
        """Reset the bus, which takes 10 ms of a real host."""
        self._drive(self._ctx, LEVELS["_"])
        await self.idle(bits)
        self._drive(self._ctx, None)
        await self.idle(100)
        self.address, self._toggles = 0, {}

    async def _say(self, bits: list[int], spoilt: bool = False) -> None:
        said = levels(bits)
        if spoilt:  # in the middle of its last byte
            said = said[:-8] + ("K" if said[-8] == "J" else "J") + said[-7:]
        for level in said:
            self._drive(self._ctx, LEVELS[level])
            await self.idle(1)
        self._drive(self._ctx, None)

    async def _hear(self) -> list[int] | None:
        """A packet's bits; None after a timeout."""
        step, waited, names = 1 / SAMPLES, 0.0, {value: name for name, value in LEVELS.items()}
        while names[self._sample(self._ctx)] != "K":
            if waited + 1 > TIMEOUT_BITS:
                return None
            waited += step
            await self.idle(step)
        # The line has been J since the last bit that was said, which is J.
        self.waits.append(waited + 1)
        said, before, phase = "", "J", 0
        while True:
            level = names[self._sample(self._ctx)]
            phase = 0 if level != before else (phase + 1) % SAMPLES
            before = level
            if phase == SAMPLES // 2 - 1:
                if level == "_":
                    break
                said += level
            await self.idle(step)
        while names[self._sample(self._ctx)] == "_":
            await self.idle(step)
        await self.idle(3)
        return bits_of(said)

    async def _handshake(self) -> int | None:
        heard = await self._hear()
        if heard is None:
            return None
        assert len(heard) == 8
        pid = to_bytes(heard)[0]
        assert pid & 0xF == ~(pid >> 4) & 0xF
        return pid & 0xF

    async def ask(self, pid: int, endpoint: int, spoilt: bool = False) -> None:
        """Say a token."""
        await self._say(token(pid, self.address, endpoint), spoilt)
        await self.idle(3)

    async def give(self, endpoint: int, data: bytes, pid: int = OUT) -> None:
        """Say a data packet until it is taken."""
        key = endpoint, OUT
        if pid == SETUP:
            self._toggles[key], self._toggles[endpoint, IN] = 0, 1
        for _ in range(200):
            await self.ask(pid, endpoint)
            toggle = DATA1 if self._toggles.get(key, 0) else DATA0
            await self._say(data_packet(toggle, data), self._spoils("out"))
            answer = await self._handshake()
            if answer == ACK and not self._spoils("ack"):
                self._toggles[key] = 1 - self._toggles.get(key, 0)
                return
            assert answer in (ACK, NAK, None), f"{answer=}"
            self.naks += answer == NAK
            await self.idle(3)
        raise AssertionError("the device takes nothing")

    async def take(self, endpoint: int) -> bytes | None:
        """A data packet, or None if the device has no data to send."""
        while True:
            await self.ask(IN, endpoint)
            heard = await self._hear()
            assert heard is not None, "no answer"
            pid, bits = to_bytes(heard[:8])[0] & 0xF, heard[8:]
            if pid == NAK:
                self.naks += 1
                return None
            assert pid in (DATA0, DATA1), f"{pid=}"
            data = to_bytes(bits[:-16])
            assert bits[-16:] == crc(to_bits(data), 16, 0x8005)
            if self._spoils("in"):  # it has not heard it
                continue
            if not self._spoils("ack"):
                await self._say(pid_bits(ACK))
                await self.idle(3)
            key = endpoint, IN
            if pid != (DATA1 if self._toggles.get(key, 0) else DATA0):
                continue  # it had that one
            self._toggles[key] = 1 - self._toggles.get(key, 0)
            self.packets.append(len(data))
            return data

    async def _taken(self, endpoint: int) -> bytes:
        for _ in range(200):
            if (data := await self.take(endpoint)) is not None:
                return data
            await self.idle(50)
        raise AssertionError("the device gives nothing")

    async def read(self, request: bytes) -> bytes:
        """A control transfer that asks for bytes."""
        await self.give(0, request, SETUP)
        wanted, got = int.from_bytes(request[6:], "little"), b""
        while True:
            data = await self._taken(0)
            got += data
            if len(data) < PACKET_BYTES or len(got) >= wanted:
                break
        self._toggles[0, OUT] = 1
        await self.give(0, b"")
        return got

    async def write(self, request: bytes, data: bytes = b"") -> None:
        """A control transfer to the device, with or without data bytes."""
        await self.give(0, request, SETUP)
        self._toggles[0, OUT] = self._toggles[0, IN] = 1
        if data:
            await self.give(0, data)
        assert await self._taken(0) == b""

    async def exchange(self, endpoint: int, data: bytes, answer: Callable[[bytes], bool]) -> bytes:
        """Bulk transfers: give all bytes, and take the device's until `answer` accepts them."""
        got = b""
        for _ in range(500):
            if data:
                await self.give(endpoint, data[:PACKET_BYTES])
                data = data[PACKET_BYTES:]
            got += await self.take(endpoint) or b""
            if not data and answer(got):
                return got
        raise AssertionError(f"the device gave {got!r} alone")


def request(kind: int, code: int, value: int = 0, index: int = 0, length: int = 0) -> bytes:
    """A request of chapter 9."""
    words = (value, index, length)
    return bytes([kind, code]) + b"".join(word.to_bytes(2, "little") for word in words)


async def enumerate_device(host: UsbHost) -> tuple[bytes, bytes]:
    """Reset, address and configure a new device, as a host does; return its descriptors."""
    await host.reset()
    await host.read(request(0x80, 6, 0x100, length=64))
    await host.write(request(0, 5, 42))
    host.address = 42
    device = await host.read(request(0x80, 6, 0x100, length=18))
    head = await host.read(request(0x80, 6, 0x200, length=9))
    whole = await host.read(request(0x80, 6, 0x200, length=int.from_bytes(head[2:4], "little")))
    await host.write(request(0, 9, whole[5]))
    await host.write(request(0x21, 0x20, length=7), b"\0\xc2\1\0\0\0\x08")
    return device, whole
