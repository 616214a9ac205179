"""Pins of a netlist that a simulation drives and reads."""

from dataclasses import dataclass
from typing import Self

from allspin.boards.board import Board


@dataclass(frozen=True)
class Pins:
    """Names of a netlist's ports, each of one bit.

    Parameters
    ----------
    clock, rx, tx : str
        Ports of the clock and the UART.
    low, high : tuple of str
        Inputs that are held at a level.
    """

    clock: str
    rx: str
    tx: str
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()

    @classmethod
    def of_board(cls, board: Board) -> Self:
        """Return the pins of a whole board, whose ports Amaranth names after its resources."""
        platform = board.create_platform()
        low: tuple[str, ...] = ()
        high: tuple[str, ...] = ()
        reset = platform.default_rst
        if reset is not None:
            low = (f"{reset}_0__io",)
            if platform.lookup(reset).ios[0].invert:  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
                high = low
                low = ()
        uart = f"{board.uart}_0"
        return cls(f"{board.clock_name}_0__io", f"{uart}__rx__io", f"{uart}__tx__io", low, high)
