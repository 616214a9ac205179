"""Injection of faults into a link: bits that flip, frames that get lost, boards that are reset."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from allspin.hdl.link.protocol import MAX_WINDOW
from allspin.host.link.transport import Transport
from allspin.sim.errors import check_number, check_range

TIMEOUT = 0.25
"""Seconds after which an answer is given up: long for a simulated board, short for tests."""
LATENCY = 0.03
"""Seconds within which an answer usually comes."""
MOST_UNDER_WAY = 4 * MAX_WINDOW
"""Bytes that are taken before the board has taken them: more than a host with a window sends."""
MOST_UNANSWERED = 1024
"""Frames that are remembered for a reset."""
_ZERO = b"\0"
Board = TypeVar("Board", bound=Transport)
_DRAWS_OF_FLIPS, _DRAWS_OF_DAMAGE, _DRAWS_OF_RESETS = range(3)


def _check_frames(name: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        check_range(name, number, 1, 2**63 - 1)


@dataclass(frozen=True)
class WireFaults:
    """Faults of one direction of a link.

    Parameters
    ----------
    flip : float
        Probability that a byte has one of its bits flipped, 0 to 1; zero bytes too.
    drop : tuple of int
        Frames that get lost whole.
    damage : tuple of int
        Frames of which one bit is flipped, anywhere but in the closing zero, unless they are lost.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    flip: float = 0.0
    drop: tuple[int, ...] = ()
    damage: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_number("flip", self.flip, 0, 1)
        _check_frames("drop", self.drop)
        _check_frames("damage", self.damage)


NO_FAULTS = WireFaults()


