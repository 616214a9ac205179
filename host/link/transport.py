"""The byte stream between host and device, whatever carries it."""

from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from allspin.hdl.link.protocol import MAX_WINDOW
from allspin.host.data.files import Closing
from allspin.sim.errors import UserError, check_range, one_line, refused
from allspin.sim.parameters import Parameters, option
from allspin.sim.systems import SystemModule

serial, list_ports = map(SystemModule, ("serial", "serial.tools.list_ports"))

if TYPE_CHECKING:
    from allspin.hdl.link.uart import UartParameters

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
    baud : int or None
        Bits a second of a serial port; None where the stream has no such rate.
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


# A board on a serial port.

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


def usb_devices() -> dict[str, str]:
    """Vendor and product of the USB device behind each serial port that has one: 0403:6010."""
    ports = list_ports.comports()
    return {each.device: f"{each.vid:04x}:{each.pid:04x}" for each in ports if each.vid is not None}


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
        # Linux: a bridge of FTDI's then hands over what it has after 1 ms in place of 16.
        if hasattr(self._port, "set_low_latency_mode"):
            with suppress(ValueError, OSError):  # no such driver
                self._port.set_low_latency_mode(True)

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Send all of `data`, which the window keeps short, and return what has arrived."""
        try:
            if data:
                self._port.write(data)
            # Where nothing is sent, it waits for a byte.
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
    """The operating system's error behind pyserial's, which repeats it in other words."""
    inner = error.__cause__ or error.__context__
    if isinstance(error, serial.SerialException) and isinstance(inner, OSError):
        return _cause(inner)
    return error


# How a board's UART is spoken to.

VIRTUAL_FREQUENCY = 12_000_000
"""Clock in Hz of the virtual board unless another is named: four clocks a bit at most."""
MIN_FREQUENCY, MAX_FREQUENCY = 100_000, 1_000_000_000
MAX_CLOCK_ERROR = 10.0
"""Percent. UARTs are lost well before."""


@dataclass(frozen=True)
class UartOptions(Parameters):
    """Baud rate of a board's UART; for the virtual board also its clocks.

    Parameters
    ----------
    baud : int, optional
        Baud rate, 9600 to 12,000,000; None for what boards with such a USB device have, and
        3,000,000 for the virtual board.
    clock_error : float
        Percent by which the host's bits are longer than the virtual board's, -10 to 10.
    frequency : int
        Hz of the virtual board's clock, which its UART divides, 100,000 to 1,000,000,000.

    Raises
    ------
    ValueError
        If a value is outside its range; the message begins with its name.
    """

    baud: int | None = field(
        default=None,
        metadata={"low": MIN_BAUD, "high": MAX_BAUD}
        | option(
            f"bits a second of a UART (the board's; where that is not known, {DEFAULT_BAUD})", "B"
        ),
    )
    clock_error: float = field(
        default=0.0,
        metadata={"low": -MAX_CLOCK_ERROR, "high": MAX_CLOCK_ERROR}
        | option("with --uart, by how many percent the host's bits are too long (0)", "PERCENT"),
    )
    frequency: int = field(
        default=VIRTUAL_FREQUENCY,
        metadata={"low": MIN_FREQUENCY, "high": MAX_FREQUENCY}
        | option(
            f"with --uart, the virtual board's clock ({VIRTUAL_FREQUENCY})", "HZ", flag="--clock-hz"
        ),
    )

    @property
    def bit_clocks(self) -> float:
        """Clocks of the virtual board that a bit of the host takes."""
        return self.frequency / (self.baud or DEFAULT_BAUD) * (1 + self.clock_error / 100)

    def parameters(self) -> "UartParameters":
        """The virtual board's side.

        Raises
        ------
        UserError
            If its clock makes no such rate.
        """
        from allspin.hdl.link.uart import UartParameters

        with refused():
            return UartParameters.from_rates(self.frequency, self.baud or DEFAULT_BAUD)
