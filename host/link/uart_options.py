"""Options of a UART: baud rate, and for the virtual board its clock and the host's error."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allspin.host.link.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.host.options import Options
from allspin.sim.errors import refused
from allspin.sim.parameters import number

if TYPE_CHECKING:
    from allspin.hdl.link.uart import UartParameters

VIRTUAL_FREQUENCY = 12_000_000
"""Default clock of the virtual board in Hz: at least four clocks a bit."""
MIN_FREQUENCY = 100_000
MAX_FREQUENCY = 1_000_000_000
MAX_CLOCK_ERROR = 10.0
"""Percent; UARTs fail well below it."""


@dataclass(frozen=True)
class UartOptions(Options):
    """Baud rate of a board's UART; for the virtual board also its clocks.

    Parameters
    ----------
    baud : int, optional
        Baud rate, 9600 to 12,000,000; None for the usual one of boards with such a USB device,
        and 3,000,000 for the virtual board.
    clock_error : float
        Excess length of the host's bits over the virtual board's in percent, -10 to 10.
    frequency : int
        Clock of the virtual board in Hz, which its UART divides, 100,000 to 1,000,000,000.

    Raises
    ------
    ValueError
        If a value is outside its range; the message begins with its name.
    """

    baud: int | None = number(None, MIN_BAUD, MAX_BAUD)
    clock_error: float = number(0.0, -MAX_CLOCK_ERROR, MAX_CLOCK_ERROR)
    frequency: int = number(VIRTUAL_FREQUENCY, MIN_FREQUENCY, MAX_FREQUENCY)

    @property
    def bit_clocks(self) -> float:
        """Length of the host's bits in clocks of the virtual board."""
        return self.frequency / (self.baud or DEFAULT_BAUD) * (1 + self.clock_error / 100)

    def parameters(self) -> "UartParameters":
        """Return the parameters of the virtual board's UART.

        Raises
        ------
        UserError
            If its clock cannot make the rate.
        """
        # The command line reads these options without loading the gateware.
        from allspin.hdl.link.uart import UartParameters

        with refused():
            return UartParameters.from_rates(self.frequency, self.baud or DEFAULT_BAUD)
