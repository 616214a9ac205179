"""Options of a UART: baud rate, and for the virtual board its clock and the host's error."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from allspin.host.link.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.sim.errors import refused
from allspin.sim.parameters import Parameters, option

if TYPE_CHECKING:
    from allspin.hdl.link.uart import UartParameters

VIRTUAL_FREQUENCY = 12_000_000
"""Default clock of the virtual board in Hz: at least four clocks a bit."""
MIN_FREQUENCY = 100_000
MAX_FREQUENCY = 1_000_000_000
MAX_CLOCK_ERROR = 10.0
"""Percent; UARTs fail well below it."""


@dataclass(frozen=True)
class UartOptions(Parameters):
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
