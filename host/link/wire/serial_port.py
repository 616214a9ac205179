"""A board on a serial port."""

import serial
from serial.tools import list_ports

from allspin.hdl.link.protocol import MAX_WINDOW
from allspin.host.link.wire.transport import BITS_PER_BYTE, Disconnected, Transport
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range

DEFAULT_BAUD = 3_000_000
MIN_BAUD = 9600
MAX_BAUD = 12_000_000
LATENCY = 0.3
"""Seconds that an answer may take besides the bytes' own time: USB bridges and schedulers."""
USUAL_LATENCY = 0.05
"""Seconds that it usually takes at most: a USB bridge hands over what it has every 16 ms."""
SIMULATION = 10.0
"""How much longer a simulated board behind a port may take, on a busy machine."""
USUAL_WINDOW = 2048
"""Bytes that are usually under way either way, at most."""

PROBE_TIMEOUT = 0.4
"""Seconds for an identity of some fifty bytes to come, at any legal baud rate."""
POLL = 0.02
"""Seconds that a read waits for its first byte."""


def serial_ports() -> list[str]:
    """Names of the serial ports of this machine."""
    return sorted(port.device for port in list_ports.comports())


class SerialTransport(Transport):
    """A serial port, 8N1.

    Parameters
    ----------
    port : str
        Its name.
    baud : int
        Bits a second, 9600 to 12,000,000.

    Raises
    ------
    UserError
        If there is no such port, or it is in use, or it does not run at that speed.
    """

    advice = "is the board flashed, and the baud rate right?"
    simulation = SIMULATION

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self.name = port
        check_range("baud", baud, MIN_BAUD, MAX_BAUD)
        self.latency = USUAL_LATENCY + 2 * USUAL_WINDOW * BITS_PER_BYTE / baud
        # A whole window may be under way in either direction before an answer is complete.
        self.timeout = LATENCY + 2 * MAX_WINDOW * BITS_PER_BYTE / baud
        self.probe_timeout = PROBE_TIMEOUT
        try:
            self._port = serial.Serial(port, baud, timeout=POLL, write_timeout=self.timeout)
        except (serial.SerialException, OSError, ValueError) as error:
            raise UserError(
                f"cannot open the serial port {port} at {baud} baud: {_reason(error)}"
            ) from error
        try:
            self._port.exclusive = True
            self._port.reset_input_buffer()
        except (serial.SerialException, OSError) as error:
            self._port.close()
            raise UserError(
                f"cannot use the serial port {port}: {_reason(error)}; is it in use?"
            ) from error

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Send all of `data`, which the window keeps short, and return what has arrived."""
        try:
            if data:
                self._port.write(data)
                received = b""
            else:
                received = self._port.read(1)
            waiting = self._port.in_waiting
            if waiting:
                received += self._port.read(waiting)
        except (serial.SerialException, OSError) as error:
            raise Disconnected(f"the serial port {self.name} is gone ({_reason(error)})") from error
        return len(data), received

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _reason(error: Exception) -> str:
    """The operating system's words, without pyserial's around them."""
    cause = error
    while cause is not None:
        if (
            isinstance(cause, OSError)
            and cause.strerror
            and not isinstance(cause, serial.SerialException)
        ):
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return " ".join(str(error).split())
