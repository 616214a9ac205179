"""How a board's UART is spoken to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allspin.host.link.wire.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.sim.errors import refused
from allspin.sim.network.levels import check_range

if TYPE_CHECKING:
    from allspin.hdl.link.uart import UartParameters

VIRTUAL_FREQUENCY = 12_000_000
"""Clock in Hz of the virtual board unless another is named: four clocks a bit at most."""
MIN_FREQUENCY, MAX_FREQUENCY = 100_000, 1_000_000_000
MAX_CLOCK_ERROR = 10.0
"""Percent. UARTs are lost well before."""


@dataclass(frozen=True)
class UartOptions:
    """Baud rate of a board's UART; for the virtual board also its clocks.

    Parameters
    ----------
    baud : int
        Baud rate, 9600 to 12,000,000.
    clock_error : float
        Percent by which the host's bits are longer than the virtual board's, -10 to 10.
    frequency : int
        Hz of the virtual board's clock, which its UART divides, 100,000 to 1,000,000,000.

    Raises
    ------
    ValueError
        If a value is outside its range; the message begins with its name.
    """

    baud: int = DEFAULT_BAUD
    clock_error: float = 0.0
    frequency: int = VIRTUAL_FREQUENCY

    def __post_init__(self) -> None:
        check_range("baud", self.baud, MIN_BAUD, MAX_BAUD)
        check_range("frequency", self.frequency, MIN_FREQUENCY, MAX_FREQUENCY)
        if not abs(self.clock_error) <= MAX_CLOCK_ERROR:
            raise ValueError(
                f"clock_error must be from {-MAX_CLOCK_ERROR:g} to {MAX_CLOCK_ERROR:g} percent, "
                f"not {self.clock_error:g}"
            )

    @property
    def bit_clocks(self) -> float:
        """Clocks of the virtual board that a bit of the host takes."""
        return self.frequency / self.baud * (1 + self.clock_error / 100)

    def parameters(self) -> "UartParameters":
        """The virtual board's side.

        Raises
        ------
        UserError
            If its clock makes no such rate.
        """
        from allspin.hdl.link.uart import UartParameters

        with refused():
            return UartParameters.from_rates(self.frequency, self.baud)
