"""Byte streams between host and device."""

import time
from abc import abstractmethod

from allspin.host.data.closing import Closing
from allspin.sim.errors import UserError

BITS_PER_BYTE = 10
"""Bits of a byte on a UART's wire: a start bit, eight data bits, a stop bit."""


class Disconnected(UserError):
    """Error of a stream whose other end is gone; the message is one line."""


class Transport(Closing):
    """Byte stream to a device.

    Attributes
    ----------
    name : str
        Name of the other end in messages.
    baud : int or None
        Bits a second of a serial port; None for a stream without such a rate.
    holds_back : bool
        True if the stream takes no more bytes than the device can, so that no window is needed.
    latency : float
        Seconds within which an answer usually comes; later it is asked for again.
    timeout : float
        Seconds after which an answer is given up.
    probe_timeout : float
        The same for the first question, to a port that may have no device.
    simulation : float
        Factor by which a device with simulated time may be slower than a board.
    attempts : int
        Time-outs without a frame after which the device counts as silent.
    advice : str
        Advice in the message about a silent device.
    """

    name: str
    baud: int | None = None
    holds_back: bool = False
    latency: float = 0.1
    timeout: float = 1.0
    probe_timeout: float = 1.0
    simulation: float = 1.0
    attempts: int = 4
    advice: str = "is it on, and connected?"

    @abstractmethod
    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Send bytes without waiting, and return the bytes received.

        Parameters
        ----------
        data : bytes
            Bytes to send; may be empty.
        timeout : float
            Seconds to wait for the stream to take or give anything.

        Returns
        -------
        sent : int
            Number of bytes of `data` that the stream took.
        received : bytes
            Bytes that arrived in time.

        Raises
        ------
        Disconnected
            If the other end is gone.
        """

    def clock(self) -> float:
        """Return the seconds by which silence and progress are measured, from any start."""
        return time.monotonic()

    def start_stopwatch(self) -> None:
        """Start the count of `elapsed_clocks` with the next byte that is sent."""

    def elapsed_clocks(self) -> int | None:
        """Return the device's clocks from the stopwatch's start to the last byte that it sent.

        Returns
        -------
        int or None
            None where time is not simulated.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Release the device; a second call has no effect."""
