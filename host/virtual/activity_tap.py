"""Activity of a virtual board's engine: traces in files, and a pipe that is read while it runs."""

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.data.closing import Closing
from allspin.host.virtual.board import PIPE_BYTES, fcntl, select


def read_trace(path: Path) -> npt.NDArray[np.uint64]:
    """Return the engine's activity of each clock, from a file that the board wrote.

    Returns
    -------
    ndarray of uint64, shape (clocks,)
        Layer k has bits 4k to 4k + 3: an event was taken, it was its image's last, a sum was
        taken, it was its image's last.
    """
    return np.fromfile(path, dtype="<u8")


WORD = 8
"""Bytes of a clock's word."""
ALL_CLOCKS = 1 << 62
"""More clocks than any board runs for."""
KEPT = 1 << 18
"""Most clocks that are kept."""
QUIET = 1024
"""Clocks without activity that end an image: more than the program buffers before it writes."""
WAIT = 0.2
"""Seconds between two checks for the tap's end."""


class ActivityTap(Closing):
    """Pipe that receives the engine's activity of a virtual board while it runs.

    `VirtualTransport` takes `trace`. A thread empties the pipe, so that the board never waits.

    Attributes
    ----------
    trace : tuple of Path and int
        Path that the board writes to, and for how many clocks.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="allspin-")
        path = Path(self._folder.name) / "activity"
        os.mkfifo(path, 0o600)
        # The board could not open its end if this one were not open.
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._file, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.trace = (path, ALL_CLOCKS)
        self._changed = threading.Condition()
        self._bytes = bytearray()
        self._ended = False
        self._thread = threading.Thread(target=self._empty, daemon=True)
        self._thread.start()

    def _empty(self) -> None:
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        while not self._ended:
            ready = poll.poll(WAIT * 1000)
            content = os.read(self._file, PIPE_BYTES) if ready else b""
            if ready and not content:
                break  # the board has ended
            with self._changed:
                self._bytes += content
                if len(self._bytes) > 2 * KEPT * WORD:
                    del self._bytes[: len(self._bytes) // WORD * WORD - KEPT * WORD]
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _is_quiet(self) -> bool:
        return self._ended or not any(self._bytes[-QUIET * WORD :])

    def clear(self, timeout: float) -> bool:
        """Discard the activity of earlier images, once it is over; no image may be under way.

        Parameters
        ----------
        timeout : float
            Seconds to wait for its end.

        Returns
        -------
        bool
            True if it was over in time.
        """
        with self._changed:
            over = self._changed.wait_for(self._is_quiet, timeout)
            del self._bytes[: len(self._bytes) // WORD * WORD]
            return over and not self._ended

    def take(self, last: int, timeout: float) -> npt.NDArray[np.uint64] | None:
        """Return the engine's activity for one image since `clear`.

        Parameters
        ----------
        last : int
            Bit of the activity's word that marks the image's end.
        timeout : float
            Seconds to wait for it.

        Returns
        -------
        ndarray of uint64, shape (clocks,), or None
            Words from the first activity to the end, as of `read_trace`; None after the time-out.
        """

        def whole() -> list[npt.NDArray[np.uint64]] | bool:
            size = len(self._bytes) // WORD * WORD
            words = np.frombuffer(bytes(self._bytes[:size]), "<u8")
            ends = np.flatnonzero(words >> np.uint64(last) & np.uint64(1))
            if ends.size:
                return [words[np.flatnonzero(words)[0] : ends[0] + 1]]
            return self._ended

        with self._changed:
            found = self._changed.wait_for(whole, timeout)
        return found[0] if isinstance(found, list) else None

    def close(self) -> None:
        """End the thread; the board must have ended before."""
        self._ended = True
        self._thread.join()
        os.close(self._file)
        self._folder.cleanup()
