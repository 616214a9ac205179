"""The byte stream between host and device, whatever carries it."""

from abc import abstractmethod

from allspin.host.data.closing import Closing
from allspin.sim.errors import UserError

BITS_PER_BYTE = 10
"""On a UART's wire: a start bit, eight data bits, a stop bit."""


class Disconnected(UserError):
    """The other end of the stream is gone; the message is one line that says how."""


class Transport(Closing):
    """A byte stream to a device.

    Attributes
    ----------
    name : str
        What messages call the other end.
    holds_back : bool
        The stream takes no more than the device can; no window is needed.
    latency : float
        Seconds within which an answer usually comes; behind the last request that is sent,
        one that does not is asked for again.
    timeout : float
        Seconds after which an answer does not come any more.
    probe_timeout : float
        The same for the first question, which there may be nobody to answer.
    simulation : float
        How much longer than a board one whose time is simulated may take.
    attempts : int
        After how many time-outs without a frame the device counts as silent.
    advice : str
        What may help where nothing answers.
    """

    name: str
    holds_back: bool = False
    latency: float = 0.1
    timeout: float = 1.0
    probe_timeout: float = 1.0
    simulation: float = 1.0
    attempts: int = 4
    advice: str = "is it on, and connected?"

    @abstractmethod
    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Send what can be sent at once, and return what has been received.

        Parameters
        ----------
        data : bytes
            Bytes to send; may be empty.
        timeout : float
            Seconds to wait for the stream to take or give anything.

        Returns
        -------
        sent : int
            How many bytes of `data` the stream took.
        received : bytes
            What arrived; empty if nothing did in time.

        Raises
        ------
        Disconnected
            If the other end is gone.
        """

    def start_stopwatch(self) -> None:
        """Let the next byte that is sent start the count of `elapsed_clocks`."""

    def elapsed_clocks(self) -> int | None:
        """Clocks of the device from the stopwatch's start to the last byte that it sent.

        None where they are not known: only simulated time has such a count.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Let go of the device; harmless when done twice."""
