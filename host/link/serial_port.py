"""Boards on a serial port."""

from contextlib import suppress

from allspin.hdl.link.protocol import MAX_WINDOW
from allspin.host.link.transport import BITS_PER_BYTE, Disconnected, Transport
from allspin.sim.errors import UserError, check_range, one_line
from allspin.sim.systems import SystemModule

serial, list_ports = map(SystemModule, ("serial", "serial.tools.list_ports"))

DEFAULT_BAUD = 3_000_000
MIN_BAUD = 9600
MAX_BAUD = 12_000_000
LATENCY = 0.3
"""Most seconds of an answer's delay, beyond its bytes' time: USB bridges and schedulers."""
USUAL_LATENCY = 0.05
"""Usual most of it: a USB bridge hands its bytes over every 16 ms."""
SIMULATION = 10.0
"""Factor by which a simulated board behind a port may be slower, on a busy machine."""
USUAL_WINDOW = 2048
"""Usual most of the bytes under way in either direction."""

PROBE_TIMEOUT = 0.4
"""Seconds for an identity of some fifty bytes, at any legal baud rate."""
POLL = 0.02
"""Seconds that a read waits for its first byte."""


def serial_ports() -> list[str]:
    """Return the names of this computer's serial ports."""
    return sorted(port.device for port in list_ports.comports())


def usb_devices() -> dict[str, str]:
    """Return vendor and product, such as 0403:6010, of the USB device behind each serial port."""
    ports = list_ports.comports()
    return {each.device: f"{each.vid:04x}:{each.pid:04x}" for each in ports if each.vid is not None}


class SerialTransport(Transport):
    """Serial port, 8N1.

    Parameters
    ----------
    port : str
        Name of the port.
    baud : int
        Bits a second, 9600 to 12,000,000.

    Raises
    ------
    UserError
        If the port does not exist, is in use, or does not run at that speed.
    """

    advice = "is the board flashed, and the baud rate right?"
    simulation = SIMULATION

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self.name = port
        self.baud = check_range("baud", baud, MIN_BAUD, MAX_BAUD)
        self.latency = USUAL_LATENCY + 2 * USUAL_WINDOW * BITS_PER_BYTE / baud
        # A whole window may be under way in either direction before an answer is complete.
        self.timeout = LATENCY + 2 * MAX_WINDOW * BITS_PER_BYTE / baud
        self.probe_timeout = PROBE_TIMEOUT
        try:
            self._port = serial.Serial(
                port, baud, timeout=POLL, write_timeout=self.timeout, exclusive=True
            )
        except (OSError, ValueError) as error:
            cause = _cause(error)
            advice = "; is it in use?" if isinstance(cause, BlockingIOError) else ""
            raise UserError(
                f"cannot open the serial port {port} at {baud} baud: {one_line(cause)}{advice}"
            ) from error
        # On Linux a bridge of FTDI's then hands its bytes over after 1 ms in place of 16.
        if hasattr(self._port, "set_low_latency_mode"):
            with suppress(ValueError, OSError):  # no such driver
                self._port.set_low_latency_mode(True)

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Send all of `data`, which the window keeps short, and return the bytes received."""
        try:
            if data:
                self._port.write(data)
            # Without bytes to send, it waits for one.
            received = self._port.read(0 if data else 1)
            received += self._port.read(self._port.in_waiting)
        except OSError as error:
            raise Disconnected(
                f"the serial port {self.name} is gone ({one_line(_cause(error))})"
            ) from error
        return len(data), received

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _cause(error: BaseException) -> BaseException:
    """Return the operating system's error behind pyserial's, which rewords it."""
    inner = error.__cause__ or error.__context__
    if isinstance(error, serial.SerialException) and isinstance(inner, OSError):
        return _cause(inner)
    return error
