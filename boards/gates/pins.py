"""Which of a board's pins the simulation drives and reads."""

from dataclasses import dataclass
from typing import Self

from allspin.boards.board import Board


@dataclass(frozen=True)
class Pins:
    """Ports of a netlist, each of one bit.

    Parameters
    ----------
    clock, rx, tx : str
        Their names.
    low, high : tuple of str
        Inputs that are held at a level.
    """

    clock: str
    rx: str
    tx: str
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()

    @classmethod
    def of_machine(cls) -> Self:
        """Of a bare `allspin.boards.top.Top` with a UART."""
        return cls("clk", "rx", "tx", low=("rst",))

    @classmethod
    def of_board(cls, board: Board) -> Self:
        """Of a whole board, whose ports Amaranth names after its resources."""
        platform = board.create_platform()
        low: tuple[str, ...] = ()
        high: tuple[str, ...] = ()
        reset = platform.default_rst
        if reset is not None:
            released = (f"{reset}_0__io",)
            if platform.lookup(reset).ios[0].invert:  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
                high = released
            else:
                low = released
        uart = f"{board.uart}_0"
        return cls(f"{board.clock_name}_0__io", f"{uart}__rx__io", f"{uart}__tx__io", low, high)