@dataclass(frozen=True)
class Faults:
    """Faults of a link, and resets of the board behind it.

    Parameters
    ----------
    to_device, to_host : WireFaults
        Each direction's.
    reset_after : tuple of int
        Numbers of answers since the link was opened after which the board is reset. A part of the
        frames under way to it gets lost then; the rest reaches the board as it is after power-on.
    seed : int
        Names every draw, 0 to 2^32 - 1.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    to_device: WireFaults = NO_FAULTS
    to_host: WireFaults = NO_FAULTS
    reset_after: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        _check_frames("reset_after", self.reset_after)
        check_range("seed", self.seed, 0, 2**32 - 1)


class FaultyWire:
    """One direction of a link, which loses and damages frames.

    Parameters
    ----------
    faults : WireFaults
        Faults of the direction.
    seed : sequence of int
        Names the draws; every wire has its own.

    Attributes
    ----------
    frames : int
        Frames that were sent whole so far.
    flipped : int
        Bits that `WireFaults.flip` flipped.
    dropped, damaged : int
        Frames that were, because `WireFaults` names them.
    """

    def __init__(self, faults: WireFaults, seed: Sequence[int]) -> None:
        self.frames = self.flipped = self.dropped = self.damaged = 0
        self._flip_probability = faults.flip
        self._drop, self._damage = frozenset(faults.drop), frozenset(faults.damage)
        self._seed = seed
        self._draws = np.random.default_rng([*seed, _DRAWS_OF_FLIPS])
        self._until_flip = self._gap()
        self._open = False  # within a frame
        self._held = b""  # of a frame that will be damaged: where, its length decides

    def carry(self, data: bytes) -> bytes:
        """The next bytes, as the wire leaves them.

        Parameters
        ----------
        data : bytes
            The stream's next bytes, cut anywhere.
        """
        return b"".join(self._flip(self._whole_or_not(piece)) for piece in _pieces(data))

    def _whole_or_not(self, piece: bytes) -> bytes:
        """Return the rest of a piece of a frame after drops and damages."""
        closes = piece.endswith(_ZERO)
        self._open |= len(piece) > closes
        if not self._open:
            return piece  # no frame, but a zero
        number = self.frames + 1
        self.frames += closes
        self._open = not closes
        if number in self._drop:
            self.dropped += closes
            return b""
        if number not in self._damage:
            return piece
        self._held += piece
        if not closes:
            return b""
        self.damaged += 1
        frame, self._held = bytearray(self._held), b""
        draws = np.random.default_rng([*self._seed, _DRAWS_OF_DAMAGE, number])
        place, bit = divmod(int(draws.integers(8 * (len(frame) - 1))), 8)
        frame[place] ^= 1 << bit
        return bytes(frame)

    def _flip(self, data: bytes) -> bytes:
        left = bytearray(data)
        place = self._until_flip
        while place < len(left):
            left[int(place)] ^= 1 << int(self._draws.integers(8))
            self.flipped += 1
            place += 1 + self._gap()
        self._until_flip = place - len(left)
        return bytes(left)

    def _gap(self) -> float:
        """Bytes that stay whole before the next that does not."""
        if self._flip_probability == 0:
            return float("inf")
        return int(self._draws.geometric(self._flip_probability)) - 1


def _pieces(data: bytes) -> list[bytes]:
    """The stream cut behind each zero."""
    *closed, rest = data.split(_ZERO)
    return [piece + _ZERO for piece in closed] + [rest] * bool(rest)


class FaultyTransport(Transport, Generic[Board]):
    """Stream that loses and damages frames, to a board that is reset.

    It behaves like a serial port: only the window holds the sender back, and after a short silence
    a host asks again.

    Parameters
    ----------
    power_on : callable
        Opens the stream to the board as it is after power-on: now, and for each reset.
    faults : Faults
        Faults of the stream.
    timeout : float
        See `Transport`.

    Attributes
    ----------
    board : Transport
        Stream to the present board, which `power_on` returned last.
    to_device, to_host : FaultyWire
        Each direction, with its counts.
    resets : int
        Resets so far.
    """

    advice = "its faults may be too many"

    def __init__(
        self, power_on: Callable[[], Board], faults: Faults, timeout: float = TIMEOUT
    ) -> None:
        self.latency = min(LATENCY, timeout)
        self.timeout = self.probe_timeout = timeout
        self.resets = 0
        self._power_on = power_on
        self.to_device = FaultyWire(faults.to_device, [faults.seed, 0])
        self.to_host = FaultyWire(faults.to_host, [faults.seed, 1])
        self._draws = np.random.default_rng([faults.seed, _DRAWS_OF_RESETS])
        self._reset_after = deque(sorted(set(faults.reset_after)))
        self._waiting = bytearray()  # bytes that the board has not taken
        self._begun = b""  # of a frame of which it has taken a part
        self._unanswered: deque[bytes] = deque(maxlen=MOST_UNANSWERED)  # frames that it has taken
        self.board = power_on()
        self.name = self.board.name

    @property
    def requests(self) -> int:
        """Requests so far."""
        return self.to_device.frames

    @property
    def answers(self) -> int:
        """Answers so far."""
        return self.to_host.frames

    @property
    def pending(self) -> bool:
        """True if bytes wait for the board."""
        return bool(self._waiting)

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Take bytes if the buffer has room, and return the bytes of the board that are left."""
        taken = 0
        if len(self._waiting) < MOST_UNDER_WAY:
            self._waiting += self.to_device.carry(data)
            taken = len(data)
        # The sender does not notice dropped bytes.
        patience = 0.0 if taken and not self._waiting else timeout
        sent, received = self.board.exchange(bytes(self._waiting), patience)
        *frames, self._begun = (self._begun + self._waiting[:sent]).split(_ZERO)
        self._unanswered += [frame + _ZERO for frame in frames if frame]
        del self._waiting[:sent]
        left = b""
        for piece in _pieces(received):
            before = self.to_host.frames
            left += self.to_host.carry(piece)
            if self.to_host.frames > before and self._unanswered:
                self._unanswered.popleft()
            if self._reset_after and self.to_host.frames >= self._reset_after[0]:
                self._reset_after.popleft()
                self.reset()
                break  # the rest was never sent
        return taken, left

    def reset(self) -> None:
        """Reset the board, as if by its button; some unanswered frames are lost."""
        self.board.close()
        self.board = self._power_on()
        lost = int(self._draws.integers(len(self._unanswered) + 1))
        # Later frames are still on the wire.
        self._waiting[:0] = b"".join([*self._unanswered][lost:]) + self._begun
        self._unanswered.clear()
        self._begun = b""
        self.resets += 1

    def close(self) -> None:
        """Close the stream to the board."""
        self.board.close()
