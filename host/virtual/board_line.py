"""Line to a virtual board that can be reset, as a board is by its button."""

from collections.abc import Callable

from allspin.hdl.link.protocol import MAX_WINDOW
from allspin.host.link.transport import Transport
from allspin.host.virtual.board import VirtualTransport

TIMEOUT = 0.25
"""Seconds after which an answer is given up: long for a simulated board."""
LATENCY = 0.03
"""Seconds within which an answer usually comes."""
MOST_WAITING = 4 * MAX_WINDOW
"""Most bytes that wait for the board: more than a host with a window sends."""
DELIMITER = b"\0"


class BoardLine(Transport):
    """Stream to a virtual board, with a buffer for bytes that the board has not taken yet.

    Parameters
    ----------
    power_on : callable
        Starts a board as it is after power-on: now, and for each reset.

    Attributes
    ----------
    board : VirtualTransport
        The board that runs now.
    requests, answers : int
        Frames so far in each direction.
    """

    def __init__(self, power_on: Callable[[], VirtualTransport]) -> None:
        self.latency = LATENCY
        self.timeout = TIMEOUT
        self.probe_timeout = TIMEOUT
        self.requests = 0
        self.answers = 0
        self._power_on = power_on
        self._waiting = b""
        self.board = power_on()
        self.name = self.board.name

    @property
    def pending(self) -> bool:
        """True if bytes wait for the board."""
        return bool(self._waiting)

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Buffer bytes for the board if it has room, and return the bytes that it sent."""
        taken = 0
        if len(self._waiting) < MOST_WAITING:
            self._waiting += data
            self.requests += data.count(DELIMITER)
            taken = len(data)
        sent, received = self.board.exchange(self._waiting, timeout)
        self._waiting = self._waiting[sent:]
        self.answers += received.count(DELIMITER)
        return taken, received

    def reset(self) -> None:
        """Replace the board by one as after power-on; requests that it has not answered are lost.

        Bytes that it has not taken reach the new board, as they would over a wire.
        """
        self.board.close()
        self.board = self._power_on()

    def close(self) -> None:
        """Close the stream to the board."""
        self.board.close()
